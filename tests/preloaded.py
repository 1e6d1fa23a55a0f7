"""Dry runs of Snakemake in forks of a process that has its packages loaded.

To load them takes longer than a dry run of the tiny tree, and tests make dozens. A fork has
loaded nothing of `grids`: each takes the checkout that it is given, as a process of its own would.
"""

import multiprocessing
import os
import sys
from pathlib import Path

TESTS = Path(__file__).parent
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["snakemake.cli", "pandas", "pydantic", "pyarrow.parquet"])


def dry_run(folder: Path, arguments: list[str], printed: Path) -> int:
    """The exit status of a dry run in a folder; what it prints goes to a file."""
    process = CONTEXT.Process(target=_run, args=(folder, arguments, printed, dict(os.environ)))
    process.start()
    process.join()
    return process.exitcode


def _run(folder: Path, arguments: list[str], printed: Path, environment: dict[str, str]) -> None:
    output = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment, OMP_NUM_THREADS="1")
    # As `python -m snakemake` has it, not as the tests do.
    sys.path = [str(folder), *(path for path in sys.path if not Path(path).is_relative_to(TESTS))]
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    loaded = {"grids", "torch"} & set(sys.modules)
    assert not loaded, loaded
    main()
