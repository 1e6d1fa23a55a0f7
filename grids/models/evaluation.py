"""How well a network restores: PSNR and SSIM per image and degradation.

Policy: RGB, both images rounded to 8 bits, the whole image counts (no border is cropped), one whole
image a forward pass, or tiles where memory does not hold it. P of a model on a degradation is the
mean of the images' PSNR. Literature also measures the luma alone, or leaves out a border: as
further columns, where asked for.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from skimage.metrics import structural_similarity
from torch import Tensor, nn

from grids.base import randomness
from grids.degrading import operators
from grids.models import whole
from grids.pixels import measures
from grids.pixels.arrays import to_bytes, to_tensor
from grids.pixels.psnr import psnr

NO_PAIRS: Mapping[str, Iterable[Any]] = {}


def ssim(reference: np.ndarray, image: np.ndarray) -> float:
    """Structural similarity (Wang et al., 2004: Gaussian window, σ 1.5), mean over the channels."""
    similarity: float = structural_similarity(
        reference,
        image,
        channel_axis=-1,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return similarity


def verify(
    network: nn.Module,
    group: dict[str, dict[str, Any]],
    photographs: Iterable[tuple[str, str, np.ndarray]],
    seed: int,
    device: torch.device,
    pairs: Mapping[str, Iterable[tuple[str, np.ndarray, np.ndarray]]] = NO_PAIRS,
    further: Sequence[str] = (),
    say: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Measures a network on each degradation of its group.

    Args:
        network: the restorer, in evaluation mode, on `device`.
        group: degradations with their fixed parameters.
        photographs: file name, identity (see `grids.images.reading.identities`) and uint8 RGB
            pixels.
        seed: seed of the degradations. They are computed on the CPU, so that every machine
            measures on the same pixels.
        device: where the network runs.
        pairs: those degradations of the group that are pairs instead of operators, each measured
            on its own images: file name, and uint8 RGB pixels of the degraded and the clean one.
        further: more columns of PSNR (see `grids.pixels.measures`).
        say: gets a line when memory has run out.

    Returns:
        `degradation`, `image`, `psnr_db`, `ssim`, `input_psnr_db` of the degraded input, `tile`,
        the side of the tiles of what memory did not hold as a whole (else null), and of each of
        `further` its column and that of the input.
    """

    def inputs() -> Iterator[tuple[str, str, Tensor, np.ndarray]]:
        for image, identity, clean in photographs:
            for name in sorted(group.keys() - pairs.keys()):
                key = randomness.key(seed, name, identity, 0)
                degraded = operators.degrade(name, to_tensor(clean)[None], group[name], [key])
                yield name, image, degraded, clean
        for name, own in pairs.items():
            for image, given, clean in own:
                yield name, image, to_tensor(given)[None], clean

    restorer = whole.WholeRestorer(network, device, say)
    rows = []
    for name, image, degraded, clean in inputs():
        restored, tile = restorer.restore(degraded)
        before = to_bytes(degraded)[0]
        rows.append(
            {
                "degradation": name,
                "image": image,
                "psnr_db": psnr(clean, restored),
                "ssim": ssim(clean, restored),
                "input_psnr_db": psnr(clean, before),
                "tile": tile,
            }
        )
        for column in further:
            rows[-1][column] = measures.measured(column, clean, restored)
            rows[-1][f"input_{column}"] = measures.measured(column, clean, before)
    table = pd.DataFrame(rows).astype({"tile": "Int64"})
    return table.sort_values(["degradation", "image"], ignore_index=True)
