"""What restoring adds to views: the PSNR of the restored picture less that of the damaged one."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from grids.models.restorers import restore
from grids.pixels.arrays import to_bytes, to_tensor
from grids.pixels.psnr import psnr
from grids.selection.fitting.pictures import Pixels, Shares
from grids.selection.fitting.views import views


def gain_db(
    network: nn.Module, clean: Pixels, degraded: Pixels, device: torch.device, precision: str
) -> float:
    """Gain in dB; negative where the network does harm, NaN where nothing is damaged.

    Args:
        network: the restorer, in evaluation mode, on `device`.
        clean, degraded: (height, width, 3) uint8.
        device: where the network is.
        precision: `fp32`, or `bf16` for products in bfloat16.
    """
    if np.array_equal(clean, degraded):
        return float("nan")
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        restored = restore(network, to_tensor(degraded)[None], device)
    return psnr(clean, to_bytes(restored.float())[0]) - psnr(clean, degraded)


def with_gains(
    table: pd.DataFrame,
    networks: Sequence[nn.Module],
    photographs: Sequence[Pixels],
    identities: Sequence[str],
    parameters: dict[str, dict[str, Any]],
    shares: Shares,
    seed: int,
    device: torch.device,
    precision: str,
    progress: Callable[[int], None] = lambda done: None,
) -> pd.DataFrame:
    """The table with `gain_db` of the model of each view's group.

    Args:
        table: `degradation` and `number` of each view, and the number of its `group`.
        networks: each group's restorer, in evaluation mode, on `device`.
        photographs, identities, shares, seed: what the views were made of (see
            `grids.selection.fitting.views`).
        parameters: of each degradation, as the views were made with.
        device: where the networks are.
        precision: as for `gain_db`.
        progress: gets the number of views done.
    """
    measured = pd.Series(0.0, table.index)
    done = 0
    for name, rows in table.groupby("degradation"):
        shown = views(photographs, identities, name, parameters[name], shares, rows["number"], seed)
        for index, group, view in zip(rows.index, rows["group"], shown, strict=True):
            network = networks[int(group)]
            measured[index] = gain_db(network, view.clean, view.degraded, device, precision)
            done += 1
            progress(done)
    return table.assign(gain_db=measured)
