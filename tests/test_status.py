"""What `grids status` tells of folders as they are at different times of a run."""

import json
import os
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from grids.base.errors import InputError
from grids.configuration import loading
from grids.jobs import failures
from grids.runs import slurm, status

ROOT = Path(__file__).parents[1]
NAMES = ["jpeg", "sr"]


@pytest.fixture
def results(tmp_path):
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    config["degradations"] = {name: {} for name in NAMES}
    config["report"] |= {"noise_seeds": [1], "noise_degradations": ["jpeg"]}
    config["training"]["iterations"] = 3600
    config["resources"]["train"]["gpus"] = 1
    text = loading.load(config).model_dump_json()
    (tmp_path / "settings.json").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def queue(monkeypatch):
    jobs = []
    monkeypatch.setattr(slurm, "live_jobs", lambda folder: jobs)
    return jobs


def job(work, state="RUNNING"):
    return slurm.LiveJob("7", state, "1:00", "2:00", "n1", work)


def finish(results, group, rate, steps=(1800, 3600)):
    folder = results / "models" / "nafnet" / group
    folder.mkdir(parents=True)
    (folder / "model.safetensors").touch()
    history = pd.DataFrame({"step": steps, "steps_per_second": [rate, rate]})
    history.to_parquet(folder / "history.parquet")


def planned(results, number, known, delta=1.2, **decided):
    """A plan of the search that the settings ask for, unless it is given another δ."""
    search = {"strategy": "active", "backbone": "nafnet", "test_set": "embedded"}
    search |= {"degradations": NAMES, "delta": delta, "settings": {"delta": delta}, "elsewhere": []}
    plan = {"round": number, **search, "known": known, **decided, "why": {}}
    (results / "search").mkdir(exist_ok=True)
    (results / "search" / f"{number}.json").write_text(json.dumps(plan))


def lines(results):
    told = list(status.status(results, Path()))
    return told, {line.split()[0]: line for line in told}


def test_before_anything_all_wait(results, queue):
    _, told = lines(results)
    assert told["PIES"].endswith("0 done, 3 waiting")
    assert told["trainings"].endswith("0 done, 4 waiting")  # two singles, the mix, another seed
    assert told["verifications"].endswith("0 done, 4 waiting")
    assert told["search"].endswith("not begun")


def test_jobs_are_known_by_their_work(results, queue):
    queue += [
        job("rule_pies_clean_pies_degraded_pies"),
        job("rule_train_wildcards_nafnet_jpeg"),
        job("rule_train_wildcards_nafnet_jpeg+sr", "PENDING"),
        job("rule_verify_reseeded_wildcards_1_nafnet_jpeg_embedded"),
    ]
    told, by_stage = lines(results)
    assert by_stage["PIES"].endswith("0 done, 3 running")
    assert by_stage["trainings"].endswith("0 done, 1 running, 1 queued, 2 waiting")
    assert by_stage["verifications"].endswith("0 done, 1 running, 3 waiting")
    assert sum(line.startswith("job 7: ") for line in told) == 4


def test_trainings_tell_their_steps_rate_and_time(results, queue):
    finish(results, "jpeg", rate=2.0)  # 1800 s
    log = results / "logs" / "train" / "nafnet" / "sr.log"
    log.parent.mkdir(parents=True)
    log.write_text("12:00:00 nafnet sr: 1800/3600 it, 1 it/s, ETA 0:30:00, loss 0.1\n")
    state = results / "models" / "nafnet" / "jpeg+sr" / "state"
    state.mkdir(parents=True)
    for step in (300, 900):
        (state / f"{step:09d}.pt").touch()
    queue.append(job("rule_train_wildcards_nafnet_sr"))
    told, _ = lines(results)
    assert "  nafnet sr: 1800/3600 it, running, 1 it/s, ETA 0:30:00" in told
    assert "  nafnet jpeg+sr: 900/3600 it, waiting" in told
    # Done at 2 it/s and at 1 it/s; what has told no rate counts at the mean, 1.5 it/s.
    spent = 3600 / 2 + 1800 / 1 + 900 / 1.5
    left = 1800 / 1 + 2700 / 1.5 + 3600 / 1.5
    hours = f"{spent / 3600:.3g} GPU-h of training spent, {left / 3600:.3g} GPU-h to come"
    assert hours in "".join(told)


def test_without_a_cluster_what_grows_is_running(results, queue):
    said = "12:00:00 nafnet {}: 1800/3600 it, 1 it/s, ETA 0:30:00, loss 0.1\n"
    logs = results / "logs"
    texts = {
        "train/nafnet/jpeg": said.format("jpeg"),
        "train/nafnet/sr": said.format("sr") + "error: the disk is full\n",
        "train/nafnet/jpeg+sr": said.format("jpeg+sr"),
        "train/nafnet/jpeg_seed_1": said.format("jpeg seed 1"),
        "pies/clean": "",
        "ggd/sr": "",
        "similarity": "",
        "verify/nafnet/jpeg_embedded": "12:00:00 jpeg: jpeg 30.00 dB\n",
        "verify/nafnet/jpeg_embedded_seed_1": "",
    }
    for name, text in texts.items():
        (logs / name).parent.mkdir(parents=True, exist_ok=True)
        (logs / f"{name}.log").write_text(text)
    old = time.time() - 2 * status.SECONDS_OF_SILENCE
    os.utime(logs / "train/nafnet/jpeg+sr.log", (old, old))
    # Put back into the queue: what its log was told before does not count.
    queue.append(job("rule_train_reseeded_wildcards_1_nafnet_jpeg", "PENDING"))
    told, by_stage = lines(results)
    assert "  nafnet jpeg: 1800/3600 it, running, 1 it/s, ETA 0:30:00" in told
    assert "  nafnet sr: 1800/3600 it, waiting" in told
    assert "  nafnet jpeg+sr: 1800/3600 it, waiting" in told
    assert "  nafnet jpeg seed 1: 1800/3600 it, queued" in told
    assert by_stage["trainings"].endswith("0 done, 1 running, 1 queued, 2 waiting")
    assert by_stage["PIES"].endswith("0 done, 1 running, 2 waiting")
    assert by_stage["laws"].endswith("0 done, 1 running, 1 waiting")
    assert by_stage["similarity"].endswith("0 done, 1 running")
    assert by_stage["verifications"].endswith("0 done, 2 running, 2 waiting")


def test_times_below_an_hour_are_told_in_minutes(results, queue):
    settings = json.loads((results / "settings.json").read_text())
    settings["resources"]["train"]["gpus"] = 0
    settings["report"]["noise_seeds"] = []
    (results / "settings.json").write_text(json.dumps(settings))
    finish(results, "jpeg", rate=4.0)
    assert "15 min of training spent, 30 min to come" in lines(results)[1]["time"]


def test_a_training_of_other_length_is_to_be_done_again(results, queue):
    finish(results, "jpeg", rate=4.0)
    settings = json.loads((results / "settings.json").read_text())
    settings["training"]["iterations"] = 7200
    (results / "settings.json").write_text(json.dumps(settings))
    told, by_stage = lines(results)
    assert by_stage["trainings"].endswith("0 done, 4 waiting")
    assert not any("nafnet jpeg:" in line for line in told)
    assert by_stage["time"].endswith("no training has told its rate yet")


def test_a_training_that_was_stopped_is_not_running(results, queue):
    said = "12:00:00 nafnet jpeg: 1800/3600 it, 1 it/s, ETA 0:30:00, loss 0.1\n"
    log = results / "logs" / "train" / "nafnet" / "jpeg.log"
    log.parent.mkdir(parents=True)
    log.write_text(said)
    assert "  nafnet jpeg: 1800/3600 it, running, 1 it/s, ETA 0:30:00" in lines(results)[0]
    log.write_text(said + "12:00:09 SIGINT: state kept after step 2670; run again to go on\n")
    state = results / "models" / "nafnet" / "jpeg" / "state"
    state.mkdir(parents=True)
    (state / "2670.pt").touch()
    assert "  nafnet jpeg: 2670/3600 it, waiting" in lines(results)[0]


def test_the_search_adds_what_it_asks_for_and_ends(results, queue):
    planned(results, 0, [], requests=["jpeg+sr"])
    assert lines(results)[1]["search"].endswith("round 0: asks for jpeg+sr")
    planned(results, 1, ["jpeg+sr"], solution=["jpeg+sr"])
    assert lines(results)[1]["search"].endswith("over after 1 round: 1 group")


def test_what_a_level_did_is_not_done_again(results, queue):
    """Of a training to its end, what one up to a level has left behind is no time to come."""
    settings = json.loads((results / "settings.json").read_text())
    settings["search"] |= {"strategy": "budget", "levels": [50], "certificate": "bounded"}
    settings["training"] |= {"decay": 0.5}
    (results / "settings.json").write_text(json.dumps(settings))
    plan = {"strategy": "budget", "settings": {"delta": 1.2, "levels": [50]}}
    planned(results, 0, [], requests=["jpeg@50", "sr@50"])
    planned(results, 1, ["jpeg@50", "sr@50"], requests=["jpeg"])
    for number in (0, 1):
        path = results / "search" / f"{number}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | plan))
    finish(results / "levels" / "50", "jpeg", rate=1.0, steps=(900, 1800))
    _, told = lines(results)
    # No mix, and no other seed before its single-task model is asked for; here it is.
    assert told["trainings"].endswith("1 done, 3 waiting")
    # 1800 steps each up to the level; 900 of them lead on.
    left = 1800 + (3600 - 900) + 3600
    assert f"{left / 3600:.3g} GPU-h to come" in told["time"]


def test_a_search_planned_anew_is_not_over_by_old_plans(results, queue):
    planned(results, 1, ["jpeg+sr"], delta=0.7, solution=["jpeg", "sr"])
    assert lines(results)[1]["search"].endswith("not begun")
    planned(results, 0, [], requests=["jpeg+sr"])
    assert lines(results)[1]["search"].endswith("round 0: asks for jpeg+sr")


def test_rounds_of_other_settings_are_no_part_of_the_search(results, queue):
    planned(results, 0, [], delta=0.7, requests=["jpeg+sr"])
    planned(results, 1, ["jpeg+sr"], delta=0.7, solution=["jpeg", "sr"])
    said = "not begun: its rounds that are there were planned with other settings"
    assert lines(results)[1]["search"].endswith(said)


@pytest.mark.parametrize("text", ['{"round": 0, "kno', "[]", '{"round": 0, "requests": []}'])
def test_a_damaged_plan_is_named(results, queue, text):
    planned(results, 0, [], requests=["jpeg+sr"])
    (results / "search" / "0.json").write_text(text)
    with pytest.raises(InputError, match=r"search/0\.json: not a plan"):
        lines(results)


def test_a_training_that_failed_for_good_is_told_and_counts_no_time(results, queue):
    finish(results, "jpeg", rate=2.0)  # half an hour
    finish(results, "sr", rate=2.0)
    folder = results / "models" / "nafnet" / "jpeg+sr"
    failures.note(folder / "model.safetensors", folder / "history.parquet", "diverged: nan")
    told, by_stage = lines(results)
    assert by_stage["trainings"].endswith("2 done, 1 failed, 1 waiting")
    assert "  nafnet jpeg+sr: failed for good (diverged: nan)" in told
    assert "1 GPU-h of training spent, 30 GPU-min to come" in by_stage["time"]


def test_models_from_elsewhere_are_not_waited_for(results, queue):
    path = results / "settings.json"
    noted = json.loads(path.read_text()) | {"elsewhere": ["jpeg", "jpeg+sr"]}
    path.write_text(json.dumps(noted))
    by_stage = lines(results)[1]
    assert by_stage["trainings"].endswith("0 done, 2 waiting")  # sr, and jpeg with another seed
    assert by_stage["verifications"].endswith("0 done, 2 waiting")


def test_settings_that_were_cut_off_are_named(results, queue):
    (results / "settings.json").write_text("{")
    with pytest.raises(InputError, match=r"settings\.json: cut off"):
        lines(results)


def test_of_what_the_queue_says_the_last_line_is_told(results, monkeypatch):
    command = results / "bin" / "squeue"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\necho fetch failed >&2\necho no controller >&2\nexit 1\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent))
    assert lines(results)[1]["queue"].endswith("squeue: no controller")


def test_without_a_queue_the_files_tell(results, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert lines(results)[1]["queue"].endswith("squeue: no such command; there is no SLURM here")


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="no run has begun in this folder"):
        list(status.status(tmp_path, Path()))
