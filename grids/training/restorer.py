"""The training of a restorer, from plain values to its files."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from grids.base import randomness
from grids.base.files import sha256
from grids.images.staging import staged
from grids.images.store import Store, read_pairs
from grids.models import devices, restorers
from grids.models import weights as weights_files
from grids.training.affinity import Affinities
from grids.training.batches import Batch, Batches
from grids.training.loop import Execution, Recipe
from grids.training.procedure import Task, build
from grids.training.processes import ranks
from grids.training.proportions import Proportions, reference
from grids.training.restoration_batches import restoration
from grids.training.run import train_to_files


def train(
    *,
    backbone: str,
    sizes: dict[str, Any],
    group: dict[str, dict[str, Any]],
    sampling: dict[str, Any],
    recipe: dict[str, Any],
    procedure: dict[str, Any],
    files: dict[str, str],
    start: str,
    seed: int,
    content: str,
    code: str,
    index: str,
    store: str,
    pairs: list[str],
    weights: str,
    history: str,
    label: str,
    trunk: str,
    device: str,
    threads: int,
    scratch: str,
    execution: dict[str, Any],
    say: Callable[[str], None],
    affinities: Mapping[str, Any] | None = None,
    references: Mapping[str, str] | None = None,
) -> None:
    """Trains a backbone on a group of degradations.

    Args:
        backbone, sizes: the network and its options.
        group: degradations with their training parameters.
        sampling: what a sample is made of (see `grids.training.restoration_batches`); with
            `references`, its `weights` are `auto`.
        recipe: fields of `grids.training.loop.Recipe`.
        procedure: `name` of a module of `grids/training/procedures`, and its `options`, files by
            their digests.
        files: the options that are files, by their paths.
        start: weights file that the network begins with, empty for weights drawn from the seed.
        seed: seed of first weights, crops, degradations, and what else a procedure draws.
        content: digest of the photographs.
        code: fingerprint of the code.
        index, store: files of the photographs.
        pairs: files of the group's pairs (see `grids.images.store.read_pairs`).
        weights, history: files to write.
        label: names the training in lines of progress.
        trunk: folder of what budgets share, see `grids.training.loop.train`; empty: none.
        device, threads: where, and with how many CPU threads.
        scratch: folder of the node for a copy of the store (see `grids.images.staging`).
        execution: fields of `grids.training.loop.Execution`.
        say: takes lines of progress.
        affinities: whether affinities are measured on the way: `every`, `code` (see
            `grids.training.affinity`) and the `file` for them (`grids.training.run`).
        references: histories of the members' single-task models, where shares follow them (see
            `grids.training.proportions`); none: `sampling` has the weights.
    """
    place = ranks.own_device(devices.use(device, threads))
    # The same first weights for every group: one source of noise less in the drop between two.
    torch.manual_seed(randomness.key(seed, "weights"))
    network, before = restorers.build(backbone, sizes), 0
    if start:
        weights_files.load(network, Path(start))
        before = weights_files.about(Path(start)).get("steps", 0)
    network.to(place)
    photographs = Store(staged(store, scratch), pd.read_parquet(index))
    torch.manual_seed(randomness.key(seed, "procedure"))
    task = Task(recipe["iterations"], recipe["batch"], say, sorted(group))
    made = build(procedure["name"], network, task, procedure["options"] | files)
    paired = read_pairs(group, pairs)
    first = {**sampling, "weights": dict.fromkeys(group, 1.0)} if references else sampling

    def batches(degradations: dict[str, dict[str, Any]], seed: int, **shares: Any) -> Batches:
        more = {**first, "pairs": paired, "contents": made.contents, **shares}
        return restoration(photographs, degradations, seed=seed, device=place, **more)

    drawn, proportions = batches(group, seed), None
    if references:
        told = {name: reference(Path(path)) for name, path in references.items()}
        validations = {
            name: batches({name: group[name]}, one.seed)(-1, range(one.samples))
            for name, one in told.items()
        }
        proportions = Proportions(told, validations)
        drawn = _following(proportions, partial(batches, group, seed))
    watcher = None
    if affinities:
        own = randomness.key(seed, "affinity")
        alone = {name: batches({name: group[name]}, own) for name in sorted(group)}
        size = len(ranks.shares(recipe["batch"], execution["accumulation"])[0])
        parts = [range(first, first + size) for first in range(0, recipe["batch"], size)]
        watcher = Affinities(alone, parts, affinities["every"], affinities["code"])
    train_to_files(
        made,
        drawn,
        Recipe(**recipe),
        weights_path=weights,
        history_path=history,
        about={
            "backbone": backbone,
            "sizes": sizes,
            "group": group,
            "sampling": sampling,
            "procedure": procedure,
            "start": sha256(Path(start)) if start else "",
            # Those of the weights that it began with among them.
            "steps": before + Recipe(**recipe).steps,
            "seed": seed,
            "content": content,
            "code": code,
        },
        execution=Execution(**execution),
        say=say,
        label=label,
        trunk=trunk,
        watcher=watcher,
        proportions=proportions,
        seen_path=affinities["file"] if affinities else "",
    )


def arguments(snakemake: Any, backbone: str, execution: dict[str, Any]) -> dict[str, Any]:
    """Those arguments of `train` that every rule that trains has by the same names.

    Args:
        snakemake: the object of this name that Snakemake gives to a script.
        backbone: entry of the configuration's `backbones`.
        execution: as `grids.training.launch.split` returns it.
    """
    params, inputs, config = snakemake.params, snakemake.input, snakemake.config
    return {
        **{name: params[name] for name in ("sizes", "group", "sampling", "recipe", "procedure")},
        **{name: params[name] for name in ("seed", "content", "code")},
        "backbone": config["networks"][backbone],
        "files": config["procedure_files"][backbone],
        "index": inputs.index,
        "store": inputs.store,
        "pairs": list(inputs.pairs),
        **execution,
    }


def _following(proportions: Proportions, batches: Callable[..., Batches]) -> Batches:
    """Batches by the shares of the moment; those of a validation, step −1, stay as they are."""
    first = batches()

    def batch_of(step: int, samples: range) -> Batch:
        now = batches(weights=proportions.shares()) if step >= 0 else first
        return now(step, samples)

    return batch_of
