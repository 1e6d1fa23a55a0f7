"""How fast a training was, by its history."""

from pathlib import Path

import numpy as np
import pandas as pd


def pace(history: Path) -> tuple[int, float]:
    """Steps of a training and the seconds that they took, without the time between allocations.

    Args:
        history: its `history.parquet`.

    Returns:
        No steps and NaN where nothing can be learned: a training that failed for good has none, and
        the file may be missing or damaged.
    """
    try:
        table = pd.read_parquet(history, columns=["step", "steps_per_second"])
        stretches = table["step"].diff().fillna(table["step"])
        seconds = float((stretches / table["steps_per_second"]).sum())
    except Exception:  # pandas and pyarrow raise all kinds
        return 0, np.nan
    return (int(table["step"].iloc[-1]), seconds) if 0 < seconds < np.inf else (0, np.nan)
