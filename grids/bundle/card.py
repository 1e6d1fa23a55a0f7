"""The card of an export: Markdown for people, under front matter that model hubs read.

The front matter is that of Hugging Face: licence, tags, data sets, the paper, and in `model-index`
what was measured of each model, by the run that made the export.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from grids.base.errors import InputError

PAPER = "https://arxiv.org/abs/2407.12273"
TITLE = "Restoration models, one for each group of degradations"
TASK = "image-to-image"
FRONT = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)
MEASURES = {"psnr_db": ("psnr", "PSNR in dB"), "ssim": ("ssim", "SSIM")}

# What the card says by itself; `model-index` too, which is of what was measured.
OWN = {"library_name": "grids", "pipeline_tag": TASK, "tags": ["image-restoration"]}


def card(
    backbone: str,
    models: Mapping[str, Mapping[str, Any]],
    choice: Mapping[str, str],
    verified: Mapping[str, Mapping[str, pd.DataFrame]],
    note: str = "",
) -> str:
    """How the models were trained, and how good they and the choice among them are.

    Args:
        backbone: their network.
        models: metadata of each group's model.
        choice: the text of the measurements of the choice, by test set.
        verified: by group and test set, the model's verification: `degradation`, `psnr_db`, `ssim`,
            `input_psnr_db` of each photograph.
        note: Markdown that the card ends with; its own front matter, such as `license` and
            `datasets`, goes into that of the card.

    Raises:
        InputError: the front matter of the note is no mapping of YAML.
    """
    said, note = _parted(note)
    measured = {
        group: pd.concat([_means(table).assign(test_set=name) for name, table in tables.items()])
        for group, tables in verified.items()
        if tables
    }
    front = {"license": "unknown", **OWN, "datasets": [], **said}
    front["tags"] = list(dict.fromkeys([*OWN["tags"], *_members(models), *said.get("tags", [])]))
    front["model-index"] = [
        {"name": group, "results": _results(table)} for group, table in measured.items()
    ]
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=1000)
    lines = [f"---\n{head}---\n", f"# {TITLE}", "", f"Made by GRIDS after [the paper]({PAPER});"]
    lines += ["`grids restore` chooses among them for each photograph."]
    for part in (_groups(models), _training(backbone, models), _measured(measured)):
        lines += ["", *part]
    for test_set, text in choice.items():
        lines += ["", f"## Measured on {test_set}: the choice", "", "```", text.rstrip(), "```"]
    if not choice:
        lines += ["", "The choice among them was not measured on a test set."]
    return "\n".join(lines) + "\n" + (f"\n{note}" if note else "")


def front(text: str) -> dict[str, Any]:
    """The front matter of a card, empty for earlier ones without."""
    return _parted(text)[0]


def _parted(note: str) -> tuple[dict[str, Any], str]:
    """The front matter of a note, and its text."""
    found = FRONT.match(note)
    if not found:
        return {}, note
    try:
        said = yaml.safe_load(found[1]) or {}
    except yaml.YAMLError as error:
        raise InputError(
            f"--note: its front matter is no YAML ({error})".replace("\n", " ")
        ) from None
    if not isinstance(said, dict) or not isinstance(said.get("tags", []), list):
        raise InputError("--note: its front matter must be a mapping such as `license: mit`")
    return said, note[found.end() :].lstrip("\n")


def _members(models: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return sorted({member for about in models.values() for member in about.get("group", {})})


def _groups(models: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines = ["| group | members, with the training values | steps |", "|---|---|---|"]
    for name, about in models.items():
        members = "; ".join(
            f"{member} ({', '.join(f'{key} {value}' for key, value in values.items())})"
            for member, values in about.get("group", {}).items()
        )
        lines.append(f"| {name} | {members} | {about.get('steps', '')} |")
    return lines


def _training(backbone: str, models: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """How the groups were trained: once where alike, else with the names of those it was so for."""
    lines = ["## Training", "", f"Network: {backbone}.", ""]
    told = ("sizes", "procedure", "recipe", "sampling", "seed", "content", "code")
    for key in told:
        names_by_value: dict[str, list[str]] = {}
        for name, about in models.items():
            if key in about:
                names_by_value.setdefault(str(about[key]), []).append(name)
        for value, names in names_by_value.items():
            whose = f" of {', '.join(names)}" if len(names) < len(models) else ""
            lines.append(f"- {key}{whose}: {value}")
    digests = {"content": "the training photographs", "code": "the code"}
    known = [key for key in digests if any(key in about for about in models.values())]
    return [
        *lines,
        "",
        *(f"`{key}` is a digest of {digests[key]}." for key in known),
        "`steps` are those of all stages of the training, which began with the weights of the one",
        "before, the recipe that of the last.",
    ]


def _means(verification: pd.DataFrame) -> pd.DataFrame:
    """By degradation, in their order: means over the photographs, `…_error` of each, `count`."""
    columns = [*MEASURES, "input_psnr_db", "gain_db"]
    with_gain = verification.assign(gain_db=verification["psnr_db"] - verification["input_psnr_db"])
    by = with_gain.groupby("degradation", sort=False)[columns]
    return by.mean().join(by.sem().add_suffix("_error")).assign(count=by.size())


def _results(means: pd.DataFrame) -> list[dict[str, Any]]:
    """As `model-index` has them: the standard error is a metric beside its own."""
    found = []
    for name, row in means.iterrows():
        metrics = []
        for column, (kind, title) in MEASURES.items():
            if not math.isfinite(row[column]):
                continue
            metrics.append({"type": kind, "name": title, "value": round(float(row[column]), 4)})
            if math.isfinite(error := row[f"{column}_error"]):
                of = f"standard error of {title} over {row['count']} photographs"
                value = round(float(error), 4)
                metrics.append({"type": f"{kind}_standard_error", "name": of, "value": value})
        test_set = str(row["test_set"])
        found.append(
            {
                "task": {"type": TASK, "name": f"restoring {name}"},
                "dataset": {"type": test_set, "name": f"{test_set} under {name}"},
                "metrics": metrics,
            }
        )
    return found


def _measured(measured: Mapping[str, pd.DataFrame]) -> list[str]:
    if not measured:
        return ["The models were not measured on a test set."]
    lines = [
        "## Measured: the models",
        "",
        "Means over the photographs of a test set, with their standard errors; RGB, 8 bits.",
        "",
        "| degradation | test set | input, dB | PSNR, dB | gain, dB | SSIM | group |",
        "|---|---|---|---|---|---|---|",
    ]
    for group, table in measured.items():
        for name, row in table.iterrows():
            figures = (
                _with_error(row, column, digits)
                for column, digits in (("psnr_db", 2), ("gain_db", 2), ("ssim", 4))
            )
            cells = (name, row["test_set"], f"{row['input_psnr_db']:.2f}", *figures, group)
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def _with_error(row: "pd.Series[Any]", column: str, digits: int) -> str:
    error = row[f"{column}_error"]
    return f"{row[column]:.{digits}f}" + (f" ± {error:.{digits}f}" if math.isfinite(error) else "")
