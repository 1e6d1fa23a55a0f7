import pytest

from grids.base.wording import counted, duration
from grids.search.story import story


def test_one_has_no_plural():
    assert [counted(number, "group") for number in range(3)] == ["0 groups", "1 group", "2 groups"]


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (8.8e-06, "0.032 s"),
        (59 / 3600, "59 s"),
        (59.7 / 3600, "1 min"),
        (0.5, "30 min"),
        (0.999, "0.999 h"),
        (8, "8 h"),
        (1250, "1,250 h"),
    ],
)
def test_a_duration_has_the_unit_that_fits(hours, said):
    assert duration(hours) == said


def test_a_story_shows_as_many_digits_as_delta_has():
    plan = {"round": 0, "strategy": "given", "delta": 0.0001, "known": [], "why": {}}
    asked, done = plan | {"requests": ["a+b"]}, plan | {"round": 1, "solution": ["a", "b"]}
    lines = story([asked, done], {("a", "b"): {"a": 0.00032, "b": 0.0}})
    assert lines[1] == "  a+b: fails, drops +0.00032 dB"
    assert lines[-1] == "1 group was asked for in 1 round; nothing is left"
