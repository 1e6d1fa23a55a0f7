"""Where results lie in their folder: a pattern for each kind of file.

The names in braces are the wildcards of the rules that make the files, and the arguments of `at`
and `found` for those who read them.
"""

import glob
import os
import string
from collections.abc import Callable
from functools import cache
from pathlib import Path

SETTINGS = "settings.json"
RECORDS = "records"

INDEX = "images/{images}/{content}.parquet"
CURRENT_INDEX = "images/{images}.parquet"
STORE = "store/{images}/{content}.npy"

PIES = "pies/{degradation}.parquet"
LAW = "ggd/{degradation}.parquet"
# The same with the features of another network.
OTHER_LAW = "descriptors/{descriptor}/ggd/{degradation}.parquet"
OTHER_SIMILARITY = "descriptors/{descriptor}/similarity.parquet"
SEVERITY = "severity/{degradation}.parquet"
SIMILARITY = "similarity.parquet"
RANKING = "candidates/{size}.parquet"

DESCRIPTOR = "descriptor/model.safetensors"
VGG = "descriptors/vgg/model.safetensors"
MODEL = "models/{backbone}/{group}/model.safetensors"
HISTORY = "models/{backbone}/{group}/history.parquet"
# Affinities as the mix was trained, and what its training leaves of them where it measured.
AFFINITY = "affinity/{backbone}.parquet"
MEASURED_AFFINITY = "models/{backbone}/{group}/affinity.parquet"
VERIFICATION = "verify/{backbone}/{group}/{test_set}.parquet"
MEASUREMENT = "measurements/{group}/{test_set}.parquet"
# States before a decay, from which a training with a larger budget goes on.
TRUNK = "models/{backbone}/{group}/trunk"
# The same at a level, a percentage of the budget.
LEVEL_MODEL = f"levels/{{level}}/{MODEL}"
LEVEL_HISTORY = f"levels/{{level}}/{HISTORY}"
LEVEL_VERIFICATION = f"levels/{{level}}/{VERIFICATION}"
# The same trained with another seed.
RESEEDED_MODEL = f"reseeded/{{seed}}/{MODEL}"
RESEEDED_HISTORY = f"reseeded/{{seed}}/{HISTORY}"
RESEEDED_VERIFICATION = f"reseeded/{{seed}}/{VERIFICATION}"

# A model measured on all degradations that are searched, whichever it was trained on.
COMPARED_VERIFICATION = f"compared/{VERIFICATION}"
COSTS = "costs/{backbone}.json"

MATRIX_SHEET = "report/similarity.csv"
RANKINGS_SHEET = "report/rankings.csv"
DROPS_SHEET = "report/drops.csv"

PLAN = "search/{round}.json"
GROUPS = "groups.json"

VIEWS = "selection/views/{degradation}.parquet"
REAL_VIEWS = "selection/real/{pairs}.parquet"
CASES = "selection/cases/{test_set}.parquet"
GAINS = "selection/gains/{backbone}/{group}/{test_set}.parquet"
STEPS = "selection/steps/{test_set}.parquet"
SELECTOR = "selection/selector.safetensors"
EXAMPLES = "selection/examples.safetensors"
SELECTOR_DESCRIPTOR = "selection/descriptor.safetensors"
SELECTION_TEXT = "report/selection_{test_set}.txt"
NEAREST = "report/nearest_{test_set}.svg"
BUNDLE = "bundle"

PIES_LOG = "logs/pies/{degradation}.log"
LAW_LOG = "logs/ggd/{degradation}.log"
SIMILARITY_LOG = "logs/similarity.log"
DESCRIPTOR_LOG = "logs/descriptor.log"
TRAINING_LOG = "logs/train/{backbone}/{group}.log"
LEVEL_LOG = "logs/train/{backbone}/{group}_level_{level}.log"
RESEEDED_LOG = "logs/train/{backbone}/{group}_seed_{seed}.log"
AFFINITY_LOG = "logs/affinity/{backbone}.log"
VERIFICATION_LOG = "logs/verify/{backbone}/{group}_{test_set}.log"
COMPARED_VERIFICATION_LOG = "logs/verify/{backbone}/{group}_{test_set}_compared.log"
LEVEL_VERIFICATION_LOG = "logs/verify/{backbone}/{group}_{test_set}_level_{level}.log"
RESEEDED_VERIFICATION_LOG = "logs/verify/{backbone}/{group}_{test_set}_seed_{seed}.log"


def first_weights(start: str, group: str) -> str:
    """The file that `training.start` names for a group; empty if it names none."""
    if start in ("none", "mix"):
        return ""
    path = Path(start)
    return str(path / f"{group}.safetensors" if path.is_dir() else path)


def at(results: Path, place: str, **names: str | int) -> Path:
    """The file of a kind, e.g. `at(results, MODEL, backbone="srresnet", group="jpeg+sr")`."""
    return results / place.format(**names)


def found(results: Path, place: str, **names: str | int) -> list[Path]:
    """The files of a kind that are there, sorted; a name that is not given may be anything."""
    meant = {name: glob.escape(str(value)) for name, value in names.items()}
    return sorted(results.glob(anywhere(place, **meant)))


def anywhere(place: str, **names: str | int) -> str:
    """Pattern of shells for the files of a kind, `*` for every name that is not given."""
    fields = (field for _, field, _, _ in string.Formatter().parse(place) if field)
    return place.format(**{field: names.get(field, "*") for field in fields})


def among_results(results: Path) -> Callable[[Path], bool]:
    """Says of a file whether it lies among results, or links to one that does.

    Those are the folder `results`, those of other configurations, and what Snakemake keeps.
    """
    own = os.path.realpath(results)

    @cache
    def inside(folder: str) -> bool:
        above = os.path.dirname(folder)
        is_one = folder == own or os.path.basename(folder) == ".snakemake" or _are_results(folder)
        return is_one or (above != folder and inside(above))

    return lambda path: inside(os.path.dirname(os.path.realpath(path)))


def _are_results(folder: str) -> bool:
    return Path(folder, SETTINGS).is_file() and Path(folder, RECORDS).is_dir()
