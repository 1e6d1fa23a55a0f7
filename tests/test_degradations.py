import io
import random
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage, stats
from skimage.restoration import richardson_lucy

from grids.base import plugins
from grids.base.errors import InputError
from grids.base.plugins import names_in
from grids.degradations import inpainting
from grids.degrading import operators, parameters
from grids.images import reading, sets
from grids.pixels.arrays import to_tensor

NAMES = names_in("degradations")
ELEVEN = (
    "defocus_blur",
    "gaussian_blur",
    "gaussian_noise",
    "inpainting",
    "jpeg",
    "motion_blur",
    "poisson_noise",
    "r_l",
    "ringing",
    "salt_pepper_noise",
    "sr",
)


@pytest.fixture(scope="module")
def photograph():
    return reading.read(sets.find("embedded")[0])[50:178, 100:250]


def values(name, use="evaluation", **overrides):
    return parameters.resolve(parameters.specification(name), overrides, use)


def one(name, pixels, key=0, **overrides):
    """The degraded image of one key as an array (h, w, 3) in 0 … 1."""
    degraded = operators.degrade(name, to_tensor(pixels)[None], values(name, **overrides), [key])
    return degraded[0].permute(1, 2, 0).double().numpy()


def eight_bits(array):
    return np.rint(np.clip(array, 0, 1) * 255) / 255


def assert_same_pixels(actual, expected):
    """Equal up to one level where float32 lies on the other side of a rounding edge."""
    levels = np.abs(actual - eight_bits(expected)) * 255
    assert levels.max() < 1.01
    assert (levels > 0.5).mean() < 1e-3


def test_the_paper_s_eleven_and_haze_are_there():
    assert set(NAMES) == {*ELEVEN, "haze"}


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=15)
@given(
    height=st.integers(16, 40), width=st.integers(16, 40), key=st.integers(0, 2**62), data=st.data()
)
def test_any_image_gives_one_of_its_shape_on_the_8_bit_grid(name, height, width, key, data):
    seed = data.draw(st.integers(0, 2**32 - 1))
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    use = data.draw(st.sampled_from(["evaluation", "training"]))
    degraded = operators.degrade(name, to_tensor(pixels)[None], values(name, use), [key])
    assert degraded.shape == (1, 3, height, width)
    assert degraded.dtype == torch.float32
    assert 0 <= degraded.min() <= degraded.max() <= 1
    assert torch.allclose(degraded * 255, (degraded * 255).round(), atol=1e-4)


@pytest.mark.parametrize("use", ["evaluation", "training"])
@pytest.mark.parametrize("name", NAMES)
def test_an_image_s_pixels_do_not_depend_on_its_batch(name, use, photograph):
    crops = to_tensor(np.stack([photograph[i : i + 64, i : i + 72] for i in range(0, 40, 8)]))
    keys = [7, 11, 13, 17, 19]
    together = operators.degrade(name, crops, values(name, use), keys)
    for i in (3, 0, 4):
        alone = operators.degrade(name, crops[i : i + 1], values(name, use), [keys[i]])
        assert torch.equal(alone[0], together[i])


@pytest.mark.parametrize("name", ["gaussian_noise", "salt_pepper_noise", "poisson_noise"])
def test_keys_name_the_randomness(name, photograph):
    assert np.array_equal(one(name, photograph, key=5), one(name, photograph, key=5))
    assert not np.array_equal(one(name, photograph, key=5), one(name, photograph, key=6))


def test_gaussian_blur_is_scipys(photograph):
    expected = ndimage.gaussian_filter(
        photograph / 255, sigma=(3, 3, 0), mode="mirror", radius=(7, 7, 0)
    )
    assert_same_pixels(one("gaussian_blur", photograph), expected)


def test_defocus_blur_is_scipys_convolution_with_a_disk(photograph):
    fine = np.hypot(*np.mgrid[-3.5:3.5:700j, -3.5:3.5:700j]) <= 3
    kernel = fine.reshape(7, 100, 7, 100).mean(axis=(1, 3))
    expected = ndimage.convolve(photograph / 255, (kernel / kernel.sum())[..., None], mode="mirror")
    actual = one("defocus_blur", photograph)
    # The disk's edge is measured on a coarser grid here: a level or two.
    assert np.abs(actual - expected).max() * 255 < 3
    assert np.abs(actual - expected).mean() * 255 < 0.5


@pytest.mark.parametrize("angle", [0.0, 90.0, -90.0, 45.0])
def test_motion_blur_is_a_half_gaussian_along_a_line(angle, photograph):
    weights = np.exp(-(np.arange(21) ** 2) / (2 * 5.0**2))
    dy, dx = round(np.sin(np.deg2rad(angle))), round(np.cos(np.deg2rad(angle)))
    if angle == 45.0:
        steps = np.rint(np.arange(21) * np.sqrt(0.5)).astype(int)
        dy = dx = 1
    else:
        steps = np.arange(21)
    framed = np.pad(photograph / 255.0, ((20, 20), (20, 20), (0, 0)), mode="edge")
    h, w = photograph.shape[:2]
    expected = sum(
        weight * framed[20 - s * dy :, 20 - s * dx :][:h, :w]
        for weight, s in zip(weights / weights.sum(), steps, strict=True)
    )
    assert_same_pixels(one("motion_blur", photograph, angle=angle), expected)


@pytest.mark.parametrize("iterations", [1, 3])
def test_r_l_is_scikit_images(photograph, iterations):
    psf = np.ones((5, 5)) / 25
    expected = np.stack(
        [
            richardson_lucy(
                np.pad(photograph[..., c] / 255, 7, mode="linear_ramp"), psf, num_iter=iterations
            )[7:-7, 7:-7]
            for c in range(3)
        ],
        axis=-1,
    )
    actual = one("r_l", photograph, iterations=iterations)
    if iterations == 1:
        assert_same_pixels(actual, expected)
    else:  # the frame's zeros differ in how they wrap at the outermost pixels
        assert_same_pixels(actual[8:-8, 8:-8], expected[8:-8, 8:-8])


def test_one_iteration_of_r_l_is_a_box_filter_inside(photograph):
    box = ndimage.uniform_filter(photograph / 255.0, size=(5, 5, 1))
    assert_same_pixels(one("r_l", photograph)[2:-2, 2:-2], box[2:-2, 2:-2])


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_sr_is_pillows_bicubic(photograph, scale):
    h, w = photograph.shape[:2]
    planes = []
    for c in range(3):
        plane = Image.fromarray(photograph[..., c].astype(np.float32) / 255)
        small = plane.resize((-(-w // scale), -(-h // scale)), Image.Resampling.BICUBIC)
        planes.append(np.asarray(small.resize((w, h), Image.Resampling.BICUBIC)))
    assert_same_pixels(one("sr", photograph, scale=scale), np.stack(planes, axis=-1))


def test_ringing_is_the_cut_impulse_response_of_an_ideal_low_pass(photograph):
    """The response is integrated numerically over the disk of passed frequencies."""
    step = 0.01
    frequencies = np.arange(-1.2, 1.2, step) + step / 2
    passed = np.hypot(frequencies[:, None], frequencies) <= 1.2
    waves = np.cos(np.outer(np.arange(-7, 8), frequencies))  # sines cancel
    kernel = waves @ passed @ waves.T
    expected = ndimage.convolve(photograph / 255, (kernel / kernel.sum())[..., None], mode="mirror")
    actual = one("ringing", photograph)
    assert np.abs(actual - np.clip(expected, 0, 1)).max() * 255 < 1.5


@pytest.mark.parametrize("quality", [10, 40])
def test_jpeg_is_pillows(photograph, quality):
    buffer = io.BytesIO()
    Image.fromarray(photograph).save(buffer, "jpeg", quality=quality, subsampling=2)
    expected = np.asarray(Image.open(buffer)) / 255
    assert np.allclose(one("jpeg", photograph, quality=quality), expected, atol=1e-6)


def grey(level, side=256):
    return np.full((side, side, 3), level, np.uint8)


def test_gaussian_noise_has_its_variance_and_is_white():
    noise = one("gaussian_noise", grey(128), sigma=20.0) * 255 - 128
    assert noise.mean() == pytest.approx(0, abs=0.2)
    # Rounding to 8 bits adds 1/12.
    assert noise.var() == pytest.approx(400 + 1 / 12, rel=0.02)
    dithered = noise + np.random.default_rng(0).uniform(-0.5, 0.5, noise.shape)
    assert stats.kstest(dithered.ravel(), "norm", args=(0, np.sqrt(400 + 1 / 6))).pvalue > 1e-3
    correlation = np.corrcoef(noise.reshape(-1, 3).T)
    assert np.abs(correlation - np.eye(3)).max() < 0.02
    assert abs(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]) < 0.01


def test_poisson_noise_has_the_variance_of_its_mean():
    for level in (51, 153):
        counts = one("poisson_noise", grey(level)) * 100
        assert counts.mean() == pytest.approx(level / 255 * 100, rel=0.01)
        assert counts.var() == pytest.approx(level / 255 * 100, rel=0.03)


def test_salt_and_pepper_hit_all_channels_of_few_pixels_in_equal_parts():
    degraded = one("salt_pepper_noise", grey(100, 512))
    white = (degraded == 1).all(axis=-1)
    black = (degraded == 0).all(axis=-1)
    rest = degraded[~(white | black)]
    assert np.allclose(rest, 100 / 255)
    pixels = 512 * 512
    for hit in (white, black):
        assert stats.binomtest(int(hit.sum()), pixels, 0.025).pvalue > 1e-3


def test_inpainting_paints_lines_of_one_colour(photograph):
    colours = set()
    for key in range(12):
        degraded = one("inpainting", grey(100), key=key)
        changed = np.abs(degraded - 100 / 255).max(axis=-1) > 1e-3
        painted = np.unique(degraded[changed])
        assert painted.tolist() in ([0.0], [1.0])
        colours.add(painted[0])
        assert 0.03 < changed.mean() < 0.6
    assert colours == {0.0, 1.0}


def test_inpainting_line_has_its_thickness():
    """One line: area = length × thickness + a round cap, for segments inside the image."""
    key = 3
    degraded = one("inpainting", grey(100), key=key, lines=1, thickness=8.0)
    y, x = np.nonzero(np.abs(degraded[..., 0] - 100 / 255) > 1e-3)
    points = np.stack([x, y], axis=1) - [x.mean(), y.mean()]
    _, _, axes = np.linalg.svd(points, full_matrices=False)
    across = points @ axes[1]
    middle = np.abs(points @ axes[0]) < 10
    assert np.ptp(across[middle]) == pytest.approx(8, abs=1.6)


def test_inpainting_covers_what_is_near_a_segment():
    """Against the distance of each pixel's centre; segments along the axes and points as well."""
    generator = np.random.default_rng(0)
    ends = generator.uniform(-5, 45, (40, 2, 2)).astype(np.float32)
    ends[0] = [[3, 5], [20, 5]]
    ends[1] = [[5, 3], [5, 20]]
    ends[2] = [[7.2, 7.9], [7.2, 7.9]]
    distance = generator.uniform(0.5, 6, 40)
    image = np.repeat(np.arange(20), 2)
    arguments = map(torch.from_numpy, (ends, distance, image))
    mask = inpainting._near(*arguments, (20, 32, 40)).numpy()
    y, x = np.mgrid[:32, :40] + 0.5
    for number in range(20):
        nearest = [
            _distance(x, y, *ends[line].astype(float)) - distance[line]
            for line in np.flatnonzero(image == number)
        ]
        assert np.array_equal(mask[number], np.min(nearest, axis=0) <= 0)


def _distance(x, y, first, last):
    direction = last - first
    along = ((x - first[0]) * direction[0] + (y - first[1]) * direction[1]).clip(0)
    along = np.minimum(along / max(direction @ direction, 1e-12), 1)
    return np.hypot(x - first[0] - along * direction[0], y - first[1] - along * direction[1])


def test_haze_is_koschmieders_law(photograph):
    expected = photograph / 255 * 0.5 + 0.9 * 0.5
    assert_same_pixels(one("haze", photograph), expected)


class TestParameters:
    def test_ranges_are_drawn_inside_and_whole_numbers_stay_whole(self):
        drawn = [
            operators.drawn("jpeg", values("jpeg", "training"), key)["quality"]
            for key in range(400)
        ]
        assert all(isinstance(q, int) for q in drawn)
        assert set(drawn) == set(range(10, 41))
        sigmas = [
            operators.drawn("gaussian_blur", values("gaussian_blur", "training"), k)["sigma"]
            for k in range(400)
        ]
        assert stats.kstest(sigmas, "uniform", args=(2, 2)).pvalue > 0.001

    @pytest.mark.parametrize("name", NAMES)
    def test_declared_values_are_valid_and_described(self, name):
        for parameter, declared in parameters.specification(name).items():
            assert set(declared) == {"evaluation", "training", "range", "is"}
            for use in ("evaluation", "training"):
                assert values(name, use, **{parameter: declared[use]})[parameter] == declared[use]

    @pytest.mark.parametrize(
        ("name", "overrides", "message"),
        [
            ("jpeg", {"qualty": 10}, "unknown parameter 'qualty'; did you mean 'quality'"),
            ("jpeg", {"quality": 10.5}, "quality: must be a whole number"),
            ("jpeg", {"quality": "10"}, "quality: must be a whole number"),
            ("jpeg", {"quality": True}, "quality: must be a whole number"),
            ("jpeg", {"quality": [40, 10]}, "low first"),
            ("jpeg", {"quality": [10, 20, 30]}, "must be a whole number or \\[low, high\\]"),
            ("jpeg", {"quality": []}, "must be a whole number or \\[low, high\\]"),
            ("jpeg", {"quality": 101}, "within 1 … 100"),
            ("gaussian_blur", {"sigma": float("nan")}, "must lie within"),
            ("gaussian_blur", {"sigma": -1.0}, "within 0.1 … 100"),
        ],
    )
    def test_wrong_values_are_refused_in_one_line(self, name, overrides, message):
        with pytest.raises(InputError, match=message) as error:
            parameters.resolve(parameters.specification(name), overrides, "evaluation")
        assert "\n" not in str(error.value)

    def test_whole_numbers_for_a_float_parameter_are_floats(self):
        ranged = values("gaussian_blur", "training", sigma=[2, 4])
        assert ranged == values("gaussian_blur", "training", sigma=[2.0, 4.0])
        drawn = {operators.drawn("gaussian_blur", ranged, key)["sigma"] for key in range(20)}
        assert len(drawn) == 20
        assert repr(values("gaussian_blur", sigma=3)) == repr(values("gaussian_blur", sigma=3.0))

    def test_unknown_degradation(self):
        with pytest.raises(InputError, match="did you mean 'jpeg'"):
            parameters.specification("jpg")


class TestModulesOfUsers:
    @pytest.fixture
    def fog(self, tmp_path, monkeypatch):
        """Writes the module of a degradation of that name, the only one there is."""
        (tmp_path / "degradations").mkdir()
        monkeypatch.setattr(plugins, "ROOT", tmp_path)
        caches = (plugins.names_in, parameters._constant)
        for cache in caches:
            cache.cache_clear()
        yield (tmp_path / "degradations" / "fog.py").write_text
        for cache in caches:
            cache.cache_clear()

    @pytest.mark.parametrize(
        ("returned", "message"),
        [
            (lambda images: images[:, :1], r"returned \(2, 1, 8, 9\) for images of \(2, 3, 8, 9\)"),
            (lambda images: images[..., 1:], r"returned \(2, 3, 8, 8\) for images of"),
            (lambda images: images.index_fill(2, torch.tensor(3), torch.nan), "returned NaN"),
            (None, "no function degrade"),
        ],
    )
    def test_what_an_operator_returns_is_checked(self, monkeypatch, returned, message):
        operator = returned and (lambda images, draws, generators: returned(images))
        module = SimpleNamespace(**({"degrade": operator} if operator else {}))
        monkeypatch.setitem(sys.modules, "grids.degradations.fog", module)
        with pytest.raises(InputError, match=rf"degradations/fog\.py: .*{message}"):
            operators.degrade("fog", torch.rand(2, 3, 8, 9), {}, [1, 2])

    @pytest.mark.parametrize(
        "noise",
        [
            lambda shape: torch.rand(shape),
            lambda shape: torch.from_numpy(np.random.random(shape)),  # noqa: NPY002
            lambda shape: torch.from_numpy(np.random.default_rng().random(shape)),
            lambda shape: torch.full(shape, random.random()),
        ],
        ids=["torch", "numpy", "numpy, unseeded", "Python"],
    )
    def test_what_draws_from_other_generators_is_refused(self, monkeypatch, noise):
        module = SimpleNamespace(
            degrade=lambda images, draws, generators: images + 0.1 * noise(images.shape)
        )
        monkeypatch.setitem(sys.modules, "grids.degradations.fog", module)
        with pytest.raises(InputError, match=r"degradations/fog\.py: degrade gives other pixels"):
            operators.degrade("fog", torch.rand(1, 3, 80, 90), {}, [1])

    def test_an_operator_is_tried_once_and_not_on_the_images_themselves(self, monkeypatch):
        calls = []

        def degrade(images, draws, generators):
            calls.append(tuple(images.shape))
            noise = [
                torch.rand(image.shape, generator=g)
                for image, g in zip(images, generators, strict=True)
            ]
            return images.mul_(0.5).add_(torch.stack(noise), alpha=0.1)

        module = SimpleNamespace(degrade=degrade)
        monkeypatch.setitem(sys.modules, "grids.degradations.fog", module)
        for _ in range(2):
            operators.degrade("fog", torch.rand(3, 3, 80, 90), {}, [1, 2, 3])
        assert calls == [(3, 3, 80, 90), *[(2, 3, 64, 64)] * 2, (3, 3, 80, 90)]

    def test_what_is_out_of_its_own_range_is_named(self, fog):
        declared = {"evaluation": 1, "training": [1, 20], "range": [0, 9], "is": "density"}
        fog(f"PARAMETERS = {{'density': {declared}}}\n")
        with pytest.raises(InputError, match=r"fog\.py: PARAMETERS: training of density: must lie"):
            parameters.specification("fog")

    def test_what_is_no_literal_is_named(self, fog):
        fog("SEVERITIES = [{}] * 5\n")
        with pytest.raises(InputError, match=r"degradations/fog.py: write SEVERITIES out"):
            plugins.constant_of("degradations", "fog", "SEVERITIES")

    def test_what_is_not_declared_is_named(self, fog):
        fog("PARAMETERS: dict[str, dict]\n")
        with pytest.raises(InputError, match=r"degradations/fog.py declares no PARAMETERS"):
            parameters.specification("fog")

    def test_types_may_be_annotated(self, fog):
        declared = {"a": {"evaluation": 1, "training": [1, 2], "range": [0, 9], "is": "density"}}
        fog(f"PARAMETERS: dict[str, dict] = {declared}\n")
        assert parameters.specification("fog") == declared

    @pytest.mark.parametrize(
        ("declared", "missing"),
        [
            ({"evaluation": 1, "range": [0, 9], "is": "density"}, "'training'"),
            ({"evaluation": 1, "training": 2}, "'range', 'is'"),
            (1, "'evaluation', 'training', 'range', 'is'"),
        ],
    )
    def test_what_a_parameter_lacks_is_named(self, fog, declared, missing):
        fog(f"PARAMETERS = {{'density': {declared}}}\n")
        with pytest.raises(InputError) as error:
            parameters.specification("fog")
        said = "grids/degradations/fog.py: PARAMETERS: density has no "
        assert str(error.value) == said + missing
