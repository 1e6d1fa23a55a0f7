"""The command `grids restore`."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from grids.base.errors import InputError
from grids.commands import _computing, _ending

if TYPE_CHECKING:
    from grids.bundle.contents import Bundle
    from grids.restoring.batch import Batch
    from grids.restoring.orders import Job, Order
    from grids.restoring.outcomes import Outcome

SUMMARY = "restore photographs, each with the model that suits its damage"
EXIT_STATUSES = """
exit status: 0 if all was restored or is best left as it is, now or earlier (with --dry-run: if all
was decided, refusals among it), 1 if something was refused or failed (the rest is restored), 130
if it was interrupted
"""
ADVICE = "--force restores all the same, --group GROUP names a model"


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to those of `grids`."""
    parser = commands.add_parser("restore", help=SUMMARY, description=SUMMARY, epilog=EXIT_STATUSES)
    parser.add_argument(
        "paths", nargs="+", type=_path, metavar="PATH", help="photograph or folder; - reads a pipe"
    )
    parser.add_argument(
        "-o", "--out", required=True, type=_path, help="folder for the results; - writes to a pipe"
    )
    models = parser.add_mutually_exclusive_group()
    models.add_argument(
        "--group", help="use this group's model for all photographs (`grids bundles` lists them)"
    )
    models.add_argument(
        "--groups",
        nargs="+",
        metavar="GROUP",
        help="put the results of these groups' models side by side on a contact sheet",
    )
    models.add_argument("--all-groups", action="store_true", help="the same with all models")
    parser.add_argument(
        "--strength",
        type=float,
        default=1.0,
        help="0 … 1.5: 0 leaves a photograph as it is, 1 takes what the model makes of it (1)",
    )
    parser.add_argument(
        "--mask", type=_path, metavar="FILE", help="white is restored, grey blends, black is spared"
    )
    parser.add_argument(
        "--compare", action="store_true", help="also write a sheet of before, after and halves"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="restore even what is unlike all that is known, or where no gain can be counted on",
    )
    parser.add_argument(
        "--min-gain",
        type=float,
        metavar="DB",
        help="leave as it is what less than this can be counted on to gain (0.1)",
    )
    parser.add_argument(
        "--copy", action="store_true", help="copy to the results what is left as it is"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
    parser.add_argument(
        "--dry-run", action="store_true", help="print the decisions as a table, restore nothing"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object a line for each photograph"
    )
    _computing.add_to(parser)
    parser.set_defaults(run=_run)


def _path(text: str) -> Path:
    """A path as it was written: `-` is a pipe, `./-` a file of that name."""
    if not text:
        raise argparse.ArgumentTypeError("an empty name; this folder is .")
    path = Path(text)
    return path.absolute() if str(path) == "-" != text else path


def _run(options: argparse.Namespace) -> int:
    from grids.base.printing import on_one_line
    from grids.restoring import outcomes
    from grids.restoring.batch import Batch
    from grids.restoring.orders import find, require_folder
    from grids.restoring.outcomes import Outcome
    from grids.restoring.photographs import STANDARD

    piped = options.out == STANDARD and not options.dry_run
    if piped and sys.stdout.isatty():
        raise InputError("-o -: the standard output is a terminal; write > FILE, or name a folder")
    bundle, runtime = _computing.opened(options)
    order = _order(options, bundle)
    jobs, unreadable, others = find(options.paths, options.out, order)
    work = Batch(bundle, runtime, order, tile=options.tile, say=_say)
    if options.out != STANDARD and order.restore and not all(map(work.leaves, jobs)):
        require_folder(options.out)
    if words := outcomes.how_far(order.strength):
        _say(words)
    # A photograph on the standard output is alone there.
    told = sys.stderr if piped else sys.stdout
    done: list[Outcome] = []
    try:
        for outcome in chain(
            map(Outcome.of_folder, unreadable), _done(work, jobs, options.dry_run)
        ):
            done.append(outcome)
            if options.json:
                print(json.dumps(outcomes.as_json(outcome)), file=told, flush=True)
            elif outcome.status in ("restored", "compared"):
                print(on_one_line(outcomes.line(outcome)), file=told, flush=True)
    except KeyboardInterrupt:
        _say(f"interrupted after {len(done)} of {len(jobs)}; the same command goes on")
        return _ending.INTERRUPTED
    if options.dry_run and not options.json:
        print(outcomes.table(done, order.groups))
    return _concluded(done, others, options.dry_run)


def _order(options: argparse.Namespace, bundle: "Bundle") -> "Order":
    """What is asked for.

    Raises:
        InputError: a value is out of its range, or options do not go together.
    """
    from grids.restoring import blending, orders
    from grids.restoring.orders import Order

    blending.check(options.strength)
    steps = orders.steps(options.steps)
    groups = bundle.groups if options.all_groups else tuple(dict.fromkeys(options.groups or ()))
    if groups and options.compare:
        raise InputError("--compare: a sheet of groups is a comparison already; leave one out")
    if options.steps is not None and (options.group or groups):
        raise InputError("--steps: goes by the choice, but models are named; leave one out")
    return Order(
        group=options.group,
        groups=groups,
        force=options.force,
        min_gain_db=orders.min_gain_db(options.min_gain),
        steps=1 if options.group or groups else steps,
        copy=options.copy,
        strength=options.strength,
        mask=blending.read_mask(options.mask) if options.mask else None,
        compare=options.compare,
        overwrite=options.overwrite,
        restore=not options.dry_run,
    )


def _done(work: "Batch", jobs: Sequence["Job"], dry_run: bool) -> Iterator["Outcome"]:
    """The outcomes of the jobs, one after the other, with lines of progress in between."""
    from grids.base.progress import Progress
    from grids.restoring import orders

    if dry_run:
        yield from Progress("decided", len(jobs), "photographs", _say).over(map(work.run, jobs))
        return
    megapixels = [0.0 if work.leaves(job) else orders.megapixels(job.source) for job in jobs]
    progress = Progress("restored", round(sum(megapixels), 3), "megapixels", _say)
    before = 0.0
    for job, size in zip(jobs, megapixels, strict=True):

        def report(pixels: int, before: float = before, known: bool = size > 0) -> None:
            # Of a pipe the size is not known before.
            if known:
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
    for status in ("left as it is", "there already", "refused", "failed"):
        for outcome in outcomes:
            if outcome.status == status:
                _say(f"{status}: {'; '.join((outcome.reason, *outcome.remarks))}")
    if counts["there already"]:
        _say("what is there already was left as it is; --overwrite replaces it")
    if counts["refused"]:
        _say(f"refused ones are unlike all that is known; {ADVICE}")
    if counts["left as it is"]:
        _say(f"what is left as it is has no gain to count on; {ADVICE}, --min-gain lowers the bar")
    if others:
        kinds = ", ".join(sorted({path.suffix.lower() for path in others} - {""}))
        named = f" ({kinds})" if kinds else ""
        files = "1 other file was" if len(others) == 1 else f"{len(others)} other files were"
        _say(f"{files} not looked at{named}")
    return int(counts["failed"] > 0 or (counts["refused"] > 0 and not dry_run))


def _say(line: str) -> None:
    from grids.base.printing import on_one_line

    print(on_one_line(line), file=sys.stderr, flush=True)
