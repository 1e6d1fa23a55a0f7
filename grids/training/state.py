"""The resumable state of a training: a folder beside its outputs while it runs."""

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from grids.base.files import appearing

Say = Callable[[str], None]
Networks = Mapping[str, nn.Module]
Optimizers = Mapping[str, torch.optim.Optimizer]
DIGEST = hashlib.sha256().digest_size


@dataclass
class Counters:
    """Where a training stands, beside its weights."""

    step: int = 0
    """Steps done."""
    rollbacks: int = 0
    """Times it went back after a divergence."""
    losses: list[float] = field(default_factory=list)
    """Of the steps since the last row of the history."""
    history: list[dict[str, Any]] = field(default_factory=list)


def save(
    folder: Path,
    about: dict[str, Any],
    counters: Counters,
    networks: Networks,
    optimizers: Optimizers,
) -> None:
    """Writes a file of the folder, which appears whole or not at all.

    Args:
        folder: of the state.
        about: everything that the result depends on, JSON-able.
        counters: steps done and the rest.
        networks, optimizers: what they hold, by name.
    """
    content = {
        "about": json.dumps(about, sort_keys=True),
        "counters": asdict(counters),
        "networks": {name: network.state_dict() for name, network in networks.items()},
        "optimizers": {name: optimizer.state_dict() for name, optimizer in optimizers.items()},
    }
    with appearing(_file(folder, counters.step)) as temporary:
        with open(temporary, "wb") as file:
            file.write(bytes(DIGEST))
            torch.save(content, file)
        with open(temporary, "rb+") as file:
            file.seek(DIGEST)
            checksum = hashlib.file_digest(file, "sha256").digest()
            file.seek(0)
            file.write(checksum)


def prune(folder: Path, keep: int, anchors: list[int]) -> None:
    """Removes all but the newest `keep` files and those of the steps `anchors`."""
    steps = sorted(_steps(folder))
    for step in set(steps[:-keep]) - set(anchors):
        # Another copy of the training may have done it before it was superseded.
        _file(folder, step).unlink(missing_ok=True)


def forget_after(folder: Path, step: int) -> None:
    """Removes the files of later steps."""
    for later in _steps(folder):
        if later > step:
            _file(folder, later).unlink()


def resume(
    folder: Path,
    about: dict[str, Any],
    networks: Networks,
    optimizers: Optimizers,
    say: Say,
    latest: int | None = None,
) -> Counters:
    """Loads the newest state that can be read, if it belongs to this very training.

    States after the step `latest` are left alone.

    A broken file is renamed, and the one before it is tried. A folder of other settings is renamed
    as a whole, the settings that differ are named, and the training starts afresh.
    """
    steps = [step for step in _steps(folder) if latest is None or step <= latest]
    for step in sorted(steps, reverse=True):
        path = _file(folder, step)
        try:
            content = _read(path)
        except Exception as error:  # damaged files raise all kinds
            path.rename(path.with_suffix(".broken"))
            say(f"{path}: it cannot be read ({str(error).splitlines()[0]}); set aside")
            continue
        then, now = json.loads(content["about"]), json.loads(json.dumps(about))
        if then != now:
            _set_aside(folder, _difference(then, now), say)
            break
        return _filled(content, networks, optimizers)
    return Counters()


def back_to(folder: Path, step: int, networks: Networks, optimizers: Optimizers) -> Counters:
    """Loads the state of a step.

    Raises:
        FileNotFoundError: it has not been kept.
    """
    return _filled(_read(_file(folder, step)), networks, optimizers)


def _read(path: Path) -> dict[str, Any]:
    """A state whose checksum, which stands in front of it, is right: torch would not notice."""
    content = path.read_bytes()
    if hashlib.sha256(content[DIGEST:]).digest() != content[:DIGEST]:
        raise OSError("its checksum is wrong")
    read: dict[str, Any] = torch.load(
        io.BytesIO(content[DIGEST:]), map_location="cpu", weights_only=True
    )
    return read


def _filled(content: dict[str, Any], networks: Networks, optimizers: Optimizers) -> Counters:
    for name, network in networks.items():
        network.load_state_dict(content["networks"][name])
    for name, optimizer in optimizers.items():
        optimizer.load_state_dict(content["optimizers"][name])
    return Counters(**content["counters"])


def _file(folder: Path, step: int) -> Path:
    return folder / f"{step:09d}.pt"


def _steps(folder: Path) -> list[int]:
    return [int(path.stem) for path in folder.glob("*.pt")]


def _difference(then: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    """Dotted names of the entries that differ."""
    names = []
    for key in sorted(then.keys() | now.keys()):
        one, other = then.get(key), now.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            names += _difference(one, other, f"{prefix}{key}.")
        elif one != other:
            names.append(f"{prefix}{key}")
    return names


def _set_aside(folder: Path, changed: list[str], say: Say) -> None:
    number = 1
    while (aside := folder.with_name(f"{folder.name}.aside-{number}")).exists():
        number += 1
    folder.rename(aside)
    say(
        f"{folder}: it belongs to other settings ({', '.join(changed)}); "
        f"set aside as {aside.name}, starting afresh"
    )
