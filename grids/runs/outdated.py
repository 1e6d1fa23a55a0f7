"""Results that stand, but are about to be made again with other parameters.

Snakemake finds them when it builds its plan of jobs; what is said before that asks here.
"""

from collections.abc import Collection
from pathlib import Path

from grids.jobs import records


def outdated(
    results: Path,
    expected: records.Expected,
    rules: Collection[str],
) -> set[Path]:
    """Results of some rules whose records differ from today's parameters; code is one of them.

    Those without a record, and those that no job makes any more, are taken as they stand. What
    follows from a result in the set is not looked at.

    Args:
        results: folder of the results.
        expected: as `grids.jobs.records.stale` takes it.
        rules: their names.
    """
    return {
        output
        for output, _, record in records.recorded(results)
        if record["rule"] in rules and records.differing(record, expected)
    }
