"""Contact sheet: the same few patches under every degradation; pairs show their own."""

import io
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from grids.report import style

PATCHES = 4
COLUMNS = 4
# Pixels of a patch in the figure, at least: enlarged here, or viewers of the SVG would blur them.
SIDE = 192

Pixels = NDArray[np.uint8]


def read(path: str | Path) -> pd.DataFrame:
    """A PIES set: `id`, `png` (the bytes) and `psnr_db` (null for the clean set)."""
    table = pq.read_table(path, columns=["id", "image", "psnr_db"]).to_pandas()
    return table.assign(png=[image["bytes"] for image in table["image"]]).drop(columns="image")


def rich_patches(clean: pd.DataFrame) -> list[str]:
    """Identifiers of patches with much to see, from all over the set.

    The set is cut into equal parts in its order, which is that of the photographs, and the patch of
    the highest contrast in each is taken.
    """
    contrasts = [np.asarray(_open(png).convert("L"), dtype=float).std() for png in clean["png"]]
    parts = np.array_split(np.arange(len(clean)), min(PATCHES, len(clean)))
    return [clean["id"].iloc[part[np.take(contrasts, part).argmax()]] for part in parts]


def mosaic(patches: Sequence[Pixels]) -> Pixels:
    """Patches (h, w, 3) in rows of two with white lines between, enlarged without smoothing."""
    factor = max(1, math.ceil(SIDE / patches[0].shape[0]))
    large = [patch.repeat(factor, axis=0).repeat(factor, axis=1) for patch in patches]
    gap = [(factor, factor), (factor, factor), (0, 0)]
    framed = [np.pad(patch, gap, constant_values=255) for patch in large]
    if len(framed) % 2 and len(framed) > 1:
        framed.append(np.full_like(framed[0], 255))
    return np.concatenate([np.concatenate(framed[i : i + 2], 1) for i in range(0, len(framed), 2)])


def figure(sets: Mapping[str, pd.DataFrame], paired: Collection[str] = ()) -> Figure:
    """One tile a set, the first one clean.

    Args:
        sets: `id`, `png`, `psnr_db` of each degradation's set by name, of the same patches.
        paired: names of degradations whose patches are others, those of pairs.
    """
    chosen = rich_patches(next(iter(sets.values())))
    lines = math.ceil(len(sets) / COLUMNS)
    drawn = style.new_figure(
        2.5 * COLUMNS, 2.9 * lines + 0.9, "The same patches under every degradation"
    )
    drawn.supxlabel(
        "in dB: mean PSNR of the whole set against the clean patches", color=style.GREY, fontsize=10
    )
    tiles = drawn.subplots(lines, COLUMNS, squeeze=False).ravel()
    for tile in tiles:
        tile.set_axis_off()
    for tile, (name, patches) in zip(tiles, sets.items(), strict=False):
        png = patches.set_index("id")["png"]
        shown = rich_patches(patches) if name in paired else chosen
        tile.imshow(
            mosaic([np.asarray(_open(png[patch]).convert("RGB")) for patch in shown]),
            interpolation="none",
        )
        psnr = patches["psnr_db"].mean()
        title = style.readable(name) + (" (pairs)" if name in paired else "")
        tile.set_title(title + ("" if np.isnan(psnr) else f"\n{psnr:.1f} dB"))
    return drawn


def _open(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))
