"""Tiles against the whole image, and what happens when memory runs out."""

import gc
import subprocess
import sys
import textwrap
import weakref
from threading import Event

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from photograph_files import scene
from torch import nn

from grids.backbones import nafnet, restormer, srresnet
from grids.base.errors import InputError, NotFiniteError
from grids.models import memory, tiles, tiling
from grids.models.tiles import Tiler
from grids.models.tiling import Needs

CPU = torch.device("cpu")
LOCAL = {
    "srresnet": (srresnet.build, {"features": 8, "blocks": 3}),
    "strided": (srresnet.build, {"features": 8, "blocks": 2, "strided": True}),
}
GLOBAL = (restormer.build, {"dim": 8, "blocks": [1, 1, 1, 1], "refinement": 1})
NAFNET = {"width": 8, "encoder": [1, 1, 1], "middle": 1, "decoder": [1, 1, 1], "shuffle": 2}
GLOBALS = {"restormer": GLOBAL, "nafnet": (nafnet.build, NAFNET)}


def network(build, options, seed=0):
    """With parameters that matter: a fresh restorer changes its input by next to nothing."""
    torch.manual_seed(seed)
    built = build(**options).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return built


def arrays(built):
    return tiles.of_arrays(built, CPU)


def whole(built, image):
    """The plain way: the image in one pass."""
    white = np.iinfo(image.dtype).max
    with torch.inference_mode():
        x = torch.from_numpy(image.astype(np.float32) / white).permute(2, 0, 1)[None]
        return (built(x)[0].permute(1, 2, 0).clamp(0, 1) * white).round().numpy()


class Shift(nn.Module):
    """Moves the image: reaches exactly so far, to one side only."""

    def __init__(self, by):
        super().__init__()
        self.by, self.layer = by, nn.Identity()

    def forward(self, x):
        return torch.roll(self.layer(x), self.by, dims=-1)


class Mean(nn.Module):
    """As global as can be: every pixel becomes the mean of all."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Identity()

    def forward(self, x):
        return torch.zeros_like(x) + self.layer(x).mean(dim=(-1, -2), keepdim=True)


class Hungry(nn.Module):
    """The identity, where an image higher than `limit` does not fit into memory."""

    def __init__(self, limit, error):
        super().__init__()
        self.limit, self.error, self.heights = limit, error, []
        self.layer = nn.Identity()

    def forward(self, x):
        self.heights.append(x.shape[-2])
        if x.shape[-2] > self.limit:
            raise self.error
        return self.layer(x)


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    MemoryError(),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"),
    RuntimeError("GET was unable to find an engine to execute this computation"),
]


@pytest.mark.parametrize("kind", LOCAL)
@pytest.mark.parametrize("shape", [(301, 230), (64, 517), (517, 64), (96, 96)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiles_of_a_local_network_are_the_whole_image(kind, shape, dtype):
    built = network(*LOCAL[kind])
    image = scene(*shape, dtype=dtype)
    expected = whole(built, image)
    restored, tile = Tiler(built, CPU, tile=96).restore(arrays(built), image)
    assert restored.dtype == dtype
    assert tile == (96 if max(shape) > 96 else None)
    error = np.abs(restored.astype(int) - expected.astype(int))
    # Rounding may tip values that lie halfway between two integers.
    assert error.max() <= 1
    assert np.mean(error > 0) < (1e-3 if dtype == np.uint8 else 0.05)
    assert np.abs(expected - image).mean() > 0.01 * np.iinfo(dtype).max


@pytest.mark.parametrize("kind", LOCAL)
def test_less_than_the_reach_is_not_enough(kind):
    built = network(*LOCAL[kind])
    image = scene(96, 230, dtype=np.uint16)
    tiler = Tiler(built, CPU, tile=96)
    tiler._needs = Needs(margin=0, blend=1, bytes_per_pixel=1)
    restored, _ = tiler.restore(arrays(built), image)
    error = np.abs(restored.astype(int) - whole(built, image).astype(int))
    assert error.max() > 10


def test_blending_hides_the_seams_of_a_global_network():
    ramp = np.repeat(np.linspace(0, 65535, 400).astype(np.uint16), 64 * 3)
    image = ramp.reshape(400, 64, 3).transpose(1, 0, 2)
    tiler, seams = Tiler(Mean(), CPU, tile=144), []
    for margin, blend in ((48, 1), (tiles.GLOBAL_MARGIN, tiles.GLOBAL_BLEND)):
        tiler._needs = Needs(margin, blend, bytes_per_pixel=1)
        restored, _ = tiler.restore(arrays(Mean()), image)
        seams.append(np.abs(np.diff(restored[0, :, 0].astype(int))).max())
    # Each tile is of one value. The step between two becomes as many small ones as are blended.
    assert seams[1] == pytest.approx(seams[0] / tiles.GLOBAL_BLEND, rel=0.1)


@pytest.mark.parametrize("by", [0, 1, 11, -11, 40, -200])
def test_reach_of_a_shift(by):
    assert tiles.reach(Shift(by)) == abs(by)


def test_reach_of_networks():
    # By hand: first, two a block, HR and last convolution, each of one pixel.
    assert tiles.reach(network(*LOCAL["srresnet"])) == 1 + 2 * 3 + 2
    # At most three at full size, two at half, and the trunk at a quarter.
    assert tiles.reach(network(*LOCAL["strided"])) <= 3 * 1 + 2 * 2 + 4 * (1 + 2 * 2 + 1)
    for kind in GLOBALS.values():
        assert tiles.reach(network(*kind)) is None


@pytest.mark.parametrize(
    ("kind", "grid"),
    [
        (LOCAL["srresnet"], 8),
        (LOCAL["strided"], 8),
        (GLOBAL, 8),
        ((nafnet.build, NAFNET), 16),
        ((nafnet.build, NAFNET | {"encoder": [1] * 4, "decoder": [1] * 4}), 32),
        ((nafnet.build, NAFNET | {"shuffle": 8}), 64),
        ((nafnet.build, NAFNET | {"shuffle": 3}), 24),
    ],
)
def test_tiles_are_on_the_grid_of_strides(kind, grid):
    """Off it, a trained NAFNet lost 0.2 dB, and single pixels by as much as 118 of 255."""
    built, starts = network(*kind), []
    tiler = Tiler(built, CPU, tile=500)
    assert tiler._needs.grid == grid
    assert tiler._tile == 500 // grid * grid
    for span in tiling.spans(3000, tiler._tile, tiler._needs):
        assert span.start % grid == 0
        assert span.end % grid == 0 or span.end == 3000
        starts.append(span.start)
    assert len(starts) > 5


def test_reach_is_not_that_of_an_algorithm():
    def transformed(x):
        """As a convolution by FFT: what is not a number spreads over the image."""
        return x + 0 * x.sum() if torch.backends.cudnn.enabled else x

    assert tiles.reach(transformed) == 0


@given(
    length=st.integers(1, 5000),
    needs=st.builds(
        Needs,
        margin=st.integers(0, 60),
        blend=st.sampled_from([1, 8, 24, 32]),
        bytes_per_pixel=st.just(1),
        grid=st.sampled_from([8, 16, 24, 64]),
    ),
    more=st.integers(0, 40),
)
@example(length=97, needs=Needs(9, 1, 1), more=4)
@example(length=513, needs=Needs(0, 1, 1), more=10)
@example(length=4001, needs=Needs(16, 24, 1), more=2)
@example(length=4001, needs=Needs(9, 1, 1, 24), more=0)
def test_tiles_cover_every_pixel_once_within_their_size(length, needs, more):
    tile, total, starts = needs.smallest + more * needs.grid, np.zeros(length), []
    spans = tiling.spans(length, tile, needs)
    for span in spans:
        assert span.end - span.start <= tile
        assert span.start % needs.grid == 0
        assert span.weights.min() >= 0
        total[span.start : span.end] += span.weights
        # What lies within the margin of an inner edge does not count.
        if span.start > 0:
            assert not span.weights[: needs.margin].any()
        if span.end < length:
            assert not span.weights[len(span.weights) - needs.margin :].any()
        starts.append(span.start)
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert starts == sorted(set(starts))
    # Runtimes are faster where sides stay the same.
    side = spans[0].end
    for span in spans:
        lacking = side - (span.end - span.start)
        assert lacking == (-(length - side) % needs.grid if span.end == length else 0)
    # No tile of the grid that so many could do with is smaller.
    if len(spans) > 1:
        smaller = side - needs.grid
        assert len(spans) * (smaller - 2 * needs.halo) + 2 * needs.halo < length
        assert (len(spans) - 1) * (tile - 2 * needs.halo) + 2 * needs.halo < length


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (5, 7), (300, 3)])
@pytest.mark.parametrize("kind", [*LOCAL.values(), *GLOBALS.values()])
def test_the_smallest_images(shape, kind):
    built, image = network(*kind), scene(*shape)
    restored, _ = Tiler(built, CPU, tile=144).restore(arrays(built), image)
    assert restored.shape == image.shape


@pytest.mark.parametrize("error", OUT_OF_MEMORY)
def test_tiles_are_halved_until_they_fit(error):
    hungry, lines = Hungry(40, error), []
    tiler = Tiler(hungry, CPU, tile=200, say=lines.append)
    image = scene(150, 130)
    restored, tile = tiler.restore(arrays(hungry), image)
    np.testing.assert_array_equal(restored, image)
    assert tile == 32
    assert [line.partition(";")[0] for line in lines] == [
        f"memory ran out with tiles of {tried} pixels" for tried in (152, 72)
    ]
    # What has been learnt holds for the next image.
    hungry.heights.clear()
    tiler.restore(arrays(hungry), image)
    assert max(hungry.heights) <= 40


def test_it_fails_when_the_smallest_tiles_do_not_fit():
    hungry, lines = nn.Sequential(Hungry(32, MemoryError()), Shift(11)), []
    with pytest.raises(InputError, match="not even tiles of 48 pixels fit into memory"):
        Tiler(hungry, CPU, tile=120, say=lines.append).restore(arrays(hungry), scene(150, 130))
    assert [int(line.split()[-1]) for line in lines] == [56, 48]


def test_other_errors_are_not_taken_for_lack_of_memory():
    faulty = Hungry(32, RuntimeError("illegal access"))
    with pytest.raises(RuntimeError, match="illegal"):
        Tiler(faulty, CPU).restore(arrays(faulty), scene(150, 130))


def test_output_that_is_not_finite_is_an_error():
    broken = network(*LOCAL["srresnet"])
    with torch.no_grad():
        broken.conv_last.bias.fill_(torch.inf)
    with pytest.raises(NotFiniteError, match="not finite"):
        Tiler(broken, CPU).restore(arrays(broken), scene())


def test_a_tile_that_is_too_small_is_refused():
    built = network(*LOCAL["srresnet"])
    with pytest.raises(InputError, match="tiles of 24 pixels: this network needs 48 at least"):
        Tiler(built, CPU, tile=24)


def test_progress_reaches_every_pixel():
    built, done = network(*LOCAL["srresnet"]), []
    for height, width in ((300, 200), (1, 300)):
        done.clear()
        Tiler(built, CPU, tile=96).restore(arrays(built), scene(height, width), done.append)
        assert len(done) > 1
        assert done == sorted(done)
        assert done[-1] == height * width


class Awaiting(np.ndarray):
    """A result that is not put in its place before the next tile is begun."""

    def __imul__(self, weights):
        assert self.begun.wait(60)
        return super().__imul__(weights)

    def __array_finalize__(self, whole):
        self.begun = getattr(whole, "begun", None)


def test_a_tile_is_computed_while_the_one_before_is_put_in_its_place():
    begun = []
    following = [*(Event() for _ in range(5)), Event()]
    following[-1].set()

    def forward(images):
        if begun:
            following[len(begun) - 1].set()
        result = images.copy().view(Awaiting)
        result.begun = following[len(begun)]
        begun.append(images.shape)
        return result

    image = scene(216, 152)
    restored, _ = tiling.Tiler(Needs(0, 1, 1), tiling.Place(), 80).restore(forward, image)
    np.testing.assert_array_equal(restored, image)
    assert len(begun) == len(following)


def test_who_ends_the_work_waits_for_no_other_tile():
    begun = []

    def forward(images):
        begun.append(images)
        return images.copy()

    def cancel(pixels):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiling.Tiler(Needs(0, 1, 1), tiling.Place(), 80).restore(forward, scene(216, 152), cancel)
    assert len(begun) == 1


def test_what_did_not_fit_is_held_no_longer():
    """Without the collector of cycles, which comes when it likes."""
    held, alive, said = [], [], []

    def forward(images):
        held.append(weakref.ref(images))
        if images.shape[2] > 80:
            raise MemoryError
        return images.copy()

    def say(line):
        said.append(line)
        alive.extend(array for array in held if array() is not None)

    gc.disable()
    try:
        tiling.Tiler(Needs(0, 1, 1), tiling.Place(), 160, say).restore(forward, scene(216, 152))
    finally:
        gc.enable()
    assert said
    assert not alive


def test_bfloat16_is_near():
    built = network(*LOCAL["srresnet"])
    image = scene()
    exact, _ = Tiler(built, CPU).restore(arrays(built), image)
    reduced, _ = Tiler(built, CPU, "bf16").restore(tiles.of_arrays(built, CPU, "bf16"), image)
    assert 0 < np.abs(exact.astype(int) - reduced).mean() < 2


@pytest.mark.parametrize(
    ("kind", "largest"),
    [
        (LOCAL["srresnet"], tiling.LARGEST_LOCAL_ON_CPU),
        *((kind, tiling.LARGEST) for kind in GLOBALS.values()),
    ],
)
def test_the_tile_follows_the_memory(monkeypatch, kind, largest):
    built = network(*kind)
    tiles = []
    for megabytes in (1, 4, 16, 100000):
        monkeypatch.setattr(memory, "free", lambda m=megabytes: m << 20)
        tiles.append(Tiler(built, CPU)._tile)
    assert tiles == sorted(tiles)
    assert tiles[0] < tiles[-1] == largest


def test_limits_of_control_groups_count(tmp_path, monkeypatch):
    job = tmp_path / "slurm" / "job"
    job.mkdir(parents=True)
    (tmp_path / "own").write_text("0::/slurm/job\n")
    for group, limit in ((job, "max"), (job.parent, 1000)):
        (group / "memory.max").write_text(f"{limit}\n")
        (group / "memory.current").write_text("600\n")
        (group / "memory.stat").write_text("anon 500\ninactive_file 50\n")
    monkeypatch.setattr(memory, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(memory, "GROUPS", tmp_path)
    assert memory.free() == 450
    (job.parent / "memory.max").write_text("max\n")
    assert memory.free() > 1 << 20


def test_limits_of_control_groups_of_version_1_count(tmp_path, monkeypatch):
    job = tmp_path / "memory" / "slurm" / "job"
    job.mkdir(parents=True)
    (tmp_path / "own").write_text("5:cpu,cpuacct:/slurm/job\n4:memory:/slurm/job\n0::/elsewhere\n")
    for group, limit in ((job, 1000), (job.parent, 9223372036854771712)):
        (group / "memory.limit_in_bytes").write_text(f"{limit}\n")
        (group / "memory.usage_in_bytes").write_text("600\n")
        (group / "memory.stat").write_text("inactive_file 3\ntotal_inactive_file 50\n")
    monkeypatch.setattr(memory, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(memory, "GROUPS", tmp_path)
    assert memory.free() == 450


def test_memory_that_really_runs_out():
    """Under a limit of the address space, whole images fail and smaller tiles succeed."""
    code = """
        import resource, torch, numpy as np
        from grids.backbones import srresnet
        from grids.models.tiles import Tiler, of_arrays
        torch.set_num_threads(1)
        torch.manual_seed(0)
        network = srresnet.build(features=16, blocks=1).eval()
        image = np.random.default_rng(0).integers(0, 256, (600, 700, 3), np.uint8)
        cpu = torch.device("cpu")
        restore = of_arrays(network, cpu)
        expected, _ = Tiler(network, cpu, tile=1024).restore(restore, image)
        lines = open("/proc/self/status").read().splitlines()
        used = next(1024 * int(x.split()[1]) for x in lines if x.startswith("VmSize"))
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + (40 << 20), before[1]))
        tiler = Tiler(network, cpu, tile=1024, say=print)
        restored, tile = tiler.restore(restore, image)
        resource.setrlimit(resource.RLIMIT_AS, before)
        assert tile < 700, tile
        assert np.abs(restored.astype(int) - expected).max() <= 1
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "memory ran out" in done.stdout
