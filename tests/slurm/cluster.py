"""A real SLURM of two nodes on this machine, with fake GPUs, without systemd and accounting."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

NAME = "gridstest"
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "sinfo", "munged")
NODES = {"n1": 17001, "n2": 17002}
# As the nodes say they have, whatever this machine has: nobody asks for so much in earnest.
CPUS = 16
MEMORY_MB = 24000
GPUS = 2
# The executor plugin strips SLURM_CONF from the environment of a job's step, which then finds the
# cluster by these files only.
SYSTEM = Path("/etc/slurm")

CONFIGURATION = """\
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=16817
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdSpoolDir={folder}/spool-%n
StateSaveLocation={folder}/state
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SwitchType=switch/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
GresTypes=gpu
ReturnToService=2
MinJobAge=300
KillWait=5
SlurmdTimeout=10
MessageTimeout=5
SlurmctldTimeout=10
InactiveLimit=0
Waittime=0
PropagateResourceLimits=NONE
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
AccountingStorageType=accounting_storage/none
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Why no cluster can be brought up here; empty if one can."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        return f"no {', '.join(missing)}: apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "slurmctld and slurmd of a test cluster need root"
    if (SYSTEM / "slurm.conf").exists():
        return f"{SYSTEM}/slurm.conf: a SLURM is configured on this machine"
    return ""


class Cluster:
    """Brought up by `start` and taken down, with all it has put on the machine, by `stop`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._daemons: dict[str, subprocess.Popen] = {}

    def start(self) -> None:
        folder = self.folder
        for name in ("state", *(f"spool-{node}" for node in NODES)):
            (folder / name).mkdir(parents=True)
        for number in range(GPUS):
            # A job opens no more of it than its number.
            os.mknod(folder / f"fakegpu{number}", 0o666 | 0o020000, os.makedev(1, 3))
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        host = socket.gethostname().split(".")[0]
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS} "
            f"RealMemory={MEMORY_MB} Gres=gpu:fake:{GPUS} State=UNKNOWN"
            for name, port in NODES.items()
        )
        self._configure(
            "slurm.conf", CONFIGURATION.format(name=NAME, host=host, folder=folder, nodes=nodes)
        )
        self._configure(
            "gres.conf",
            f"NodeName=n[1-2] Name=gpu Type=fake File={folder}/fakegpu[0-{GPUS - 1}]\n",
        )
        self._start_munge()
        self.start_controller("-c")
        for name in NODES:
            self.start_node(name)
        self.wait(lambda: self.ask("sinfo", "-h", "-N", "-o", "%T").split() == ["idle"] * 2)

    def _configure(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")
        SYSTEM.mkdir(exist_ok=True)
        (SYSTEM / name).symlink_to(self.folder / name)

    def _start_munge(self) -> None:
        folder, socket_path = self.folder, self.folder / "munge.socket"
        options = {
            "key-file": folder / "munge.key",
            "socket": socket_path,
            "pid-file": folder / "munge.pid",
            "seed-file": folder / "munge.seed",
            "log-file": folder / "munge.log",
            "num-threads": 2,
        }
        self._daemon(
            "munged", "--foreground", "--force", *(f"--{k}={v}" for k, v in options.items())
        )
        self.wait(lambda: self.succeeds("munge", "-S", socket_path, "-n"))

    def start_controller(self, *options: str) -> None:
        self._daemon("slurmctld", "-D", *options)
        self.wait(lambda: "is UP" in self.ask("scontrol", "ping"))

    def start_node(self, name: str) -> None:
        self._daemon("slurmd", "-D", "-N", name, label=name)

    def kill(self, label: str) -> None:
        """SIGKILL to slurmctld or to the slurmd of a node: what it started lives on."""
        self._daemons[label].kill()
        self._daemons.pop(label).wait()

    def _daemon(self, *command: object, label: str = "") -> None:
        label = label or str(command[0])
        with open(self.folder / f"{label}.out", "ab") as log:
            self._daemons[label] = subprocess.Popen(
                list(map(str, command)),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def stop(self) -> None:
        self.succeeds("scancel", "-u", "root")
        self.wait(lambda: not self.jobs("PD,R,CF,CG"), seconds=20, must=False)
        for label in reversed(list(self._daemons)):
            daemon = self._daemons[label]
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        _kill_what_was_lost()
        for name in ("slurm.conf", "gres.conf"):
            path = SYSTEM / name
            if path.is_symlink() and path.readlink() == self.folder / name:
                path.unlink()

    def ask(self, *command: object) -> str:
        """What a command of SLURM prints."""
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        return done.stdout

    def succeeds(self, *command: object) -> bool:
        return subprocess.run(list(map(str, command)), capture_output=True).returncode == 0

    def jobs(self, states: str = "all") -> list[dict[str, str]]:
        """Jobs that the controller knows, finished ones of the last minutes too."""
        fields = {"id": "%i", "state": "%T", "comment": "%k", "folder": "%Z", "node": "%N"}
        form = "|".join(fields.values())
        lines = self.ask("squeue", "-h", "-t", states, "-o", form).splitlines()
        return [dict(zip(fields, line.split("|"), strict=True)) for line in lines]

    def of_job(self, number: str, field: str) -> str:
        """What the controller tells of a job, finished ones of the last minutes too."""
        return re.search(rf"\b{field}=(\S*)", self.ask("scontrol", "show", "job", number))[1]

    def wait(self, until: Callable[[], object], seconds: float = 30, must: bool = True) -> object:
        """What `until` returns as soon as it is true."""
        end = time.monotonic() + seconds
        while not (found := until()):
            if time.monotonic() > end:
                if must:
                    raise TimeoutError(f"not within {seconds} s")
                return found
            time.sleep(0.2)
        return found


def _kill_what_was_lost() -> None:
    """Ends what jobs have started and no daemon knows of any more, since its node was lost."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"SLURM_CLUSTER_NAME={NAME}".encode() in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
