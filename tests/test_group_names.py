"""Names of groups: short enough for a file, and back to the degradations."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grids.base.errors import InputError
from grids.search.group_names import LIMIT, group_name, members

KNOWN = tuple(f"degradation_{letter}" for letter in "abcdefghijklmnop")


@settings(deadline=None, max_examples=50)
@given(st.sets(st.sampled_from(KNOWN), min_size=1))
def test_a_name_stands_for_its_group(group):
    name = group_name(group)
    assert len(name) <= LIMIT
    assert members(name, KNOWN) == tuple(sorted(group))


def test_a_shortened_name_says_what_fits_how_many_are_missing_and_a_digest():
    digest = hashlib.sha256("+".join(KNOWN).encode()).hexdigest()[:8]
    assert group_name(reversed(KNOWN)) == "+".join([*KNOWN[:7], f"and_9_more_{digest}"])


def test_a_name_of_which_no_degradation_fits():
    long = [letter * 110 for letter in "abcd"]
    name = group_name(long[1:])
    assert name.startswith("and_3_more_")
    assert members(name, long) == tuple(long[1:])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("degradation_a+degradation_z", "unknown degradation 'degradation_z'"),
        ("degradation_b+degradation_a", "write degradation_a\\+degradation_b"),
        ("degradation_a+degradation_a", "name it once"),
        ("degradation_a+and_3_more_00000000", "stands for no group"),
        ("degradation_a+and_99_more_00000000", "stands for no group"),
        ("degradation_a+and_0_more_00000000", "unknown degradation"),
    ],
)
def test_what_is_no_name_is_refused(name, message):
    with pytest.raises(InputError, match=message):
        members(name, KNOWN)


def test_a_name_with_the_right_digest_but_cut_elsewhere_is_refused():
    first, *_, digest = group_name(KNOWN).split("+")
    with pytest.raises(InputError, match="stands for no group"):
        members("+".join([first, digest.replace("and_9", "and_15")]), KNOWN)
