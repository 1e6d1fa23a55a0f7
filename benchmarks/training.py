"""How fast trainings are, against the obvious way of doing the same, side by side in one run.

python benchmarks/training.py [PART ...] [--threads N]

Parts (all by default): data, affinity, degradations, restormer, srresnet, nafnet, networks,
inference.
Compared pairs take turns, and the ratio is that of their fastest rounds. On a GPU the networks run
at the paper's sizes and their steps are set against the time that their memory traffic takes at the
least.
"""

import argparse
import io
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import yaml
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage import restoration as skimage_restoration
from skimage.util import random_noise
from textbook import textbook
from torch import Tensor, nn

from grids.backbones import restormer, srresnet
from grids.base import randomness
from grids.base.plugins import names_in
from grids.degradations import defocus_blur, motion_blur, ringing
from grids.degrading import operators, parameters
from grids.images import reading, sets
from grids.models import restorers
from grids.pixels.arrays import to_tensor
from grids.training.affinity import Affinities
from grids.training.batches import Batches
from grids.training.compiled import compiled
from grids.training.loop import Execution, Recipe, train
from grids.training.procedure import Task
from grids.training.procedures import l1
from grids.training.restoration_batches import restoration

ROOT = Path(__file__).parents[1]
NAMES = [name for name in names_in("degradations") if name != "haze"]
GROUP = {n: parameters.resolve(parameters.specification(n), {}, "training") for n in NAMES}
# Memory traffic of forward and backward at batch 8, 256², in bytes.
TRAFFIC = {"restormer": 316e9, "srresnet": 24e9}


def main() -> None:
    parts = {
        "data": data,
        "affinity": affinity,
        "degradations": degradations,
        "restormer": restormer_step,
        "srresnet": srresnet_step,
        "nafnet": nafnet_sizes,
        "networks": compared_networks,
        "inference": inference,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch (1)")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - parts.keys():
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    torch.set_num_threads(arguments.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    processor = torch.cuda.get_device_name() if device.type == "cuda" else platform.processor()
    print(f"torch {torch.__version__}, {device} {processor}, {arguments.threads} threads")
    if device.type == "cpu":
        print("no CUDA device: the parts at the paper's sizes are left out")
    for name in arguments.parts or parts:
        print(f"\n## {name}")
        parts[name](device)


# Measuring


def seconds(device: torch.device, rounds: int, *runs: Callable[[], object]) -> list[float]:
    """The fastest of `rounds` runs of each: processor time on a CPU, elapsed time on a GPU.

    Each runs once before, and they take turns, so that a busy machine is busy for all.
    """
    clock = time.perf_counter if device.type == "cuda" else time.process_time

    def timed(run: Callable[[], object]) -> float:
        synchronize(device)
        start = clock()
        run()
        synchronize(device)
        return clock() - start

    for run in runs:
        timed(run)
    return np.min([[timed(run) for run in runs] for _ in range(rounds)], axis=0).tolist()


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def bandwidth(device: torch.device) -> float:
    """Bytes a second of a large copy, read and written."""
    source = torch.empty(2**30, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * source.numel() / seconds(device, 5, lambda: target.copy_(source))[0]


def peak_memory(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{torch.cuda.max_memory_allocated(device) / 2**30:.2f} GiB on the GPU"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return f"{peak:.2f} GiB, the whole process so far"


# Data: a training with batches made online against one whose batches are there already


def photographs() -> list[np.ndarray]:
    """Those that hold the paper's patches of 256²."""
    paths = sets.find("embedded")
    table = reading.index(paths, paths[0].parent, (0.0, 0.5))
    cut = reading.photographs(paths[0].parent, table)
    return [pixels for pixels in cut if min(pixels.shape[:2]) >= 256]


def data(device: torch.device) -> None:
    cuda = device.type == "cuda"
    patch, batch, steps = (256, 8, 60) if cuda else (48, 4, 60)
    cases = {
        "srresnet": {} if cuda else {"features": 32, "blocks": 4},
        "restormer": {} if cuda else {"dim": 8, "blocks": [1, 1, 1, 1], "refinement": 1},
    }
    for name, sizes in cases.items():
        build = {"srresnet": srresnet, "restormer": restormer}[name].build
        weights = dict.fromkeys(GROUP, 1.0)
        online = restoration(
            photographs(), GROUP, patch=patch, weights=weights, seed=0, device=device
        )
        ready = [online(step, range(batch)) for step in range(steps)]

        def precomputed(step: int, samples: range, ready: list = ready) -> tuple[Tensor, Tensor]:
            source, target = ready[step]
            return source[samples.start : samples.stop], target[samples.start : samples.stop]

        def run(batches: Batches, workers: int, build=build, sizes=sizes) -> tuple[float, float]:
            """Elapsed seconds of a step, and processor seconds of all threads together."""
            recipe = Recipe(steps, batch, 1e-4, precision="bf16" if cuda else "fp32")
            network = build(**sizes).to(device)
            start = time.process_time()
            with tempfile.TemporaryDirectory() as folder:
                history = train(
                    l1.build(network, Task(steps, batch, print)),
                    batches,
                    recipe,
                    state_folder=Path(folder) / "state",
                    about={},
                    execution=Execution(validation=0, workers=workers),
                    say=lambda line: None,
                    label="",
                )
            busy = (time.process_time() - start) / steps
            # The first steps wait for the first batch and choose algorithms.
            return 1 / history["steps_per_second"][5:].median(), busy

        run(precomputed, 0)
        rounds = [(run(precomputed, 0), run(online, 1), run(online, 0)) for _ in range(5)]
        (there, busy_there), (overlapped, _), (after, busy_after) = np.min(rounds, axis=0)
        print(
            f"{name} {patch}² batch {batch}: step {1e3 * there:.1f} ms on precomputed pairs, "
            f"{1e3 * overlapped:.1f} ms online, overlap ratio {overlapped / there:.2f}, "
            f"{1e3 * after:.1f} ms without a worker ({after / there:.2f}); "
            f"processor time {busy_after / busy_there:.2f}×"
        )


# Affinities: a measurement against a step, by trainings with and without


def affinity(device: torch.device) -> None:
    cuda = device.type == "cuda"
    patch, batch, steps = (256, 8, 10) if cuda else (48, 4, 4)
    cut = photographs()
    for count in (4, len(GROUP)):
        group = dict(list(GROUP.items())[:count])

        def batches(*names: str, group: dict = group) -> Batches:
            own = {name: group[name] for name in names}
            weights = dict.fromkeys(own, 1.0)
            return restoration(cut, own, patch=patch, weights=weights, seed=0, device=device)

        def run(watcher: Affinities | None, batches=batches, group: dict = group) -> None:
            network = srresnet.build(**({} if cuda else {"features": 32, "blocks": 4}))
            with tempfile.TemporaryDirectory() as folder:
                train(
                    l1.build(network.to(device), Task(steps, batch, print)),
                    batches(*group),
                    Recipe(steps, batch, 1e-4),
                    state_folder=Path(folder) / "state",
                    about={},
                    execution=Execution(validation=0, workers=0),
                    say=lambda line: None,
                    label="",
                    watcher=watcher,
                )

        watcher = Affinities({name: batches(name) for name in group}, [range(batch)], 1, "")
        plain, watched = seconds(device, 3, partial(run, None), partial(run, watcher))
        step, measurement = plain / steps, (watched - plain) / steps
        print(
            f"srresnet {patch}² batch {batch}, {count} degradations: step {1e3 * step:.0f} ms, "
            f"measurement {1e3 * measurement:.0f} ms, {measurement / step:.1f} steps"
        )


# Degradations: patches a second of one core against the obvious implementation


def eight_bits(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype == np.uint8:
        return pixels
    return (pixels.clip(0, 1) * 255).round().astype(np.uint8)


def degradations(device: torch.device) -> None:
    large = photographs()
    clean = np.stack([large[i % len(large)][:256, :256] for i in range(8)])
    tensor = to_tensor(clean)
    keys = [randomness.key(0, "benchmark", i) for i in range(len(clean))]
    values = {n: parameters.resolve(parameters.specification(n), {}, "evaluation") for n in NAMES}
    cpu = torch.device("cpu")
    print("Both make the float tensor of a batch, rounded to 8 bits: ours from the tensor of clean")
    print("crops, which a training has anyway, the obvious way from their bytes.")
    print("| degradation | patches of 256² a second | obvious | ratio | the obvious way |")
    print("|---|---|---|---|---|")
    for name, (way, plain) in OBVIOUS.items():

        def batched(name: str = name) -> Tensor:
            return operators.degrade(name, tensor, values[name], keys)

        def obvious(plain: Callable = plain) -> Tensor:
            return to_tensor(np.stack([eight_bits(plain(pixels)) for pixels in clean]))

        own, other = (t / len(clean) for t in seconds(cpu, 3, batched, obvious))
        print(f"| {name} | {1 / own:.0f} | {1 / other:.0f} | {other / own:.1f} | {way} |")
    cut, decoded = crop_times()
    print(
        f"| (a crop of 256²) | {1 / cut:.0f} | {1 / decoded:.0f} | {decoded / cut:.0f} | "
        "decode the PNG (512²) and cut |"
    )


def crop_times() -> tuple[float, float]:
    """Seconds of a crop from the memory-mapped store, and from a PNG file."""
    pixels = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/store.npy", pixels)
        Image.fromarray(pixels).save(f"{folder}/image.png")
        store = np.load(f"{folder}/store.npy", mmap_mode="r")

        def cut() -> None:
            for _ in range(100):
                np.array(store[100:356, 100:356])

        def decode() -> None:
            for _ in range(5):
                np.asarray(Image.open(f"{folder}/image.png"))[100:356, 100:356].copy()

        own, other = seconds(torch.device("cpu"), 3, cut, decode)
    return own / 100, other / 5


def filtered(kernel: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    def plain(pixels: np.ndarray) -> np.ndarray:
        image = pixels / 255
        return np.stack([ndimage.convolve(image[..., c], kernel) for c in range(3)], -1)

    return plain


def gaussian_kernel() -> np.ndarray:
    x = np.arange(-7, 8)
    line = np.exp(-(x**2) / 18)
    return np.outer(line, line) / line.sum() ** 2


def plain_r_l(pixels: np.ndarray) -> np.ndarray:
    image = np.pad(pixels / 255, ((7, 7), (7, 7), (0, 0)), mode="linear_ramp")
    box = np.full((5, 5), 1 / 25)
    planes = [skimage_restoration.richardson_lucy(image[..., c], box, 1) for c in range(3)]
    return np.stack(planes, -1)[7:-7, 7:-7]


def plain_sr(pixels: np.ndarray) -> np.ndarray:
    image = Image.fromarray(pixels)
    small = image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)
    return np.asarray(small.resize(image.size, Image.Resampling.BICUBIC))


def plain_jpeg(pixels: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "jpeg", quality=10)
    return np.asarray(Image.open(buffer))


def plain_lines(pixels: np.ndarray) -> np.ndarray:
    image = Image.fromarray(pixels)
    ends = np.random.default_rng(0).integers(0, 256, (7, 4))
    for line in ends.tolist():
        ImageDraw.Draw(image).line(line, "white", 7)
    return np.asarray(image)


def plain_salt_pepper(pixels: np.ndarray) -> np.ndarray:
    generator = np.random.default_rng(0)
    out = pixels.copy()
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            chance = generator.random()
            if chance < 0.025:
                out[y, x] = 255
            elif chance > 0.975:
                out[y, x] = 0
    return out


OBVIOUS = {
    "gaussian_blur": ("scipy convolve, 15×15", filtered(gaussian_kernel())),
    "motion_blur": ("scipy convolve", filtered(motion_blur._line(10, 5.0, 30.0, 20))),
    "defocus_blur": ("scipy convolve", filtered(defocus_blur._disk(3.0, 3))),
    "ringing": ("scipy convolve", filtered(ringing._sinc(1.2, 7, 7))),
    "r_l": ("scikit-image richardson_lucy", plain_r_l),
    "sr": ("Pillow resize", plain_sr),
    "jpeg": ("Pillow, the same codec", plain_jpeg),
    "poisson_noise": (
        "numpy poisson",
        lambda pixels: np.random.default_rng(0).poisson(pixels / 2.55) / 100,
    ),
    "inpainting": ("Pillow ImageDraw", plain_lines),
    "gaussian_noise": (
        "scikit-image random_noise",
        lambda pixels: random_noise(pixels, "gaussian", var=(50 / 255) ** 2),
    ),
    "salt_pepper_noise": ("loop over the pixels", plain_salt_pepper),
}


# Networks: a training step against a textbook implementation


def nafnet_sizes(device: torch.device) -> None:
    """Small networks, whose normalisation weighs more: forward and backward, and forward alone."""
    cases = [
        ("nafnet", {"width": 32, "encoder": [1, 1], "middle": 2, "decoder": [1, 1], "shuffle": 2}),
        ("nafnet", {"width": 48, "encoder": [1, 2], "middle": 3, "decoder": [1, 1], "shuffle": 2}),
        ("nafnet", {"width": 16, "encoder": [1] * 3, "middle": 2, "decoder": [1] * 3}),
        ("srresnet", {"features": 32, "blocks": 8}),
    ]
    # A CPU without the instructions would take twenty times as long.
    fast_half = device.type == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    for name, sizes in cases:
        own = restorers.build(name, sizes)
        parameters = sum(p.numel() for p in own.parameters())
        print(f"{name} {sizes}: {parameters:,} parameters")
        for half in (False, True) if fast_half else (False,):
            pair = (own, torch.channels_last), (textbook(own), torch.contiguous_format)
            runs = [passes_of(network, memory, device, half) for network, memory in pair]
            (ours, theirs), (quick, plain) = (
                seconds(device, 9, *pair) for pair in zip(*runs, strict=True)
            )
            print(
                f"  {'bf16' if half else 'fp32'}: forward and backward {1e3 * ours:.0f} ms, "
                f"textbook {1e3 * theirs:.0f} ms, ratio {theirs / ours:.2f}; forward "
                f"{0.512**2 / quick:.2f} megapixels/s, textbook {0.512**2 / plain:.2f}, "
                f"ratio {plain / quick:.2f}"
            )


def passes_of(network: nn.Module, memory: torch.memory_format, device: torch.device, half: bool):
    """Forward and backward of a batch 16 × 64², and forward of an image of 512²."""
    network = network.to(device, memory_format=memory)
    patches, image = (
        torch.rand(size, device=device).contiguous(memory_format=memory)
        for size in ((16, 3, 64, 64), (1, 3, 512, 512))
    )

    def train() -> None:
        network.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            output = network(patches)
        output.float().abs().mean().backward()

    @torch.inference_mode()
    def infer() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            network(image)

    return train, infer


def step_of(network: nn.Module, memory: torch.memory_format, device, patch: int, batch: int):
    network = network.to(device, memory_format=memory)
    optimizer = torch.optim.AdamW(
        network.parameters(), 1e-4, fused=memory != torch.contiguous_format
    )
    source = torch.rand(batch, 3, patch, patch, device=device).to(memory_format=memory)
    target = torch.rand_like(source)
    half = device.type == "cuda"

    def loss_of(model: nn.Module) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            output = model(source)
        return F.l1_loss(output.float(), target)

    def step(model: nn.Module = network) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss_of(model).backward()
        optimizer.step()

    return step, network, loss_of


def restormer_step(device: torch.device) -> None:
    compare("restormer", restormer.build(), device, (128, 1))


def srresnet_step(device: torch.device) -> None:
    compare("srresnet", srresnet.build(), device, (96, 2))


def compared_networks(device: torch.device) -> None:
    """All networks of config/table1.yaml and PromptIR, at its sizes or at the published ones."""
    cuda = device.type == "cuda"
    shipped = yaml.safe_load((ROOT / "config/table1.yaml").read_text(encoding="utf-8"))
    sizes = {entry.pop("network", name): entry for name, entry in shipped["backbones"].items()}
    sizes |= {
        "nafnet": {"width": 16, "encoder": [1] * 3, "middle": 2, "decoder": [1] * 3},
        "promptir": {"dim": 12, "blocks": [1, 1, 1, 2], "refinement": 1},
    }
    patch, batch = (128, 4) if cuda else (48, 11)
    print(f"batch {batch} × {patch}²; held: what a step keeps for its backward pass, in MiB")
    for name, reduced in sorted(sizes.items()):
        torch.manual_seed(0)
        own = restorers.build(name, {} if cuda else reduced)
        plain = textbook(own)
        steps = [
            step_of(network, memory, device, patch, batch)
            for network, memory in ((own, torch.channels_last), (plain, torch.contiguous_format))
        ]
        held = [held_for_backward(network, loss_of) for _, network, loss_of in steps]
        ours, theirs = seconds(device, 5, *(step for step, *_ in steps))
        parameters = sum(p.numel() for p in own.parameters()) / 1e6
        print(
            f"{name:9} {parameters:5.2f} M  step {1e3 * ours:.0f} ms, textbook {1e3 * theirs:.0f}, "
            f"ratio {theirs / ours:.2f}; held {held[0]:.0f}, textbook {held[1]:.0f}"
        )


def held_for_backward(network: nn.Module, loss_of: Callable[[nn.Module], Tensor]) -> float:
    """MiB of what is kept for the backward pass, weights aside, each memory counted once."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    held: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        place = tensor.untyped_storage().data_ptr()
        if place not in weights:
            held[place] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss_of(network)
    return sum(tensor.untyped_storage().nbytes() for tensor in held.values()) / 2**20


def compare(name: str, own: nn.Module, device: torch.device, small: tuple[int, int]) -> None:
    cuda = device.type == "cuda"
    patch, batch = (256, 8) if cuda else small
    plain, *_ = step_of(textbook(own), torch.contiguous_format, device, patch, batch)
    step, network, loss_of = step_of(own, torch.channels_last, device, patch, batch)
    rounds = 10 if cuda else 3
    ours, theirs = seconds(device, rounds, step, plain)
    print(
        f"{name} {patch}² batch {batch}: step {1e3 * ours:.0f} ms, "
        f"textbook {1e3 * theirs:.0f} ms, ratio {theirs / ours:.2f}"
    )
    if not cuda:
        return
    del plain
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    floor = TRAFFIC[name] / bandwidth(device)
    step()
    print(f"eager: {ours / floor:.2f} × the floor of {1e3 * floor:.0f} ms, {peak_memory(device)}")
    faster = compiled(network, loss_of, print)
    torch.cuda.reset_peak_memory_stats(device)
    [quick] = seconds(device, rounds, lambda: step(faster))
    print(
        f"compiled: step {1e3 * quick:.0f} ms, {quick / floor:.2f} × the floor, "
        f"{theirs / quick:.2f} × as fast as the textbook, {peak_memory(device)}"
    )


# Inference


def inference(device: torch.device) -> None:
    cuda = device.type == "cuda"
    for name, build, side in (
        ("srresnet", srresnet.build, 384),
        ("restormer", restormer.build, 192),
    ):
        height, width = (1080, 2048) if cuda else (side, side)
        network = build().to(device, memory_format=torch.channels_last).eval()
        image = torch.rand(1, 3, height, width, device=device)
        image = image.contiguous(memory_format=torch.channels_last)
        if cuda:
            torch.cuda.reset_peak_memory_stats(device)

        @torch.inference_mode()
        def run(network: nn.Module = network, image: Tensor = image) -> None:
            with torch.autocast(device.type, torch.bfloat16, enabled=cuda):
                network(image)

        [spent] = seconds(device, 3, run)
        megapixels = height * width / 1e6
        size = f"{width}×{height}"
        print(f"{name} {size}: {megapixels / spent:.3g} megapixels/s, {peak_memory(device)}")


if __name__ == "__main__":
    main()
