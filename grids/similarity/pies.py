"""PIES: sets of small patches, clean and degraded, that degradations are compared on.

Each set is one parquet file; its `image` column holds PNG bytes, as Hugging Face datasets have it.
"""

import io
import itertools
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from grids.base import randomness
from grids.base.errors import InputError
from grids.base.files import appearing

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("psnr_db", pa.float64()),
        ("parameters", pa.string()),
    ]
)

Patch = tuple[str, np.ndarray]


def clean_patches(
    photographs: Iterable[np.ndarray],
    identities: list[str],
    *,
    patches: int,
    size: int,
    reduction: int,
    least_contrast: float,
    seed: int,
) -> list[Patch]:
    """Disjoint square patches, spread evenly over the photographs.

    Each photograph is laid out in tiles from a random offset and its tiles are shuffled; then every
    photograph gives one tile in turn until there are enough. A tile whose grey values have a
    standard deviation below `least_contrast` is flat and left out: it says nothing about a blur.

    Args:
        photographs: (height, width, 3) uint8 arrays.
        identities: names the content of each photograph in the keys of randomness.
        patches: number of patches to return.
        size: side of a patch in pixels.
        reduction: photographs are made smaller by this factor (antialiased bicubic) before they are
            cut; 4 gives the resolution that SRGA's descriptor is fed with, 1 keeps the native one.
        least_contrast: on the scale 0 … 1.
        seed: seed of the offsets and the order.

    Returns:
        Pairs of an identifier (photograph's number and position) and a (size, size, 3) patch.

    Raises:
        InputError: the photographs hold fewer such patches than asked for.
    """
    tiles = []
    for number, (photograph, identity) in enumerate(zip(photographs, identities, strict=True)):
        pixels = reduced(photograph, reduction)
        generator = randomness.generator(randomness.key(seed, "pies", identity))
        starts = [generator.integers(length % size + 1) for length in pixels.shape[:2]]
        corners = [
            (y, x)
            for y in range(starts[0], pixels.shape[0] - size + 1, size)
            for x in range(starts[1], pixels.shape[1] - size + 1, size)
        ]
        cut = (
            (f"{number:05d}_{y}_{x}", pixels[y : y + size, x : x + size])
            for y, x in generator.permutation(corners)
        )
        textured = (tile for tile in cut if contrast(tile[1]) >= least_contrast)
        # Copies: otherwise every photograph stays in memory until the end.
        tiles.append([(name, tile.copy()) for name, tile in itertools.islice(textured, patches)])
    turns = [tile for turn in itertools.zip_longest(*tiles) for tile in turn if tile]
    if len(turns) < patches:
        raise InputError(
            f"pies.patches: {patches} patches of {size}×{size} asked for, but the photographs hold "
            f"{len(turns)} that are disjoint and not flat; ask for fewer or give more photographs"
        )
    return sorted(turns[:patches], key=lambda tile: tile[0])


def reduced(photograph: np.ndarray, factor: int) -> np.ndarray:
    """A uint8 photograph made smaller by a whole factor, antialiased bicubic."""
    if factor == 1:
        return photograph
    height, width = photograph.shape[:2]
    size = (width // factor, height // factor)
    return np.asarray(Image.fromarray(photograph).resize(size, Image.Resampling.BICUBIC))


def contrast(patch: np.ndarray) -> float:
    """Standard deviation of a uint8 patch's grey values (mean of the channels), in 0 … 0.5."""
    return float(patch.mean(axis=-1).std() / 255)


def write(path: Path, patches: list[Patch], measures: pd.DataFrame | None = None) -> None:
    """Writes a set; a clean one has no `measures` and nulls in their columns."""
    columns = {
        "id": [identifier for identifier, _ in patches],
        "image": [{"bytes": _png(pixels), "path": f"{name}.png"} for name, pixels in patches],
    }
    for name in ("psnr_db", "parameters"):
        columns[name] = [None] * len(patches) if measures is None else list(measures[name])
    with appearing(path) as temporary:
        pq.write_table(pa.table(columns, schema=SCHEMA), temporary)


def read(path: Path) -> list[Patch]:
    """The patches of a set: pairs of identifier and (size, size, 3) uint8 array.

    Raises:
        InputError: the file is broken or not a PIES set.
    """
    try:
        table = pq.read_table(path, columns=["id", "image"], schema=SCHEMA)
        return [
            (row["id"], np.asarray(Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB")))
            for row in table.to_pylist()
        ]
    except Exception as error:  # damaged files raise all kinds
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: not a PIES set ({reason}); delete it and run again") from None


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()
