import pytest
from snakemake.cli import parse_config
from snakemake.utils import update_config

from grids.configuration.command_line import as_of_a_file

FILE = {"search": {"requests_per_round": 1, "test_set": "own"}, "seed": 0, "results": "results"}


@pytest.mark.parametrize(
    ("said", "section", "value"),
    [
        ("search={requests_per_round: 2}", "search", {"requests_per_round": 2, "test_set": "own"}),
        (
            "training={iterations: 600000, amp: no}",
            "training",
            {"iterations": 600000, "amp": False},
        ),
        ("degradations={jpeg: null}", "degradations", {"jpeg": None}),
        ("report={noise_seeds: [1, 2]}", "report", {"noise_seeds": [1, 2]}),
        (
            "images={train: '2024-05-01', pies: 'a: b'}",
            "images",
            {"train": "2024-05-01", "pies": "a: b"},
        ),
        ("seed=3", "seed", 3),
        ("results=no", "results", "no"),
    ],
)
def test_what_is_nested_is_read_as_in_a_file(said, section, value):
    given = parse_config([said])
    config = {key: dict(part) if isinstance(part, dict) else part for key, part in FILE.items()}
    update_config(config, given)
    assert as_of_a_file(config, given) == FILE | {section: value}


def test_what_an_importer_lays_over_it_stays():
    given = parse_config(["search={requests_per_round: 2}"])
    assert as_of_a_file(FILE, given) == FILE
