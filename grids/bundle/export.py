"""From a folder of results to an export (see `grids.bundle.contents`)."""

import tempfile
from pathlib import Path
from typing import Any

from grids.base.errors import InputError
from grids.base.files import sha256
from grids.bundle import contents
from grids.jobs import places
from grids.models import weights
from grids.selection import selector_file


def export(results: Path, folder: Path, half: bool = False, note: str = "") -> None:
    """Writes the models of the groups, and what chooses among them, into a new or empty folder.

    Args:
        results: the workflow's folder of results, with `selection/selector.safetensors`.
        folder: where to.
        half: whether the models' weights are rounded to half precision.
        note: Markdown that the card ends with, such as sources and a licence.

    Raises:
        InputError: something has not been made yet, or made anew since the choice was fitted, or
            the folder is not empty.
    """
    selector, about = selector_file.read(_there(results / places.SELECTOR, results))
    models = {
        group: _there(
            places.at(results, places.MODEL, backbone=about["backbone"], group=group), results
        )
        for group in about["groups"]
    }
    if [*map(sha256, models.values())] != about.get("models"):
        raise InputError(
            f"{results}: the choice was fitted to other models than are there now; "
            f"run `snakemake --cores all {results / places.BUNDLE}`"
        )
    fitted = (results / places.SELECTOR).stat().st_mtime_ns
    measured = {
        path.stem.removeprefix("selection_"): path.read_text(encoding="utf-8")
        for path in places.found(results, places.SELECTION_TEXT)
        # An older one, as of a test set that was taken out since, is about another choice.
        if path.stat().st_mtime_ns >= fitted
    }
    text = card(about["backbone"], {name: weights.about(models[name]) for name in models}, measured)
    mix = places.at(results, places.MODEL, backbone=about["backbone"], group=about.get("mix", ""))
    with tempfile.TemporaryDirectory() as halves:

        def shipped(path: Path) -> Path:
            if not half:
                return path
            halved = Path(halves, sha256(path))
            weights.halve(path, halved)
            return halved

        contents.write(
            folder,
            models={group: shipped(path) for group, path in models.items()},
            mix=shipped(mix) if mix.is_file() else None,
            backbone=about["backbone"],
            sizes=about["sizes"],
            descriptor=_there(results / places.SELECTOR_DESCRIPTOR, results),
            describing=about["describing"],
            selector=selector,
            card=f"{text}\n{note}" if note else text,
        )


def card(backbone: str, models: dict[str, dict[str, Any]], measured: dict[str, str]) -> str:
    """How the models were trained and the choice was measured, Markdown.

    Args:
        backbone: their network.
        models: metadata of each group's model.
        measured: the text of the measurements on each test set.
    """
    lines = [
        "# Restoration models, one for each group of degradations",
        "",
        "Made by GRIDS; `grids restore` chooses among them for each photograph.",
        "",
        "| group | members, with the training values |",
        "|---|---|",
    ]
    for name, about in models.items():
        members = "; ".join(
            f"{member} ({', '.join(f'{key} {value}' for key, value in values.items())})"
            for member, values in about.get("group", {}).items()
        )
        lines.append(f"| {name} | {members} |")
    # The groups were trained alike but for their degradations.
    about = next(iter(models.values()))
    trained = {
        key: about[key]
        for key in ("sizes", "recipe", "steps", "seed", "content", "code")
        if key in about
    }
    lines += ["", "## Training", "", f"Network: {backbone}.", ""]
    lines += [f"- {key}: {value}" for key, value in trained.items()]
    lines += [
        "",
        "`content` is a digest of the training photographs, `code` one of the code; `steps` are",
        "those of all stages of the training, which began with the weights of the one before.",
    ]
    for test_set, text in measured.items():
        lines += ["", f"## Measured on {test_set}", "", "```", text.rstrip(), "```"]
    if not measured:
        lines += ["", "The choice among them was not measured on a test set."]
    return "\n".join(lines) + "\n"


def _there(path: Path, results: Path) -> Path:
    if not path.is_file():
        raise InputError(
            f"{path}: not made yet; run `snakemake --cores all {results / places.BUNDLE}`"
        )
    return path
