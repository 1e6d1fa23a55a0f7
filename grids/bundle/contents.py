"""An export: all that is needed to restore photographs on another machine, in one folder.

bundle.json              what it is: groups, network, how photographs are described, checksums
models/GROUP.safetensors the models
models/GROUP.onnx        their graphs for runtimes without torch, with the weights in the former
mix.safetensors          one model of all degradations: for photographs that it suits better, and
                         to start trainings from
mix.onnx                 its graph
descriptor.safetensors   the network whose features give the paper's laws
selector.safetensors     what chooses: laws, the discriminant, the calibration
examples.safetensors     where asked for: small pictures of what it was fitted to (see
                         `grids.selection.examples`)
README.md                the card: how it was trained and measured
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grids.base.errors import InputError
from grids.base.files import sha256
from grids.base.plugins import names_in
from grids.jobs import places, records
from grids.selection import decision, selector_file
from grids.selection.selector_file import Arrays

# Another one wherever the selector has other arrays, or what it was fitted to is measured
# otherwise, as trials are.
FORMAT = 7
# The bundle that ships with GRIDS. The descriptor that does stands beside it, once for both.
BOX = Path(__file__).resolve().parents[1] / "packaged" / "box"
# Arguments of `grids.selection.describer.Describer`.
DESCRIBING = {"layer", "count", "law", "components", "clip"}
# What an export says of itself, by what JSON calls it.
KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "groups": (list, "a list"),
    "backbone": (str, "a string"),
    "sizes": (dict, "an object"),
    "describing": (dict, "an object"),
    "tiles": ((dict, type(None)), "an object or null"),
    "sha256": (dict, "an object"),
}
ABOUT, CARD, DESCRIPTOR, EXAMPLES, MIX, SELECTOR = (
    "bundle.json",
    "README.md",
    "descriptor.safetensors",
    "examples.safetensors",
    "mix.safetensors",
    "selector.safetensors",
)


@dataclass(frozen=True)
class Graphs:
    """The models of an export as ONNX, each beside the safetensors file that has its weights.

    Attributes:
        models: each group's file, and that of `mix`.
        needs: what the models ask of their tiles, arguments of `grids.models.tiling.Needs`.
    """

    models: dict[str, Path]
    needs: dict[str, int]


@dataclass(frozen=True)
class Bundle:
    """An export that was read.

    Attributes:
        folder: where it lies.
        groups: names of the groups, in the order of the selector's arrays.
        backbone, sizes: the network of the models and its options.
        models: each group's weights file.
        mix: weights file of the model of all degradations.
        fingerprints: the first 16 hexadecimal digits of the SHA-256 of each group's file, and of
            that of `mix`.
        descriptor: weights file of the descriptor.
        graphs: the models as ONNX, None in an export without.
        describing: how photographs are described (see `grids.selection.describer.Describer`).
        selector: arrays of `grids.selection.rule.Rule`.
        card: how it was trained and measured, Markdown.
        examples: small pictures of views that the choice was fitted to, None in an export without.
    """

    folder: Path
    groups: tuple[str, ...]
    backbone: str
    sizes: dict[str, Any]
    models: dict[str, Path]
    mix: Path
    fingerprints: dict[str, str]
    descriptor: Path
    graphs: Graphs | None
    describing: dict[str, Any]
    selector: Arrays
    card: str
    examples: Path | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all models: the groups', and `mix`, that of all degradations."""
        return (*self.groups, decision.MIX)

    def weights(self, name: str) -> Path:
        """Weights file of a group's model or of `mix`."""
        return self.mix if name == decision.MIX else self.models[name]


def write(
    folder: Path,
    *,
    models: Mapping[str, Path],
    mix: Path,
    backbone: str,
    sizes: Mapping[str, Any],
    descriptor: Path,
    describing: Mapping[str, Any],
    selector: Arrays,
    card: str,
    graphs: Graphs | None = None,
    examples: Path | None = None,
) -> None:
    """Writes an export into a new or empty folder; arguments as the attributes of `Bundle`.

    Raises:
        InputError: the folder holds something already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: exists already; name a new or empty folder")
    (folder / "models").mkdir(parents=True, exist_ok=True)
    for group, path in models.items():
        shutil.copyfile(path, folder / model_of(group))
    shutil.copyfile(mix, folder / MIX)
    shutil.copyfile(descriptor, folder / DESCRIPTOR)
    if graphs:
        for group, path in graphs.models.items():
            shutil.copyfile(path, folder / graph_of(group))
    if examples:
        shutil.copyfile(examples, folder / EXAMPLES)
    selector_file.save(folder / SELECTOR, selector, {"groups": list(models)})
    (folder / CARD).write_text(card, encoding="utf-8")
    names = [*map(model_of, models), MIX, DESCRIPTOR, SELECTOR, CARD]
    names += _graphs(models) if graphs else []
    names += [EXAMPLES] if examples else []
    about = {
        "format": FORMAT,
        "groups": list(models),
        "backbone": backbone,
        "sizes": dict(sizes),
        "describing": dict(describing),
        "tiles": graphs.needs if graphs else None,
        "sha256": {name: sha256(folder / name) for name in names},
    }
    # Last: without it the folder is no export.
    (folder / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> Bundle:
    """Reads an export and checks that every file is there and as it was written.

    Raises:
        InputError: names the file that is missing or broken.
    """
    folder = Path(folder)
    if not (folder / ABOUT).is_file():
        made = folder / places.BUNDLE
        hint = "make one with `grids export RESULTS -o FOLDER`"
        if (made / ABOUT).is_file():
            hint = f"{made} is one"
        raise InputError(f"{folder}: no export, it has no {ABOUT}; {hint}")
    about = _about(folder / ABOUT)
    groups, sums, tiles = tuple(about["groups"]), about["sha256"], about["tiles"]
    needed = {*map(model_of, groups), MIX, DESCRIPTOR, SELECTOR, CARD}
    needed |= {*(_graphs(groups) if tiles else [])}
    needed |= {EXAMPLES} & sums.keys()
    if needed - sums.keys():
        raise _broken(folder / ABOUT, f"no checksum of {min(needed - sums.keys())}")
    files = {name: folder / name for name in needed}
    files[DESCRIPTOR] = _descriptor(files[DESCRIPTOR], sums[DESCRIPTOR])
    for name, path in sorted(files.items()):
        if not path.is_file():
            raise InputError(f"{path}: missing; export again")
        # One that is shared has been compared.
        if path == folder / name and sha256(path) != sums[name]:
            raise InputError(f"{path}: not as it was written; export again")
    selector, _ = selector_file.read(folder / SELECTOR)
    return Bundle(
        folder=folder,
        groups=groups,
        backbone=about["backbone"],
        sizes=about["sizes"],
        models={group: folder / model_of(group) for group in groups},
        mix=files[MIX],
        fingerprints={name: sums[model_of(name)][:16] for name in (*groups, decision.MIX)},
        descriptor=files[DESCRIPTOR],
        graphs=Graphs(
            models={name: folder / graph_of(name) for name in (*groups, decision.MIX)},
            needs=tiles,
        )
        if tiles
        else None,
        describing=about["describing"],
        selector=selector,
        card=(folder / CARD).read_text(encoding="utf-8"),
        examples=files.get(EXAMPLES),
    )


def below(folders: Iterable[Path]) -> list[Path]:
    """The exports in these folders and below them, sorted, but for those in hidden folders.

    What the workflow records of a result that is called like `ABOUT` is none.
    """
    found = {
        path.parent
        for folder in folders
        for path in folder.rglob(ABOUT)
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }
    return sorted(
        folder for folder in found if folder.resolve() != BOX and not records.read(folder / ABOUT)
    )


def model_of(name: str) -> str:
    """The path of the weights of a group's model, or of `mix`, in an export."""
    return MIX if name == decision.MIX else f"models/{name}.safetensors"


def graph_of(name: str) -> str:
    """The path of the graph of a group's model, or of `mix`, in an export."""
    return str(Path(model_of(name)).with_suffix(".onnx"))


def _about(path: Path) -> dict[str, Any]:
    """What an export says of itself, complete."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise _broken(path, f"no JSON: {error}") from None
    if not isinstance(about, dict) or "format" not in about:
        raise _broken(path, "or of another program, it names no format")
    if about["format"] != FORMAT:
        raise InputError(
            f"{path}: format {json.dumps(about['format'])}, this version reads {FORMAT}; "
            "export again"
        )
    for name, (kind, words) in KINDS.items():
        if not isinstance(about.get(name), kind):
            raise _broken(path, f"{name} must be {words}")
    if not all(isinstance(group, str) for group in about["groups"]):
        raise _broken(path, "groups must be names")
    if about["describing"].keys() != DESCRIBING:
        raise _broken(path, f"describing must have {', '.join(sorted(DESCRIBING))}")
    if about["backbone"] not in names_in("backbones"):
        raise _broken(path, f"no backbone is called {about['backbone']!r}")
    return about


def _broken(path: Path, reason: str) -> InputError:
    return InputError(f"{path}: broken, {reason}; export again")


def _descriptor(own: Path, checksum: str) -> Path:
    """An export's own descriptor; where it has none, that which ships, if it is the same.

    So are the models that ship: where they are, and in a clone of the repository.
    """
    ships = BOX.parent / DESCRIPTOR
    same = not own.exists() and ships.is_file() and sha256(ships) == checksum
    return ships if same else own


def _graphs(groups: Iterable[str]) -> list[str]:
    return [*map(graph_of, (*groups, decision.MIX))]
