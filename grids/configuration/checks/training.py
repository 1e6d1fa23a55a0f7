"""Trainings: their steps, where they begin, and shares that follow single-task models."""

import json
from pathlib import Path

from grids.base.errors import InputError
from grids.base.plugins import constant_of
from grids.configuration.checks._shared import check_batch, check_warmup, require_there
from grids.configuration.settings import PACKAGED_MIX, PROCEDURES, Settings


def check(settings: Settings) -> None:
    """A training can begin as it is told, and has steps enough."""
    training = settings.training
    _check_automatic_weights(settings)
    check_warmup(
        "training",
        training.warmup,
        {"iterations": training.iterations}
        | {f"budgets.{name}": steps for name, steps in training.budgets.items()},
    )
    for name in training.budgets:
        require_there(name, settings.backbones, "backbones", "training.budgets")
    if training.minimum_learning_rate > training.learning_rate:
        raise InputError(
            f"training.minimum_learning_rate: {training.minimum_learning_rate} is above "
            f"training.learning_rate ({training.learning_rate})"
        )
    check_batch("training", training.batch, settings)
    if training.start not in ("none", "mix") and not Path(training.begins_with()).exists():
        raise InputError(
            f"training.start: {training.start}: no such file or folder; "
            "write 'none', 'mix', 'packaged' or a path"
        )
    if training.start == "packaged":
        _check_packaged_start(settings)


def _check_packaged_start(settings: Settings) -> None:
    """Whether what ships fits, which is known without trying it."""
    packaged = json.loads((PACKAGED_MIX.parent / "bundle.json").read_text(encoding="utf-8"))
    backbone, sizes = packaged["backbone"], packaged["sizes"]
    for name in settings.beginning():
        if (settings.network(name), settings.sizes(name)) != (backbone, sizes):
            options = ", ".join(f"{option}: {size}" for option, size in sizes.items())
            raise InputError(
                f"training.start, for {name}: what is packaged is a {backbone} of {options}; "
                "configure that one, or write 'none', 'mix' or a path"
            )


def _check_automatic_weights(settings: Settings) -> None:
    """Shares that follow single-task models need their validations, and one loss throughout."""
    if settings.training.weights != "auto":
        return
    if settings.search.levels:
        raise InputError(
            "training.weights: auto follows single-task models to their end, which search.levels "
            "leaves open; take out one of the two, and write search.strategy: active for budget"
        )
    if not settings.execution.validation:
        raise InputError(
            "execution.validation: 0 patches, but training.weights: auto goes by the validations "
            "of single-task models; write 8, or take out auto"
        )
    for backbone in settings.trained():
        procedure = settings.procedure(backbone)
        followed = settings.follows_singles(backbone, settings.searched()[:2])
        if followed and constant_of(PROCEDURES, procedure, "WHOLE_TRAININGS"):
            raise InputError(
                f"training.weights: auto compares validations throughout, but {procedure}, of "
                f"{backbone}, has phases; write training.procedure: {{{backbone}: l1}}, or take "
                "out auto"
            )
