"""What restoring adds to views: the PSNR of the restored picture less that of the damaged one.

Beside it stands what trying the model on a window of the view told (see `grids.selection.trial`).

Nobody sees a difference of more than 45 dB: what is better counts as that. So restoring an
undamaged picture has a gain as well, which is 0 or a loss.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from grids.degrading.around import Pixels
from grids.images.store import NO_PAIRS, Pairs
from grids.models import tiles
from grids.models.restorers import restore
from grids.pixels.arrays import to_bytes, to_tensor
from grids.pixels.psnr import psnr
from grids.selection import trial
from grids.selection.fitting import real
from grids.selection.fitting.pictures import Shares
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
    restored = made_of(degraded, network, device, precision)
    return seen_db(clean, restored) - seen_db(clean, degraded)


def made_of(picture: Pixels, network: nn.Module, device: torch.device, precision: str) -> Pixels:
    """What a network makes of a picture; arguments as for `gain_db`."""
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        restored = restore(network, to_tensor(picture)[None], device)
    pixels: Pixels = to_bytes(restored.float())[0]
    return pixels


def seen_db(clean: Pixels, picture: Pixels) -> float:
    """PSNR in dB, as far as a difference is seen."""
    return min(psnr(clean, picture), INVISIBLE_DB)


def with_gains(
    table: pd.DataFrame,
    networks: Sequence[nn.Module],
    photographs: Sequence[Pixels],
    identities: Sequence[str],
    sources: Sequence[str],
    parameters: dict[str, dict[str, Any]],
    shares: Shares,
    seed: int,
    device: torch.device,
    precision: str,
    progress: Callable[[int], None] = lambda done: None,
    pairs: Mapping[str, Pairs] = NO_PAIRS,
) -> pd.DataFrame:
    """The table with `gains_db`, (2,), and `trials`, (2, F), of each view's group and of the mix.

    Args:
        table: `degradation` and `number` of each view, and in `likeliest` the number of its group.
        networks: restorers, in evaluation mode, on `device`: the groups', the mix's last.
        photographs, identities, sources, shares, seed: what the views were made of (see
            `grids.selection.fitting.views`).
        parameters: of each degradation, as the views were made with; `clean` has none.
        device: where the networks are.
        precision: as for `gain_db`.
        progress: gets the number of views done.
        pairs: those of real damage, by the name that stands for their degradation.
    """
    forwards = [tiles.of_arrays(network, device, precision) for network in networks]
    gains, trials = (pd.Series(index=table.index, dtype=object) for _ in range(2))
    done = 0
    for name, rows in table.groupby("degradation"):
        values = parameters.get(name, {})
        shown = (
            real.views(pairs[name], rows["number"], seed)
            if name in pairs
            else views(
                photographs, identities, sources, name, values, shares, [*rows["number"]], seed
            )
        )
        for index, view in zip(rows.index, shown, strict=True):
            pair = (table["likeliest"][index], len(networks) - 1)
            gains[index] = np.array(
                [gain_db(networks[n], view.clean, view.degraded, device, precision) for n in pair]
            )
            window = trial.window(view.degraded)
            trials[index] = np.stack([trial.tried(window, forwards[n]).numbers for n in pair])
            done += 1
            progress(done)
    return table.assign(gains_db=gains, trials=trials)
