"""From a folder of results to an export (see `grids.bundle.contents`)."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from grids.base.errors import InputError
from grids.base.files import sha256
from grids.bundle import contents, graphs
from grids.bundle.card import card
from grids.bundle.onnx import NoGraphError
from grids.jobs import places
from grids.models import weights
from grids.selection import selector_file
from grids.selection.decision import MIX


def export(
    results: Path,
    folder: Path,
    half: bool = False,
    note: str = "",
    examples: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Writes the models of the groups, and what chooses among them, into a new or empty folder.

    Args:
        results: the workflow's folder of results, with `selection/selector.safetensors`.
        folder: where to.
        half: whether the models' weights are rounded to half precision.
        note: Markdown that the card ends with, such as sources and a licence (see
            `grids.bundle.card.card`).
        examples: whether small pictures of views of the training photographs go with it, for
            `grids page` to show what a photograph is like.
        say: gets a line if the export has no ONNX models, which then only torch restores with.

    Raises:
        InputError: something has not been made yet, or made anew since the choice was fitted, or
            the folder is not empty, or a model is not the same as ONNX.
    """
    selector, about = selector_file.read(_there(results / places.SELECTOR, results))
    models = {
        group: _there(
            places.at(results, places.MODEL, backbone=about["backbone"], group=group), results
        )
        for group in about["groups"]
    }
    mix = _there(
        places.at(results, places.MODEL, backbone=about["backbone"], group=about.get("mix", "")),
        results,
    )
    if [*map(sha256, [*models.values(), mix])] != about.get("models"):
        raise InputError(
            f"{results}: the choice was fitted to other models than are there now; "
            f"run `snakemake --cores all {results / places.BUNDLE}`"
        )
    fitted = (results / places.SELECTOR).stat().st_mtime_ns
    choice = {
        path.stem.removeprefix("selection_"): path.read_text(encoding="utf-8")
        for path in places.found(results, places.SELECTION_TEXT)
        # An older one, as of a test set that was taken out since, is about another choice.
        if path.stat().st_mtime_ns >= fitted
    }
    text = card(
        about["backbone"],
        {group: weights.about(path) for group, path in models.items()},
        choice,
        {group: _verified(results, about["backbone"], group, models[group]) for group in models},
        note,
    )
    descriptor = _there(results / places.SELECTOR_DESCRIPTOR, results)
    network = {"backbone": about["backbone"], "sizes": about["sizes"]}
    with tempfile.TemporaryDirectory() as scratch:

        def shipped(path: Path) -> Path:
            if not half:
                return path
            halved = Path(scratch, f"{sha256(path)}.safetensors")
            weights.halve(path, halved)
            return halved

        models = {group: shipped(path) for group, path in models.items()}
        mix = shipped(mix)
        try:
            drawn = graphs.made(
                Path(scratch, "made"),
                **network,
                models={**models, MIX: mix},
            )
        except NoGraphError as reason:
            say(f"no ONNX models are in the export, so that only torch restores with it: {reason}")
            drawn = None
        contents.write(
            folder,
            **network,
            models=models,
            mix=mix,
            descriptor=descriptor,
            describing=about["describing"],
            selector=selector,
            card=text,
            graphs=drawn,
            examples=_there(results / places.EXAMPLES, results) if examples else None,
        )


def _verified(results: Path, backbone: str, group: str, model: Path) -> dict[str, pd.DataFrame]:
    """The verifications of a model by test set, but those of an earlier one in its place."""
    made = model.stat().st_mtime_ns
    return {
        path.stem: pd.read_parquet(path)
        for path in places.found(results, places.VERIFICATION, backbone=backbone, group=group)
        if path.stat().st_mtime_ns >= made
    }


def _there(path: Path, results: Path) -> Path:
    if not path.is_file():
        raise InputError(
            f"{path}: not made yet; run `snakemake --cores all {results / places.BUNDLE}`"
        )
    return path
