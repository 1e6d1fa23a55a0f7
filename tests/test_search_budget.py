"""The strategy that asks for shares of trainings, what it learns from them, and what they cost."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grids.search import costs
from grids.search.contract import SearchSettings, Similarity, Trial
from grids.search.drops import levels, model
from grids.search.drops.levels import Short
from grids.search.forecast import forecast_levels, sentence
from grids.search.simulation.curves import Curves, Knobs, Measured
from grids.search.simulation.families import DELTA, FAMILIES, linear
from grids.search.simulation.searches import optimum, run, run_levels
from grids.search.story import story
from grids.search.strategies import active, budget

ASKED = SearchSettings(DELTA, levels=(10, 30))


def worst(instance, group):
    return max(instance.of(group).values())


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(sorted(FAMILIES)),
    st.integers(1, 5),
    st.sampled_from([0.0, 1.0]),
    st.integers(0, 10**6),
    st.integers(1, 8),
    st.sampled_from(["full", "bounded"]),
    st.sampled_from([Knobs(), Knobs(trust=0.0, noise=1.0), Knobs(noise=0.0, spread=0.0)]),
)
# Here the probability of a group that is not certain is 1 in floats.
@example("linear", 4, 0.0, 103, 6, "bounded", Knobs(noise=0.0, spread=0.0))
def test_ends_with_groups_that_are_as_sure_as_asked(
    family, n, correlation, seed, requests, certificate, knobs
):
    # `run_levels` raises where the strategy breaks its contract.
    instance = FAMILIES[family](n, correlation, 0.15, seed)
    asked = SearchSettings(DELTA, requests, levels=(10, 30), certificate=certificate)
    done = run_levels(budget.plan, instance.similarity, Curves(instance, knobs, seed).of, asked)
    ends = done.measured[100]
    assert set(done.groups) <= set(ends)
    finished = [group for group in ends if len(group) == 1]
    for group in done.groups:
        certain = all((name,) in finished for name in group)
        assert (done.stated(group) == 1) == (certain or len(group) == 1)
        if certain and len(group) > 1:
            assert worst(instance, group) <= DELTA
    if certificate == "full":
        assert len(finished) == n
        assert len(done.groups) >= len(optimum(instance, DELTA))


def test_curves_that_tell_everything_leave_nothing_to_be_trained_for_nothing():
    instance = linear(7, 0.9, 0.15, 3)
    knobs = Knobs(trust=1.0, bias=0.0, noise=0.0, spread=0.0)
    done = run_levels(budget.plan, instance.similarity, Curves(instance, knobs, 3).of, ASKED)
    kept = sum(len(group) > 1 for group in done.groups)
    assert done.trainings <= kept + 1
    usual = run(active.plan, instance.similarity, instance.of, SearchSettings(DELTA))
    assert done.cost(0.2) < 7 + 1 + usual.trainings
    bounded = SearchSettings(DELTA, levels=(10, 30), certificate="bounded")
    less = run_levels(budget.plan, instance.similarity, Curves(instance, knobs, 3).of, bounded)
    assert less.cost(0.2) < 0.8 * done.cost(0.2)


def test_what_was_trained_before_is_not_asked_for_again():
    instance = linear(6, 0.9, 0.15, 4)
    curves = Curves(instance, Knobs(), 4)
    first = run_levels(budget.plan, instance.similarity, curves.of, ASKED)
    again = run_levels(budget.plan, instance.similarity, curves.of, ASKED, first.measured)
    assert again.rounds == ()
    assert again.groups == first.groups
    other = SearchSettings(DELTA, levels=(10, 30), certificate="bounded")
    bounded = run_levels(budget.plan, instance.similarity, curves.of, other)
    finished = run_levels(budget.plan, instance.similarity, curves.of, ASKED, bounded.measured)
    asked = [trial for trials in finished.rounds for trial in trials]
    assert Trial(("degradation_00",), 10) not in asked


def test_a_training_that_fails_on_its_way_is_gone_round():
    instance = linear(4, 0.9, 0.0, 5)
    curves = Curves(instance, Knobs(), 5)
    asked = SearchSettings(2.0, levels=(10,))
    best = run_levels(budget.plan, instance.similarity, curves.of, asked)
    group = max(best.groups, key=len)

    def psnr(trained, level):
        if trained == group:
            return dict.fromkeys(trained, -math.inf)
        return curves.of(trained, level)

    done = run_levels(budget.plan, instance.similarity, psnr, asked)
    assert group not in done.groups
    assert group not in done.measured[100]


def test_a_member_that_is_known_to_pass_is_in_no_doubt():
    similarity = Similarity(("a", "b"), np.full((2, 2), 3.0), np.zeros((2, 2)))
    # The drop of a is δ to the last bit; of b hardly anything is known.
    both = {10: {"a": 20.0, "b": 19.0}, 100: {"a": 29.5, "b": 25.0}}
    measured = {
        10: {("a",): {"a": 20.0}, ("b",): {"b": 20.0}, ("a", "b"): both[10]},
        100: {("a",): {"a": 30.0}, ("a", "b"): both[100]},
    }
    asked = SearchSettings(0.5, levels=(10,), certificate="bounded")
    answer = budget.plan(similarity, measured, asked)
    assert answer.trials == (Trial(("b",)),)


def test_costs_are_those_of_steps_done_once():
    # 10 %, its decay of a fifth again, and from there to the end.
    assert costs.cost([10], 0.2) == pytest.approx(0.1)
    assert costs.cost([10, 100], 0.2) == pytest.approx(1.02)
    assert costs.cost([30, 10, 100], 0.2) == pytest.approx(1 + 0.2 * 0.4)
    assert costs.step([10], 100, 0.2) == pytest.approx(0.92)
    trials = [Trial(("a",), 10), Trial(("a",), 100), Trial(("a", "b"), 10)]
    assert costs.total(trials, 0.5) == pytest.approx(1.05 + 0.1)


def test_drops_of_what_is_measured_at_each_level():
    psnr = {
        10: {("a",): {"a": 20.0}, ("b",): {"b": 25.0}, ("a", "b"): {"a": 19.0, "b": 24.5}},
        30: {("b",): {"b": 27.0}},
        100: {("a",): {"a": 30.0}, ("a", "b"): {"a": 29.5, "b": 28.0}},
    }
    assert levels.drops(psnr) == {("a", "b"): {"a": 0.5}}
    told = levels.short(psnr)
    assert told.drops == {10: {("a", "b"): {"a": 1.0, "b": 0.5}}, 30: {}}
    # Each against the highest level below the end.
    assert told.ahead == {10: {("a", "b"): {"a": -9.5}}, 30: {("a", "b"): {"b": -1.0}}}
    psnr[100]["b", "c"] = dict.fromkeys("bc", -math.inf)
    assert levels.drops(psnr)["b", "c"] == {"b": math.inf, "c": math.inf}


def test_curves_do_what_their_knobs_say():
    instance = linear(8, 0.5, 0.15, 2)
    names = instance.similarity.names
    groups = [names[i : i + 3] for i in range(6)] + [names[i : i + 4] for i in range(5)]

    def short(knobs, level=10):
        curves = Curves(instance, knobs, 2)
        return {
            (group, name): curves.of((name,), level)[name] - psnr
            for group in groups
            for name, psnr in curves.of(group, level).items()
        }

    final = {(group, name): instance.of(group)[name] for group in groups for name in group}
    quiet = Knobs(trust=1.0, bias=0.0, noise=0.0)
    assert short(quiet) == pytest.approx(final)
    half = short(Knobs(trust=0.5, bias=0.1, noise=0.0))
    expected = {key: 0.5 * final[key] + 0.1 * (len(key[0]) - 1) for key in final}
    assert half == pytest.approx(expected)
    noisy = short(Knobs(trust=1.0, bias=0.0, noise=0.3))
    noise = np.array([noisy[key] - final[key] for key in final])
    # That of two models, at 30 % half of its variance.
    assert noise.std() == pytest.approx(0.3 * math.sqrt(2), rel=0.35)
    assert short(Knobs(trust=0.5, bias=1.0, noise=1.0), 100) == pytest.approx(final)


def at_two_levels(trust, noise, bias):
    """Groups of an instance: drops of a few at the end, and of all at a tenth of the training."""
    instance = linear(6, 0.3, 0.15, 1)
    names = instance.similarity.names
    inside = (np.arange(1 << 6)[:, None] >> np.arange(6) & 1).astype(bool)
    inside = inside[inside.sum(axis=1) > 1]
    groups = [tuple(n for n, is_in in zip(names, row, strict=True) if is_in) for row in inside]
    random = np.random.default_rng(5)
    lower = {
        group: {
            name: trust * drop + bias * len(group) + noise * random.normal()
            for name, drop in instance.of(group).items()
        }
        for group in groups
    }
    measured = {group: instance.of(group) for group in groups[::7]}
    short = Short({10: lower})
    fitted = [
        model.fit(instance.similarity, measured, DELTA),
        model.fit(instance.similarity, measured, DELTA, short),
    ]
    return instance, inside, fitted


def test_a_level_that_orders_the_drops_tells_of_all_that_was_measured_at_it():
    instance, inside, fitted = at_two_levels(1.0, 0.05, 0.1)
    worst = np.where(inside, instance.drops(inside), -np.inf).max(axis=1)
    without, with_level = (np.abs(fit.predict(inside).mean - worst).mean() for fit in fitted)
    assert with_level < 0.7 * without


def test_a_level_that_tells_nothing_changes_little():
    _, inside, (without, with_level) = at_two_levels(0.0, 1.0, 0.0)
    gap = np.abs(with_level.predict(inside).mean - without.predict(inside).mean)
    # Strengths are chosen in another way, no more.
    assert gap.mean() < 0.1


def test_all_that_may_be_believed_weighs_one_together():
    instance = linear(5, 0.9, 0.15, 6)
    curves = Curves(instance, Knobs(), 6)
    names = instance.similarity.names
    psnr = {
        10: {group: curves.of(group, 10) for group in [*((n,) for n in names), names[:2]]},
        100: {names[:2]: curves.of(names[:2], 100)},
    }
    drops, short = levels.drops(psnr), levels.short(psnr)
    models = model.weighed(instance.similarity, drops, DELTA, short)
    assert sum(weight for weight, _ in models) == pytest.approx(1)
    inside = np.array([name in names[:2] for name in names])
    chances = [np.exp(fitted.log_chances(inside).sum()) for _, fitted in models]
    # One measurement at a level leaves open how far it may be trusted.
    assert max(chances) - min(chances) > 0.1
    alone = model.weighed(instance.similarity, {}, DELTA, Short())
    assert [weight for weight, _ in alone] == [1.0]


def test_what_is_measured_stands_and_the_rest_is_as_at_the_end():
    instance = linear(3, 0.9, 0.15, 1)
    one, two = instance.similarity.names[:2]
    curves = Measured(instance, {10: {(one,): {one: 20.0}}, 100: {(two,): {two: 31.0}}})
    assert curves.of((one,), 10) == {one: 20.0}
    # At the nearest level that is measured of each, less the final drop.
    drops = instance.of((one, two))
    assert curves.of((one, two), 30) == {one: 20.0 - drops[one], two: 31.0 - drops[two]}


def test_the_forecast_and_the_story_count_whole_trainings():
    instance = linear(5, 0.9, 0.15, 2)
    curves = Curves(instance, Knobs(), 2)
    ahead = forecast_levels(budget.plan, instance.similarity, {}, ASKED)
    # The single-task models alone are five.
    assert 5 * 1.02 <= ahead.least <= ahead.likely < 2**5
    assert "likely as much as" in sentence(ahead, 10.0)
    done = run_levels(budget.plan, instance.similarity, curves.of, ASKED)
    halfway = {level: psnr for level, psnr in done.measured.items() if level < 100}
    less = forecast_levels(budget.plan, instance.similarity, halfway, ASKED)
    assert less.likely < ahead.likely
    over = forecast_levels(budget.plan, instance.similarity, done.measured, ASKED)
    assert (over.least, over.likely, over.rounds) == (0, 0, 0)
    plans, known = [], []
    for number, why in enumerate(done.whys):
        asked = [trial.name for trial in done.rounds[number]] if number < len(done.rounds) else []
        answer = {"requests": asked} if asked else {"solution": ["+".join(g) for g in done.groups]}
        plan = {"round": number, "strategy": "budget", "delta": DELTA, "known": list(known)}
        plans.append(plan | answer | {"why": why, "settings": {"levels": [10, 30], "decay": 0.2}})
        known += asked
    lines = story(plans, levels.drops(done.measured), levels.short(done.measured).drops)
    assert sum(line.startswith("Round") for line in lines) == len(plans)
    assert any(" dB at 10 %" in line for line in lines)
    assert lines[-1].endswith(f"as much as {done.cost(0.2):.2f} whole trainings; nothing is left")
