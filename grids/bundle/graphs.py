"""The networks of an export as ONNX, made and compared with torch before anything is exported."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from grids.base.errors import InputError
from grids.bundle import contents, onnx
from grids.models import restorers, tiles
from grids.selection import patches
from grids.selection.torch_describer import Depths

CPU = torch.device("cpu")
# What an output may differ by from torch's, of its largest value: of pixels a 40th of a step of
# 255. float32 leaves about 1e-6.
ALLOWED = 1e-4
# Sides that all strides divide, and such that hardly any does.
EXAMPLES = ((128, 192), (75, 101))


def made(
    folder: Path,
    *,
    backbone: str,
    sizes: Mapping[str, Any],
    models: Mapping[str, Path],
    descriptor: Path,
    layer: Any,
) -> contents.Graphs:
    """Copies weights into a folder as an export has them, and makes the graphs beside them.

    Args:
        folder: where to; it is made.
        backbone, sizes: the network of the models and its options.
        models: each group's weights file.
        descriptor: weights file of the descriptor.
        layer: the descriptor's features that tell laws (see `grids.descriptors.srresnet`).

    Raises:
        InputError: a graph's outputs differ from torch's by more than `ALLOWED`.
        grids.bundle.onnx.NoGraphError: ONNX has no words for the network.
    """
    (folder / "models").mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)
    examples = [torch.rand(1, 3, *sides, generator=generator) for sides in EXAMPLES]
    networks = {
        group: restorers.read(path, backbone, dict(sizes), CPU) for group, path in models.items()
    }
    first = next(iter(networks.values()))
    graph = onnx.trace(first)
    for group, path in models.items():
        weights = folder / contents.model_of(group)
        shutil.copyfile(path, weights)
        onnx.write(graph, weights, folder / contents.graph_of(group))
        _compare(folder / contents.graph_of(group), networks[group], examples)
    return contents.Graphs(
        models={group: folder / contents.graph_of(group) for group in models},
        descriptor=_descriptor(folder, descriptor, layer, generator),
        needs=asdict(tiles.needs(tiles.of_tensors(first, CPU), first)),
    )


def _descriptor(folder: Path, descriptor: Path, layer: Any, generator: torch.Generator) -> Path:
    weights, target = folder / contents.DESCRIPTOR, folder / contents.DESCRIPTOR_GRAPH
    shutil.copyfile(descriptor, weights)
    depths = Depths(descriptor, layer)
    patch = torch.rand(1, 3, patches.SIZE, patches.SIZE, generator=generator)
    with torch.inference_mode():
        outputs = [f"depth{number}" for number in range(len(depths(patch)) - 1)]
    graph = onnx.trace_fixed(depths, patch, [*outputs, "features"], "network.")
    onnx.write(graph, weights, target)
    _compare(target, depths, [patch])
    return target


def _compare(file: Path, network: nn.Module, examples: Sequence[Tensor]) -> None:
    difference = onnx.difference(file, network, examples)
    if difference > ALLOWED:
        raise InputError(
            f"{file.name}: as ONNX it differs from torch by {difference:.1e} of its largest value, "
            f"allowed are {ALLOWED:.0e}; nothing was exported"
        )
