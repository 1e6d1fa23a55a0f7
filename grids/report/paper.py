"""Numbers of the paper that results are compared with (GRIDS, ECCV 2024, Tables 1 and 2)."""

from collections.abc import Mapping
from dataclasses import dataclass

# Means over the unordered pairs of each group. That of the fourth is the difference of two numbers
# that the paper gives.
QUOTED_AVERAGES = {
    ("defocus_blur", "sr"): 2.75,
    ("defocus_blur", "r_l", "ringing"): 2.20,
    ("gaussian_blur", "jpeg", "salt_pepper_noise"): 4.33,
    ("defocus_blur", "motion_blur", "r_l", "ringing"): 2.52,
    ("gaussian_blur", "gaussian_noise", "motion_blur", "salt_pepper_noise"): 4.10,
    ("defocus_blur", "jpeg", "r_l", "ringing", "sr"): 2.88,
    ("gaussian_blur", "inpainting", "motion_blur", "poisson_noise", "salt_pepper_noise"): 4.00,
    ("gaussian_noise", "jpeg", "poisson_noise"): 3.49,
    ("inpainting", "jpeg", "poisson_noise"): 3.61,
}
DEGRADATIONS = sorted({name for group in QUOTED_AVERAGES for name in group})

# How it trained and measured (Section 5.1): crops of DF2K, photographs of DIV2K-Valid.
PROTOCOL = {"iterations": 600_000, "batch": 8, "patch": 256}
TRAINED_ON, TESTED_ON = 3450, 100

# The columns of Table 1.
COLUMNS = (
    "gaussian_blur",
    "motion_blur",
    "r_l",
    "sr",
    "ringing",
    "defocus_blur",
    "jpeg",
    "poisson_noise",
    "inpainting",
    "gaussian_noise",
    "salt_pepper_noise",
)


@dataclass(frozen=True)
class Printed:
    """A row of Table 1.

    Attributes:
        psnr_db: PSNR on DIV2K-Valid in the order of `COLUMNS`.
        released: whether the weights are the authors' own, trained on other degradations.
        note: what is doubtful in the numbers.
    """

    psnr_db: tuple[float, ...]
    released: bool = False
    note: str = ""

    def by_degradation(self) -> Mapping[str, float]:
        """PSNR by the names that degradations have here."""
        return dict(zip(COLUMNS, self.psnr_db, strict=True))


# fmt: off
TABLE1 = {
    "RealESRNet released": Printed(
        (23.64, 21.39, 23.98, 25.46, 25.75, 24.70, 26.09, 26.32, 16.00, 25.20, 23.44),
        released=True,
    ),
    "RealESRGAN released": Printed(
        (21.70, 20.99, 21.38, 23.35, 23.62, 23.07, 23.77, 24.13, 15.78, 23.26, 22.38),
        released=True,
        note="read from a damaged copy, in which four cells stand one column too far to the right; "
        "the last one follows from the average",
    ),
    "AirNet released": Printed(
        (20.68, 20.58, 22.66, 26.99, 24.30, 24.14, 38.39, 32.86, 16.27, 29.79, 17.90),
        released=True,
        note="JPEG is above all that single-task models reach there; 28.39 is likelier",
    ),
    "IDR retrained": Printed(
        (26.89, 25.25, 33.68, 34.52, 31.25, 36.56, 30.57, 32.77, 29.72, 29.54, 41.73),
    ),
    "RealESRNet retrained": Printed(
        (27.16, 24.88, 36.14, 33.91, 32.75, 39.73, 31.40, 33.24, 31.55, 30.04, 44.46),
    ),
    "AMIRNet retrained": Printed(
        (24.54, 25.44, 30.48, 35.27, 30.89, 32.33, 31.09, 32.74, 31.12, 29.62, 39.78),
    ),
    "SRResNet single": Printed(
        (26.97, 25.36, 34.21, 34.62, 32.76, 40.15, 31.37, 33.06, 31.70, 30.08, 44.93),
    ),
    "SRResNet mix": Printed(
        (25.92, 22.61, 33.34, 33.70, 30.71, 37.07, 30.83, 32.51, 30.57, 29.62, 43.79),
    ),
    "SRResNet grouped": Printed(
        (26.71, 25.09, 34.77, 35.16, 32.54, 39.95, 31.29, 33.13, 31.90, 30.22, 45.73),
    ),
    "Restormer single": Printed(
        (27.99, 31.80, 37.92, 37.42, 34.17, 41.81, 32.14, 33.83, 32.55, 30.64, 46.12),
    ),
    "Restormer mix": Printed(
        (27.39, 26.48, 35.36, 34.10, 32.29, 38.91, 31.30, 32.96, 31.56, 29.77, 42.71),
    ),
    "Restormer grouped": Printed(
        (28.22, 31.71, 37.24, 38.68, 34.03, 41.30, 32.23, 33.88, 32.86, 30.71, 46.57),
    ),
}
# fmt: on
