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
