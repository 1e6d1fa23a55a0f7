"""The reference of the configuration and its JSON schema, written from the typed settings.

In a checkout: python -m grids.configuration.reference
"""

import json
from inspect import cleandoc
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from grids.base.plugins import names_in, options_of
from grids.configuration.settings import PROCEDURES, Section, Settings
from grids.degrading.parameters import specification

HEAD = """\
# Configuration

`config/config.yaml` is the embedded default. `snakemake --configfile yours.yaml` lays your values
over it, `--config seed=7` single ones (numbers inside a mapping want a file); of several files
behind one `--configfile` the last counts most. `null` takes an entry out of a mapping by name
(`degradations: {sr: null}`). `config/paper.yaml` holds the paper's scale.

`grids check yours.yaml` says beforehand whether all holds together. It names file and line where a
file is no YAML; of one behind `--configfile` Snakemake says only that a "config file is not valid
JSON or YAML", before the workflow has a say. As names, `no`, `off`, `yes`, `on` and `2024` need
quotes: YAML reads truth values and a number. In paths `~` and `$VARIABLES` stand for what they
hold.

Every key is listed here. An unknown key, a wrong type or a value out of its range is refused in one
line before any job starts; only whether a network's sizes fit together (`dim` and `heads` of
Restormer, the numbers of levels of NAFNet) is left to its training. *Default* is what counts where
no file sets a key. A change of a key runs again the rules that depend on it and no other.

Editors that speak JSON Schema complete and check the keys of a file that begins with
`# yaml-language-server: $schema=config/schema.json`, the path as seen from the file.

This file and `config/schema.json` are written from `grids/configuration/settings.py`:
`python -m grids.configuration.reference`.
"""

IMAGES = """\
A set is a folder (searched with its sub-folders), a glob, or `embedded`: five photographs that ship
inside scikit-image, each cut into vertical bands for training, PIES and test. PNG, JPEG, WebP, TIFF
and BMP, read as restoring reads them
([docs/restore.md](../docs/restore.md#what-is-read-and-how)), turned upright, laid over black and
rounded to 8 bits. Hidden files and folders, and what systems put beside photographs (`._*`,
`.thumbnails`, `@eaDir`, `__MACOSX`, `Thumbs.db`), are passed over below a folder and by the
wildcards of a glob; `grids/images/search.py` has the list. Results of the workflow, and links to
them, are no photographs.

```yaml
images: {all: ~/photographs}      # one folder, split: test set `test`
```

"""

DEGRADATIONS = """
## degradations

A mapping from names of modules in `grids/degradations/` to what differs from the module's values:

```yaml
degradations:
  jpeg: {}                  # the module's values
  gaussian_blur:
    evaluation: {sigma: 2.5}      # PIES and verification
    training: {sigma: [1.0, 4.0]} # each training patch draws its own
```

A value is a number, or `[low, high]`: each image draws its own, uniformly.

Two folders of pairs may take the place of a module, under a name that none has (docs/pairs.md):

```yaml
degradations:
  real_noise:
    pairs:
      degraded: photographs/noisy
      clean: photographs/clean
      split: {train: 0.8, pies: 0.1, test: 0.1}
```

`split` gives each part its share of the pairs, or a pattern of its pairs' names (`train: "2024*"`).

So may a chain of degradations, with values, a probability and an order (docs/chains.md):

```yaml
degradations:
  camera:
    chain: [defocus_blur, {sr: {scale: [2, 4], probability: 0.5}}, gaussian_noise, jpeg]
    order: shuffled             # given (as listed), shuffled, or one of the steps
    times: 2                    # the whole chain twice
```

| degradation | parameter | evaluation | training | possible | meaning |
|---|---|---|---|---|---|
"""

BACKBONES = """
## backbones

A mapping from names of modules in `grids/backbones/` to the options that differ from the module's.
With `weights`, a network is not trained: a file's are evaluated in its place (docs/networks.md). An
entry of another name says its `network`, so that one may be there with several sizes or procedures.

```yaml
backbones:
  airnet: {weights: weights/All.pth}
  rrdbnet: {scale: 4, weights: {file: weights/RealESRGAN_x4plus.pth, key: params_ema}}
  realesrgan: {network: rrdbnet, blocks: 4}      # training.procedure: {realesrgan: realesrgan}
```

| backbone | option | default |
|---|---|---|
"""

PROCEDURE_OPTIONS = """
## procedures

A mapping from names of modules in `grids/training/procedures/` to the options that differ from the
module's; docs/training.md tells what they do. `l1` has none.

| procedure | option | default |
|---|---|---|
"""

TABLE = "| key | default | meaning |\n|---|---|---|\n"


def document() -> str:
    """The whole reference as Markdown."""
    scalars: dict[str, FieldInfo] = {}
    sections: dict[str, type[BaseModel]] = {}
    for name, field in Settings.model_fields.items():
        if section := _section(field):
            sections[name] = section
        else:
            scalars[name] = field
    own = {"degradations", "backbones", "procedures"}
    parts = [HEAD, "\n## Top level\n\n", _table({k: f for k, f in scalars.items() if k not in own})]
    for name, section in sections.items():
        note = (
            f"{cleandoc(section.__doc__ or '')}\n\n" if section.__doc__ != Section.__doc__ else ""
        )
        note = IMAGES if name == "images" else note
        parts += [f"\n## {name}\n\n{note}", _table(section.model_fields)]
        parts += [
            _kind(name, section, key, field, inner)
            for key, field in section.model_fields.items()
            if (inner := _section(field))
        ]
    parts += [DEGRADATIONS, *_degradation_rows()]
    parts += [BACKBONES, *_option_rows("backbones")]
    parts += [PROCEDURE_OPTIONS, *_option_rows(PROCEDURES)]
    return "".join(parts)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    """The section that a field is, if it is one."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _kind(
    outer: str, section: type[BaseModel], name: str, field: FieldInfo, inner: type[BaseModel]
) -> str:
    """Table of a section within a section, whose defaults are those of its own default.

    Keys that both have of one section stand in the outer one's.
    """
    bases = {*inner.__mro__} & {*section.__mro__}
    shared = {key for base in bases if issubclass(base, Section) for key in base.model_fields}
    rows = [
        f"| `{key}` | {_code(getattr(field.default, key))} | {own.description} |\n"
        for key, own in inner.model_fields.items()
        if key not in shared
    ]
    return f"\n### {outer}.{name}\n\n{field.description}\n\n{TABLE}{''.join(rows)}"


def _table(fields: dict[str, FieldInfo]) -> str:
    rows = [
        f"| `{name}` | {_default(f)} | {f.description} |\n"
        for name, f in fields.items()
        if not _section(f)
    ]
    return TABLE + "".join(rows)


def _default(field: FieldInfo) -> str:
    return "required" if field.is_required() else _code(field.default)


def _code(value: Any) -> str:
    return f"`{json.dumps(value)}`"


def _degradation_rows() -> list[str]:
    return [
        f"| `{degradation}` | `{name}` | {_code(declared['evaluation'])} "
        f"| {_code(declared['training'])} | {' … '.join(map(str, declared['range']))} "
        f"| {declared['is']} |\n"
        for degradation in names_in("degradations")
        for name, declared in specification(degradation).items()
    ]


def _option_rows(package: str) -> list[str]:
    return [
        f"| `{name}` | `{option}` | {_code(default)} |\n"
        for name in names_in(package)
        for option, default in options_of(package, name).items()
    ]


class _Partial(GenerateJsonSchema):
    """Files lie over one another: each may leave out what another has."""

    def field_is_required(self, *_: Any, **__: Any) -> bool:
        return False

    def field_title_should_be_set(self, *_: Any, **__: Any) -> bool:
        return False


def schema() -> dict[str, Any]:
    """The JSON schema of one file of a configuration.

    It knows types, ranges and names of keys; what must hold together is left to
    `grids.configuration.checks`.
    """
    whole = Settings.model_json_schema(schema_generator=_Partial)
    # A file may take any entry out of these, the last one too: another may bring one.
    tests = whole["$defs"]["Images"]["properties"]["tests"]
    (kind,) = tests["patternProperties"]
    tests["patternProperties"][kind] = _or_null(tests["patternProperties"][kind])
    folders = {"degradations": "degradations", "backbones": "backbones", "procedures": PROCEDURES}
    for section, folder in folders.items():
        mapping = whole["properties"][section]
        entry = mapping["additionalProperties"] = _or_null(mapping["additionalProperties"])
        # By name, so that editors offer them.
        mapping["properties"] = dict.fromkeys(names_in(folder), entry)
    return {"$schema": GenerateJsonSchema.schema_dialect, **whole}


def _or_null(entry: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [entry, {"type": "null"}]}


def write(folder: Path) -> None:
    """Writes the reference and the schema into the folder `config` of a checkout."""
    (folder / "README.md").write_text(document(), encoding="utf-8")
    text = json.dumps(schema(), indent=1, ensure_ascii=False)
    (folder / "schema.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path("config"))
