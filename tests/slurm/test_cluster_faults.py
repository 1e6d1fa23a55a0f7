"""Faults at random moments of the whole workflow: it ends with the results of a local run.

One run with four faults by default. With GRIDS_FAULTS=5 five runs go through all faults twice:
GRIDS_FAULTS=5 pytest -m slurm -s tests/slurm/test_cluster_faults.py
"""

import os
import random
import time

import pytest
from cluster import why_not
from conftest import write_photographs
from faults import (
    cancel,
    ctrl_c,
    kill,
    kill_and_cancel,
    kill_processes,
    lose_node,
    preempt,
    restart_controller,
    terminate,
)
from outcomes import assert_same, results
from trees import ClusterTree, Run

pytest_plugins = ["cluster_fixtures"]
pytestmark = [pytest.mark.slurm, pytest.mark.skipif(bool(why_not()), reason=why_not())]

SEEDS = range(int(os.environ.get("GRIDS_FAULTS", "1")))
FAULTS = [
    kill_processes,
    preempt,
    ctrl_c,
    lose_node,
    kill,
    cancel,
    restart_controller,
    terminate,
    kill_and_cancel,
]
FAULTS_A_RUN = 4
LONGEST_PAUSE = 25.0
"""Seconds between faults."""


@pytest.mark.parametrize("seed", SEEDS)
def test_a_disturbed_run_ends_with_the_results_of_a_local_one(cluster, finished, tmp_path, seed):
    chance = random.Random(seed)
    tree = ClusterTree(tmp_path / "tree")
    write_photographs(tree.folder / "photographs")
    began = time.monotonic()

    def say(line):
        print(f"seed {seed}, {time.monotonic() - began:.0f} s: {line}")

    run = Run(cluster, tree, "all")
    first = seed * FAULTS_A_RUN
    drawn = [FAULTS[number % len(FAULTS)] for number in range(first, first + FAULTS_A_RUN)]
    for fault in chance.sample(drawn, FAULTS_A_RUN):
        run.let_go_on(chance.uniform(0, LONGEST_PAUSE))
        while not (hit := fault(run)):
            say(f"{fault.__name__} came too late")
        say(f"{fault.__name__} hit {hit}")
    assert run.finish() == 0, run.everything_printed()
    say("the end")
    assert tree.jobs("all") == set()
    assert_same(tree, results(finished))
