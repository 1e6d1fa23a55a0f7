"""What jobs ask a cluster for: how it is written, what sbatch receives, what SLURM says to it."""

import copy
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from snakemake.iocontainers import ResourceList
from snakemake_executor_plugin_slurm.submit_string import get_submit_command
from snakemake_executor_plugin_slurm.utils import set_gres_string
from snakemake_executor_plugin_slurm.validation import validate_slurm_extra

from grids.base.errors import InputError
from grids.base.times import minutes
from grids.configuration import files, loading
from grids.configuration.command_line import as_of_a_file
from grids.runs import slurm

DEFAULT = yaml.safe_load(
    (Path(__file__).parents[1] / "config" / "config.yaml").read_text(encoding="utf-8")
)


def settings(resources):
    return loading.load(copy.deepcopy(DEFAULT) | {"resources": resources})


def asked(resources, kind="verify", attempt=1):
    return settings(resources).resources.requests(kind, attempt)


@pytest.mark.parametrize(
    ("written", "megabytes"),
    [
        (32000, 32000),
        ("32000", 32000),
        ("32GB", 32000),
        ("32 gb", 32000),
        ("1.5TB", 1_500_000),
        ("500MB", 500),
        ("32G", 32768),
        ("32GiB", 32768),
        ("1T", 1024**2),
    ],
)
def test_memory_is_written_as_people_write_it(written, megabytes):
    assert asked({"verify": {"mem_mb": written}})["mem_mb"] == megabytes
    assert asked({"verify": {"mem_mb": written}}, attempt=2)["mem_mb"] == 2 * megabytes


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (90, 90),
        ("90", 90),
        ("24:00:00", 1440),
        ("1-00:00:00", 1440),
        ("1-12:30:00", 2190),
        ("00:00:30", 1),
        ("90m", 90),
        ("36h", 2160),
        ("2d", 2880),
        ("1h30m", 90),
    ],
)
def test_times_are_written_as_people_write_them(written, expected):
    assert asked({"train": {"runtime": written}}, "train")["runtime"] == expected


def test_times_are_read_as_slurm_writes_them():
    assert [minutes(text) for text in ("30:00", "0:30", "2:00:00")] == [30, 1, 120]


@pytest.mark.parametrize(
    ("resources", "why"),
    [
        ({"verify": {"mem_mb": "much"}}, r"verify.mem_mb: write a whole number of MB.*got 'much'"),
        ({"verify": {"mem_mb": "0GB"}}, r"verify.mem_mb: .* greater than 0"),
        ({"verify": {"mem_mb": True}}, r"verify.mem_mb: .* integer, got True"),
        ({"verify": {"mem_mb": "32KB"}}, r"verify.mem_mb: write a whole number of MB"),
        ({"verify": {"runtime": "12:30"}}, r"verify.runtime: write minutes, or as .*got '12:30'"),
        ({"verify": {"runtime": "a day"}}, r"verify.runtime: write minutes, or as"),
        ({"verify": {"runtime": ""}}, r"verify.runtime: write minutes, or as"),
        ({"verify": {"runtime": "0h"}}, r"verify.runtime: .* greater than 0"),
        ({"account": True}, r"resources.account: .* string, got True"),
        ({"partition": "gpu, cpu"}, r"resources.partition: write it without spaces and quotes"),
        ({"exclude": ["n1"]}, r"resources.exclude: .* string, got \['n1'\]"),
        ({"gres": "gpu:1,nvme:2"}, r"resources.gres: write name, name:number or name:type:number"),
        ({"verify": {"gpu_model": "a100-80"}}, r"gpu_model: write letters, digits, _ and \. only"),
        ({"extra": "--mem=3"}, r"extra: --mem has a key of its own, mem_mb"),
        ({"extra": "-t 60"}, r"extra: -t has a key of its own, runtime"),
        ({"extra": "--output=x"}, r"extra: --output is Snakemake's to say"),
        ({"extra": "--mail-user='me"}, r"cannot be taken apart \(no closing quotation\)"),
        ({"verify": {"constrain": "x"}}, r"unknown key 'constrain'; did you mean 'constraint'"),
        ({"gres": "gpu:1", "verify": {"gpus": 1}}, r"verify.gpus: 1, but gres is gpu:1"),
    ],
)
def test_wrong_values_are_refused_in_a_line(resources, why):
    with pytest.raises(InputError, match=why) as error:
        settings(resources)
    assert "\n" not in str(error.value)


def test_a_time_that_yaml_reads_as_a_number_is_refused(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text('a: {b: "24:00:00", c: 1-00:00:00}\nruntime: 24:00:00\n', encoding="utf-8")
    with pytest.raises(InputError, match=r'own.yaml, line 2: runtime: .*; write "24:00:00"'):
        files.check([path])


def test_a_time_of_the_command_line_stays_one():
    given = {"resources": {"train": {"runtime": "24:00:00", "gpus": "2"}}}
    assert as_of_a_file(given, given)["resources"]["train"] == {"runtime": "24:00:00", "gpus": 2}


def test_a_kind_has_its_own_and_else_that_of_all_jobs():
    resources = {
        "account": 12345,
        "exclude": "n[1-3]",
        "extra": "--nice=7",
        "train": {"account": "gpus", "extra": "--exclusive"},
    }
    assert asked(resources)["slurm_account"] == "12345"
    assert asked(resources)["slurm_extra"] == "'--exclude=n[1-3]' --nice=7"
    train = asked(resources, "train")
    assert train["slurm_account"] == "gpus"
    assert train["slurm_extra"] == "--open-mode=append '--exclude=n[1-3]' --exclusive"


REQUESTS = [
    {},
    {
        "account": 12345,
        "partition": "gpu",
        "qos": "long",
        "constraint": "a100&(ib|opa)",
        "reservation": "ours",
        "exclude": "n1,n[5-7]",
        "gres": "nvme:1",
        "extra": "--nice=7 --mail-user='a; b'",
        "train": {"gpus": 1, "gpu_model": "a100", "mem_mb": "32GB", "runtime": "1-00:00:00"},
    },
    {"train": {"gpus": 4, "nodes": 2}},
    {"train": {"gpus": 4, "gpu_model": "a100", "nodes": 2}},
]


@pytest.mark.parametrize("resources", REQUESTS)
@pytest.mark.parametrize("kind", ["prepare", "describe", "train", "verify"])
def test_the_executor_tells_sbatch_what_a_dry_run_says_and_slurm_is_asked(resources, kind):
    request = asked(resources, kind)
    job = SimpleNamespace(
        resources=ResourceList(fromdict=request), threads=2, is_group=lambda: False
    )
    validate_slurm_extra(job)
    params = dict.fromkeys(["run_uuid", "slurm_logfile", "comment_str", "workdir"], "x")
    # As its get_account_arg and get_partition_arg write them.
    for option, name in {"account": "-A", "partition": "-p"}.items():
        value = request.get(f"slurm_{option}")
        params[option] = f"{name} {shlex.quote(value)}" if value else ""
    line = get_submit_command(job, params) + set_gres_string(job)
    for name, option in {
        "-A": "account",
        "-p": "partition",
        "-t": "time",
        "-C": "constraint",
    }.items():
        line = line.replace(f" {name} ", f" --{option}=")
    given = set(shlex.split(line.replace("--mem ", "--mem=")))
    ours = set(slurm.arguments(request, threads=2))
    assert ours <= given
    snakemakes = {"sbatch", "--parsable", "--job-name", "--output", "--comment", "-D", "x"}
    assert given - ours <= snakemakes | {"--export=ALL", "--ntasks=1"}


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Puts a command of SLURM in place, which notes its arguments."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def write(name, body):
        text = f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/calls\n{body}\n'
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o755)

    write("sinfo", "echo 'main*|1-00:00:00'; echo 'long|infinite'; echo 'short|30:00'")
    write("sbatch", "exit 0")
    write("scancel", "exit 0")
    return write


REFUSING = "echo sbatch: error: no node has it >&2; exit 1"
WITHOUT_TEST = f'case "$*" in *--version*) exit 0;; *--test-only*) {REFUSING};; *) {{}} ;; esac'


def check(resources):
    slurm.check({"verify": (asked(resources), 1)})


class TestCheck:
    def test_what_slurm_would_take_leaves_no_trace(self, command, tmp_path):
        check({"account": "lab"})
        calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
        submitted = [call for call in calls if call.startswith("sbatch --account=lab")]
        assert submitted == []
        assert calls[-1].startswith("sbatch --test-only --account=lab --mem=8000 --time=240")

    def test_a_refusal_is_told_in_its_words(self, command):
        command("sbatch", WITHOUT_TEST.format(REFUSING))
        with pytest.raises(
            InputError, match=r"verify: SLURM refuses --mem=8000 .*: no node has it$"
        ):
            check({})

    def test_what_would_only_wait_is_taken_back(self, command, tmp_path):
        command("sbatch", WITHOUT_TEST.format("echo '17;lab'"))
        check({})
        calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
        assert "--begin=now+1day" in calls[-2]
        assert calls[-1] == "scancel 17"

    @pytest.mark.parametrize(
        ("partition", "runtime", "allowed"),
        [("", 1441, 1440), ("short", 31, 30), ("short,main", 1441, 1440)],
    )
    def test_a_job_that_would_wait_forever(self, command, partition, runtime, allowed):
        resources = {"partition": partition, "verify": {"runtime": runtime}}
        with pytest.raises(
            InputError, match=rf"verify: asks for {runtime} .* allows {allowed}: it"
        ):
            check(resources)
        check(resources | {"qos": "unlimited"})
        check(resources | {"verify": {"runtime": allowed}})
        check(resources | {"partition": "long"})

    def test_no_controller(self, command):
        command(
            "sinfo", "echo slurm_load_partitions: Unable to contact slurm controller >&2; exit 1"
        )
        with pytest.raises(InputError, match="Unable to contact slurm controller"):
            check({})

    def test_no_slurm(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(InputError, match="sbatch: no such command"):
            check({})
