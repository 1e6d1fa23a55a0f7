"""Weights that others released: which tensors of a file a network takes, and what does not fit.

Nothing in a file is executed. Files of PyTorch Lightning and of training states hold more than
tensors: what that is made of is put in the place of classes that do nothing.
"""

import importlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from grids.base.errors import InputError
from grids.base.plugins import names_in
from grids.models import restorers, weights

# Where files nest their tensors; of several the first is taken. An average over a training's steps
# comes before its last step.
KEYS = ("params_ema", "params", "state_dict", "net")
# What wrappers of networks put before every name.
PREFIXES = ("module.", "net.", "generator.", "_orig_mod.")

# How alike the names of a file and of a network are, counted without numbers, to be taken for one.
ALIKE = 0.9


@dataclass(frozen=True)
class Released:
    """Tensors of a file by the network's names.

    Attributes:
        state: the tensors.
        key: where the file has them, empty for its top.
        dropped: names of those that training alone needs.
    """

    state: dict[str, Tensor]
    key: str
    dropped: list[str]


class Ignored(dict[Any, Any]):
    """In the place of any class of a file but those of tensors."""

    def __new__(cls, *_: Any, **__: Any) -> "Ignored":
        """Whatever the class that is meant would have taken."""
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any):
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        """Keeps nothing."""


def adopt(backbone: str, sizes: Mapping[str, Any], file: str, key: str) -> tuple[nn.Module, str]:
    """The network of a module with the weights of a file, and what was taken from where, in words.

    Args:
        backbone, sizes: the module's name and its options.
        file: of weights (`.pth`, a checkpoint of Lightning, `.safetensors`).
        key: entry of the file that has the tensors; empty for the first of `KEYS` that it has.

    Raises:
        InputError: the file is broken, or holds another network or size, or numbers that are none.
    """
    network = restorers.build(backbone, dict(sizes))
    found = taken(Path(file), key, backbone, network.state_dict().keys())
    require_fitting(network, found.state, backbone, Path(file))
    weights.fill(network, found.state, Path(file))
    dropped = f", {len(found.dropped)} tensors of its training left out" if found.dropped else ""
    return network, f"{found.key or 'the top'} of {file}{dropped}"


def taken(path: Path, key: str, backbone: str, own: Collection[str]) -> Released:
    """The tensors of a file that a module's network, with names of its `own`, is to take."""
    content = _content(path)
    tables = {k: v for k, v in content.items() if isinstance(k, str) and _is_table(v)}
    if key and key not in tables:
        there = ", ".join(sorted(tables)) or "none"
        raise InputError(f"{path}: no tensors under {key!r}; entries that have some: {there}")
    key = key or next((k for k in KEYS if k in tables), "")
    state = _without_prefixes(tables[key] if key else content)
    if not _is_table(state):
        there = ", ".join(sorted(tables)) or "none"
        raise InputError(
            f"{path}: no tensors at its top or under {', '.join(KEYS)}; entries that have some, "
            f"for weights.key: {there}"
        )
    needless = tuple(_training_only(backbone))
    dropped = sorted(name for name in state if name.startswith(needless) and name not in own)
    kept = {name: tensor for name, tensor in state.items() if name not in dropped}
    return Released(kept, key, dropped)


def _content(path: Path) -> dict[Any, Any]:
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        with safe_globals([(Ignored, name) for name in _classes(path)]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise all kinds
        raise InputError(f"{path}: cannot be read as weights ({_reason(error)})") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: no table of named tensors; save the network's state_dict")
    return content


def _reason(error: Exception) -> str:
    said = str(error).strip().partition("\n")[0]
    # Torch would have the file read with all that it executes.
    return said.partition(" In PyTorch 2.6")[0] or type(error).__name__


def _classes(path: Path) -> list[str]:
    """Names in a file that stand for something other than tensors."""
    try:
        return get_unsafe_globals_in_checkpoint(path)
    except ValueError:  # files of old, which are no archives, are read as they are or not at all
        return []


def _is_table(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) > 0
        and all(isinstance(k, str) and isinstance(t, Tensor) for k, t in value.items())
    )


def _without_prefixes(state: dict[str, Any]) -> dict[str, Any]:
    """Wrappers may be wrapped themselves, in any order."""
    for prefix in PREFIXES:
        if state and all(str(name).startswith(prefix) for name in state):
            bare = {name.removeprefix(prefix): value for name, value in state.items()}
            return _without_prefixes(bare)
    return state


def _training_only(backbone: str) -> list[str]:
    """How the names begin of what a module's network needs in training alone."""
    module = importlib.import_module(f"grids.backbones.{backbone}")
    names: list[str] = getattr(module, "TRAINING_ONLY", [])
    return names


def require_fitting(
    network: nn.Module, state: Mapping[str, Tensor], backbone: str, path: Path
) -> None:
    """Raises InputError, with the names and the module that would fit, unless all names do."""
    own = network.state_dict().keys()
    missing, left = sorted(own - state.keys()), sorted(state.keys() - own)
    if missing or left:
        counts = [
            f"{len(names)} {what} ({_first(names)})"
            for names, what in ((missing, "missing"), (left, "left over"))
            if names
        ]
        raise InputError(
            f"{path}: {' and '.join(counts)} for {backbone}; {_meant(state, backbone)}"
        )
    for name, tensor in network.state_dict().items():
        if tensor.shape != state[name].shape:
            raise InputError(
                f"{path}: {name!r} has shape {tuple(state[name].shape)}, {backbone} needs "
                f"{tuple(tensor.shape)}; it is of another size: set the options of the network"
            )


def _first(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _meant(state: Mapping[str, Tensor], backbone: str) -> str:
    alike = {name: _likeness(state, name) for name in names_in("backbones")}
    best = max(alike, key=lambda name: (alike[name], name == backbone))
    if alike[best] < ALIKE:
        return "no network here has such names"
    if best == backbone:
        return "it is of another size: set the options of the network"
    return f"these look like weights of {best}, give them in backbones.{best}"


class Undrawn(TorchFunctionMode):
    """Networks that are built in it get no first weights, which on no device takes long as well."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Passes over what draws."""
        given = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return given["tensor"] if "tensor" in given else args[0]
        if func in (Tensor.normal_, Tensor.uniform_):
            return args[0]
        return func(*args, **given)


def _likeness(state: Mapping[str, Tensor], backbone: str) -> float:
    """Share of the names without their numbers that a file and a module's network both have."""
    needless = tuple(_training_only(backbone))
    own = _names(backbone)
    other = _numberless(name for name in state if not name.startswith(needless))
    return len(own & other) / len(own | other)


@cache
def _names(backbone: str) -> frozenset[str]:
    with torch.device("meta"), Undrawn():
        return _numberless(restorers.build(backbone, {}).state_dict())


def _numberless(names: Iterable[str]) -> frozenset[str]:
    return frozenset(re.sub(r"\d+", "0", name) for name in names)
