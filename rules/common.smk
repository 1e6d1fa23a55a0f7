# Helper functions of the rules; the other files hold rules only.

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
sys.path.insert(0, workflow.basedir)
os.environ.update(
    PYTHONPATH=os.pathsep.join(
        filter(None, [workflow.basedir, os.getenv("PYTHONPATH")])
    )
)

from snakemake.exceptions import IncompleteCheckpointException
from snakemake.iocontainers import Wildcards

from grids.base.errors import InputError
from grids.base.files import appearing
from grids.base.plugins import constant_of
from grids.configuration import loading, settings
from grids.images import reading, sets
from grids.jobs import fingerprints, records
from grids.report import paper
from grids.runs import orphans, outdated
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
    group_names.group_name(group) for tables in MEASUREMENTS.values() for group in tables
}

# As with execution: whether a failure is declared an answer must train nothing again.
config["failures"] = {
    "recorded": SETTINGS.search.failed == "infeasible",
    "backbone": SETTINGS.search.backbone,
    "references": [*SINGLES, MIX],
}

# What selection chooses for, and what else it is shown.
SELECTED = sorted({*sum(SETTINGS.selection.groups, [])} or SEARCHED)
SELECTED = [name for name in SELECTED if name not in PAIRED]
UNSEEN = [
    name for name in SETTINGS.selection.unseen if name not in SETTINGS.degradations
]
SHOWN = sorted({*UNSEEN, *sum(SETTINGS.selection.mixed, [])})
# Kinds of cases that all models restore, so that the best choice is known.
COMPARED = ["whole", "crop", "drawn", "mixed"]
# Views whose law is measured: it takes most of the time of a view, and its mean needs fewer.
LAWS = 32


def code(script, *packages, degradations=()):
    """Fingerprint of a script with the modules that are chosen by name.

    `packages` name sub-packages of grids; the module is the value of the wildcard `degradation`,
    `backbone` (the search's without it) or, for degradations, each member of `group`. Jobs without
    those wildcards name their `degradations`.
    """

    def of(wildcards):
        operators = list(degradations)
        if "degradations" in packages:
            operators += [name for name in members(wildcards) if name not in PAIRED]
        modules = [f"grids.degradations.{name}" for name in operators]
        if "backbones" in packages:
            backbone = getattr(wildcards, "backbone", SETTINGS.search.backbone)
            modules.append(f"grids.backbones.{backbone}")
        if "search" in packages:
            modules.append(f"grids.search.strategies.{SETTINGS.search.strategy}")
        return fingerprints.fingerprint(
            Path(workflow.basedir) / "workflow" / "scripts" / script, *modules
        )

    return of


def on_cluster(kind):
    """Resources that a job of a kind asks of a cluster, by its attempt."""

    def asked(name):
        return lambda wildcards, attempt: SETTINGS.resources.requests(kind, attempt)[
            name
        ]

    return {name: asked(name) for name in SETTINGS.resources.requests(kind, 1)}


def members(wildcards):
    """Degradations of a job: those of its group, or its one degradation."""
    if "degradation" in wildcards.keys():
        name = wildcards.degradation
        if name == "clean":
            return []
        if name not in SETTINGS.degradations:
            known = ", ".join(sorted(SETTINGS.degradations))
            raise WorkflowError(
                f"no degradation {name!r} in the configuration; it has: {known}"
            )
        return [name]
    return members_of(wildcards.group)


@cache
def members_of(group):
    try:
        return group_names.members(group, sorted(SETTINGS.degradations))
    except InputError as error:
        raise WorkflowError(str(error))


def parameters(use):
    """Parameters of the degradations of a job, for `evaluation` or `training`.

    Those of pairs are the content of the part that serves this use, or `pies`.
    """

    def of(wildcards):
        return {
            name: (
                {"pairs": content_of(pair_set(name, use))}
                if name in PAIRED
                else SETTINGS.parameters(name, use)
            )
            for name in members(wildcards)
        }

    return of


def pair_set(name, use):
    """The image set of a degradation's pairs for a use."""
    return settings.pair_set(
        name, {"training": "train", "evaluation": "test"}.get(use, use)
    )


def pairs_of(use):
    """Input: index and store of each degradation of a job that is given as pairs."""

    def of(wildcards):
        names = [pair_set(name, use) for name in members(wildcards) if name in PAIRED]
        return [file(name)(wildcards) for name in names for file in (index_of, store_of)]

    return of


def one_of(values):
    """Regular expression of a wildcard with these values; of none, it matches nothing."""
    return "|".join(values) or "(?!)"


def severities(wildcards):
    if wildcards.degradation == "clean":
        raise WorkflowError("the clean patches have no severities")
    (name,) = members(wildcards)
    if name in PAIRED:
        raise WorkflowError(f"{name} is given as pairs, which have no severities")
    return SETTINGS.severities(name)


# Fingerprint of the code that reads photographs; scripts read it from the configuration.
config["reading"] = code("store.py")(None)


SEEN = ["inode", "bytes", "changed_ns", "sha256"]


@cache
def content_of(name):
    """Digest of what the pixels of an image set depend on, which names its index and its store.

    That is the content of the files, the part of them that is used, and the code that reads them.
    Files that an index has seen with the same inode, size and time of change are not read again.
    """
    if name not in PHOTOGRAPHS:
        known = ", ".join(PHOTOGRAPHS)
        raise WorkflowError(
            f"no image set {name!r} in the configuration; it has: {known}"
        )
    seen = []
    for path in Path(RESULTS, "images", name).glob("*.parquet"):
        # One that cannot be read spares no reading; a job that needs it will say so.
        with suppress(Exception):
            seen.append(pd.read_parquet(path, columns=SEEN))
    return reading.content_digest(
        PHOTOGRAPHS[name],
        sets.columns(config["sources"][name], name),
        config["reading"],
        pd.concat(seen) if seen else None,
    )


def content(name=None):
    """Parameter: the content of an image set, that of the wildcard `test_set` by default."""
    return lambda wildcards: content_of(name or wildcards.test_set)


def index_of(name=None):
    """Input: index of an image set, that of the wildcard `test_set` by default.

    A name holds for one content: the time of the file says nothing.
    """
    return lambda wildcards: ancient(
        whole(
            f"{RESULTS}/images/{name or wildcards.test_set}/{content(name)(wildcards)}.parquet"
        )
    )


def store_of(name=None):
    """Input: pixels of an image set, as for its index."""
    return lambda wildcards: ancient(
        whole(
            f"{RESULTS}/store/{name or wildcards.test_set}/{content(name)(wildcards)}.npy"
        )
    )


def whole(path):
    """A file that appears at once and whose name says what it holds, so that it counts if it is there.

    An interruption just after it appeared leaves it marked as incomplete. Snakemake would make it
    again, take all that needs it for finished meanwhile, since it is `ancient` to that, and end well
    with nothing else done.
    """
    if workflow.is_main_process and Path(path).exists():
        workflow.persistence._unmark_incomplete(path)
    return path


def descriptor_weights():
    """Weights that are not made here count by their content, not by their time."""
    if SETTINGS.descriptor.weights == "trained":
        return f"{RESULTS}/descriptor/model.safetensors"
    return ancient(str(SETTINGS.descriptor.path()))


def descriptor_digest():
    """Parameter: content of the weights that are not made here."""
    if SETTINGS.descriptor.weights == "trained":
        return "trained"
    return sha256(SETTINGS.descriptor.path().read_bytes()).hexdigest()[:16]


def sizes(wildcards):
    if wildcards.backbone not in SETTINGS.backbones:
        known = ", ".join(sorted(SETTINGS.backbones))
        raise WorkflowError(
            f"no backbone {wildcards.backbone!r} in the configuration; it has: {known}"
        )
    return SETTINGS.sizes(wildcards.backbone)


def model_file(backbone, group):
    return f"{RESULTS}/models/{backbone}/{group}/model.safetensors"


def verification(backbone, group, test_set):
    if backbone == SETTINGS.search.backbone and group in ELSEWHERE:
        return f"{RESULTS}/measurements/{group}/{test_set}.parquet"
    return f"{RESULTS}/verify/{backbone}/{group}/{test_set}.parquet"


def measured_rows(wildcards):
    """Parameter: digest of what was measured elsewhere of a group."""
    tables = MEASUREMENTS.get(wildcards.test_set, {})
    group = tuple(members(wildcards))
    if group not in tables:
        raise WorkflowError(
            f"search.measurements has no rows of {wildcards.group} on {wildcards.test_set}"
        )
    return sha256(tables[group].to_csv().encode()).hexdigest()[:16]


def searched_elsewhere():
    """Groups of the search that were measured elsewhere."""
    tables = MEASUREMENTS.get(SETTINGS.search.test_set, {})
    inside = [group for group in tables if set(group) <= set(SEARCHED)]
    return sorted(map(group_names.group_name, inside))


def searched_verification(group):
    return verification(SETTINGS.search.backbone, group, SETTINGS.search.test_set)


def plan_of(number):
    """The plan of a round, as soon as it is made: it decides what else must be done."""
    path = Path(checkpoints.plan.get(round=number).output.plan)
    if workflow.touch and not path.exists():
        # Snakemake takes it for touched; the search stands where it stood.
        return {"round": number, "known": [], "solution": []}
    try:
        records.check(Path(RESULTS), [path])
        return json.loads(path.read_text(encoding="utf-8"))
    except InputError as error:
        raise WorkflowError(str(error))
    except ValueError:
        raise WorkflowError(f"{path}: not a plan (damaged?); delete it and run again")


def known_groups(wildcards):
    """Groups verified before a round: the baselines, what was measured elsewhere, and all that the
    rounds before asked for."""
    number = int(wildcards.round)
    more = set(searched_elsewhere())
    if number > 0:
        previous = plan_of(number - 1)
        if "solution" in previous:
            raise WorkflowError(
                f"no round {number}: round {number - 1} ends the search"
            )
        more |= {*previous["known"], *previous["requests"]}
    return [*SINGLES, MIX, *sorted(more - {*SINGLES, MIX})]


def known_verifications(wildcards):
    return [searched_verification(group) for group in known_groups(wildcards)]


def plans():
    """All plans; the last holds the solution. Each round asks for the next as it is walked."""
    walked = [plan_of(0)]
    while "solution" not in walked[-1]:
        walked.append(plan_of(len(walked)))
    return walked


def all_plan_files(wildcards):
    return [f"{RESULTS}/search/{plan['round']}.json" for plan in plans()]


def found_models(wildcards):
    """Models of the groups that the search found, less those that are elsewhere."""
    return [
        model_file(SETTINGS.search.backbone, group)
        for group in plans()[-1]["solution"]
        if group not in ELSEWHERE
    ]


def search_verifications(wildcards):
    """All that the search knew in the end, baselines included."""
    groups = sorted({*SINGLES, *plans()[-1]["known"]})
    return [searched_verification(group) for group in groups]


def table1_verifications(wildcards):
    """Verifications of a backbone on a test set: singles, mix of all, and the groups found."""
    groups = {*SINGLES, MIX, *plans()[-1]["solution"]}
    return [
        verification(wildcards.backbone, group, wildcards.test_set)
        for group in sorted(groups)
    ]


def baseline_verifications(wildcards):
    """Needed whatever the search finds, so these trainings start before it."""
    return [
        verification(wildcards.backbone, group, wildcards.test_set)
        for group in [*SINGLES, MIX]
    ]


def noise_verifications(wildcards):
    """Single-task models trained with another seed: their spread is the noise of a drop."""
    search = SETTINGS.search
    return [
        f"{RESULTS}/reseeded/{seed}/verify/{search.backbone}/{name}/{search.test_set}.parquet"
        for seed in SETTINGS.report.noise_seeds
        for name in SETTINGS.report.noise_degradations
    ]


def selected_groups(wildcards):
    """Groups that selection chooses among: those stated, or those that the search found."""
    least = constant_of("selection", "fit", "FOLDS")
    if len(PHOTOGRAPHS["train"]) < least:
        raise WorkflowError(
            f"images.train: {len(PHOTOGRAPHS['train'])} photographs, but the choice among"
            f" the groups holds one in {least} out; give at least {least}"
        )
    stated = [group_names.group_name(group) for group in SETTINGS.selection.groups]
    chosen = stated or plans()[-1]["solution"]
    paired = {name for group in chosen for name in members_of(group)} & {*PAIRED}
    if paired:
        raise WorkflowError(
            f"selection.groups: {min(paired)} is given as pairs, and the choice is fitted to"
            " operators; state groups without it"
        )
    return chosen


def selected_models(wildcards):
    return [
        model_file(SETTINGS.search.backbone, group)
        for group in selected_groups(wildcards)
    ]


def selected_gains(wildcards):
    return [
        f"{RESULTS}/selection/gains/{SETTINGS.search.backbone}/{group}/{wildcards.test_set}.parquet"
        for group in selected_groups(wildcards)
    ]


def gains_measured(wildcards):
    """Parameter: kinds of cases that a model is tried on: severities where it may be chosen.

    That may be the mix of all unless other groups are stated: what the search finds is not known yet.
    """
    stated = [group_names.group_name(group) for group in SETTINGS.selection.groups]
    compared_only = wildcards.group == MIX and stated and MIX not in stated
    return COMPARED if compared_only else [*COMPARED, "severity"]


def selection_shown(wildcards):
    """Parameter: what the photographs of a test set are put through to try the choice."""
    shown = [*SELECTED, *SHOWN]
    return {
        "degradations": SELECTED,
        "evaluation": {name: SETTINGS.parameters(name, "evaluation") for name in shown},
        "training": {name: SETTINGS.parameters(name, "training") for name in shown},
        "severities": {name: SETTINGS.severities(name) for name in SELECTED},
        "mixed": SETTINGS.selection.mixed,
        "unseen": UNSEEN,
    }


def report_files():
    tables = expand(
        f"{RESULTS}/report/table1_{{backbone}}_{{test_set}}.{{suffix}}",
        backbone=SETTINGS.report.backbones,
        test_set=SETTINGS.report.test_sets,
        suffix=["parquet", "csv", "txt", "html", "svg"],
    )
    figures = [
        "similarity.svg",
        "similarity_map.svg",
        "densities.svg",
        "degradations.svg",
        "drop_distance.svg",
    ]
    # Of one training, the hardest: any other by its name.
    if MIX not in ELSEWHERE:
        trained = f"{SETTINGS.search.backbone}/{MIX}"
        figures += [f"training/{trained}.svg", f"samples/{trained}.png"]
    if set(paper.DEGRADATIONS) <= set(SETTINGS.degradations):
        figures += ["paper_averages.txt", "paper_averages.svg"]
    return [*tables, *(f"{RESULTS}/report/{figure}" for figure in figures)]


def current_parameters(name, wildcards):
    """Parameters of a rule's job as far as they are known now; None if there is no such job."""
    if not workflow.is_rule(name):
        return None
    job, now = Wildcards(fromdict=wildcards), {}
    for parameter, value in workflow.get_rule(name).params.items():
        try:
            now[parameter] = value(job) if callable(value) else value
        except IncompleteCheckpointException:
            pass  # the rounds before decide, and have records of their own
        except WorkflowError:
            return None  # its degradation or network is no longer configured
    return now


def check_records():
    """Ends the run if Snakemake has forgotten how results were made and they are out of date."""
    forced = sys.argv if {"--forcerun", "-R"} & {*sys.argv} else []
    stale = [
        (output, differing)
        for output, differing in records.stale(Path(RESULTS), current_parameters)
        if output not in forced
    ]
    if stale:
        lines = [f"  {output} ({', '.join(differing)})" for output, differing in stale]
        files = " ".join(output for output, _ in stale)
        sys.exit(
            "error: these results were made with other settings or code, and .snakemake, which "
            "would have had them made again, is gone:\n"
            + "\n".join(lines)
            + f"\nTo make them again, and what follows from them: --forcerun {files}"
            + f"\nTo accept them as they are: --touch --forcerun {files}"
        )


def finish():
    """What is left to do when all that was asked for is there."""
    if workflow.touch:
        # Written when the run began, by the clock that the results have.
        began = Path(RESULTS, "settings.json").stat().st_mtime_ns
        records.accept(Path(RESULTS), current_parameters, began)
    else:
        for folder in orphans.spent(Path(RESULTS)):
            shutil.rmtree(folder)
    print_summary()


def note_settings():
    """Leaves the configuration with the results, for `grids status`."""
    noted = SETTINGS.model_dump(mode="json") | {"elsewhere": sorted(ELSEWHERE)}
    with appearing(Path(RESULTS, "settings.json")) as temporary:
        temporary.write_text(json.dumps(noted, indent=1), encoding="utf-8")


def print_forecast():
    """How many trainings the search will need, before any is submitted.

    It only comments, so no mistake in it may end a run.
    """
    try:
        said = forecast_line()
    except Exception as error:
        said = f"No forecast of the search ({type(error).__name__}: {error})"
    if said:
        print(said, file=sys.stderr)


def forecast_line():
    """The line of `print_forecast`; nothing where nothing is ahead."""
    trainings = ["train", "train_reseeded", "train_descriptor"]
    distances = ["clean_pies", "degraded_pies", "pair_pies", "ggd", "similarity"]
    made = outdated.outdated(
        Path(RESULTS),
        current_parameters,
        [*trainings, *distances, "verify", "plan"],
    )
    if Path(RESULTS, "groups.json").exists() and not made:
        return ""
    # Not above: a finished tree has no use for it.
    from grids.search import forecast

    search, report = SETTINGS.search, SETTINGS.report
    references = [
        model_file(search.backbone, group)
        for group in [*SINGLES, MIX]
        if group not in ELSEWHERE
    ]
    seeds = [
        f"{RESULTS}/reseeded/{seed}/models/{search.backbone}/{name}/model.safetensors"
        for seed in report.noise_seeds
        for name in report.noise_degradations
    ]
    uncounted = [
        f"the models of {name} for the report"
        for name in report.backbones
        if name != search.backbone
    ]
    descriptor = Path(RESULTS, "descriptor", "model.safetensors")
    if SETTINGS.descriptor.weights == "trained" and (
        descriptor in made or not descriptor.exists()
    ):
        uncounted.append("the descriptor")
    return forecast.line(
        Path(RESULTS),
        SEARCHED,
        MEASUREMENTS.get(search.test_set, {}),
        strategy_name=search.strategy,
        asked=SETTINGS.strategy_settings(),
        backbone=search.backbone,
        test_set=search.test_set,
        training_hours=SETTINGS.execution.training_hours,
        besides={
            "of single-task models and of the mix of all": [*map(Path, references)],
            "with another seed": [*map(Path, seeds)],
        },
        uncounted=uncounted,
        outdated=made,
    )


def print_summary():
    """Where the results are, once they are all there."""
    files = [f"{RESULTS}/groups.json", *report_files()]
    if all(Path(file).exists() for file in files):
        for file in files:
            if file.endswith(".txt"):
                print(Path(file).read_text(encoding="utf-8"))
        print("Results:", *files, sep="\n  ")
