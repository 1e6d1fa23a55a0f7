"""Weights files: safetensors with what they are in the metadata; foreign ones are only read."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from grids.base.errors import InputError
from grids.base.files import appearing


def save(path: Path, network: nn.Module, about: dict[str, Any]) -> None:
    """Writes the state of `network`; `about` (JSON-able) becomes the metadata entry `grids`."""
    state = {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }
    with appearing(path) as temporary:
        save_file(state, temporary, {"grids": json.dumps(about, sort_keys=True)})


def halve(source: Path, target: Path) -> None:
    """Copies a safetensors file in half precision, but for its counts, with the same metadata."""
    with safe_open(source, framework="pt") as file:
        metadata = file.metadata()
    state = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in load_file(source).items()
    }
    with appearing(target) as temporary:
        save_file(state, temporary, metadata)


def about(path: Path) -> dict[str, Any]:
    """Metadata that `save` wrote; empty for a file of other origin."""
    try:
        with safe_open(path, framework="pt") as file:
            content: dict[str, Any] = json.loads((file.metadata() or {}).get("grids", "{}"))
            return content
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a safetensors file ({error})") from None


def read(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file, or of a PyTorch checkpoint (BasicSR's nesting undone).

    Checkpoints are read without executing pickled code.

    Raises:
        InputError: the file is missing, broken, or holds something other than tensors.
    """
    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise all kinds
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: cannot be read as weights ({reason})") from None
    for key in ("params_ema", "params"):
        if isinstance(state, dict) and key in state:
            state = state[key]
    if not isinstance(state, dict) or not all(isinstance(t, Tensor) for t in state.values()):
        raise InputError(f"{path}: no table of named tensors; save the network's state_dict")
    return state


def fill(network: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Loads `state` into `network`; every name and shape must fit and every number be finite.

    Raises:
        InputError: names the first tensor that does not fit.
    """
    own = network.state_dict()
    for name in sorted(own.keys() | state.keys()):
        if name not in state:
            raise InputError(f"{path}: tensor {name!r} is missing")
        if name not in own:
            raise InputError(f"{path}: tensor {name!r} does not belong to this network")
        if own[name].shape != state[name].shape:
            has, needs = tuple(state[name].shape), tuple(own[name].shape)
            raise InputError(f"{path}: tensor {name!r} has shape {has}, the network needs {needs}")
        if not torch.isfinite(state[name]).all():
            raise InputError(f"{path}: tensor {name!r} is not finite")
    network.load_state_dict(state)


def load(network: nn.Module, path: Path) -> None:
    """Fills `network` with the tensors of a weights file.

    Raises:
        InputError: the file is broken or holds another network.
    """
    fill(network, read(path), path)
