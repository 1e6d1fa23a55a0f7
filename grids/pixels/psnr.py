"""Peak signal-to-noise ratio of 8-bit images."""

import numpy as np

PSNR_CAP = 100.0


def psnr(reference: np.ndarray, image: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of two uint8 arrays; equal ones get 100 dB.

    The cap keeps means and differences finite.
    """
    error = np.mean((reference.astype(np.float64) - image) ** 2)
    return PSNR_CAP if error == 0 else min(PSNR_CAP, float(10 * np.log10(255**2 / error)))
