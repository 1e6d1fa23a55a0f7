"""What pixels tell without a network, on noise and waves that are known."""

import numpy as np
import pytest
from scipy.fft import dctn

from grids.selection import pixel_statistics

SPECTRA = 3 * 63


def told(values):
    """Statistics of patches with these values, by name."""
    vector = pixel_statistics.statistics(np.clip(np.rint(values), 0, 255).astype(np.uint8))
    ends = np.cumsum([SPECTRA, SPECTRA, 6, 3, 6, 3, 5, 8, 1, 5, 5, 7, 7])
    names = ["spread", "shape", "brightness", "correlations", "ends", "flat"]
    names += ["rough", "levels", "slope", "columns", "rows", "black", "white"]
    assert len(vector) == ends[-1]
    assert np.isfinite(vector).all()
    return dict(zip(names, np.split(vector, ends[:-1]), strict=True))


def noisy(level, sigma, channels=3, seed=0):
    noise = np.random.default_rng(seed).normal(0, 1, (24, 32, 32, channels))
    return level + sigma * np.broadcast_to(noise, (24, 32, 32, 3))


def test_the_spread_of_white_noise_is_that_of_each_frequency():
    spread = told(noisy(128, 12))["spread"].reshape(3, 63)
    # Luma has the squared weights' share of independent noise, and the rounding to whole values.
    luma = np.hypot(12, 12**-0.5) / 255 * np.sqrt(0.299**2 + 0.587**2 + 0.114**2)
    np.testing.assert_allclose(spread[0], np.log(luma), atol=0.12)
    shape = told(noisy(128, 12))["shape"].reshape(3, 63)
    # Of a normal distribution E[x²] / E[|x|]² = π / 2.
    np.testing.assert_allclose(shape[0], np.log(np.pi / 2), atol=0.15)


def test_grey_noise_is_told_from_coloured():
    np.testing.assert_allclose(told(noisy(128, 12))["correlations"], 0, atol=0.02)
    np.testing.assert_allclose(told(noisy(128, 12, channels=1))["correlations"], 1, atol=1e-4)
    assert told(noisy(128, 12, channels=1))["spread"].reshape(3, 63)[1:].max() < -8


def test_noise_of_photons_grows_with_brightness():
    levels = np.linspace(10, 245, 24)[:, None, None, None]
    constant = told(noisy(levels, 9))["brightness"]
    growing = told(noisy(levels, 9 * np.sqrt(levels / 128)))["brightness"]
    np.testing.assert_allclose(constant, 0, atol=0.1)
    assert (np.diff(growing) > 0).all()
    # Twice the brightness, √2 times the noise: of the bands in the middle, 64 and 128.
    assert growing[3] - growing[1] == pytest.approx(np.log(149 / 64) / 2, abs=0.15)


def test_a_constant_has_no_residual_and_no_statistic_is_infinite():
    flat = told(np.full((24, 32, 32, 3), 255.0))
    assert flat["flat"] == pytest.approx([0, 0, 0], abs=1e-3)
    assert flat["ends"] == pytest.approx([np.log(1e-4)] * 3 + [0] * 3, abs=1e-3)
    np.testing.assert_allclose(flat["brightness"], 0, atol=1e-6)


def test_the_order_of_patches_does_not_count():
    values = noisy(np.linspace(10, 245, 24)[:, None, None, None], 9)
    vector = pixel_statistics.statistics(values.clip(0, 255).astype(np.uint8))
    turned = pixel_statistics.statistics(values[::-1].clip(0, 255).astype(np.uint8))
    np.testing.assert_allclose(vector, turned, rtol=1e-4, atol=1e-4)


def test_the_slope_of_noise_over_brightness_is_its_power_even_beside_texture():
    levels = np.linspace(10, 245, 24)[:, None, None, None]
    # Half of each patch is a texture of the dark ones alone, which noise is not to be taken from.
    texture = np.zeros((24, 32, 32, 1))
    texture[:12, :, ::16] = texture[:12, :, 1::16] = 60
    for power in (0, 0.5):
        noise = noisy(levels, 9 * (levels / 128) ** power) + texture
        assert told(noise)["slope"] == pytest.approx([power], abs=0.12)


def test_roughness_is_the_size_of_white_noise():
    # Second differences in both directions have 36 times the variance; of a normal distribution
    # E|x| = σ √(2 / π).
    middle = told(noisy(128, 12))["rough"][2]
    size = np.hypot(12, 12**-0.5) / 255 * np.sqrt(2 / np.pi)
    assert middle == pytest.approx(np.log(size), abs=0.05)
    ramp = np.broadcast_to(np.arange(32)[:, None] * 4.0, (24, 32, 32))[..., None].repeat(3, -1)
    np.testing.assert_allclose(told(ramp)["rough"], np.log(1e-3), atol=1e-3)


@pytest.mark.parametrize("begin", [0, 3])
def test_blocks_have_steps_wherever_they_begin(begin):
    generator = np.random.default_rng(0)
    blocks = generator.uniform(60, 200, (24, 5, 32)).repeat(8, axis=1)[:, begin : begin + 32]
    # Columns are all the same within a block of rows, which have a step every eight.
    picture = np.broadcast_to(blocks[:, :, :1], (24, 32, 32))[..., None].repeat(3, -1)
    rows = told(picture)["rows"]
    # Three of eight third differences see a step; those that see none are nothing.
    assert rows[0] > 1.5
    assert rows[3] < -1.5
    assert (rows[4] == pytest.approx(rows[0])) == (begin == 0)
    np.testing.assert_allclose(told(picture)["columns"], 0, atol=1e-6)


def test_the_darkest_is_what_one_pixel_in_a_hundred_is_below():
    values = np.full((24, 32, 32, 3), 200, np.uint8)
    assert pixel_statistics.darkest(values) == pytest.approx(200 / 255)
    # The least channel counts; fewer than one in a hundred do not.
    values[0, :7, :, 2] = 20
    assert pixel_statistics.darkest(values) == pytest.approx(200 / 255)
    values[0, :9, :, 2] = 20
    assert pixel_statistics.darkest(values) == pytest.approx(20 / 255)


def picture():
    """Patches of something soft that is neither black nor white."""
    return noisy(np.linspace(60, 190, 24)[:, None, None, None], 3)


def test_without_black_or_white_there_is_nothing_to_tell_of_it():
    for told_of_it in (told(picture())["black"], told(picture())["white"]):
        assert told_of_it[[1, 3, 4, 5, 6]].tolist() == [0] * 5


@pytest.mark.parametrize(
    ("tone", "name", "other"), [(0, "black", "white"), (255, "white", "black")]
)
def test_a_stroke_is_pure_up_to_its_edge_and_of_one_tone(tone, name, other):
    values = picture()
    columns, rows = np.meshgrid(np.arange(32), np.arange(32))
    values[:, np.abs(columns - rows) < 4] = tone
    stroke, nothing = told(values)[name], told(values)[other]
    assert stroke[0] == pytest.approx(np.log(np.mean(np.abs(columns - rows) < 4)), abs=0.01)
    _, _, _, step, at_once, opposite, straight = stroke
    assert min(step, at_once) > 0.95
    assert opposite == straight == 0  # a slanted edge is a stair
    assert nothing[3:].tolist() == [0] * 4


def test_smooth_edges_step_but_not_at_once():
    values = picture()
    values[:, 10:20], values[:, 9], values[:, 20] = 255, 200, 200
    assert told(values)["white"][3] > 0.95
    values[:, 9], values[:, 20] = 140, 140
    values[:, 8], values[:, 21] = 90, 90
    white = told(values)["white"]
    assert white[3] > 0.95
    assert white[4] < 0.3


def test_light_that_fades_has_no_step():
    values = np.broadcast_to(np.linspace(120, 300, 32)[:, None, None], (24, 32, 32, 3))
    assert told(values)["white"][0] > np.log(0.2)
    assert told(values)["white"][3] == 0


def test_frames_are_straight_and_print_is_black_on_white():
    values = picture()
    values[:, :6] = 0
    assert told(values)["black"][6] == pytest.approx(28 / 32, abs=0.05)
    paper = np.full((24, 32, 32, 3), 255.0)
    paper[:, 8:12, 4:28] = 0
    assert told(paper)["black"][5] > 0.95
    assert told(paper)["white"][5] > 0.95


def test_waves_of_blocks_are_scipys():
    planes = np.random.default_rng(0).random((2, 16, 24), np.float32)
    waves = pixel_statistics.waves(planes)
    assert waves.shape == (2, 2, 3, 8, 8)
    for at in np.ndindex(2, 2, 3):
        plane, row, column = at[0], 8 * at[1], 8 * at[2]
        block = planes[plane, row : row + 8, column : column + 8]
        np.testing.assert_allclose(waves[at], dctn(block, norm="ortho"), atol=1e-5)
