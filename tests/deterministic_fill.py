"""Networks filled with numbers that follow from the names of their tensors alone.

What a public implementation gives with the same numbers is kept in `tests/data/networks/`, whose
README says how it was made. A network with the public names can be held against it on any machine.
"""

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

FOLDER = Path(__file__).parent / "data" / "networks"

# Learned tokens, which stand in networks as they were drawn.
TOKENS = {"degra_key", "prompt_param"}
# Factors, which scatter around 1 whatever their number of dimensions.
FACTORS = {"temperature", "running_var"}


def reference(name: str) -> dict:
    """What is kept of a public network: see the README beside it."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def values(name: str, shape: tuple[int, ...], gain: float = 1.0) -> np.ndarray:
    """The numbers of the tensor `name`, float32.

    Normal numbers from a generator that the name seeds, scaled so that signals neither fade nor
    explode: matrices and convolutions by `gain` over the root of their inputs, factors and weights
    of normalisations to 1 ± 0.1, everything else to ± 0.1.
    """
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    drawn = np.random.Generator(np.random.Philox(key=seed)).standard_normal(math.prod(shape))
    kind = name.rpartition(".")[2]
    if kind in FACTORS:
        drawn = 1 + 0.1 * drawn
    elif kind in TOKENS:
        pass
    elif len(shape) > 1:
        drawn = drawn * (gain / math.sqrt(math.prod(shape[1:])))
    else:
        drawn = 0.1 * drawn + (kind == "weight")
    return drawn.reshape(shape).astype(np.float32)


def fill(network: nn.Module, gain: float = 1.0) -> nn.Module:
    """The network with all tensors but integer ones filled; parameters and buffers alike."""
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.from_numpy(values(name, tuple(tensor.shape), gain)))
    return network


def image(height: int, width: int) -> Tensor:
    """(1, 3, height, width), float32 in [0, 1)."""
    generator = np.random.Generator(np.random.Philox(key=7))
    return torch.from_numpy(generator.random((1, 3, height, width)).astype(np.float32))


def shapes_digest(network: nn.Module) -> str:
    """SHA-256 of the names and shapes in their order: a line `name 1x2x3` each."""
    lines = (
        f"{name} {'x'.join(map(str, t.shape)) or 'scalar'}\n"
        for name, t in network.state_dict().items()
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def relative_error(output: Tensor, expected: dict) -> float:
    """The largest deviation of samples, mean and deviation, over the output's largest number.

    Raises:
        AssertionError: the output has another shape.
    """
    assert list(output.shape) == expected["shape"]
    flat = output.detach().double().contiguous().flatten()
    samples = torch.tensor(expected["samples"], dtype=torch.float64)
    differences = [
        (flat[expected["indices"]] - samples).abs().max(),
        (flat.mean() - expected["mean"]).abs(),
        (flat.std(correction=0) - expected["std"]).abs(),
        (flat.abs().max() - expected["absmax"]).abs(),
    ]
    return max(differences).item() / expected["absmax"]
