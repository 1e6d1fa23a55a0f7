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


def descriptor_file(network):
    """Weights of a descriptor, made here or not; a folder's name where it has none."""
    trained = {"srresnet": places.DESCRIPTOR, "vgg": places.VGG}
    if SETTINGS.descriptor.weights_of(network) == "trained":
        return str(Path(SETTINGS.results, trained[network]))
    return str(SETTINGS.descriptor.path_of(network))


# Scripts read how to compute (device, checkpoints) from the configuration instead of from
# parameters, since a change of it must make nothing run again.
config["execution"] = SETTINGS.how()
config["results"] = SETTINGS.results
config["sources"] = {
    name: [str(path) for path in paths] for name, paths in PHOTOGRAPHS.items()
} | SETTINGS.images.sources()
# Weights and tables that are not made here count by their content, which parameters have: as inputs
# they would count by their place and their time too.
config["weights"] = descriptor_file("srresnet")
config["descriptors"] = {
    name: descriptor_file(name) for name in SETTINGS.descriptor.networks()
}
config["start"] = SETTINGS.training.begins_with()
config["networks"] = {name: SETTINGS.network(name) for name in SETTINGS.backbones}
config["procedure_files"] = {
    name: SETTINGS.procedure_files(SETTINGS.procedure(name))
    for name in SETTINGS.backbones
}
config["released"] = {
    name: given.model_dump() for name, given in SETTINGS.released().items()
}
config["measurements"] = str(SETTINGS.search.measured_elsewhere())
config["roots"] = {
    name: str(reading.root_of(paths)) for name, paths in PHOTOGRAPHS.items()
}

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

# As with execution: whether a failure is declared an answer must train nothing again.
config["failures"] = {
    "recorded": SETTINGS.search.failed == "infeasible",
    "backbone": SETTINGS.search.backbone,
    "references": SINGLES if BOUNDED and not MIX_FIRST else [*SINGLES, MIX],
}

# That a training measures affinities must train nothing again either.
config["measured"] = {
    "of": (
        {"backbone": SETTINGS.search.backbone, "group": MIX}
        if SETTINGS.asks_for_affinities()
        else {}
    ),
    "how": {
        "every": SETTINGS.search.affinity_every,
        "code": fingerprints.fingerprint(
            fingerprints.PACKAGE / "training" / "affinity.py"
        ),
    },
}


def at(place, **names):
    """Path of a kind of result, see grids.jobs.places."""
    return str(places.at(Path(RESULTS), place, **names))


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
