"""What is fitted: the paper's rule, the prediction of gains, and the promises about them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from grids.selection.decision import decide
from grids.selection.fitting import fit
from grids.selection.fitting.decisions import nearest
from grids.selection.statistics import Statistics
from grids.similarity import law

GROUPS = (("a", "b"), ("c",))
CENTRES = {"a": (0, 0), "b": (4, 0), "c": (0, 6), "clean": (9, 9)}


def views(generator, count, names=tuple(CENTRES)):
    """Views whose statistics are normal about a centre, and whose gains follow the first one."""
    rows = [
        {
            "degradation": name,
            "number": number,
            "vector": np.array(CENTRES[name]) + generator.normal(size=2),
            "alpha": 0.5 + 0.1 * len(name),
            "sigma": 2.0 + ord(name[0]) - ord("a"),
        }
        for name in names
        for number in range(count)
    ]
    table = pd.DataFrame(rows)
    first = np.stack(table["vector"])[:, 0]
    return table.assign(gain_db=3 + 2 * first + 0.5 * generator.standard_t(4, size=len(table)))


@pytest.fixture(scope="module")
def rule():
    generator = np.random.default_rng(1)
    references = views(generator, 300)
    fitted = fit.fit(references, GROUPS)
    seen = fit.for_prediction(references, GROUPS)
    fitted = fit.predict(fitted, seen, GROUPS)
    seen = views(generator, 300, ("a", "b", "c"))
    return fit.calibrate(fitted, fit.for_calibration(fitted, seen))


def test_the_papers_rule_takes_means_of_members_and_the_least_divergence(rule):
    distances = rule.distances(np.array([0.6]), np.array([2.6]))[0]
    # a and b have σ 2 and 3, so 2.5 in the mean; c has 4. All have α 0.6.
    expected = [law.kl(0.6, 2.5, 0.6, 2.6), law.kl(0.6, 4.0, 0.6, 2.6)]
    np.testing.assert_allclose(distances, np.log10(np.array(expected) + 1e-5) + 5)


def test_probabilities_of_members_add_up(rule):
    points = np.array([[2.0, 0], [0, 6], [4, 0]])
    squared = rule.discriminant.squared_distances(points)[:, :3]
    shares = np.exp(-squared / 2)
    shares /= shares.sum(axis=1, keepdims=True)
    expected = np.stack([shares[:, 0] + shares[:, 1], shares[:, 2]], axis=1)
    np.testing.assert_allclose(rule.probabilities(points), expected, rtol=1e-9)


def test_promises_hold_on_views_that_were_never_seen(rule):
    fresh = views(np.random.default_rng(2), 2000, ("a", "b", "c"))
    vectors = np.stack(fresh["vector"])
    group = rule.probabilities(vectors).argmax(axis=1)
    predicted, margin = rule.gains(vectors, group)
    within = np.abs(fresh["gain_db"] - predicted) <= margin
    assert within.mean() == pytest.approx(0.9, abs=0.03)
    # Much of the spread of gains is explained.
    assert np.corrcoef(predicted, fresh["gain_db"])[0, 1] > 0.9
    # One in twenty is refused by mistake, at most: two tests share the five per cent.
    refused = (rule.usualness(vectors) < 0.05).mean()
    assert 0.02 < refused < 0.07


def test_what_looks_clean_or_like_nothing_is_out_of_distribution(rule):
    for vector, words in (((9, 9), "looks undamaged"), ((-30, -20), "unlike the damage")):
        decision = decide(rule, ("a+b", "c"), Statistics(np.array(vector, float), 0.6, 2.5))
        assert not decision.known
        assert words in decision.reason
    decision = decide(rule, ("a+b", "c"), Statistics(np.array([0.0, 6]), 0.6, 2.5))
    assert decision.known
    assert decision.group == "c"
    assert (
        decide(rule, ("a+b", "c"), Statistics(np.array([0.0, 6]), 0.6, 2.5), "paper").group == "a+b"
    )


def test_quantiles_are_conformal():
    values = np.arange(1.0, 100.0)  # 99 values: the 90th smallest covers 90 % of a further one
    assert fit.quantile(values, 0.9) == 90
    assert fit.quantile(values[:5], 0.9) == 5


def test_a_degradation_with_few_views_gets_the_margin_of_all(rule):
    seen = views(np.random.default_rng(3), 100, ("a",))
    margins = fit.calibrate(rule, fit.for_calibration(rule, seen)).margin_db
    assert margins[2] == pytest.approx(margins[0], rel=0.2)


def test_calibration_and_references_share_no_photograph():
    table = pd.DataFrame({"photograph": [*range(11), *range(11)]})
    held_out = fit.held_out(table)
    assert set(table["photograph"][held_out]) == {4, 9}
    assert held_out.sum() == 4


def test_a_gain_is_the_mean_over_the_members_of_the_group_by_their_probability(rule):
    marked = replace(
        rule,
        gain_weights=np.zeros_like(rule.gain_weights),
        gain_offset=np.array([1.0, 5.0, 9.0]),
        margin_db=np.array([0.1, 0.2, 0.3]),
    )
    points = np.array([[1.9, 0.1], [3.5, 0], [0, 6]])
    squared = rule.discriminant.squared_distances(points)[:, :2]
    shares = np.exp(-squared / 2) / np.exp(-squared / 2).sum(axis=1, keepdims=True)
    gains, margins = marked.gains(points, np.array([0, 0, 1]))
    np.testing.assert_allclose(gains, [*(shares[:2] @ [1, 5]), 9])
    assert margins.tolist() == [0.1 if shares[0, 0] > 0.5 else 0.2, 0.2, 0.3]


def test_neighbours_never_look_at_the_same_photograph():
    # Six views of one photograph lie together, but only one of them is like the others' x.
    table = pd.DataFrame(
        {
            "photograph": ["1"] * 6 + ["2", "2", "2", "3", "3", "3", "3"],
            "kind": "whole",
            "group": ["x", *"yyyyy", *"xxy", *"xxy", None],
        }
    )
    points = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.5, 1, 2, 9, -1, -2, 10, 0.01])[:, None]
    found = nearest(table, points)
    assert found[0] == "x"
    # Of another photograph, all of the first are near.
    assert found[6] == "y"
    assert pd.isna(found[12])
