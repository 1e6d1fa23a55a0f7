"""Trainings that fail for good, where the configuration takes that for an answer.

Snakemake ends a run at a failed job. With `search.failed: infeasible` a training that the search
asked for and that diverged or ran out of memory ends well instead: where its weights would be it
leaves a note with the reason. The verification of a note is a PSNR of −∞, so the group's drop is ∞,
which no δ allows, and the search goes round it.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grids.base.errors import NotFiniteError
from grids.base.files import appearing
from grids.jobs import places, schemas

# Of the metadata of a safetensors file without tensors.
KEY = "failed"


def reason_for_good(error: BaseException) -> str | None:
    """What to note of an error that the same training would meet again; None of any other."""
    text = str(error).partition("\n")[0]
    # By name, since torch is not imported here: it raises a class of its own on a GPU and a
    # RuntimeError on the CPU.
    memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    if memory or "not enough memory" in text or "can't allocate memory" in text:
        return f"out of memory: {text}"
    return f"diverged: {text}" if isinstance(error, NotFiniteError) else None


def declared(failures: Mapping[str, Any], rule: str, backbone: str, group: str) -> bool:
    """Whether a failed training is an answer: the search asked for it, and may do without.

    Args:
        failures: `recorded` says what the configuration wants, `backbone` what the search trains,
            `references` the groups that drops and tables refer to, which must be there.
        rule: of the job.
        backbone, group: what it trained.
    """
    asked = rule in ("train", "train_level") and backbone == failures["backbone"]
    return failures["recorded"] and asked and group not in failures["references"]


def note(weights: Path, history: Path, reason: str) -> None:
    """Leaves the note where the files of a training would be."""
    header = json.dumps({"__metadata__": {KEY: reason}}).encode()
    header += b" " * (-len(header) % 8)
    with appearing(weights) as temporary:
        temporary.write_bytes(len(header).to_bytes(8, "little") + header)
    columns = schemas.COLUMNS[places.HISTORY].split()
    with appearing(history) as temporary:
        pd.DataFrame(columns=columns, dtype=float).to_parquet(temporary, index=False)


def noted(weights: Path) -> str | None:
    """The reason in a note; None for weights."""
    with open(weights, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        # Notes are short: no need to read the header of a large network.
        header = file.read(length) if 0 < length <= 1 << 20 else b"{}"
    try:
        reason: str | None = json.loads(header).get("__metadata__", {}).get(KEY)
    except (ValueError, AttributeError):
        return None
    return reason


def verification(images: Mapping[str, Iterable[str]]) -> pd.DataFrame:
    """The table of `grids.models.evaluation.verify` for a training that failed for good.

    Args:
        images: names of the images that each degradation of the group is measured on.
    """
    rows = [(name, image, -np.inf, np.nan, np.nan) for name in images for image in images[name]]
    columns = ["degradation", "image", "psnr_db", "ssim", "input_psnr_db"]
    return pd.DataFrame(rows, columns=columns).sort_values(columns[:2], ignore_index=True)
