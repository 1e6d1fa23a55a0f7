# What all rules share: the settings, the photographs, names. Helper functions are in common/, by what
# they are about; the other files hold rules only.

import json
import os
import shutil
import sys

from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

import pandas as pd

# Jobs import the grids package of this checkout, the code that is fingerprinted, even where another
# copy is installed.
ROOT = Path(workflow.current_basedir).parent
sys.path.insert(0, str(ROOT))
os.environ.update(
    PYTHONPATH=os.pathsep.join(filter(None, [str(ROOT), os.getenv("PYTHONPATH")]))
)

from snakemake.exceptions import IncompleteCheckpointException
from snakemake.iocontainers import Wildcards

from grids.base.errors import InputError
from grids.base.files import appearing
from grids.base.plugins import constant_of
from grids.configuration import loading
from grids.configuration.settings import pair_set
from grids.images import reading, sets
from grids.jobs import fingerprints, places, records
from grids.report import paper
from grids.runs import ahead, orphans
from grids.search import group_names

try:
    SETTINGS = loading.load(config)
    PHOTOGRAPHS = loading.photographs(SETTINGS)
    if workflow.is_main_process:
        loading.check_photographs(SETTINGS, PHOTOGRAPHS)
    # Verifications of models trained elsewhere, by test set and group.
    MEASUREMENTS = loading.measurements(SETTINGS, PHOTOGRAPHS)
except InputError as error:
    sys.exit(f"error: configuration: {error}")

# Scripts read how to compute (device, checkpoints) from the configuration instead of from
# parameters, since a change of it must make nothing run again.
config["execution"] = SETTINGS.how()
config["results"] = SETTINGS.results
config["sources"] = SETTINGS.images.sources() | {
    name: [str(path) for path in PHOTOGRAPHS[name]] for name in SETTINGS.pair_sets()
}
config["roots"] = {
    name: str(reading.root_of(paths)) for name, paths in PHOTOGRAPHS.items()
}

RESULTS = SETTINGS.results
# CPU threads of a training on each of its nodes.
TRAINING_THREADS = (
    SETTINGS.execution.threads * SETTINGS.processes() // SETTINGS.resources.train.nodes
)
SEARCHED = SETTINGS.searched()
PAIRED = SETTINGS.paired()
OPERATORS = sorted(set(SETTINGS.degradations) - set(PAIRED))
SINGLES = [group_names.group_name([name]) for name in SEARCHED]
MIX = group_names.group_name(SEARCHED)
ELSEWHERE = {
    group_names.group_name(group)
    for tables in MEASUREMENTS.values()
    for group in tables
}

# As with execution: whether a failure is declared an answer must train nothing again.
config["failures"] = {
    "recorded": SETTINGS.search.failed == "infeasible",
    "backbone": SETTINGS.search.backbone,
    "references": [*SINGLES, MIX],
}


def at(place, **names):
    """Path of a kind of result, see grids.jobs.places."""
    return str(places.at(Path(RESULTS), place, **names))


include: "common/jobs.smk"
include: "common/cluster.smk"
include: "common/images.smk"
include: "common/search.smk"
include: "common/selection.smk"
include: "common/report.smk"
include: "common/run.smk"
