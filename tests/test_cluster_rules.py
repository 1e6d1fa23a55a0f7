"""What every rule says of a cluster: what its jobs ask for, or that they run on the spot."""

import re

from conftest import ROOT


def test_every_job_asks_for_resources_or_is_local():
    rules = {}
    for path in (ROOT / "rules").glob("*.smk"):
        parts = re.split(r"^ *(?:rule|checkpoint) (\w+):", path.read_text(), flags=re.MULTILINE)
        # Rules that `use` another one inherit what it asks for.
        rules |= dict(zip(parts[1::2], parts[2::2], strict=True))
    local = {name for name, body in rules.items() if "localrule: True" in body}
    asking = {name for name, body in rules.items() if "**on_cluster(" in body}
    assert local | asking == set(rules)
    assert not local & asking


def test_rules_have_the_threads_that_slurm_is_asked_about():
    (said,) = re.findall(
        r"^THREADS = \{\n((?:    .+,\n)+)\}",
        (ROOT / "rules" / "common" / "cluster.smk").read_text(),
        flags=re.MULTILINE,
    )
    threads = dict(re.findall(r'"(\w+)": (.+),\n', said))
    for path in (ROOT / "rules").glob("*.smk"):
        for body in re.split(r"^ *(?:rule|checkpoint) ", path.read_text(), flags=re.MULTILINE):
            if kind := re.search(r'\*\*on_cluster\("(\w+)"\)', body):
                own = re.search(r"^ +threads: (.+)", body, flags=re.MULTILINE)
                assert (own[1] if own else "1") == threads[kind[1]], body
