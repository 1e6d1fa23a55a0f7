"""The command `grids restore`."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grids.restoring.batch import Batch, Job, Outcome

SUMMARY = "restore photographs, each with the model that suits its damage"
EXIT_STATUSES = """
exit status: 0 if all was restored, now or earlier (with --dry-run: if all was decided, refusals
among it), 1 if something was refused or failed (the rest is restored), 130 if it was interrupted
"""
ADVICE = "--force restores all the same, --group GROUP names a model"
INTERRUPTED = 130


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to those of `grids`."""
    parser = commands.add_parser("restore", help=SUMMARY, description=SUMMARY, epilog=EXIT_STATUSES)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="photograph or folder")
    parser.add_argument("-o", "--out", required=True, type=Path, help="folder for the results")
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="FOLDER",
        help="made by `grids export` (default: the models that ship with GRIDS)",
    )
    parser.add_argument("--group", help="use this group's model for all photographs")
    parser.add_argument(
        "--force", action="store_true", help="restore even what is unlike all known damage"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
    parser.add_argument(
        "--dry-run", action="store_true", help="print the decisions as a table, restore nothing"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object a line for each photograph"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--precision", choices=("fp32", "bf16"), default="fp32", help="of products (fp32)"
    )
    parser.add_argument(
        "--tile", type=int, metavar="PIXELS", help="side of a tile (default: what memory allows)"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    import torch

    from grids.bundle import contents
    from grids.models import devices
    from grids.restoring import batch

    device = devices.use(options.device, torch.get_num_threads())
    jobs, unreadable, others = batch.find(options.paths, options.out)
    work = batch.Batch(
        contents.read(options.bundle or contents.BOX),
        device,
        precision=options.precision,
        tile=options.tile,
        group=options.group,
        force=options.force,
        overwrite=options.overwrite,
        restore=not options.dry_run,
        say=_say,
    )
    outcomes = []
    try:
        for outcome in chain(unreadable, _done(work, jobs, options.dry_run)):
            outcomes.append(outcome)
            if options.json:
                print(json.dumps(_as_json(outcome)), flush=True)
            elif outcome.status == "restored":
                print(_shown(_line(outcome)), flush=True)
    except KeyboardInterrupt:
        _say(f"interrupted after {len(outcomes)} of {len(jobs)}; the same command goes on")
        return INTERRUPTED
    if options.dry_run and not options.json:
        print(_table(outcomes))
    return _concluded(outcomes, others, options.dry_run)


def _done(work: "Batch", jobs: Sequence["Job"], dry_run: bool) -> Iterator["Outcome"]:
    """The outcomes of the jobs, one after the other, with lines of progress in between."""
    from grids.base.progress import Progress
    from grids.restoring import batch

    if dry_run:
        yield from Progress("decided", len(jobs), "photographs", _say).over(map(work.run, jobs))
        return
    megapixels = [0.0 if work.leaves(job) else batch.megapixels(job.source) for job in jobs]
    progress = Progress("restored", round(sum(megapixels), 3), "megapixels", _say)
    before = 0.0
    for job, size in zip(jobs, megapixels, strict=True):

        def report(pixels: int, before: float = before) -> None:
            progress.report(round(before + pixels / 1e6, 3))

        yield work.run(job, report)
        before += size


def _concluded(outcomes: Sequence["Outcome"], others: Sequence[Path], dry_run: bool) -> int:
    """Says what was not restored, and why, and remarks not said yet; the exit status."""
    counts = Counter(outcome.status for outcome in outcomes)
    _say(", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
    for outcome in outcomes:
        if outcome.status == "decided" and outcome.remarks:
            _say(f"{outcome.source}: {'; '.join(outcome.remarks)}")
    for status in ("there already", "refused", "failed"):
        for outcome in outcomes:
            if outcome.status == status:
                _say(f"{status}: {'; '.join((outcome.reason, *outcome.remarks))}")
    if counts["there already"]:
        _say("what is there already was left as it is; --overwrite replaces it")
    if counts["refused"]:
        _say(f"refused ones are unlike what the models were trained on; {ADVICE}")
    if others:
        kinds = ", ".join(sorted({path.suffix.lower() for path in others} - {""}))
        named = f" ({kinds})" if kinds else ""
        files = "1 other file was" if len(others) == 1 else f"{len(others)} other files were"
        _say(f"{files} not looked at{named}")
    return int(counts["failed"] > 0 or (counts["refused"] > 0 and not dry_run))


def _line(outcome: "Outcome") -> str:
    parts = [outcome.group]
    if outcome.distance is not None:
        parts.append(f"distance {outcome.distance:.2f}")
    if outcome.expected:
        gain, low, high = outcome.expected
        parts.append(f"{gain:+.1f} dB expected ({low:+.1f} to {high:+.1f})")
    return f"{outcome.source} → {outcome.target}: {'; '.join((', '.join(parts), *outcome.remarks))}"


def _table(outcomes: Sequence["Outcome"]) -> str:
    import pandas as pd

    rows = []
    for outcome in outcomes:
        gain, low, high = outcome.expected or (None, None, None)
        rows.append(
            {
                "photograph": _shown(str(outcome.source)),
                "pixels": f"{outcome.width}×{outcome.height}" if outcome.width else "",
                "group": outcome.group,
                "distance": "" if outcome.distance is None else f"{outcome.distance:.2f}",
                "gain dB": "" if gain is None else f"{gain:+.1f}",
                "90 %": "" if gain is None else f"{low:+.1f} to {high:+.1f}",
                "decision": {"decided": "restore", "refused": "refuse"}.get(outcome.status, "fail"),
            }
        )
    table: str = pd.DataFrame(rows).to_string(index=False)
    return table


def _as_json(outcome: "Outcome") -> dict[str, Any]:
    gain, low, high = outcome.expected or (None, None, None)
    decision = outcome.decision
    return {
        "source": str(outcome.source),
        "target": str(outcome.target),
        "status": outcome.status,
        "reason": outcome.reason,
        "width": outcome.width,
        "height": outcome.height,
        "group": outcome.group,
        "chosen_by": outcome.chosen_by,
        "model": outcome.model,
        "distance": outcome.distance,
        "distances": decision.distances if decision else None,
        "scores": decision.scores if decision else None,
        "known": decision.known if decision else None,
        "predicted_gain_db": gain,
        "interval_db": None if gain is None else [low, high],
        "tile": outcome.tile,
        "remarks": list(outcome.remarks),
    }


def _say(line: str) -> None:
    print(_shown(line), file=sys.stderr, flush=True)


def _shown(text: str) -> str:
    """On one line: names of files may be of any bytes but two."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\n", "\\n")
