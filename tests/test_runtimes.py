"""Runtimes without torch decide and restore as torch does; faults of theirs are one line."""

import functools
import json
import os
import subprocess
import sys
import textwrap
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx_ir as ir
import pytest
import tiny_bundle
import torch
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from photograph_files import scene
from PIL import Image

from grids.backbones import nafnet, restormer, srresnet
from grids.base.errors import InputError
from grids.base.plugins import names_in
from grids.bundle import contents, graphs, onnx
from grids.cli import main
from grids.images import reading, sets
from grids.models import tiling, weights
from grids.restoring import runtime
from grids.selection.decision import MIX

WITHOUT_TORCH = ("onnx", "openvino")
# One block between all that makes images smaller and larger: to trace each takes seconds.
NAFNET = {"width": 4, "encoder": [0], "middle": 1, "decoder": [0], "shuffle": 2}
RESTORMER = {"dim": 4, "blocks": [0, 0, 0, 1], "refinement": 0, "heads": [1, 1, 1, 2]}
NETWORKS = {
    "nafnet": (nafnet.build, NAFNET),
    "restormer": (restormer.build, RESTORMER),
    "strided": (srresnet.build, {"features": 4, "blocks": 1, "strided": True}),
    "srresnet": (srresnet.build, {"features": 4, "blocks": 1}),
}


def network(name, seed=0):
    """With parameters that matter: fresh networks change their input by next to nothing."""
    build, sizes = NETWORKS[name]
    torch.manual_seed(seed)
    built = build(**sizes).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return built


@functools.cache
def traced(name):
    """To trace takes seconds, and serves for all weights."""
    return onnx.trace(network(name))


@pytest.fixture(scope="module")
def box():
    return contents.read(contents.BOX)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """An export with graphs of small networks."""
    folder = tmp_path_factory.mktemp("small")
    real = contents.read(tiny_bundle.write(folder))
    models = {}
    for seed, group in enumerate(real.groups):
        models[group] = folder / f"{group}.safetensors"
        weights.save(models[group], network("nafnet", seed), {})
    mix = folder / "mix.safetensors"
    weights.save(mix, network("nafnet", len(models)), {})
    about = {"backbone": "nafnet", "sizes": NAFNET}
    graph = traced("nafnet")
    with pytest.MonkeyPatch.context() as here:
        here.setattr(onnx, "trace", lambda first: graph)
        made = graphs.made(folder / "made", **about, models={**models, MIX: mix})
    contents.write(
        folder / "small",
        **about,
        models=models,
        mix=mix,
        descriptor=real.descriptor,
        describing=real.describing,
        selector=real.selector,
        card="# A card\n",
        graphs=made,
    )
    return contents.read(folder / "small")


@pytest.fixture(params=WITHOUT_TORCH)
def loaded(request, small):
    """A runtime without torch, and torch."""
    return tuple(runtime.choose(name, small, "cpu") for name in (request.param, "torch"))


def photographs():
    clean = reading.read(sets.find("embedded")[1])[:150, :203]
    yield clean
    for name in ("jpeg", "gaussian_noise", "gaussian_blur", "inpainting"):
        yield tiny_bundle.degraded(clean, name, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pixels_are_those_of_torch(loaded, small, dtype):
    image = scene(203, 310, dtype=dtype)
    step = np.iinfo(dtype).max // 255
    for group in (*small.groups, MIX):
        # Several tiles of a kind in a row, and others at the edges.
        results = [
            tiling.Tiler(each.needs, each.place, 144).restore(each.network(group), image)[0]
            for each in loaded
        ]
        one, other = (result.astype(int) for result in results)
        assert np.abs(one - other).max() <= step
        assert np.abs(one - image).mean() > 0.1 * step


@pytest.mark.parametrize(
    # The second leaves tiles of other sides at its edges, each row some.
    ("size", "others"),
    [((208, 304), False), ((211, 307), True)],
)
def test_graphs_are_compiled_for_the_sides_of_tiles_alone(small, monkeypatch, size, others):
    from grids.restoring.runtimes.openvino import Compiled

    fixed, compiled = [], Compiled._compiled

    def noted(self, graph, precision):
        fixed.append(graph.input().partial_shape.is_static)
        return compiled(self, graph, precision)

    monkeypatch.setattr(Compiled, "_compiled", noted)
    loaded = runtime.choose("openvino", small, "cpu")
    tiler, image = tiling.Tiler(loaded.needs, loaded.place, 144), scene(*size)
    sides = tiler.common_sides(*size)
    known = tiler.restore(loaded.network(MIX, sides), image)[0]
    assert sorted(fixed) == ([False, True] if others else [True])
    fixed.clear()
    unknown = tiler.restore(loaded.network(MIX), image)[0]
    assert fixed == ([] if others else [False])
    assert np.abs(known.astype(int) - unknown).max() <= 1
    assert tiler.common_sides(144, 144) is None


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_what_came_before_changes_no_pixel(box, name):
    """Graphs for fixed sides and those for any round differently in bf16."""
    image = np.ascontiguousarray(scene(96, 104).transpose(2, 0, 1)[None] / np.float32(255))
    alone = runtime.choose(name, box, "cpu", "auto").network(MIX)(image)
    loaded = runtime.choose(name, box, "cpu", "auto")
    for sides in (None, (96, 104), (96, 96), None):
        loaded.network(MIX, sides)(image)
    loaded.trial(MIX)(image)
    np.testing.assert_array_equal(loaded.network(MIX)(image), alone)


@pytest.mark.parametrize("name", runtime.LIBRARIES)
def test_photographs_are_tried_in_fp32_whatever_restores_them(box, name):
    """What the choice counts on was fitted so."""
    try:
        reduced = runtime.choose(name, box, "cpu", "bf16")
    except InputError as error:
        pytest.skip(str(error))
    image = np.ascontiguousarray(scene(96, 104).transpose(2, 0, 1)[None] / np.float32(255))
    exact = runtime.choose(name, box, "cpu", "fp32").network(MIX)(image)
    np.testing.assert_array_equal(reduced.trial(MIX)(image), exact)
    assert np.abs(reduced.network(MIX)(image) - exact).max() > 1e-4


def test_one_thread_may_judge_while_another_restores(loaded, small):
    """Trials and tiles go through the same network, of sizes of their own."""
    network = loaded[0].network(small.groups[0])
    images = [scene(side, 100)[None] / np.float32(255) for side in (72, 72, 120, 72, 120, 120) * 4]
    images = [np.ascontiguousarray(image.transpose(0, 3, 1, 2)) for image in images]
    alone = [np.array(network(image)) for image in images]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(network, images))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_packaged_models_are_the_same(box):
    image = scene(120, 133)
    one, other = (
        runtime.choose(name, box, "cpu").network(box.groups[0])(
            (image / np.float32(255)).transpose(2, 0, 1)[None]
        )
        for name in ("onnx", "torch")
    )
    assert np.abs(one - other).max() < 1e-4


def test_tiles_ask_for_what_torch_measures(loaded):
    ours, theirs = loaded
    assert ours.needs == theirs.needs


@pytest.mark.parametrize("name", NETWORKS)
def test_a_graph_is_the_network_at_any_size(name, tmp_path):
    built = network(name)
    weights.save(tmp_path / "w.safetensors", built, {})
    onnx.write(traced(name), tmp_path / "w.safetensors", tmp_path / "w.onnx")
    # The graph alone: the weights are where they were.
    assert (tmp_path / "w.onnx").stat().st_size < 250_000

    @settings(max_examples=5, deadline=None)
    @given(st.integers(8, 70), st.integers(8, 70))
    def same(height, width):
        image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(height))
        assert onnx.difference(tmp_path / "w.onnx", built, [image]) < graphs.ALLOWED

    same()


def test_what_torch_does_with_views_of_pixels_is_done_with_planes():
    kinds = Counter(node.op_type for node in traced("restormer").graph)
    # Queries with keys, the attention with what is behind it, and that with values.
    assert kinds["MatMul"] == 3
    assert kinds["LayerNormalization"] == 0
    # Around the block: first, last, six of sides and two of channels. In it: two of each third
    # that attends, and five of the gate.
    assert kinds["Conv"] == 10 + 2 * 3 + 5


def test_graphs_of_other_weights_and_precisions_come_from_one_trace(tmp_path):
    for seed in (1, 2):
        built = network("nafnet", seed)
        weights.save(tmp_path / f"{seed}.safetensors", built, {})
        weights.halve(tmp_path / f"{seed}.safetensors", tmp_path / "half.safetensors")
        weights.load(built, tmp_path / "half.safetensors")
        onnx.write(traced("nafnet"), tmp_path / "half.safetensors", tmp_path / "half.onnx")
        image = torch.rand(1, 3, 21, 34)
        assert onnx.difference(tmp_path / "half.onnx", built, [image]) < graphs.ALLOWED
        assert onnx.difference(tmp_path / "half.onnx", network("nafnet", 3), [image]) > 1e-2


def test_two_exports_of_the_same_weights_are_the_same_files():
    inputs = [value.name for value in traced("nafnet").graph.inputs]
    state = network("nafnet").state_dict()
    # Not as sets come, which is another order in each process.
    assert inputs == ["input", *(name for name in state if name in inputs)]


class Split(torch.nn.Module):
    """Splits the channels of convolutions, the last of them grouped."""

    def __init__(self, channels, groups, parts, more=False):
        super().__init__()
        self.parts, self.more = parts, more
        self.first = torch.nn.Conv2d(3, channels, 1, bias=False)
        self.second = torch.nn.Conv2d(channels, channels, 3, padding=1, groups=groups)

    def forward(self, x):
        y = self.second(self.first(x))
        one, *_, other = y.chunk(self.parts, 1)
        return x + (one[:, :1] * other[:, -1:] + (y[:, :1] if self.more else 0))


def test_convolutions_compute_what_would_be_split_next(tmp_path):
    # Of other numbers of channels each, which tell whose splits are left; traced together, since to
    # trace takes seconds.
    mended = [Split(8, 8, 2), Split(9, 9, 3), Split(10, 1, 2)]
    left = [Split(7, 7, 2), Split(12, 4, 2), Split(14, 14, 2, more=True)]
    built = torch.nn.Sequential(*mended, *left).eval()
    weights.save(tmp_path / "w.safetensors", built, {})
    model = onnx.trace(built)
    onnx.write(model, tmp_path / "w.safetensors", tmp_path / "w.onnx")
    assert onnx.difference(tmp_path / "w.onnx", built, [torch.rand(1, 3, 9, 12)]) < 1e-5
    splits = [node.inputs[0] for node in model.graph if node.op_type == "Split"]
    channels = [value.shape[1] for value in splits if not value.is_graph_input()]
    assert channels == [7, 12, 14]


class Wrapped(torch.nn.Module):
    """Continues images around their edges, which no padding of the graphs does."""

    def __init__(self):
        super().__init__()
        self.inner = network("strided")

    def forward(self, x):
        height, width = x.shape[-2:]
        continued = torch.nn.functional.pad(x, (0, -width % 4, 0, -height % 4), "circular")
        return self.inner(continued)[..., :height, :width]


def test_a_network_that_onnx_has_no_words_for_is_told():
    with pytest.raises(onnx.NoGraphError, match="sides that 4 does not divide"):
        onnx.trace(Wrapped())


def test_a_graph_that_differs_is_not_exported(tmp_path, monkeypatch):
    weights.save(tmp_path / "w.safetensors", network("strided"), {})
    other = traced("strided").clone()
    (pad,) = (node for node in other.graph if node.op_type == "Pad")
    assert pad.attributes["mode"].as_string() == "reflect"
    pad.attributes.add(ir.AttrString("mode", "constant"))
    monkeypatch.setattr(onnx, "trace", lambda network: other)
    with pytest.raises(InputError, match=r"a\+b.onnx: as ONNX it differs from torch by .* of its"):
        graphs.made(
            tmp_path / "made",
            backbone="srresnet",
            sizes=NETWORKS["strided"][1],
            models={"a+b": tmp_path / "w.safetensors"},
        )


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """An export without graphs."""
    return contents.read(tiny_bundle.write(tmp_path_factory.mktemp("export")))


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_an_export_without_graphs_is_named(export, name):
    with pytest.raises(InputError, match=rf"bundle: holds no ONNX models.*{name}.*--runtime torch"):
        runtime.choose(name, export)
    assert runtime.choose("auto", export).name == "torch"


def test_what_is_not_installed_is_named_with_what_installs_it(box, monkeypatch):
    there = {"openvino", "onnx", "torch"}
    monkeypatch.setattr(runtime, "_installed", lambda name: name in there)
    assert runtime.choose("auto", box, "cpu").name == "openvino"
    there.remove("openvino")
    assert runtime.choose("auto", box, "cpu").name == "onnx"
    with pytest.raises(InputError, match="openvino is not installed: pip install openvino"):
        runtime.choose("openvino", box)
    there.clear()
    with pytest.raises(InputError, match=r"no runtime can restore here .*pip install onnxruntime"):
        runtime.choose("auto", box, "cpu")


def test_what_a_runtime_cannot_do_is_told(box, monkeypatch):
    with pytest.raises(InputError, match="onnx multiplies in fp32 alone"):
        runtime.choose("onnx", box, "cpu", "bf16")
    with pytest.raises(InputError, match="openvino runs on the CPU; for --device cuda"):
        runtime.choose("openvino", box, "cuda")
    import openvino

    class Old:
        def get_property(self, device, name):
            return ["FP32"]

    monkeypatch.setattr(openvino, "Core", Old)
    with pytest.raises(InputError, match="this CPU has no instructions for bf16"):
        runtime.choose("openvino", box, "cpu", "bf16")
    assert runtime.choose("auto", box, "cpu", "bf16").name == "torch"


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_nobody_is_told_that_it_is_used(name, tmp_path):
    """By themselves both report it to their makers, and note a number for who does."""
    code = f"""
        import sys
        import numpy as np
        from grids.bundle import contents
        from grids.restoring import runtime
        restore = runtime.choose("{name}", contents.read(contents.BOX), "cpu").network("mix")
        restore(np.zeros((1, 3, 64, 64), np.float32))
        assert not [name for name in sys.modules if "telemetry" in name]
    """
    asked = ("CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "XDG_CACHE_HOME")
    environment = {key: value for key, value in os.environ.items() if key not in asked}
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        check=True,
        env=environment | {"HOME": str(tmp_path)},
    )
    assert not [*tmp_path.rglob("*")]


@pytest.mark.parametrize(
    ("name", "fastest", "precision"),
    [
        ("openvino", "bf16", "bf16"),
        ("openvino", "f32", "fp32"),
        ("openvino", "f16", "fp32"),
        ("onnx", "bf16", "fp32"),
        ("torch", "bf16", "fp32"),
    ],
)
def test_auto_is_the_precision_that_is_fast_here(small, fastest_in, name, fastest, precision):
    hints = fastest_in(fastest)
    loaded, image = runtime.choose(name, small, "cpu", "auto"), np.zeros((1, 3, 64, 64), np.float32)
    assert loaded.precision == precision
    loaded.network(MIX)(image)
    loaded.network(MIX, (64, 64))(image)
    loaded.trial(MIX)(image)
    # For any sides, for these, and to try: in fp32 that is the first once more.
    compiled = {"bf16": ["bf16", "bf16", "f32"], "fp32": ["f32", "f32"]}[precision]
    assert hints == (compiled if name == "openvino" else [])
    assert runtime.choose(name, small, "cpu").precision == "fp32"


@pytest.mark.parametrize("command", [["restore", "a.png", "-o", "out"], ["page", "--port", "0"]])
def test_commands_leave_the_precision_to_the_runtime(command, monkeypatch, capsys):
    def asked(name, bundle, device, precision):
        raise InputError(f"{name}, {device}, {precision}")

    monkeypatch.setattr(runtime, "choose", asked)
    assert main(command) == 1
    assert capsys.readouterr().err == "error: auto, auto, auto\n"
    assert main([*command, "--precision", "bf16"]) == 1
    assert capsys.readouterr().err == "error: auto, auto, bf16\n"


def test_bf16_is_near(box):
    try:
        reduced = runtime.choose("openvino", box, "cpu", "bf16")
    except InputError as error:
        pytest.skip(str(error))
    exact, image = runtime.choose("openvino", box, "cpu"), scene(160, 200)
    one, other = (
        tiling.Tiler(each.needs, each.place).restore(each.network(box.groups[0]), image)[0]
        for each in (exact, reduced)
    )
    assert 0 < np.abs(one.astype(int) - other).mean() < 1


@pytest.mark.parametrize("message", ["std::bad_alloc", "Failed to allocate memory for requested"])
def test_memory_that_a_runtime_has_not_is_no_end(message):
    """Runtimes have exceptions of their own."""
    lines = []

    def hungry(images):
        if images.shape[-2] > 150:
            raise type("RuntimeException", (Exception,), {})(message)
        return images

    image = scene(200, 200)
    tiler = tiling.Tiler(tiling.Needs(8, 1, 1), tiling.Place(), 256, lines.append)
    restored, tile = tiler.restore(hungry, image)
    assert tile < 150
    np.testing.assert_array_equal(restored, image)
    assert "memory ran out" in lines[0]


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_the_command_restores_by_it(name, small, tmp_path, capsys):
    source = tmp_path / "a.png"
    Image.fromarray(next(photographs())).save(source)
    arguments = ["restore", str(source), "--json", "--force", "--bundle", str(small.folder)]
    arguments += ["--device", "cpu", "--precision", "fp32", "--runtime"]
    results = {}
    for each in (name, "torch"):
        assert main([*arguments, each, "-o", str(tmp_path / each)]) == 0
        told = json.loads(capsys.readouterr().out)
        results[each] = told["group"], reading.read(tmp_path / each / "a.png").astype(int)
        assert f'grids:runtime="{each}"'.encode() in (tmp_path / each / "a.png").read_bytes()
    assert results[name][0] == results["torch"][0]
    assert np.abs(results[name][1] - results["torch"][1]).max() <= 1


def test_names_of_runtimes_are_those_of_modules():
    assert set(names_in("restoring/runtimes")) == set(runtime.LIBRARIES)


NOT_OF_RESTORE = {"matplotlib", "onnx", "onnxscript", "pandas", "pyarrow", "pydantic", "scipy"}
NOT_OF_RESTORE |= {"skimage", "snakemake", "torch", "yaml"}


def test_restoring_takes_neither_torch_nor_the_workflow(small, tmp_path):
    """In a process where they cannot be imported, as after installing the extra `restore`."""
    Image.fromarray(next(photographs())).save(tmp_path / "a.png")
    code = f"""
        import sys

        class Missing:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {sorted(NOT_OF_RESTORE)!r}:
                    raise ModuleNotFoundError(name)

        sys.meta_path.insert(0, Missing())
        from grids.cli import main
        sys.exit(main(["restore", {str(tmp_path / "a.png")!r}, "-o", {str(tmp_path / "out")!r},
            "--bundle", {str(small.folder)!r}, "--runtime", "onnx", "--force"]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "a.png").exists()
