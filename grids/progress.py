"""Lines of progress and the log of a job."""

import errno
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from grids import failures, layouts, records
from grids.errors import InputError, NotFiniteError

SECONDS_BETWEEN_LINES = 10.0
DISK_IS_FULL = {errno.ENOSPC, errno.EDQUOT}

T = TypeVar("T")
Say = Callable[[str], None]


class Progress:
    """Says how far a long loop is, how fast and how long it will take, every ten seconds."""

    def __init__(self, label: str, total: int, unit: str, say: Say, done: int = 0):
        self._label, self._total, self._unit, self._say = label, total, unit, say
        self._first, self._done = done, done
        self._start = self._spoke = time.monotonic()

    def report(self, done: int, more: str = "") -> None:
        """`done` of the total are done now."""
        self._done = done
        now = time.monotonic()
        if done < self._total and now - self._spoke < SECONDS_BETWEEN_LINES:
            return
        self._spoke = now
        rate = (done - self._first) / max(now - self._start, 1e-9)
        left = (self._total - done) / rate if rate > 0 else float("inf")
        self._say(
            f"{self._label}: {done}/{self._total} {self._unit}, {rate:.3g} {self._unit}/s, "
            f"ETA {_clock(left)}{', ' + more if more else ''}"
        )

    def over(self, items: Iterable[T]) -> Iterator[T]:
        """The items, each reported as done when the next one is asked for."""
        for item in items:
            yield item
            self.report(self._done + 1)


def _clock(seconds: float) -> str:
    if seconds == float("inf"):
        return "unknown"
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"


@contextmanager
def job(snakemake: Any) -> Iterator[Say]:
    """Runs a script's body with a function that says a line to the log file and to the terminal.

    A mistake that the user can mend ends the process with that one line instead of a traceback;
    any other error leaves its traceback in the log as well. Inputs must be as they were written,
    and a job that ends well is recorded (see `grids.records`).

    Args:
        snakemake: the object of this name that Snakemake gives to a script.
    """
    results = Path(snakemake.config["results"])
    with open(snakemake.log[0], "w", encoding="utf-8", buffering=1) as file:

        def say(line: str) -> None:
            print(f"{time.strftime('%H:%M:%S')} {line}", file=file)
            print(line, file=sys.stderr, flush=True)

        try:
            records.check(results, snakemake.input)
            layouts.check(results, snakemake.input)
            try:
                yield say
            except Exception as error:
                _answer(snakemake, error, say)
            records.write(
                results,
                snakemake.rule,
                dict(snakemake.wildcards.items()),
                list(snakemake.output),
                dict(snakemake.params.items()),
            )
        except (InputError, NotFiniteError) as error:
            print(f"error: {error}", file=file)
            sys.exit(f"error: {error}")
        except Exception as error:
            if isinstance(error, OSError) and error.errno in DISK_IS_FULL:
                sys.exit(f"error: {os.strerror(error.errno)}; make room and run again")
            traceback.print_exc(file=file)
            if reason := failures.reason_for_good(error):
                sys.exit(f"error: {reason}; a training needs less with more execution.accumulation")
            raise


def _answer(snakemake: Any, error: Exception, say: Say) -> None:
    """Notes a failure that the configuration takes for an answer; raises any other."""
    wildcards, reason = dict(snakemake.wildcards.items()), failures.reason_for_good(error)
    job_of = snakemake.rule, wildcards.get("backbone", ""), wildcards.get("group", "")
    if not (reason and failures.declared(snakemake.config["failures"], *job_of)):
        raise error
    output = snakemake.output
    failures.note(Path(output.weights), Path(output.history), reason)
    say(f"{wildcards['group']} counts as infeasible, since its training failed for good: {reason}")
