"""Restorers by name: built, saved with what they are, and read back."""

import importlib
from pathlib import Path

import torch
from torch import nn

from grids import weights
from grids.errors import InputError


def build(backbone: str, sizes: dict) -> nn.Module:
    """The network of `grids/backbones/<backbone>.py` with these options."""
    return importlib.import_module(f"grids.backbones.{backbone}").build(**sizes)


def read(path: Path, backbone: str, sizes: dict, device: torch.device) -> nn.Module:
    """A trained restorer, ready to evaluate on `device`.

    Raises:
        InputError: the file is broken, holds another network, or says that the training failed.
    """
    network, tensors = build(backbone, sizes), weights.read(path)
    if not tensors:
        raise InputError(f"{path}: no weights; did the training fail for good (grids status)?")
    weights.fill(network, tensors, path)
    return network.to(device, memory_format=torch.channels_last).eval()
