"""PIES: sets of small patches, clean and degraded, that degradations are compared on.

Each set is one parquet file; its `image` column holds PNG bytes, as Hugging Face datasets have it.
"""

import io
import itertools
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

from grids import degrade, randomness
from grids.arrays import to_bytes, to_tensor
from grids.errors import InputError
from grids.evaluation import psnr
from grids.files import appearing

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("psnr_db", pa.float64()),
        ("parameters", pa.string()),
    ]
)
BATCH = 64

Patch = tuple[str, np.ndarray]


def clean_patches(
    photographs: Iterable[np.ndarray], identities: list[str], patches: int, size: int, seed: int
) -> list[Patch]:
    """Disjoint square patches, spread evenly over the photographs.

    Each photograph is laid out in tiles from a random offset and its tiles are shuffled; then every
    photograph gives one tile in turn until there are enough.

    Args:
        photographs: (height, width, 3) uint8 arrays, each at least `size` wide and high.
        identities: names the content of each photograph in the keys of randomness.
        patches: number of patches to return.
        size: side of a patch in pixels.
        seed: seed of the offsets and the order.

    Returns:
        Pairs of an identifier (photograph's number and position) and a (size, size, 3) patch.

    Raises:
        InputError: the photographs hold fewer disjoint patches than asked for.
    """
    tiles = []
    for number, (photograph, identity) in enumerate(zip(photographs, identities, strict=True)):
        generator = randomness.generator(randomness.key(seed, "pies", identity))
        starts = [generator.integers(length % size + 1) for length in photograph.shape[:2]]
        corners = [
            (y, x)
            for y in range(starts[0], photograph.shape[0] - size + 1, size)
            for x in range(starts[1], photograph.shape[1] - size + 1, size)
        ]
        # Copies: otherwise every photograph stays in memory until the end.
        tiles.append(
            [
                (f"{number:05d}_{y}_{x}", photograph[y : y + size, x : x + size].copy())
                for y, x in generator.permutation(corners)[:patches]
            ]
        )
    turns = [tile for turn in itertools.zip_longest(*tiles) for tile in turn if tile]
    if len(turns) < patches:
        raise InputError(
            f"pies.patches: {patches} patches of {size}×{size} asked for, but the photographs hold "
            f"{len(turns)} disjoint ones; ask for fewer or give more photographs"
        )
    return sorted(turns[:patches], key=lambda tile: tile[0])


def degraded_patches(
    clean: list[Patch], name: str, parameters: dict, seed: int
) -> tuple[list[Patch], pd.DataFrame]:
    """One degraded set, and per patch `psnr_db` against the clean one and `parameters` (JSON).

    Args:
        clean: the clean patches.
        name: the degradation.
        parameters: its fixed parameters.
        seed: seed of what is random in it.
    """
    keys = [randomness.key(seed, name, identifier, 0) for identifier, _ in clean]
    images = to_tensor(np.stack([patch for _, patch in clean]))
    slices = [slice(start, start + BATCH) for start in range(0, len(keys), BATCH)]
    degraded = np.concatenate(
        [to_bytes(degrade.degrade(name, images[part], parameters, keys[part])) for part in slices]
    )
    measures = pd.DataFrame(
        {
            "psnr_db": [psnr(good, bad) for (_, good), bad in zip(clean, degraded, strict=True)],
            "parameters": [json.dumps(degrade.drawn(name, parameters, key)) for key in keys],
        }
    )
    return list(zip((identifier for identifier, _ in clean), degraded, strict=True)), measures


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
    except (pa.ArrowException, OSError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a PIES set ({error}); delete it and run again") from None


def tensor(path: Path) -> torch.Tensor:
    """All patches of a set as (N, 3, size, size) float32 in [0, 1]."""
    return to_tensor(np.stack([patch for _, patch in read(path)]))


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()
