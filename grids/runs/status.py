"""Where a run stands, by its files and the cluster's queue alone.

A line for each stage, then one for each training that is on its way. It can be asked for at any
time, while the workflow runs or not, and disturbs nothing.
"""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from grids.base.errors import InputError
from grids.base.levels import WHOLE, decay_from, steps_at
from grids.base.wording import counted, duration
from grids.jobs import failures, places
from grids.jobs.pace import pace
from grids.runs import needed, slurm
from grids.search import plans as plan_files
from grids.search.group_names import trial

# As `grids.base.progress.Progress` writes it.
PROGRESS = re.compile(r": (\d+)/(\d+) it, ([\d.e+-]+) it/s, ETA ([\d:]+|unknown)")

SECONDS_OF_SILENCE = 60.0
"""A job says a line every ten seconds. One that was silent for longer may have been killed."""

GAVE_UP = re.compile(r"^(error: |Traceback)|: state kept after step \d+; ", re.MULTILINE)
"""What is last in the log of a job that fails (`grids.jobs.job.job`), or of a training that was
stopped (`grids.training.loop`)."""

STATES = ("done", "failed", "running", "queued", "waiting")


@dataclass(frozen=True)
class Output:
    """A file of the workflow.

    Attributes:
        path: where it will be.
        work: pattern of the comment of the job that makes it.
        log: of that job.
    """

    path: Path
    work: str
    log: Path

    def made(self) -> bool:
        """Whether it is there."""
        return self.path.exists()

    def state(self, live: dict[str, str]) -> str:
        """`done`, `running`, `queued` in the cluster, or `waiting` for its turn.

        Where no job of the cluster makes it, it is running if its log grows.

        Args:
            live: state of each live job by its comment.
        """
        if self.made():
            return "done"
        state = next((live[work] for work in live if fnmatchcase(work, self.work)), None)
        if state is None:
            return "running" if self._grows() else "waiting"
        return "queued" if state == "PENDING" else "running"

    def _grows(self) -> bool:
        try:
            silent = time.time() - self.log.stat().st_mtime
            return silent < SECONDS_OF_SILENCE and not GAVE_UP.search(self._said())
        except OSError:
            return False

    def _said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


@dataclass(frozen=True)
class Training(Output):
    """A training: an output with steps on its way to it.

    Attributes:
        name: for people.
        steps: to its end.
        begun: of these, the steps that a training up to a lower level has done.
    """

    name: str
    steps: int
    begun: int = 0

    def made(self) -> bool:
        """Whether it is there, and had as many steps: not those of an earlier configuration."""
        return self.path.exists() and self._pace[0] in (0, self.steps)

    def failure(self) -> str | None:
        """Why it failed for good, where the configuration takes that for an answer."""
        return failures.noted(self.path) if self.path.exists() else None

    def state(self, live: dict[str, str]) -> str:
        """As of any output, or `failed` for good."""
        return "failed" if self.failure() else super().state(live)

    def progress(self) -> tuple[int, float, str]:
        """Steps done, steps a second (0: not known), and the time left as the job wrote it."""
        if self.made():
            steps, seconds = self._pace
            return self.steps, steps / seconds if steps else 0.0, "0:00:00"
        if self.path.exists():
            return 0, 0.0, "unknown"
        lines = self._said() if self.log.exists() else ""
        states = self.path.with_name("state").glob("*.pt")
        kept = max((int(path.stem) for path in states), default=0)
        if said := PROGRESS.findall(lines):
            done, _, rate, left = said[-1]
            return max(int(done), kept), float(rate), left
        return kept, 0.0, "unknown"

    @cached_property
    def _pace(self) -> tuple[int, float]:
        return pace(self.path.with_name("history.parquet"))


def status(results: Path, folder: Path) -> Iterator[str]:
    """Lines that say where a run stands.

    Args:
        results: folder of the results.
        folder: that Snakemake is run in, by which the cluster's jobs are known.

    Raises:
        InputError: no run has begun there, or a plan is damaged.
    """
    settings = needed.settings(results)
    try:
        jobs = slurm.live_jobs(folder)
    except InputError as error:
        jobs = []
        yield f"{'queue':14} {error}"
    live = {job.work: job.state for job in jobs}
    plans, left_over = plan_files.walk(results), ""
    if plans and not needed.planned_for(settings, plans[0]):
        plans, left_over = [], ": its rounds that are there were planned with other settings"
    trainings = list(_trainings(results, settings, plans))
    stages: dict[str, Sequence[Output]] = {
        "PIES sets": [
            _shared(results, places.PIES, places.PIES_LOG, name, "pies")
            for name in ["clean", *settings["degradations"]]
        ],
        "laws": [
            _shared(results, places.LAW, places.LAW_LOG, name, "laws")
            for name in settings["degradations"]
        ],
        "similarity": [Output(results / places.SIMILARITY, "", results / places.SIMILARITY_LOG)],
        "trainings": trainings,
        "verifications": list(_verifications(results, settings, plans)),
    }
    for name, outputs in stages.items():
        states = [output.state(live) for output in outputs]
        counts = {state: states.count(state) for state in STATES}
        told = ", ".join(f"{n} {state}" for state, n in counts.items() if n or state == "done")
        yield f"{name:14} {told}"
    yield f"{'search':14} {_search(plans)}{left_over}"
    yield from _on_their_way(trainings, live)
    yield _hours(trainings, settings)
    for job in jobs:
        yield f"job {job.id}: {job.state} {job.elapsed} {job.where} {job.work}"


def _shared(results: Path, place: str, its_log: str, name: str, group: str) -> Output:
    """An output of a group of jobs, whose comment begins with the group's name."""
    path, log = (places.at(results, kind, degradation=name) for kind in (place, its_log))
    return Output(path, f"rule_{group}_*", log)


def _trainings(
    results: Path, settings: dict[str, Any], plans: list[dict[str, Any]]
) -> Iterator[Training]:
    usual, decay = settings["training"]["iterations"], settings["training"]["decay"]
    budgets = settings["training"].get("budgets", {})
    if settings["descriptor"]["weights"] == "trained":
        yield Training(
            results / places.DESCRIPTOR,
            "rule_*train_descriptor",
            results / places.DESCRIPTOR_LOG,
            "descriptor",
            settings["descriptor"]["iterations"],
        )
    begun: dict[str, int] = {}
    for backbone, name in needed.models(settings, plans):
        group, level = trial(name)
        named: dict[str, str | int] = {"backbone": backbone, "group": group, "level": level}
        short = level < WHOLE
        end = steps_at(budgets.get(backbone, usual), level)
        yield Training(
            places.at(results, places.LEVEL_MODEL if short else places.MODEL, **named),
            f"rule_*train_level_wildcards_{level}_{backbone}_{group}"
            if short
            else f"rule_*train_wildcards_{backbone}_{group}",
            places.at(results, places.LEVEL_LOG if short else places.TRAINING_LOG, **named),
            f"{backbone} {group}" + (f" up to {level} %" if short else ""),
            end,
            begun.get(group, 0),
        )
        if short:
            begun[group] = decay_from(end, decay)
    backbone = settings["search"]["backbone"]
    for seed, name in needed.reseeded(settings, plans):
        again = {"seed": str(seed), "backbone": backbone, "group": name}
        yield Training(
            places.at(results, places.RESEEDED_MODEL, **again),
            f"rule_*train_reseeded_wildcards_{seed}_{backbone}_{name}",
            places.at(results, places.RESEEDED_LOG, **again),
            f"{backbone} {name} seed {seed}",
            budgets.get(backbone, usual),
        )


def _verifications(
    results: Path, settings: dict[str, Any], plans: list[dict[str, Any]]
) -> Iterator[Output]:
    search, report = settings["search"], settings["report"]
    found = {*needed.baselines(settings), *(plans[-1].get("solution", []) if plans else [])}
    for backbone, name in needed.models(settings, plans):
        group, level = trial(name)
        if level < WHOLE:
            named = {"backbone": backbone, "group": group, "test_set": search["test_set"]}
            yield Output(
                places.at(results, places.LEVEL_VERIFICATION, level=level, **named),
                f"rule_*verify_level_wildcards_{level}_{backbone}_{group}_{search['test_set']}",
                places.at(results, places.LEVEL_VERIFICATION_LOG, level=level, **named),
            )
            continue
        sets = {search["test_set"]} if backbone == search["backbone"] else set()
        if backbone in report["backbones"] and group in found:
            sets |= set(report["test_sets"])
        for test_set in sorted(sets):
            named = {"backbone": backbone, "group": group, "test_set": test_set}
            yield Output(
                places.at(results, places.VERIFICATION, **named),
                f"rule_*verify_wildcards_{backbone}_{group}_{test_set}",
                places.at(results, places.VERIFICATION_LOG, **named),
            )
    backbone, test_set = search["backbone"], search["test_set"]
    for seed, name in needed.reseeded(settings, plans):
        named = {"seed": seed, "backbone": backbone, "group": name, "test_set": test_set}
        yield Output(
            places.at(results, places.RESEEDED_VERIFICATION, **named),
            f"rule_*verify_reseeded_wildcards_{seed}_{backbone}_{name}_{test_set}",
            places.at(results, places.RESEEDED_VERIFICATION_LOG, **named),
        )


def _search(plans: list[dict[str, Any]]) -> str:
    if not plans:
        return "not begun"
    last = plans[-1]
    if "solution" in last:
        rounds, groups = counted(last["round"], "round"), counted(len(last["solution"]), "group")
        return f"over after {rounds}: {groups}"
    return f"round {last['round']}: asks for {', '.join(last['requests'])}"


def _on_their_way(trainings: list[Training], live: dict[str, str]) -> Iterator[str]:
    for training in trainings:
        if reason := training.failure():
            yield f"  {training.name}: failed for good ({reason})"
            continue
        done, rate, left = training.progress()
        state = training.state(live)
        if state != "done" and (done or state == "running"):
            running = f", {rate:.3g} it/s, ETA {left}" if state == "running" and rate else ""
            yield f"  {training.name}: {done}/{training.steps} it, {state}{running}"


def _own_steps(training: Training) -> tuple[int, int, float]:
    """Steps to do and done, less those of a lower level, and steps a second."""
    done, rate, _ = training.progress()
    return training.steps - training.begun, max(0, done - training.begun), rate


def _hours(trainings: list[Training], settings: dict[str, Any]) -> str:
    """Time of the trainings that are known so far, at the mean rate where none is known yet."""
    gpus = settings["resources"]["train"]["gpus"]
    trained = [training for training in trainings if not training.failure()]
    seen = [_own_steps(training) for training in trained]
    rates = [rate for _, _, rate in seen if rate]
    if not rates:
        return f"{'time':14} no training has told its rate yet"
    mean = sum(rates) / len(rates)
    spent = sum(done / (rate or mean) for _, done, rate in seen)
    left = sum((steps - done) / (rate or mean) for steps, done, rate in seen)
    of_gpus = "GPU-" if gpus else ""
    told = [duration(seconds * (gpus or 1) / 3600, of_gpus) for seconds in (spent, left)]
    return (
        f"{'time':14} {told[0]} of training spent, {told[1]} to come for what is known to be needed"
    )
