"""The typed configuration: one model per section of `config/config.yaml`.

The descriptions and defaults here are the source of `config/README.md`;
`grids.configuration.loading` reads and checks one. Only the Snakefile imports these modules: the
library takes plain numbers, so that a change here alters no fingerprint.
"""

import os
import shlex
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import chain as joined
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from grids.base import plugins
from grids.base.errors import InputError
from grids.base.levels import WHOLE
from grids.base.paths import expanded
from grids.base.wording import meant_number
from grids.configuration.spellings import Arguments, Gres, Megabytes, Minutes, Model, Word
from grids.degrading import chains, parameters
from grids.degrading.names import CLEAN, TWO
from grids.images import reading, sets
from grids.images.splitting import PARTS


def _no_truth(value: Any) -> Any:
    """Python counts true as 1, and YAML reads yes and on as true."""
    if isinstance(value, bool):
        raise InputError(f"must be a number, got {value}{meant_number(value)}")
    return value


def _no_other_word(value: Any) -> Any:
    if isinstance(value, str) and value != "auto":
        raise InputError(f"must be auto, or numbers by name, got {value!r}")
    return value


NUMBER = BeforeValidator(_no_truth)
PositiveInt = Annotated[int, Field(gt=0, strict=True)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False), NUMBER]
# As people write it; from then on as it is meant.
Where = Annotated[str, AfterValidator(expanded)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
Precision = Literal["fp32", "bf16"]
Beta = Annotated[float, Field(ge=0, lt=1), NUMBER]
Share = Annotated[float, Field(ge=0, le=1)]
# Reflection at the edge of a filter's kernel needs a patch that is larger than half the kernel.
PatchSide = Annotated[int, Field(ge=16, strict=True)]

# Of a chain; `grids.degrading.chains` reads it.
Step = Annotated[Any, WithJsonSchema({"type": ["string", "object"]})]


# fmt: off
VggLayer = Literal[
    "relu1_1", "relu1_2", "relu2_1", "relu2_2",
    "relu3_1", "relu3_2", "relu3_3", "relu3_4",
    "relu4_1", "relu4_2", "relu4_3", "relu4_4",
    "relu5_1", "relu5_2", "relu5_3", "relu5_4",
]
# fmt: on


# Image sets that are not test sets.
ROLES = ("train", "pies", "real")

# Their folder.
PROCEDURES = "training/procedures"

# What an entry of `backbones` has beside the options of its network.
OF_AN_ENTRY = ("network", "weights")

# Jobs of a plan ask by the hundred, and each time a module's source would be read.
constant_of, options_of = cache(plugins.constant_of), cache(plugins.options_of)

PACKAGED = Path(__file__).parents[1] / "packaged" / "descriptor.safetensors"
PACKAGED_MIX = PACKAGED.parent / "box" / "mix.safetensors"
# Patches of a photograph that its law is fitted to, at most: their features take time.
LAW_PATCHES = 24


def _one_spelling(folder: str) -> str:
    """Snakemake remembers files by the letters of their paths, and gives some a meaning."""
    meant = expanded(folder)
    if not meant or {*meant} & {*"{}<>"}:
        raise InputError(f"must name a folder, without any of {{ }} < >, got {meant!r}")
    return os.path.normpath(meant)


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Split(Section):
    train: PositiveFloat | str = Field(0.8, description="What is trained on.")
    pies: PositiveFloat | str = Field(0.1, description="What PIES are cut from.")
    test: PositiveFloat | str = Field(0.1, description="What verification measures on.")


class Images(Section):
    all: Where = Field(
        "",
        description="One folder that is split: it takes the place of `train` and `pies`, and gives "
        "the test set `test`.",
    )
    split: Split = Field(
        Split(),
        description="How `all` is split: shares, or patterns of names. A photograph's part depends "
        "on its name alone.",
    )
    train: Where = Field("embedded", description="Photographs to train on.")
    pies: Where = Field("embedded", description="Photographs that the similarity is measured on.")
    tests: dict[Name, Where] = Field(
        {"embedded": "embedded"}, description="Test sets by name; with `all`, further ones."
    )
    real: Where = Field(
        "", description="Photographs with unknown damage, for `results/selection/real.csv`."
    )

    @model_validator(mode="before")
    @classmethod
    def _one_folder(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        if not given.get("all"):
            if "split" in given:
                raise InputError("split: there is nothing to split; give images.all")
            return given
        for name in given.keys() & {"train", "pies"}:
            raise InputError(f"{name}: images.all gives it; leave one of the two out")
        return {"tests": {}, **given}

    def test_sets(self) -> list[str]:
        """Names of the test sets."""
        return [*(["test"] if self.all else []), *self.tests]

    def sources(self) -> dict[str, str]:
        """The sets that have a source of their own, by name."""
        own = {} if self.all else {"train": self.train, "pies": self.pies}
        real = {"real": self.real} if self.real else {}
        return {**own, **real, **self.tests}

    def columns(self, name: str) -> reading.Columns:
        """Part of each photograph's width that a set uses."""
        return sets.columns(self.sources().get(name, ""), name)


class Pairs(Section):
    degraded: Where = Field(description="Folder of the degraded images.")
    clean: Where = Field(description="Folder of their clean partners, of the same names and sizes.")
    split: Split = Field(
        Split(),
        description="Which pairs are trained on, cut and tested on: shares, or patterns of names.",
    )


class RealSplit(Section):
    calibrate: PositiveFloat | str = Field(0.5, description="What the choice is fitted to.")
    judge: PositiveFloat | str = Field(0.5, description="What it is measured on.")


class RealPairs(Section):
    """Photographs with real damage and their clean partners, for the choice alone."""

    degraded: Where = Field(description="Folder of the damaged photographs.")
    clean: Where = Field(description="Folder of their clean partners, of the same names and sizes.")
    split: RealSplit = Field(
        RealSplit(),
        description="Which pairs the choice is fitted to, and which it is measured on: shares, or "
        "patterns of names.",
    )


class Degradation(Section):
    evaluation: dict[str, Any] = Field(
        {},
        description="Fixed values for PIES and verification, where they differ from the module's.",
    )
    training: dict[str, Any] = Field(
        {}, description="Values or `[low, high]` for training, where they differ from the module's."
    )
    pairs: Pairs | None = Field(
        None, description="Folders of pairs that take the place of a module (docs/pairs.md)."
    )
    chain: list[Step] | None = Field(
        None, description="Degradations that take the place of a module (docs/chains.md)."
    )
    order: Literal["given", "shuffled", "one"] = Field(
        "given",
        description="Of a chain: its steps as listed, shuffled for each image, or one of them.",
    )
    times: PositiveInt = Field(1, description="Of a chain: how often an image goes through it.")

    def is_named_freely(self) -> bool:
        """Whether it is no module: pairs, or a chain."""
        return self.pairs is not None or self.chain is not None


class Pies(Section):
    patches: Annotated[int, Field(ge=8, strict=True)] = Field(
        800, description="Number of clean patches, at least 8."
    )
    size: PatchSide = Field(32, description="Side of a patch in pixels, at least 16.")
    parameters: Literal["evaluation", "training"] = Field(
        "evaluation",
        description="Parameters of the degradations on the patches: those of `evaluation`, or "
        "drawn for each patch as for `training`.",
    )
    reduction: PositiveInt = Field(
        1,
        description="Photographs are made smaller by this factor before they are cut: 4 is the "
        "resolution of SRGA's patches, 1 that of the photographs.",
    )
    least_contrast: Annotated[float, Field(ge=0, lt=0.5), NUMBER] = Field(
        0.02,
        description="Patches whose grey values have a standard deviation below this (on 0 … 1) are "
        "flat and left out.",
    )

    def cutting(self) -> dict[str, Any]:
        """What the clean patches depend on."""
        return self.model_dump(exclude={"parameters"})

    def cutting_of_pairs(self) -> dict[str, Any]:
        """What the patches of pairs depend on; pairs are not reduced."""
        return self.model_dump(exclude={"parameters", "reduction"})


class Vgg(Section):
    weights: Where = Field(
        "",
        description="A file with torchvision's names (`.pth` or `.safetensors`, as its "
        "`vgg19-dcbb9e9d.pth`), or `trained`: on `images.train`, to give grey photographs their "
        "colours back, with the keys below. It ships with none.",
    )
    sha256: Annotated[str, AfterValidator(str.lower)] = Field(
        "",
        description="First digits of the file's SHA-256 (`dcbb9e9d`); another file is refused. "
        "Empty: any.",
    )
    layer: VggLayer = Field("relu5_4", description="Activation that is taken.")
    iterations: PositiveInt = Field(100_000, description="Steps of the training on colours.")
    batch: PositiveInt = Field(16, description="Patches a step.")
    patch: Annotated[int, Field(gt=0, multiple_of=16, strict=True)] = Field(
        64, description="Side of a patch in pixels, a multiple of 16."
    )
    learning_rate: PositiveFloat = Field(1e-4, description="Peak learning rate of AdamW.")
    warmup: Annotated[int, Field(ge=0, strict=True)] = Field(
        0, description="Steps of linear warm-up."
    )
    precision: Precision = Field("fp32", description="As `training.precision`.")

    def sampling(self) -> dict[str, Any]:
        """What a sample is made of."""
        return self.model_dump(include={"patch"})

    def recipe(self) -> dict[str, Any]:
        """Optimization."""
        return self.model_dump(exclude={"weights", "sha256", "layer", "patch"})


class Sift(Section):
    spacing: Annotated[int, Field(ge=4, le=16, strict=True)] = Field(
        8, description="Pixels between keypoints on their grid, each of which sees twice as many."
    )


class Descriptor(Section):
    network: str = Field(
        "srresnet",
        description="Module of `grids/descriptors/`: whose features the similarity is measured on.",
    )
    compared: list[str] = Field(
        [],
        description="Further ones, each with a matrix of its own, for "
        "`results/report/descriptors.svg` and Table 2: `[vgg, sift]` (docs/similarity.md).",
    )
    weights: Where = Field(
        "packaged",
        description="`packaged`: the ×4 SRResNet that ships with GRIDS; `trained`: one is trained "
        "on `images.train` with the keys below; or a weights file (`.safetensors`, or `.pth` with "
        "BasicSR's MSRResNet names).",
    )
    features: PositiveInt = Field(64, description="Channels of the network.")
    blocks: PositiveInt = Field(16, description="Residual blocks of the network.")
    global_residual: bool = Field(False, description="Add the bilinear enlargement to the output.")
    layer: Literal["hr", "hr_activated", "trunk"] = Field(
        "hr",
        description="Features taken after the HR convolution, after its activation, or at the end "
        "of the residual trunk.",
    )
    iterations: PositiveInt = Field(500_000, description="Steps of its training.")
    batch: PositiveInt = Field(16, description="Low-resolution patches a step.")
    patch: PositiveInt = Field(32, description="Side of a low-resolution patch in pixels.")
    learning_rate: PositiveFloat = Field(2e-4, description="Peak learning rate of AdamW.")
    warmup: Annotated[int, Field(ge=0, strict=True)] = Field(
        0, description="Steps of linear warm-up."
    )
    precision: Precision = Field("fp32", description="As `training.precision`.")
    vgg: Vgg = Field(Vgg(), description="Of the network `vgg`, VGG19.")
    sift: Sift = Field(Sift(), description="Of `sift`, dense SIFT (`pip install 'grids[sift]'`).")

    def networks(self) -> list[str]:
        """The one that the similarity is measured with, and those compared with it."""
        return [self.network, *self.compared]

    def weights_of(self, network: str) -> str:
        """Its weights: a path, `trained`, or empty where it has none."""
        return {"srresnet": self.weights, "vgg": self.vgg.weights}.get(network, "")

    def layer_of(self, network: str) -> str | int:
        """What of it is taken: a layer's name, or the spacing of its grid."""
        return {"vgg": self.vgg.layer, "sift": self.sift.spacing}.get(network, self.layer)

    def path_of(self, network: str) -> Path:
        """Its weights file, where it has one that is not `trained`."""
        return self.path() if network == "srresnet" else Path(self.weights_of(network))

    def path(self) -> Path:
        """The super-resolver's weights file, where it is not `trained`."""
        return PACKAGED if self.weights == "packaged" else Path(self.weights)

    def sizes(self) -> dict[str, Any]:
        """Options of the network."""
        return self.model_dump(include={"features", "blocks", "global_residual"})

    def sampling(self) -> dict[str, Any]:
        """What a sample is made of."""
        return self.model_dump(include={"patch"})

    def recipe(self) -> dict[str, Any]:
        """Optimization."""
        kept = {"iterations", "batch", "learning_rate", "warmup", "precision"}
        return self.model_dump(include=kept)


class Ggd(Section):
    components: PositiveInt = Field(300, description="Principal components kept (at most N − 1).")
    clip: Annotated[float, Field(ge=0), NUMBER] = Field(
        5.0, description="Scores this many standard deviations from the mean are dropped; 0: none."
    )
    replicates: Annotated[int, Field(ge=2, strict=True)] = Field(
        16, description="Half-samples of the patches, for the uncertainty of a distance."
    )
    counts: list[Annotated[int, Field(ge=8, strict=True)]] = Field(
        [],
        description="Further numbers of patches at which the laws are fitted, so that smaller sets "
        "compare with them at equal number.",
    )


class Candidates(Section):
    tolerance: PositiveFloat | Literal["uncertainty"] = Field(
        "uncertainty",
        description="Mean distances within one bin of this width count as equal; `uncertainty`: "
        "the median standard error of the distances.",
    )


class Search(Section):
    strategy: str = Field(
        "paper",
        description="Module of `grids/search/strategies/`: how the search decides what to train.",
    )
    backbone: str = Field("srresnet", description="Network that the search trains.")
    delta: PositiveFloat = Field(0.7, description="Largest drop in dB a group's model may have.")
    requests_per_round: PositiveInt = Field(
        1, description="Groups that may be asked for at once, to be trained side by side."
    )
    test_set: str = Field(
        "", description="Test set that drops are measured on; empty: the first of `images.tests`."
    )
    degradations: list[str] = Field(
        [], description="Degradations to group; empty: all of `degradations`."
    )
    groups: list[list[str]] = Field(
        [],
        description="The partition that strategy `given` trains and verifies, each degradation in "
        "one group: `[[jpeg, sr], [r_l]]`.",
    )
    all_solutions: bool = Field(
        False,
        description="Strategy `paper` verifies every partition with the fewest groups, not one.",
    )
    group_worth: PositiveFloat = Field(
        32.0,
        description="Strategies `active` and `budget`: how many trainings one group fewer is "
        "worth. More: fewer groups, more trainings.",
    )
    number_of_groups: Annotated[int, Field(ge=0, strict=True)] = Field(
        0,
        description="Strategy `tag`: how many groups there are to be, whatever they drop; 0: the "
        "fewest that it finds.",
    )
    affinity_every: PositiveInt = Field(
        100,
        description="Strategy `tag`: steps between two measurements of affinities, in the training "
        "of the mix of all. What one costs is in docs/search.md.",
    )
    levels: list[Annotated[int, Field(ge=1, lt=WHOLE, strict=True)]] = Field(
        [],
        description="Percentages of `training.iterations` at which models may be measured on their "
        "way, ascending: `[10, 30]`. They need `training.schedule: constant`; strategy `budget` "
        "asks for them.",
    )
    certificate: Literal["full", "bounded"] = Field(
        "full",
        description="Strategy `budget`: what is asked of the groups found. `full`: their models "
        "and the single-task models of their members are trained to the end. `bounded`: "
        "single-task models may stay at a lower level where each group passes with the "
        "probability `confidence` all the same. See docs/search.md.",
    )
    confidence: Annotated[float, Field(gt=0.5, lt=1), NUMBER] = Field(
        0.9, description="Certificate `bounded`: least probability that a group passes."
    )
    measurements: Where = Field(
        "",
        description="Table (`.csv` or `.parquet`) of the PSNR of models trained elsewhere: its "
        "groups count as verified with `backbone`. See docs/search.md.",
    )
    failed: Literal["stop", "infeasible"] = Field(
        "stop",
        description="What a training that diverges or runs out of memory does to the search: "
        "`stop` it, or count its group as `infeasible` and go round it.",
    )

    def measured_elsewhere(self) -> Path:
        """The table of `measurements`."""
        return Path(self.measurements)


class TrainingPictures(Section):
    """What share of the samples of trainings are as people's pictures are; none in the paper."""

    grey: Share = Field(0.0, description="Grey.")
    alike: Share = Field(
        0.0,
        description="Of the grey ones, those under damage that is grey as well, as of a grey scan.",
    )
    saved: Share = Field(
        0.0,
        description="Saved as JPEG files of quality 75 to 98 after the damage: half with colours "
        "at half the resolution.",
    )


class Training(Section):
    iterations: PositiveInt = Field(600_000, description="Optimizer steps.")
    budgets: dict[str, PositiveInt] = Field(
        {},
        description="Optimizer steps of single entries of `backbones`, in the place of "
        "`iterations`: `{airnet: 5000}`.",
    )
    batch: PositiveInt = Field(8, description="Patches a step.")
    patch: PatchSide = Field(256, description="Side of a patch in pixels, at least 16.")
    learning_rate: PositiveFloat = Field(2e-4, description="Peak learning rate of AdamW.")
    minimum_learning_rate: Annotated[float, Field(ge=0), NUMBER] = Field(
        1e-7, description="Learning rate at the last step."
    )
    warmup: Annotated[int, Field(ge=0, strict=True)] = Field(
        10_000, description="Steps of linear warm-up."
    )
    schedule: Literal["cosine", "constant"] = Field(
        "cosine",
        description="Learning rate behind the warm-up: a half `cosine`, as the paper has it, or "
        "`constant` and then linear to the minimum, so that a training can be measured at a share "
        "of its steps and go on (`search.levels`, see docs/training.md).",
    )
    decay: Annotated[float, Field(gt=0, le=1), NUMBER] = Field(
        0.2, description="Schedule `constant`: share of the steps over which the rate falls."
    )
    betas: tuple[Beta, Beta] = Field((0.9, 0.999), description="Moments of AdamW.")
    weight_decay: Annotated[float, Field(ge=0), NUMBER] = Field(
        1e-4, description="Decoupled weight decay of AdamW."
    )
    precision: Precision = Field(
        "fp32",
        description="`bf16` multiplies in bfloat16 and keeps weights in float32: several times "
        "faster where the processor has units for it.",
    )

    clip: Annotated[float, Field(ge=0, allow_inf_nan=False), NUMBER] = Field(
        0.0, description="Largest norm of a step's gradient, a longer one is shortened; 0: none."
    )
    on_divergence: Literal["stop", "rollback"] = Field(
        "stop",
        description="When the loss is not finite or beyond all measure: `stop`, or `rollback`: "
        "once, by at most a tenth of the steps, and from there at half the rate.",
    )
    procedure: str | dict[str, str] = Field(
        "",
        description="How networks are trained: a module of `grids/training/procedures/`, for all "
        "or by network (`{restormer: l1}`); where none is given, what the network's own module "
        "names, or `l1`. See docs/training.md.",
    )
    start: str = Field(
        "none",
        description="First weights of a model: `none`, drawn from `seed`; `mix`, those of the "
        "model of all degradations searched, which is trained before the others; `packaged`, those "
        "of the mix of all that ships with GRIDS, a `nafnet` (docs/box.md); or a path: a weights "
        "file, or a folder with one for each group (`GROUP.safetensors`, as `models` of an "
        "export). See docs/training.md.",
    )
    weights: Annotated[
        dict[str, PositiveFloat] | Literal["auto"], BeforeValidator(_no_other_word)
    ] = Field(
        {},
        description="How often a sample gets a degradation, in proportion to the others of its "
        "group: by name, 1 where not given; or `auto`: more often what is further behind its "
        "single-task model at the same step (docs/training.md). A change runs again the groups it "
        "concerns.",
    )

    pictures: TrainingPictures = Field(
        TrainingPictures(),
        description="What samples show: shares of them, each drawn on its own (docs/training.md).",
    )

    def begins_with(self) -> str:
        """`start`, with the file of `packaged` in its place."""
        return str(PACKAGED_MIX) if self.start == "packaged" else self.start

    def sampling(self, group: Iterable[str]) -> dict[str, Any]:
        """What a sample of a group's training is made of."""
        chosen = {} if self.weights == "auto" else self.weights
        weights = {name: chosen.get(name, 1.0) for name in group}
        total = sum(weights.values())
        # As shares, they change only with the proportions: never for a group of one.
        shares = {name: weight / total for name, weight in weights.items()}
        # Where there are none, a training is what it was before there could be any.
        pictures = self.pictures.model_dump()
        given = {"pictures": pictures} if pictures["grey"] or pictures["saved"] else {}
        return {"patch": self.patch, "weights": shares} | given

    def steps_of(self, backbone: str) -> int:
        """Optimizer steps of a network's trainings."""
        return self.budgets.get(backbone, self.iterations)

    def recipe(self, level: int = WHOLE) -> dict[str, Any]:
        """Optimization up to a level; lists instead of tuples, since it stands in JSON too."""
        without = {"budgets", "patch", "pictures", "procedure", "start", "weights"}
        if self.schedule == "cosine":
            without |= {"schedule", "decay"}
        given = {} if level == WHOLE else {"level": level}
        return self.model_dump(exclude=without, mode="json") | given


class Execution(Section):
    """How things are computed, not what: a change here makes nothing run again."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto",
        description="`auto` takes a GPU where there is one; a job that a cluster gave a GPU which "
        "torch does not see ends with a line that says so.",
    )
    threads: PositiveInt = Field(1, description="CPU threads of a training and a verification.")
    processes: PositiveInt = Field(
        1,
        description="Processes that share each batch of a training, on one machine (torchrun): "
        "one a GPU, or each with `threads` CPU threads.",
    )
    accumulation: PositiveInt = Field(
        1,
        description="Parts that a process works through its share of a batch in: less memory for "
        "the same step. It and `processes` together must divide `training.batch`.",
    )
    workers: Annotated[int, Field(ge=0, strict=True)] = Field(
        1, description="Threads that make the next batches during a step; 0: none."
    )
    scratch: str = Field(
        "",
        description="Folder of a disk of each node, e.g. `$TMPDIR`, that trainings copy their "
        "store of photographs to before they read it; empty: read where it is.",
    )
    compile: bool = Field(
        False,
        description="Compile the network for its training (`torch.compile`): minutes at the start. "
        "Meant for GPUs; on a CPU core Restormer's step became slower. Where it fails, a line says "
        "so and it goes on without.",
    )
    checkpoint_minutes: PositiveFloat = Field(
        10.0, description="Minutes between resumable checkpoints."
    )
    checkpoint_steps: Annotated[int, Field(ge=0, strict=True)] = Field(
        0, description="Steps between further checkpoints; 0: by time alone."
    )
    training_hours: Annotated[float, Field(ge=0, allow_inf_nan=False), NUMBER] = Field(
        0.0,
        description="Hours of one training, for the forecast of a search; 0: as measured on the "
        "trainings that are there.",
    )
    keep_checkpoints: PositiveInt = Field(
        2, description="Newest checkpoints kept: if one cannot be read, the one before it serves."
    )
    validation: Annotated[int, Field(ge=0, strict=True)] = Field(
        8,
        description="Patches of the training photographs, fixed and never trained on as they are, "
        "whose PSNR is noted twenty times a training; 0: none. Nothing is decided by it but the "
        "shares of `training.weights: auto`, by as many as the single-task models had.",
    )


class Place(Section):
    """Where jobs run and who pays for them."""

    account: Word = Field("", description="Account; empty: the user's own.")
    partition: Word = Field("", description="Partition; empty: the cluster's default.")
    qos: Word = Field("", description="Quality of service; empty: the cluster's.")
    constraint: Word = Field(
        "", description="Features that the nodes must have, as `a100&infiniband`."
    )
    reservation: Word = Field("", description="Reservation to run in.")
    exclude: Word = Field("", description="Nodes to keep away from, as `n1,n[5-7]`.")
    gres: Gres = Field("", description="A generic resource, as `nvme:1`; GPUs rather by `gpus`.")
    extra: Arguments = Field(
        "", description="Further arguments of `sbatch`, as `--exclusive --mail-type=FAIL`."
    )


class Job(Place):
    """What one job of a kind asks of a cluster."""

    mem_mb: Megabytes = Field(
        4000,
        description="Memory in MB, or as `32GB`, `1.5TB`, or as SLURM counts, `32G` (32,768 MB); a "
        "second attempt asks for twice as much, and so on.",
    )
    runtime: Minutes = Field(
        60,
        description='Minutes, or as `"24:00:00"`, `"1-12:00:00"`, `36h`, `90m`; a second attempt '
        "asks for twice as long, and so on.",
    )
    gpus: Annotated[int, Field(ge=0, strict=True)] = Field(0, description="GPUs.")
    gpu_model: Model = Field("", description="GPU model by the cluster's name for it; empty: any.")

    def requests(self, attempt: int) -> dict[str, int | str]:
        """Resources by the names that Snakemake's executor for SLURM knows."""
        asked: dict[str, int | str] = {
            "mem_mb": self.mem_mb * attempt,
            "runtime": self.runtime * attempt,
            "gpu": self.gpus,
            "gpu_model": self.gpu_model,
            "gres": self.gres,
            "constraint": self.constraint,
            "qos": self.qos,
            "slurm_partition": self.partition,
            "slurm_account": self.account,
            "slurm_extra": shlex.join(self.further()),
        }
        return {name: value for name, value in asked.items() if value}

    def further(self) -> list[str]:
        """Arguments that the executor has no names for."""
        named = {"--reservation": self.reservation, "--exclude": self.exclude}
        given = [f"{option}={value}" for option, value in named.items() if value]
        return given + shlex.split(self.extra)


class TrainingJob(Job):
    """What one training asks of a cluster. It goes on in a new allocation when its time is up."""

    mem_mb: Megabytes = Field(16_000, description="Memory, written and growing as above.")
    runtime: Minutes = Field(
        1440,
        description="Time of an allocation, written as above, the same for every attempt: a "
        "training that is not finished keeps its state and goes on in another one, as often as it "
        "takes.",
    )
    gpus: Annotated[int, Field(ge=0, strict=True)] = Field(
        0,
        description="GPUs of one training, on all its nodes together. More than one makes as many "
        "processes (`execution.processes`).",
    )
    nodes: PositiveInt = Field(
        1, description="Nodes of one training, which share its processes and GPUs equally."
    )

    def requests(self, attempt: int) -> dict[str, int | str]:
        """As for any job; several nodes by the names that make one task of each."""
        asked = super().requests(attempt) | {"runtime": self.runtime}
        if self.nodes > 1:
            # The executor starts such a job on its first node and leaves the others to it.
            asked |= {"mpi": "srun", "tasks": self.nodes, "nodes": self.nodes, "tasks_per_gpu": 0}
        return asked

    def further(self) -> list[str]:
        """As of any job; one log over all its allocations, and the same GPUs on each node."""
        given = ["--open-mode=append", *super().further()]
        if self.nodes > 1 and self.gpus:
            model = f"{self.gpu_model}:" if self.gpu_model else ""
            given.append(f"--gpus-per-node={model}{self.gpus // self.nodes}")
        return given


class Resources(Place):
    """What jobs ask of a cluster (see docs/slurm.md): a change here makes nothing run again.

    The keys of this table hold for all jobs. Each kind of job takes them too, for itself.
    """

    prepare: Job = Field(
        Job(), description="Indexes and stores of photographs, PIES sets: one process each."
    )
    describe: Job = Field(
        Job(mem_mb=5000),
        description="Features and laws of PIES sets, severities, statistics of photographs.",
    )
    train: TrainingJob = Field(TrainingJob(), description="Trainings.")
    verify: Job = Field(
        Job(mem_mb=8000, runtime=240),
        description="Verifications, the samples of a training, gains and choices of models.",
    )

    @model_validator(mode="before")
    @classmethod
    def _over_defaults(cls, given: Any) -> Any:
        """Each kind of job has defaults of its own, which a configuration may give in part."""
        if not isinstance(given, Mapping):
            return given
        kinds = {name: field.default for name, field in cls.model_fields.items()}
        return {
            name: {**kinds[name].model_dump(), **value}
            if isinstance(value, Mapping) and isinstance(kinds.get(name), Job)
            else value
            for name, value in given.items()
        }

    def kinds(self) -> list[str]:
        """Names of the kinds of jobs."""
        return [name for name in type(self).model_fields if isinstance(getattr(self, name), Job)]

    def requests(self, kind: str, attempt: int) -> dict[str, int | str]:
        """What a job of a kind asks for at its first, second, … attempt."""
        job: Job = getattr(self, kind)
        shared = {
            name: getattr(self, name) for name in Place.model_fields if not getattr(job, name)
        }
        return job.model_copy(update=shared).requests(attempt)


class Experiment(Section):
    """Two groups of degradations of Table 2."""

    feature: str = Field(
        "srresnet", description="Descriptor by whose features they are more and less similar."
    )
    higher: Annotated[list[str], Field(min_length=2)] = Field(
        description="Degradations that are more similar to one another."
    )
    lower: Annotated[list[str], Field(min_length=2)] = Field(description="And less.")


# Rows of the paper's Table 1 that are no model of GRIDS' own (see `grids.report.paper`).
PaperRow = Literal[
    "",
    "RealESRNet released",
    "RealESRGAN released",
    "AirNet released",
    "IDR retrained",
    "RealESRNet retrained",
    "AMIRNet retrained",
]


class Compared(Section):
    """A system that Table 1 has besides the models of `report.backbones`."""

    name: Annotated[str, Field(min_length=1)] = Field(description="What its row is called.")
    backbone: str = Field(
        description="Entry of `backbones`: its network and sizes, and its `weights` where it is "
        "not trained here; `training.procedure` and `training.budgets` say how it is."
    )
    degradations: list[str] = Field(
        [],
        description="Degradations that it is trained on, a chain perhaps; empty: all that are "
        "searched.",
    )
    paper: PaperRow = Field(
        "", description="Row of the paper's Table 1 to show beside it; empty: none."
    )
    reseeded: bool = Field(
        False,
        description="Whether it is trained with each of `noise_seeds` as well: the spread is the "
        "noise of the order.",
    )


class Report(Section):
    experiments: list[Experiment] = Field(
        [],
        description="Experiments of `snakemake table2`, as `[{feature: vgg, higher: [jpeg, sr], "
        "lower: [r_l, jpeg]}]`, trained with `search.backbone`; empty: the paper's seven.",
    )
    compared: list[Compared] = Field(
        [],
        description="Rows of `snakemake table1` besides the models of `backbones`, as "
        "`[{name: RealESRGAN, backbone: realesrgan, paper: RealESRGAN released}]` "
        "(docs/networks.md).",
    )
    backbones: list[str] = Field(
        ["srresnet"],
        description="Networks trained on the groups that the search found.",
        min_length=1,
    )
    test_sets: list[str] = Field(
        [], description="Test sets of the tables; empty: that of `search.test_set`."
    )
    noise_seeds: list[Annotated[int, Field(ge=0, strict=True)]] = Field(
        [],
        description="Further seeds that `noise_degradations` are retrained with: the spread is "
        "noise of a drop. Empty: not measured.",
    )
    noise_degradations: list[str] = Field(
        [], description="Single-task models retrained with `noise_seeds`."
    )
    y_channel: bool = Field(
        False,
        description="Verifications and Table 1 have the PSNR of the luma as well (Y of BT.601, 16 "
        "to 235, as BasicSR and MATLAB compute it): column `psnr_y_db`.",
    )
    crop_border: Annotated[int, Field(ge=0, strict=True)] = Field(
        0,
        description="Verifications and Table 1 have the PSNR without a border of so many pixels as "
        "well: column `psnr_crop4_db` for 4, and `psnr_y_crop4_db` with `y_channel`; 0: none.",
    )


class Pictures(Section):
    """What share of the views that the choice is fitted to show pictures of this kind."""

    reduced: Share = Field(
        0.5, description="Reduced by 1 to 4 before they are damaged, and so sharper."
    )
    compressed: Share = Field(0.4, description="JPEG files of quality 75 to 95 before.")
    grey: Share = Field(0.3, description="Grey.")
    alike: Share = Field(
        0.8,
        description="Of the grey ones, those under damage that is grey as well, as of a grey scan.",
    )
    wide: Share = Field(
        0.4,
        description="Damaged from half as much as in the training up to twice as much, by "
        "logarithms: mild as often as strong.",
    )
    cropped: Share = Field(
        0.25,
        description="Cut by up to 7 pixels after the damage, so that JPEG's blocks do not begin at "
        "the corner.",
    )
    drawn: Share = Field(
        0.25,
        description="With words, curves, shapes or a frame of their own, on paper or on the "
        "photograph: what belongs to a picture is no damage.",
    )
    saved: Share = Field(
        0.3,
        description="Saved as JPEG files of quality 85 to 98 after the damage, as by cameras: half "
        "with colours at half the resolution.",
    )


class Selection(Section):
    """The choice among the groups' models for a photograph; `results/bundle` needs it."""

    groups: list[Annotated[list[str], Field(min_length=1)]] = Field(
        [],
        description="Groups to choose among, each a list of degradations; empty: those that the "
        "search found.",
    )
    views: Annotated[int, Field(ge=20, strict=True)] = Field(
        400,
        description="Parts of `images.train` that the choice is fitted to, of each degradation, of "
        "any two and of none; those of every fifth photograph set its limits instead. Folders take "
        "turns, each as often as the square root of how many photographs it has.",
    )
    restored: Annotated[int, Field(ge=20, strict=True)] = Field(
        200,
        description="Of each degradation the first so many of `views` are restored, which tells of "
        "gains; of those under any two and of undamaged ones twice as many.",
    )
    pictures: Pictures = Field(
        Pictures(), description="What the views show: shares of them, each drawn on its own."
    )
    patches: Annotated[int, Field(ge=8, strict=True)] = Field(
        96,
        description="Patches of a photograph that it is judged by; its law is fitted to at most "
        "24. Best with many divisors.",
    )
    precision: Precision = Field(
        "fp32", description="As `training.precision`, of all networks that this takes."
    )
    unseen: list[str] = Field(
        ["haze"],
        description="Degradations to be recognised as ones that no group has; those of "
        "`degradations` are left out.",
    )
    mixed: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = Field(
        [["gaussian_blur", "jpeg"], ["sr", "gaussian_noise"], ["motion_blur", "poisson_noise"]],
        description="Pairs that are applied one after the other, to see what is chosen for them.",
    )
    pairs: dict[Name, RealPairs] = Field(
        {},
        description="Pairs of photographs with real damage, by name (docs/selection.md): some help "
        "to fit expected gains and their intervals, the others are a test set of the choice.",
    )

    def calibrating(self) -> dict[str, str]:
        """The image set of the real pairs of each name that the choice is fitted to."""
        return {name: pair_set(name, "calibrate") for name in self.pairs}

    def judging(self) -> dict[str, str]:
        """The image set of those that it is measured on."""
        return {name: pair_set(name, "judge") for name in self.pairs}


class Released(Section):
    """Weights that a network is evaluated with instead of being trained."""

    file: Where = Field(description="`.pth`, a checkpoint of Lightning, or `.safetensors`.")
    key: str = Field("", description="Entry of the file that has the tensors.")

    @classmethod
    def given_as(cls, value: Any) -> "Released":
        """A path alone is the file."""
        return cls.model_validate({"file": value} if isinstance(value, str) else value)


def pair_set(degradation: str, part: str) -> str:
    """Name of the image set of a part of the pairs of a name; no configured set has a dot."""
    return f"{degradation}.{part}"


class Settings(Section):
    """The whole configuration."""

    results: Annotated[str, AfterValidator(_one_spelling)] = Field(
        "results",
        description="Folder of all that the workflow makes; nothing in it counts as a photograph.",
    )
    seed: Annotated[int, Field(ge=0, strict=True)] = Field(0, description="Seed of all randomness.")
    images: Images = Images()
    only: list[str] = Field(
        [],
        description="Degradations to keep of `degradations` and of `report.noise_degradations`, "
        "with modules that are not listed there, at their own values: `[jpeg, sr]`; empty: all.",
    )
    degradations: dict[str, Degradation] = Field(
        description="The degradations to compare: modules of `grids/degradations/`, pairs, or "
        "chains."
    )
    pies: Pies = Pies()
    descriptor: Descriptor = Descriptor()
    ggd: Ggd = Ggd()
    candidates: Candidates = Candidates()
    search: Search = Search()
    training: Training = Training()
    backbones: dict[str, dict[str, Any]] = Field(
        {"srresnet": {}},
        description="Networks by name, each with the sizes that differ from its module's, which "
        "`network` names where the entry is called otherwise.",
    )
    procedures: dict[str, dict[str, Any]] = Field(
        {},
        description="Procedures of training by name, each with the options that differ from its "
        "module's.",
    )
    report: Report = Report()
    selection: Selection = Selection()
    execution: Execution = Execution()
    resources: Resources = Resources()

    def parameters(
        self, degradation: str, use: Literal["evaluation", "training"]
    ) -> dict[str, Any]:
        """All parameters of a degradation for one use, the module's where not configured.

        Those of a chain are its steps (see `grids.degrading.chains`).
        """
        if degradation in self.chained():
            return chains.resolve(degradation, self.chained(), self.paired(), use)
        overrides = getattr(self.degradations.get(degradation, Degradation()), use)
        return parameters.resolve(parameters.specification(degradation), overrides, use)

    def chained(self) -> dict[str, dict[str, Any]]:
        """The degradations that are chains of others: `chain`, `order` and `times`."""
        kept = {"chain", "order", "times"}
        return {
            name: entry.model_dump(include=kept)
            for name, entry in self.degradations.items()
            if entry.chain is not None
        }

    def modules(self, degradation: str) -> list[str]:
        """Modules of `grids/degradations/` that a degradation is made with: none of pairs."""
        if degradation in self.paired():
            return []
        if degradation not in self.chained():
            return [degradation]
        return sorted(chains.modules(degradation, self.parameters(degradation, "training")))

    def paired(self) -> dict[str, Pairs]:
        """The degradations that are given as pairs, in alphabetical order."""
        named = sorted(self.degradations.items())
        return {name: entry.pairs for name, entry in named if entry.pairs}

    def pair_sets(self) -> list[str]:
        """Names of the image sets of all pairs, those of the choice among them."""
        real = [*self.selection.calibrating().values(), *self.selection.judging().values()]
        return [pair_set(name, part) for name in self.paired() for part in PARTS] + real

    def describing(self) -> dict[str, Any]:
        """How a photograph is described (see `grids.selection.describer.Describer`).

        Of a law's patches the same share of principal components is kept as of a PIES set.
        """
        patches, kept = self.selection.patches, min(self.ggd.components, self.pies.patches - 1)
        law = min(patches, LAW_PATCHES)
        return {
            "layer": self.descriptor.layer,
            "count": patches,
            "law": law,
            "components": max(1, kept * law // self.pies.patches),
            "clip": self.ggd.clip,
        }

    def severities(self, degradation: str) -> list[dict[str, Any]]:
        """All parameters of a degradation for each severity, the mildest first."""
        if degradation in self.chained():
            return chains.severities(self.parameters(degradation, "evaluation"))
        return parameters.severities(degradation)

    def strengths(self, degradation: str) -> dict[str, dict[str, Any]]:
        """All parameters of a degradation from milder to stronger than its training has it."""
        values = self.parameters(degradation, "training")
        if degradation in self.chained():
            return chains.strengths(values)
        return parameters.strengths(degradation, values)

    def searched(self) -> list[str]:
        """Names of the degradations to group, in alphabetical order."""
        return sorted(self.search.degradations or self.degradations)

    def selected(self) -> list[str]:
        """Degradations of the groups that selection chooses among: not those given as pairs."""
        chosen = {*joined.from_iterable(self.selection.groups)} or self.searched()
        return sorted({*chosen} - {*self.paired()})

    def viewed(self) -> dict[str, dict[str, Any]]:
        """Parameters of what the choice is fitted to: each degradation, any two of them, none."""
        single = {name: self.parameters(name, "training") for name in self.selected()}
        return single | {TWO: chains.any_two(single), CLEAN: {}}

    def unseen(self) -> list[str]:
        """Degradations that selection is shown although no group has them."""
        return [name for name in self.selection.unseen if name not in self.degradations]

    def shown(self) -> list[str]:
        """What selection is shown besides `selected`."""
        return sorted({*self.unseen(), *joined.from_iterable(self.selection.mixed)})

    def tried(self) -> dict[str, Any]:
        """What the photographs of a test set are put through to try the choice.

        Arguments of `grids.selection.fitting.cases.cases`.
        """
        selected = self.selected()
        shown = [*selected, *self.shown()]
        return {
            "degradations": selected,
            "evaluation": {name: self.parameters(name, "evaluation") for name in shown},
            "training": {name: self.parameters(name, "training") for name in shown},
            "strengths": {name: self.strengths(name) for name in selected},
            "mixed": self.selection.mixed,
            "unseen": self.unseen(),
        }

    def strategy_settings(self) -> dict[str, Any]:
        """What a strategy is told (see `grids.search.contract.SearchSettings`)."""
        keys = {
            *("delta", "requests_per_round", "all_solutions", "groups", "group_worth"),
            "number_of_groups",
        }
        told = self.search.model_dump(include=keys) | self.candidates.model_dump()
        if self.searches_levels():
            told |= self.search.model_dump(include={"levels", "certificate", "confidence"})
            told |= {"decay": self.training.decay}
        return told

    def searches_levels(self) -> bool:
        """Whether the strategy asks for levels of trainings, the single-task models' among them."""
        return bool(constant_of("search/strategies", self.search.strategy, "LEVELS"))

    def asks_for_affinities(self) -> bool:
        """Whether the search goes by affinities."""
        return bool(constant_of("search/strategies", self.search.strategy, "AFFINITIES"))

    def processes(self) -> int:
        """Processes of a training: one a GPU, where it is given more than one."""
        return max(self.execution.processes, self.resources.train.gpus)

    def how(self) -> dict[str, Any]:
        """The section `execution`, with the processes and nodes that a training has."""
        given = {"processes": self.processes(), "nodes": self.resources.train.nodes}
        return self.execution.model_dump() | given

    def network(self, backbone: str) -> str:
        """The module of `grids/backbones/` that an entry of `backbones` is made by."""
        return str(self.backbones.get(backbone, {}).get("network", backbone))

    def sizes(self, backbone: str) -> dict[str, Any]:
        """All options of a network, its module's defaults where not configured."""
        given = {k: v for k, v in self.backbones[backbone].items() if k not in OF_AN_ENTRY}
        return options_of("backbones", self.network(backbone)) | given

    def released(self) -> dict[str, Released]:
        """Of each network that is not trained, where its weights are."""
        return {
            name: Released.given_as(entry["weights"])
            for name, entry in self.backbones.items()
            if "weights" in entry
        }

    def trained(self) -> list[str]:
        """The networks that have no weights of others."""
        return [name for name in self.backbones if name not in self.released()]

    def beginning(self) -> list[str]:
        """Those that begin as `start` says; others may be configured and never be trained."""
        compared = (row.backbone for row in self.report.compared)
        asked_for = {self.search.backbone, *self.report.backbones, *compared}
        return sorted(asked_for.intersection(self.trained()))

    def group(self, row: Compared) -> list[str]:
        """The degradations that a row of Table 1 is trained on, in alphabetical order."""
        return sorted(row.degradations or self.searched())

    def trained_on(self, backbone: str) -> list[list[str]]:
        """The largest groups that a network is trained on; what else is asked of it is in them."""
        rows = [row for row in self.report.compared if row.backbone == backbone]
        groups = [self.group(row) for row in rows]
        if not rows or backbone in (self.search.backbone, *self.report.backbones):
            groups.append(self.searched())
        return groups

    def procedure(self, backbone: str) -> str:
        """Name of the procedure that a network is trained by."""
        given = self.training.procedure
        name = given.get(backbone) if isinstance(given, dict) else given
        return name or constant_of("backbones", self.network(backbone), "PROCEDURE") or "l1"

    def recipe(self, backbone: str, level: int = WHOLE) -> dict[str, Any]:
        """Optimization of a network up to a level."""
        return self.training.recipe(level) | {"iterations": self.training.steps_of(backbone)}

    def follows_singles(self, backbone: str, group: Iterable[str]) -> bool:
        """Whether the shares of a training follow the single-task models of its members.

        They do where these are trained anyway. The mix of all is a start for them, or at hand
        before them.
        """
        referenced = {self.search.backbone, *self.report.backbones}
        searched = len({*group}) > 1 and {*group} < {*self.searched()}
        return self.training.weights == "auto" and backbone in referenced and searched

    def sampling(self, backbone: str, group: Iterable[str]) -> dict[str, Any]:
        """What a sample of a training is made of."""
        follows = {"weights": "auto"} if self.follows_singles(backbone, group) else {}
        return self.training.sampling(group) | follows

    def procedure_options(self, procedure: str) -> dict[str, Any]:
        """All options of a procedure, its module's defaults where not configured."""
        return options_of(PROCEDURES, procedure) | self.procedures.get(procedure, {})

    def procedure_files(self, procedure: str) -> dict[str, str]:
        """Its options that are files, which its module lists as `FILES`; empty where not given."""
        given = self.procedures.get(procedure, {})
        files = constant_of(PROCEDURES, procedure, "FILES") or []
        return {option: expanded(given.get(option, "")) for option in files}
