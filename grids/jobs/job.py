"""What surrounds a script: its log, checks of what it reads, records of what it made."""

import errno
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grids.base import printing
from grids.base.errors import InputError, NotFiniteError
from grids.base.progress import Say
from grids.jobs import failures, records, schemas

DISK_IS_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def job(snakemake: Any) -> Iterator[Say]:
    """Runs a script's body with a function that says a line to the log file and to the terminal.

    A mistake that the user can mend ends the process with that one line instead of a traceback;
    any other error leaves its traceback in the log as well. Inputs must be as they were written,
    and a job that ends well is recorded (see `grids.jobs.records`).

    Args:
        snakemake: the object of this name that Snakemake gives to a script.
    """
    printing.never_fails()
    results = Path(snakemake.config["results"])
    with open(snakemake.log[0], "w", encoding="utf-8", buffering=1) as file:

        def say(line: str) -> None:
            print(f"{time.strftime('%H:%M:%S')} {line}", file=file)
            print(line, file=sys.stderr, flush=True)

        try:
            records.check(results, snakemake.input)
            schemas.check(results, snakemake.input)
            try:
                yield say
            except Exception as error:
                _answer(snakemake, error, say)
            records.write(
                results,
                _rule(snakemake),
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


def _rule(snakemake: Any) -> str:
    """The rule's name in this workflow, which another one that imports it may call otherwise."""
    return str(snakemake.config["rules"][snakemake.rule])


def _answer(snakemake: Any, error: Exception, say: Say) -> None:
    """Notes a failure that the configuration takes for an answer; raises any other."""
    wildcards, reason = dict(snakemake.wildcards.items()), failures.reason_for_good(error)
    job_of = _rule(snakemake), wildcards.get("backbone", ""), wildcards.get("group", "")
    if not (reason and failures.declared(snakemake.config["failures"], *job_of)):
        raise error
    output = snakemake.output
    failures.note(Path(output.weights), Path(output.history), reason)
    say(f"{wildcards['group']} counts as infeasible, since its training failed for good: {reason}")
