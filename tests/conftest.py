"""A tiny workflow that tests run for real: four degradations, a minute or two."""

import copy
import fcntl
import gc
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

import preloaded
import pytest
import torch
import yaml
from PIL import Image

from grids.base.plugins import names_in
from grids.images import reading, sets, store
from grids.training.processes import ownership

# More threads than idle cores make small networks many times slower. What restores asks the
# environment and would set torch's threads anew, for all tests that follow in this process.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # for tests that import ONNX Runtime themselves
torch.set_num_threads(1)
# To look for garbage among what modules leave for good takes a sixth of the time to load them.
gc.disable()

ROOT = Path(__file__).parents[1]
SOURCES = ("grids", "workflow", "rules", "profiles", "config", "Snakefile", "environment.yml")
SMALLEST = yaml.safe_load((ROOT / "config" / "smallest.yaml").read_text(encoding="utf-8"))
FOUR = {name: {} for name in SMALLEST["search"]["degradations"]}
TINY = SMALLEST | {
    "results": "results",
    "images": {"train": "photographs/train", "pies": "photographs/pies", "tests": {}},
    "degradations": dict.fromkeys(names_in("degradations")) | FOUR,
    "search": {"backbone": "srresnet", "delta": 2.0, "test_set": "own"},
    "execution": {"device": "cpu"},
}
TINY["images"]["tests"] = {"embedded": None, "own": "photographs/own"}
TINY["report"] = TINY["report"] | {"test_sets": ["own"]}


# Snakemake in a process of its own, which starts jobs by the program that it is given.
STARTING_BY = (
    "import runpy, sys; sys.executable = sys.argv.pop(1); "
    "runpy.run_module('snakemake', run_name='__main__', alter_sys=True)"
)

# The files that take longest, by the time that they take; but first one that makes the finished
# tree and one that needs none.
LONGEST = [
    f"test_{name}.py"
    for name in (
        *("reruns", "training", "repair", "budget_workflow", "selection_workflow", "table1"),
        *("training_processes", "runtimes", "public_networks", "restore", "reruns_pairs"),
        *("selection_fit", "search_workflow", "affinity_workflow", "storage", "descriptors"),
        *("fingerprints", "released", "other_hands", "faults", "box", "drawn_pictures"),
        *("proportions", "workflow", "release", "checkouts", "orphans", "levels", "first_weights"),
    )
]


def pytest_configure(config: pytest.Config) -> None:
    """One process of loaded packages serves all of pytest-xdist, and loads while they collect."""
    if config.getoption("numprocesses", None):
        os.environ[preloaded.SHARED] = preloaded.python()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files go first: no process is left with one when the others have ended."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def embedded_store(folder: Path) -> dict[str, str]:
    """The files `index` and `store` of the embedded photographs, made in a folder."""
    paths = sets.find("embedded")
    table = reading.index(paths, paths[0].parent, (0.0, 0.5))
    files = {"index": str(folder / "index.parquet"), "store": str(folder / "store.npy")}
    table.to_parquet(files["index"])
    store.write(Path(files["store"]), table, reading.photographs(paths[0].parent, table))
    return files


class Tree:
    """A folder with photographs and a configuration, in which a checkout's workflow is run."""

    program = (sys.executable, "-m", "snakemake", "--cores", "2")
    prefix: tuple[str, ...] = ()
    """What starts the program, with its options."""

    def __init__(self, folder: Path, checkout: Path = ROOT):
        self.folder = folder
        self.checkout = checkout
        self.config = copy.deepcopy(TINY)
        self.profile = ["--workflow-profile", str(checkout / "profiles" / "default")]

    def path(self, name: str) -> Path:
        return self.folder / "results" / name

    def copy(self, folder: Path, checkout: Path | None = None) -> "Tree":
        """Everything with its times, in another place."""
        shutil.copytree(self.folder, folder, copy_function=shutil.copy2, dirs_exist_ok=True)
        other = type(self)(folder, checkout or self.checkout)
        other.config = copy.deepcopy(self.config)
        return other

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        """A run to its end, with what it printed."""
        program = ()
        if self.program == Tree.program:
            program = (preloaded.python(self.prefix), *self.program[1:])
        with self.start(*arguments, stdout=subprocess.PIPE, program=program) as process:
            printed, _ = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, printed)

    def options(self) -> list[str]:
        """What tells Snakemake the workflow and its configuration."""
        return [
            *("--configfile", "config.yaml"),
            *("--snakefile", str(self.checkout / "Snakefile")),
            *self.profile,
        ]

    def write_configuration(self) -> None:
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self.config, sort_keys=False))

    def start(
        self, *arguments: str, stdout: int | TextIO, program: Sequence[str] = ()
    ) -> subprocess.Popen:
        """A run that goes on, by default in a process of its own whose jobs are forks.

        Signals reach it as they reach any Snakemake, and each of its jobs is a process to kill.
        """
        self.write_configuration()
        if not program:
            program = (*self.prefix, *self.program)
            if self.program == Tree.program:
                jobs = preloaded.python(self.prefix)
                program = (*self.prefix, sys.executable, "-c", STARTING_BY, jobs, *self.program[3:])
        return subprocess.Popen(
            [*program, *self.options(), *arguments],
            cwd=self.folder,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            # Tests that run in the background would hand on that Ctrl-C is ignored.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *arguments: str) -> str:
        """What a run that must end well prints."""
        done = self.snakemake(*arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def jobs(self, *arguments: str) -> set[str]:
        """Messages of the jobs that a dry run would execute."""
        listed = self.run("--dry-run", *arguments)
        return set(re.findall(r"^Job \d+: (.*)$", listed, flags=re.MULTILINE))

    def executed(self, *arguments: str) -> set[str]:
        """Messages of the jobs that a run executes."""
        return set(re.findall(r"^Job \d+: (.*)$", self.run(*arguments), flags=re.MULTILINE))

    def error(self, *arguments: str) -> str:
        """The lines about the error of a run that must fail."""
        done = self.snakemake(*arguments)
        assert done.returncode != 0, done.stdout
        return "\n".join(line for line in done.stdout.splitlines() if "rror" in line)


def write_photographs(folder: Path) -> None:
    """Crops of the embedded photographs: three sets that share no pixel."""
    for number, path in enumerate(sets.find("embedded")):
        pixels = reading.read(path)
        for left, name in ((0, "train"), (70, "pies"), (140, "own")):
            (folder / name).mkdir(parents=True, exist_ok=True)
            crop = Image.fromarray(pixels[40:104, left : left + 64])
            crop.save(folder / name / f"{number}.png")


def copy_of_sources(folder: Path) -> Path:
    """A checkout that tests may edit, with the times of this one."""
    folder.mkdir(parents=True)
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    # What has been compiled goes by these times.
    compiled = Path(f"{preloaded.compiled()}{ROOT}/grids")
    if compiled.is_dir():
        unfinished = shutil.ignore_patterns("*.pyc.*")
        shutil.copytree(compiled, f"{preloaded.compiled()}{folder}/grids", ignore=unfinished)
    return folder


@pytest.fixture(autouse=True)
def owner(monkeypatch):
    """A training that is started in a test leaves its token to no other test."""
    monkeypatch.setenv(ownership.VARIABLE, "")


@pytest.fixture
def tree(tmp_path):
    write_photographs(tmp_path / "photographs")
    return Tree(tmp_path)


def share(folder: Path, make: Callable[[Path], None], shared: Path) -> None:
    """Makes a folder in one process of a session of tests; the others copy it."""
    with open(f"{shared}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            make(folder)
            # Tests go on in the folder itself; the others copy one in which nothing happens.
            half = Path(f"{shared}.half")
            shutil.copytree(folder, half, copy_function=shutil.copy2)
            half.rename(shared)
        else:
            shutil.copytree(shared, folder, copy_function=shutil.copy2)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished tree, run once; tests work on copies of it."""
    own = tmp_path_factory.getbasetemp()
    # The processes of pytest-xdist have their folders in one of the session.
    session = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    tree = Tree(own / "finished")

    def run(folder):
        shutil.rmtree(folder, ignore_errors=True)
        write_photographs(folder / "photographs")
        tree.run("all")

    share(tree.folder, run, session / "finished_shared")
    return tree


@pytest.fixture
def other(finished, tmp_path):
    """A copy of the finished tree, which tests may change."""
    return finished.copy(tmp_path / "tree")


@pytest.fixture
def forks(monkeypatch):
    """What the test's process starts by `sys.executable` has the heavy packages loaded."""
    monkeypatch.setattr(sys, "executable", preloaded.python())


@pytest.fixture
def checkout(tmp_path):
    return copy_of_sources(tmp_path / "checkout")


@pytest.fixture
def edited(finished, tmp_path, checkout):
    """Edits a module of a copied checkout; the tree that uses it."""

    def edit(name, old=None, new=""):
        path = checkout / name
        text = path.read_text(encoding="utf-8")
        assert old is None or old in text
        changed = f"{text}\nMORE = 1\n" if old is None else text.replace(old, new)
        path.write_text(changed, encoding="utf-8")
        return finished.copy(tmp_path / "tree", checkout)

    return edit


@pytest.fixture
def fastest_in(monkeypatch):
    """Gives OpenVINO a CPU that is fastest in a precision of its own names.

    What is asked of it is computed in single precision; returns the precisions asked for.
    """
    import openvino

    def choose(precision: str) -> list[str]:
        asked_for: list[str] = []

        class Core(openvino.Core):
            def get_property(self, device, asked):
                if asked == "INFERENCE_PRECISION_HINT":
                    return getattr(openvino.Type, precision)
                return super().get_property(device, asked)

            def compile_model(self, graph, device, options):
                asked_for.append(options["INFERENCE_PRECISION_HINT"])
                exact = options | {"INFERENCE_PRECISION_HINT": "f32"}
                return super().compile_model(graph, device, exact)

        monkeypatch.setattr(openvino, "Core", Core)
        return asked_for

    return choose
