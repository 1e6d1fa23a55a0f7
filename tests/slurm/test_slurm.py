"""The workflow on a real SLURM: two nodes on this machine."""

import json
import os
import shutil

import numpy as np
import pytest
from cluster import why_not
from conftest import Tree, write_photographs
from faults import cancel, ctrl_c, kill_and_cancel, lose_node, preempt, restart_controller
from safetensors.torch import load_file
from trees import FIGURE, MODEL, ClusterTree, Run, slow_checkout

from grids import cli

pytest_plugins = ["cluster_fixtures"]
pytestmark = [pytest.mark.slurm, pytest.mark.skipif(bool(why_not()), reason=why_not())]

# Eighty seconds with the brake on, a checkpoint in less than one.
STEPS = 400
EVERY = 4
"""Steps between checkpoints."""


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    """The slow training without a pause and without a cluster."""
    folder = tmp_path_factory.mktemp("reference")
    write_photographs(folder / "photographs")
    tree = Tree(folder, slow_checkout(tmp_path_factory.mktemp("checkout")))
    tree.config["degradations"]["slow"] = {}
    tree.config["training"]["iterations"] = STEPS
    tree.config["execution"]["checkpoint_steps"] = EVERY
    tree.run(MODEL)
    return tree


@pytest.fixture
def slow(reference, tmp_path):
    """The tree of the reference without its training, to be run on the cluster at a slow pace."""

    def tree(**train):
        other = ClusterTree(tmp_path / "tree", reference.checkout)
        reference.copy(other.folder)
        other.config = reference.config | {"resources": {"train": {"mem_mb": 1500} | train}}
        shutil.rmtree((other.folder / MODEL).parent)
        other.brake()
        return other

    return tree


def weights(tree, name=MODEL):
    return load_file(tree.folder / name)


def assert_same_weights(tree, reference, name=MODEL):
    ours, theirs = weights(tree, name), weights(reference, name)
    assert all(np.array_equal(ours[layer], theirs[layer]) for layer in theirs)


def assert_one_job_without_an_error(run):
    assert run.everything_printed().count("has been submitted with SLURM jobid") == 1
    assert "rror" not in run.everything_printed()
    assert run.tree.jobs(MODEL) == set()


def test_a_training_outlives_its_time_limit(cluster, slow, reference):
    tree = slow(runtime=1)
    run = Run(cluster, tree, MODEL)
    run.wait_for_line("resuming after step")
    tree.release()
    assert run.finish() == 0, run.everything_printed()
    assert "goes back to the queue and will go on" in tree.log()
    assert_same_weights(tree, reference)
    assert_one_job_without_an_error(run)


def test_a_training_outlives_its_node_where_a_first_copy_lives_on(cluster, slow, reference):
    tree = slow()
    run = Run(cluster, tree, MODEL)
    run.wait_for_checkpoint()
    (first,) = tree.training_processes()
    seen = []

    def stopped():
        seen.append(first in tree.training_processes())
        return not seen[-1]

    # It outlives the loss of its node, and stops by itself once the second copy has begun.
    assert lose_node(run, until=stopped)
    assert seen[0]
    tree.release()
    assert run.finish() == 0, run.everything_printed()
    assert "resuming after step" in tree.log()
    assert_same_weights(tree, reference)
    assert_one_job_without_an_error(run)


def test_a_training_outlives_what_people_and_machines_do(cluster, slow, reference):
    tree = slow()
    run = Run(cluster, tree, MODEL)
    for misfortune in (cancel, preempt, restart_controller, ctrl_c, kill_and_cancel):
        before = run.wait_for_checkpoint()
        assert misfortune(run)
        assert run.wait_for_checkpoint() > before
    tree.release()
    assert run.finish() == 0, run.everything_printed()
    assert_same_weights(tree, reference)
    # A signal keeps the state of its very step: nothing at all is done twice.
    kept = [
        line.split("step ")[1].split(";")[0] for line in tree.log().splitlines() if "kept" in line
    ]
    resumed = [line.split("step ")[1] for line in tree.log().splitlines() if "resuming" in line]
    assert kept
    assert set(kept) <= set(resumed)
    assert tree.jobs(MODEL) == set()


def test_jobs_that_outlived_snakemake_are_waited_for_and_count(cluster, slow, reference, capsys):
    tree = slow()
    run = Run(cluster, tree, MODEL)
    run.wait_for_checkpoint()
    assert cli.main(["recover", str(tree.folder)]) == 1
    assert "Snakemake runs here" in capsys.readouterr().err
    assert cli.main(["status", str(tree.path("")), "--folder", str(tree.folder)]) == 0
    assert "RUNNING" in capsys.readouterr().out
    run.snakemake.kill()
    run.snakemake.wait()
    refused = tree.snakemake(MODEL)
    assert refused.returncode != 0
    waiting = "waiting for 1 job to be over"
    assert waiting in run.recover(heard=lambda line: line == waiting and tree.release())
    assert_same_weights(tree, reference)
    assert tree.jobs(MODEL) == set()


def test_told_to_end_snakemake_waits_for_its_jobs_and_starts_no_more(cluster, slow, reference):
    tree = slow()
    run = Run(cluster, tree, FIGURE)
    run.wait_for_checkpoint()
    run.snakemake.terminate()
    tree.release()
    assert run.finish() != 0
    assert_same_weights(tree, reference)
    assert tree.jobs(FIGURE) == {"Drawing the training of srresnet on slow"}


def test_a_job_that_needs_more_memory_gets_it(cluster, slow, reference):
    tree = slow(mem_mb=300)
    tree.release()
    run = Run(cluster, tree, MODEL)
    assert run.finish() == 0, run.everything_printed()
    assert "Trying to restart job" in run.everything_printed()
    assert_same_weights(tree, reference)


FEW = 20
"""Steps for comparing results that differ by rounding, which grows with the steps."""


@pytest.fixture(scope="session")
def few(reference, tmp_path_factory):
    """As the reference, of fewer steps."""
    tree = reference.copy(tmp_path_factory.mktemp("few"))
    tree.config["training"]["iterations"] = FEW
    tree.run(MODEL)
    return tree


@pytest.mark.parametrize("nodes", [1, 2])
def test_gpus_make_processes_on_one_node_and_over_two(cluster, slow, few, nodes):
    tree = slow(gpus=2, gpu_model="fake", nodes=nodes, mem_mb=3000)
    tree.release()
    tree.config["training"] = few.config["training"]
    tree.config["descriptor"] = few.config["descriptor"] | {"batch": 2}
    run = Run(cluster, tree, MODEL)
    job = cluster.ask("scontrol", "show", "job", run.job()["id"])
    assert f"NumNodes={nodes} " in job
    assert "gres:gpu:fake:2" in job
    assert run.finish() == 0, run.everything_printed()
    # As in test_training_processes: gradients are summed in another order.
    ours, theirs = weights(tree), weights(few)
    assert max((ours[name] - theirs[name]).abs().max() for name in theirs) < 1e-6


@pytest.mark.skipif("LONG" not in os.environ, reason="takes minutes: LONG=1 make test-slurm")
def test_processes_on_two_nodes_keep_their_state_at_the_end_of_an_allocation(cluster, slow):
    tree = slow(runtime=1, nodes=2, mem_mb=3000)
    tree.config["execution"] = tree.config["execution"] | {"processes": 2, "checkpoint_steps": 0}
    tree.config["descriptor"] = tree.config["descriptor"] | {"batch": 2}
    run = Run(cluster, tree, MODEL)
    assert run.finish() == 0, run.everything_printed()
    assert "SIGTERM: state kept after step" in tree.log()
    assert_one_job_without_an_error(run)


def test_groups_are_those_of_a_run_without_a_cluster(cluster, finished, tmp_path):
    """With the other strategy, among three degradations so that it asks for more than one group."""
    local = finished.copy(tmp_path / "local")
    local.config["search"] |= {
        "strategy": "paper",
        "degradations": ["gaussian_noise", "jpeg", "sr"],
    }
    tree = ClusterTree(tmp_path / "tree")
    local.copy(tree.folder)
    tree.config = local.config
    for each in (tree, local):
        each.run("results/groups.json")
    ours, theirs = (
        json.loads(each.path("groups.json").read_text(encoding="utf-8")) for each in (tree, local)
    )
    assert ours["strategy"] == "paper"
    assert ours == theirs
