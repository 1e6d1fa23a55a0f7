"""Trees that are run on the cluster."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from cluster import Cluster
from conftest import ROOT, Tree

from grids.runs import slurm

HERE = Path(__file__).parent
SOURCES = (
    "grids",
    "workflow",
    "rules",
    "profiles",
    "slurm",
    "config",
    "Snakefile",
    "environment.yml",
)

# A degradation that takes its time, without work for the processor, while there is a file.
SLOW = '''
"""Takes its time."""

import time
from pathlib import Path

PARAMETERS = {"seconds": {"evaluation": 0, "training": 0, "range": [0, 1], "is": "nothing"}}
SEVERITIES = [{"seconds": 0}]


def degrade(images, draws, generators):
    if Path("brake").exists():
        time.sleep(0.2)
    return images * 0.5
'''
MODEL = "results/models/srresnet/slow/model.safetensors"
FIGURE = "results/report/training/srresnet/slow.svg"
SOON = timedelta(seconds=3)
"""Jobs that start within it need no hurry."""


class ClusterTree(Tree):
    program = (
        *(sys.executable, HERE / "at_once" / "snakemake"),
        *("--profile", ROOT / "slurm", "--jobs", "2"),
        *("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"),
    )

    def brake(self) -> None:
        """The slow training takes 0.2 s a step until it is released."""
        (self.folder / "brake").touch()

    def release(self) -> None:
        (self.folder / "brake").unlink()

    def log(self) -> str:
        """What the slow training said in all its jobs and allocations."""
        logs = self.path("logs/slurm/rule_train/srresnet_slow").glob("*.log")
        newest_last = sorted(logs, key=lambda path: int(path.stem))
        return "".join(path.read_text(encoding="utf-8") for path in newest_last)

    def last_checkpoint(self) -> int:
        """Steps of the newest checkpoint of the slow training, 0 while there is none."""
        states = (self.folder / MODEL).with_name("state").glob("*.pt")
        return max((int(path.stem) for path in states), default=0)

    def training_processes(self) -> set[int]:
        """Processes that run the script of the rule `train` in this tree."""
        found = set()
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                script = (process / "cmdline").read_bytes().rstrip(b"\0").rpartition(b"\0")[2]
                if script.endswith(b".train.py") and (process / "cwd").resolve() == self.folder:
                    found.add(int(process.name))
        return found

    def work(self) -> list[slurm.LiveJob]:
        return slurm.live_jobs(self.folder)


def slow_checkout(folder: Path) -> Path:
    """The sources with the slow degradation."""
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignore)
        else:
            shutil.copy(source, folder / name)
    (folder / "grids" / "degradations" / "slow.py").write_text(SLOW, encoding="utf-8")
    return folder


class Run:
    """A run of Snakemake in a tree on the cluster, which is hindered and run again."""

    def __init__(self, cluster: Cluster, tree: ClusterTree, *targets: str):
        self.cluster, self.tree, self.targets = cluster, tree, targets
        self.start()

    def start(self) -> None:
        with open(self.tree.folder / "printed", "a", encoding="utf-8") as file:
            self.snakemake = self.tree.start(*self.targets, stdout=file)

    def everything_printed(self) -> str:
        return (self.tree.folder / "printed").read_text(encoding="utf-8")

    def finish(self) -> int:
        """Snakemake's exit status. Jobs that SLURM holds back after a requeue are hurried."""
        self.cluster.wait(self._over, seconds=600)
        return self.snakemake.returncode

    def let_go_on(self, seconds: float) -> None:
        self.cluster.wait(self._over, seconds, must=False)

    def _over(self) -> bool:
        self.hurry()
        return self.snakemake.poll() is not None

    def hurry(self) -> None:
        """Jobs that SLURM holds back after a requeue, for two minutes, start in two seconds.

        Not at once: a node launches nothing of a job that it killed within the same second, and
        the job counts as failed.
        """
        for job in self.tree.work():
            if "BeginTime" in job.where and self._eligible(job.id) > datetime.now() + SOON:
                self.cluster.succeeds("scontrol", "update", f"JobId={job.id}", "StartTime=now+2")

    def _eligible(self, job: str) -> datetime:
        return datetime.fromisoformat(self.cluster.of_job(job, "EligibleTime"))

    def job(self) -> dict[str, str]:
        """A job of the tree that runs, as soon as there is one."""
        job = self.cluster.wait(lambda: self._running() or self._over(), 120)
        assert job is not True, self.everything_printed()
        return job

    def _running(self) -> dict[str, str] | None:
        self.hurry()
        here = str(self.tree.folder)
        jobs = (job for job in self.cluster.jobs("R") if job["folder"] == here)
        return next(jobs, None)

    def wait_for_checkpoint(self) -> int:
        """A checkpoint that was not there before; its steps."""
        before = self.tree.last_checkpoint()
        self._wait_until(lambda: self.tree.last_checkpoint() > before)
        return self.tree.last_checkpoint()

    def wait_for_line(self, text: str) -> None:
        """Until the slow training says it."""
        self._wait_until(lambda: text in self.tree.log())

    def _wait_until(self, happened: Callable[[], bool]) -> None:
        def look() -> bool:
            assert not self._over(), self.everything_printed()
            return happened()

        self.cluster.wait(look, 120)

    def recover(self, *options: str, heard: Callable[[str], None] = lambda line: None) -> list[str]:
        """The lines that `grids recover` prints; `heard` takes each as it comes."""
        command = [sys.executable, "-m", "grids.cli", "recover", str(self.tree.folder), *options]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        lines = []
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        ) as process:
            for line in process.stdout:
                lines.append(line.strip())
                heard(lines[-1])
        assert process.returncode == 0, lines
        assert not self.tree.work()
        return lines
