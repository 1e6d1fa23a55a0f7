"""What restoring adds to views: the PSNR of the restored picture less that of the damaged one.

Nobody sees a difference of more than 45 dB: what is better counts as that. So restoring an
undamaged picture has a gain as well, which is 0 or a loss.
"""

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

INVISIBLE_DB = 45.0


def gain_db(
    network: nn.Module, clean: Pixels, degraded: Pixels, device: torch.device, precision: str
) -> float:
    """Gain in dB up to `INVISIBLE_DB`; negative where the network does harm.

    Args:
        network: the restorer, in evaluation mode, on `device`.
        clean, degraded: (height, width, 3) uint8.
        device: where the network is.
        precision: `fp32`, or `bf16` for products in bfloat16.
    """
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        restored = restore(network, to_tensor(degraded)[None], device)
    after, before = psnr(clean, to_bytes(restored.float())[0]), psnr(clean, degraded)
    return min(after, INVISIBLE_DB) - min(before, INVISIBLE_DB)


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
    """The table with `gains_db` of each view, (M,), one for each model.

    Args:
        table: `degradation` and `number` of each view.
        networks: M restorers, in evaluation mode, on `device`.
        photographs, identities, shares, seed: what the views were made of (see
            `grids.selection.fitting.views`).
        parameters: of each degradation, as the views were made with; `clean` has none.
        device: where the networks are.
        precision: as for `gain_db`.
        progress: gets the number of views done.
    """
    measured = pd.Series(index=table.index, dtype=object)
    done = 0
    for name, rows in table.groupby("degradation"):
        values = parameters.get(name, {})
        shown = views(photographs, identities, name, values, shares, rows["number"], seed)
        for index, view in zip(rows.index, shown, strict=True):
            measured[index] = np.array(
                [gain_db(each, view.clean, view.degraded, device, precision) for each in networks]
            )
            done += 1
            progress(done)
    return table.assign(gains_db=measured)
