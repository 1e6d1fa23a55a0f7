"""Numbers of the paper that results are compared with (GRIDS, ECCV 2024, Table 2)."""

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
