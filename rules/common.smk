# What all rules share: the settings, the photographs, names. Helper functions are in common/, by what
# they are about; the other files hold rules only.

import copy
import json
import shlex
import shutil
import sys

from dataclasses import asdict
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from snakemake.exceptions import IncompleteCheckpointException
from snakemake.iocontainers import Wildcards

from grids.base import printing
from grids.base.errors import InputError
from grids.base.files import appearing
from grids.base.plugins import constant_of, options_of
from grids.configuration import elsewhere, files, loading, photographs, trials
from grids.configuration.checks.search import check_affinities
from grids.configuration.command_line import as_of_a_file
from grids.configuration.settings import pair_set
from grids.degrading.names import CLEAN, TWO
from grids.images import reading, sets
from grids.images.seen import checksums
from grids.jobs import fingerprints, places, records
from grids.pixels import measures
from grids.report import experiments, paper, systems
from grids.runs import ahead, orphans
from grids.search import group_names
from grids.search import plans as plan_files
from grids.base.levels import WHOLE

printing.never_fails()

fingerprints.remember(records.MEMORY / "fingerprints.json")

# A copy, since the dictionary may be that of a workflow which imports this one, and serve again.
config = as_of_a_file(copy.deepcopy(config), workflow.config_settings.config)

try:
    if workflow.is_main_process:
        files.check(path for path in workflow.configfiles if Path(path).exists())
    SETTINGS = loading.load(config)
    PHOTOGRAPHS = photographs.find(SETTINGS)
    if workflow.is_main_process:
        photographs.check(SETTINGS, PHOTOGRAPHS)
        trials.check(SETTINGS)
        for warning in photographs.warnings(SETTINGS, PHOTOGRAPHS):
            print(f"warning: {warning}", file=sys.stderr)
    # Verifications of models trained elsewhere, by test set and group.
    MEASUREMENTS = elsewhere.measurements(SETTINGS, PHOTOGRAPHS)
except InputError as error:
    sys.exit(f"error: configuration: {error}")

if Path(sys.executable).exists():
    # Snakemake puts it into commands as it stands, whatever is in its path.
    sys.executable = shlex.quote(sys.executable)


RESULTS = SETTINGS.results
# CPU threads of a training on each of its nodes.
TRAINING_THREADS = (
    SETTINGS.execution.threads * SETTINGS.processes() // SETTINGS.resources.train.nodes
)
RELEASED = SETTINGS.released()
SEARCHED = SETTINGS.searched()
PAIRED = list(SETTINGS.paired())
OPERATORS = sorted(set(SETTINGS.degradations) - set(PAIRED))
SINGLES = [group_names.group_name([name]) for name in SEARCHED]
MIX = group_names.group_name(SEARCHED)
# Known before the first round. A strategy that asks for levels asks for single-task models as for
# all others, and needs the mix where models begin with it alone.
SEARCHES_LEVELS = SETTINGS.searches_levels()
MIX_FIRST = SETTINGS.training.start == "mix"
BASELINES = ([] if SEARCHES_LEVELS else SINGLES) + (
    [] if SEARCHES_LEVELS and not MIX_FIRST else [MIX]
)
# Under a certificate that needs not all single-task models, nothing else has them trained.
BOUNDED = SEARCHES_LEVELS and SETTINGS.search.certificate == "bounded"
ELSEWHERE = {
    group_names.group_name(group)
    for tables in MEASUREMENTS.values()
    for group in tables
}


def at(place, **names):
    """Path of a kind of result, see grids.jobs.places."""
    return str(places.at(Path(RESULTS), place, **names))


include: "common/scripts.smk"
include: "common/jobs.smk"
include: "common/cluster.smk"
include: "common/images.smk"
include: "common/descriptors.smk"
include: "common/training.smk"
include: "common/verifications.smk"
include: "common/search.smk"
include: "common/selection.smk"
include: "common/report.smk"
include: "common/table1.smk"
include: "common/run.smk"
