"""Restorers by name: built, read back, and run on whole images."""

import importlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from grids.base.errors import InputError
from grids.models import weights


def build(backbone: str, sizes: dict[str, Any]) -> nn.Module:
    """The network of `grids/backbones/<backbone>.py` with these options."""
    network: nn.Module = importlib.import_module(f"grids.backbones.{backbone}").build(**sizes)
    return network


def read(path: Path, backbone: str, sizes: dict[str, Any], device: torch.device) -> nn.Module:
    """A trained restorer, ready to evaluate on `device`.

    Raises:
        InputError: the file is broken, holds another network, or says that the training failed.
    """
    network, tensors = build(backbone, sizes), weights.read(path)
    if not tensors:
        raise InputError(f"{path}: no weights; did the training fail for good (grids status)?")
    weights.fill(network, tensors, path)
    # The annotation of `to` lacks the format of memory.
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval()


def restore(network: nn.Module, images: Tensor, device: torch.device) -> Tensor:
    """The network's output for a batch (B, 3, h, w), on the CPU."""
    with torch.inference_mode():
        restored: Tensor = network(images.to(device)).cpu()
        return restored
