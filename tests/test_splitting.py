"""Sets and folders that are split by name, and photographs that stand in two of them."""

import pandas as pd
import pytest

from grids.base.errors import InputError
from grids.images import overlap, splitting

SHARES = {"train": 0.8, "pies": 0.1, "test": 0.1}


@pytest.mark.parametrize("count", [3, 4, 12, 30])
@pytest.mark.parametrize("prefix", ["IMG_", "holiday", ""])
def test_each_part_of_a_small_folder_has_one_at_least(count, prefix):
    parts = splitting.parts_of([f"{prefix}{i}" for i in range(count)], SHARES, "photographs")
    assert {*parts.values()} == {*splitting.PARTS}
    values = list(parts.values())
    assert values.count("train") >= values.count("test")


def test_what_needs_no_help_is_the_part_of_its_name():
    names = [f"{i}" for i in range(500)]
    parts = splitting.parts_of(names, SHARES, "photographs")
    assert parts == {name: splitting.part_of(name, SHARES) for name in names}
    assert splitting.parts_of(reversed(names), SHARES, "photographs") == parts


def test_two_are_too_few():
    with pytest.raises(InputError, match=r"split.\w+: none of the 2 photographs belongs to this"):
        splitting.parts_of(["a", "b"], SHARES, "photographs")


def test_a_photograph_in_two_sets_is_found_by_content_and_place():
    def index(*rows):
        return pd.DataFrame(rows, columns=["path", "sha256", "left", "width"])

    trained = index(("a.png", "1", 0, 50), ("b.png", "2", 0, 100))
    tested = index(("x.png", "1", 50, 30), ("y.png", "2", 0, 100), ("z.png", "3", 0, 9))
    # The bands of the first share no pixel.
    assert overlap.shared(trained, tested) == ["y.png"]
    assert overlap.shared(trained, index(("x.png", "1", 49, 30))) == ["x.png"]
    assert overlap.shared(trained, tested[2:]) == []
    line = overlap.described(["a", "b", "c", "d"], 9, "own")
    assert line.startswith("4 of 9 photographs of own are trained on as well (a, b, c, …): ")
