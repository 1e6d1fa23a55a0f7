"""The resumable state of a training, in one file beside its outputs while it runs."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from grids.files import appearing


def save(
    path: Path,
    about: dict,
    step: int,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    history: list,
) -> None:
    """Replaces the file at once, so that a kill leaves the previous state or this one.

    Args:
        path: the file.
        about: everything that the result depends on, JSON-able.
        step: steps done.
        network, optimizer: what they hold.
        history: rows of the training's history so far.
    """
    state = {
        "about": json.dumps(about, sort_keys=True),
        "step": step,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "history": history,
    }
    with appearing(path) as temporary:
        torch.save(state, temporary)


def resume(
    path: Path,
    about: dict,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    say: Callable[[str], None],
) -> tuple[int, list]:
    """Loads the state if it belongs to this very training.

    A state of other settings, or a broken one, is renamed and left; one line says so.

    Returns:
        Steps done and the history, 0 and empty for a fresh start.
    """
    if not path.exists():
        return 0, []
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        then, now = json.loads(state["about"]), json.loads(json.dumps(about))
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        _set_aside(path, f"it cannot be read ({str(error).splitlines()[0]})", say)
        return 0, []
    if then != now:
        changed = sorted(k for k in then.keys() | now.keys() if then.get(k) != now.get(k))
        _set_aside(path, f"it belongs to other settings ({', '.join(changed)})", say)
        return 0, []
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    say(f"resuming after step {state['step']}")
    return state["step"], state["history"]


def _set_aside(path: Path, why: str, say: Callable[[str], None]) -> None:
    number = 1
    while (aside := path.with_name(f"{path.stem}.aside-{number}{path.suffix}")).exists():
        number += 1
    path.rename(aside)
    say(f"{path}: {why}; set aside as {aside.name}, starting fresh")
