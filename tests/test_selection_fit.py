"""What is fitted: the paper's rule, the prediction of gains, and the promises about them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from grids.selection import conformal, decision, evidence, selector_file
from grids.selection.decision import best, choose, decide
from grids.selection.fitting import fit
from grids.selection.fitting.decisions import decisions, nearest
from grids.selection.fitting.views import turns
from grids.selection.rule import Forecast, known
from grids.selection.statistics import Statistics
from grids.similarity import law

GROUPS = (("a", "b"), ("c",))
CENTRES = {"a": (0, 0), "b": (4, 0), "c": (0, 6), "clean": (9, 9)}


def views(generator, count, names=tuple(CENTRES)):
    """Views whose statistics are normal about a centre.

    Gains of the first group's model follow the first of them, the second's are nothing, and the
    mix's are half of that of the first. Undamaged ones lose by each.
    """
    rows = [
        {
            "degradation": name,
            "number": number,
            "photograph": number,
            "part": number % 4,
            "source": "one",
            "vector": np.array(CENTRES[name]) + generator.normal(size=2),
            "darkest": generator.uniform(0, 0.1),
            "alpha": 0.5 + 0.1 * len(name),
            "sigma": 2.0 + ord(name[0]) - ord("a"),
        }
        for name in names
        for number in range(count)
    ]
    table = pd.DataFrame(rows)
    first = np.stack(table["vector"])[:, 0]
    gain = 3 + 2 * first + 0.5 * generator.standard_t(4, size=len(table))
    gain = np.where(table["degradation"] == "clean", -5.0, gain)
    own = np.where(table["degradation"] == "c", 0.0, gain)
    return table.assign(
        gains_db=[*np.stack([own, gain / 2], axis=1)],
        trials=[*trials_of(np.stack(table["vector"]))],
    )


def trials_of(vectors):
    """What trying tells: of either model the first of the statistics."""
    return np.repeat(np.asarray(vectors, float)[:, None, :1], 2, axis=1)


@pytest.fixture(autouse=True)
def names_of_two_statistics(monkeypatch):
    kinds = {"first": np.array([0]), "second": np.array([1])}
    monkeypatch.setattr(evidence, "kinds", lambda: kinds)


@pytest.fixture(scope="module")
def rule():
    generator = np.random.default_rng(1)
    references = views(generator, 150)
    judged = views(generator, 300)
    fitted = fit.temper(fit.fit(references, GROUPS), judged, GROUPS)
    return fit.calibrate(fit.predict(fitted, references), judged, GROUPS)


def test_the_papers_rule_takes_means_of_members_and_the_least_divergence(rule):
    distances = rule.distances(np.array([0.6]), np.array([2.6]))[0]
    # a and b have σ 2 and 3, so 2.5 in the mean; c has 4. All have α 0.6.
    expected = [law.kl(0.6, 2.5, 0.6, 2.6), law.kl(0.6, 4.0, 0.6, 2.6)]
    np.testing.assert_allclose(distances, np.log10(np.array(expected) + 1e-5) + 5)


def member(rule, number, points):
    """Logits of one of the networks, of statistics in deviations from their mean."""
    points = (points - (rule.least + rule.most) / 2) / ((rule.most - rule.least) / 8 + 1e-9)
    units = np.maximum(points @ rule.first[number] + rule.first_offset[number], 0)
    units = np.maximum(units @ rule.second[number] + rule.second_offset[number], 0)
    return units @ rule.output[number] + rule.output_offset[number]


def shares_of(rule, points):
    """Probabilities of the classes, written out: networks and discriminant, all tempered."""
    squared = rule.discriminant.squared_distances(points)
    logits = np.mean([member(rule, number, points) for number in range(4)], axis=0)
    odds = np.exp(logits / rule.temperature) * np.exp(-squared / 12 / rule.temperature)
    return odds / odds.sum(axis=1, keepdims=True)


def test_probabilities_of_members_add_up(rule):
    points = np.array([[2.0, 0], [0, 6], [4, 0]])
    shares = shares_of(rule, points)[:, :3]
    shares /= shares.sum(axis=1, keepdims=True)
    expected = np.stack([shares[:, 0] + shares[:, 1], shares[:, 2]], axis=1)
    np.testing.assert_allclose(rule.probabilities(points), expected, rtol=1e-9)


def test_in_what_units_statistics_are_changes_nothing(rule):
    references, points = views(np.random.default_rng(1), 150), np.array([[2.0, 0], [0, 6], [4, 0]])
    other = [vector * [1, 1000] + [5, 0] for vector in references["vector"]]
    turned = fit.fit(references.assign(vector=other), GROUPS)
    plain = fit.fit(references, GROUPS)
    told = turned.probabilities(points * [1, 1000] + [5, 0])
    np.testing.assert_allclose(told, plain.probabilities(points), atol=1e-3)


def test_statistics_count_up_to_four_standard_deviations(rule):
    seen = np.stack(views(np.random.default_rng(1), 150)["vector"])
    edge = seen.mean(axis=0) + 4 * seen.std(axis=0)
    np.testing.assert_allclose(rule.most, edge)
    beyond = edge + np.array([[0, 50], [0, 500]])
    for told in (rule.classes(beyond), rule.place(beyond), rule.distance(beyond)):
        np.testing.assert_allclose(told[0], told[1])
    np.testing.assert_allclose(rule.classes(beyond)[0], rule.classes(edge[None])[0])


def test_the_choice_is_as_sure_as_it_is_right(rule):
    fresh = views(np.random.default_rng(4), 1000)
    sure = rule.classes(np.stack(fresh["vector"]))
    right = np.array([*CENTRES])[sure.argmax(axis=1)] == fresh["degradation"]
    assert sure.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.02)
    # One that is too sure is corrected.
    overfit = replace(
        rule,
        output=rule.output * 9,
        output_offset=rule.output_offset * 9,
        whitening=rule.whitening * 3,
        means=rule.means * 3,
    )
    tempered = fit.temper(overfit, fresh[fresh["number"] < 250], GROUPS)
    assert tempered.temperature.item() == pytest.approx(9 * rule.temperature.item(), rel=0.2)


def memorable():
    """Views of photographs that are told apart by their number, and of which each has one class."""
    generator = np.random.default_rng(8)
    table = views(generator, 40, ("a", "c", "clean"))
    own = np.array([*np.eye(40)])[table["number"]] * 10
    return table.assign(
        degradation=np.array(["a", "c", "clean"])[(table["number"] // 2) % 3],
        vector=[*(own + generator.normal(size=own.shape))],
    )


def test_no_network_learns_from_the_photographs_whose_places_it_tells():
    """What is learned by heart is not known of a photograph that nobody saw."""
    turned = memorable()
    rule = fit.fit(turned, (("a",), ("c",)))
    seen = rule.classes(np.stack(turned["vector"])).argmax(axis=1)
    unseen = fit.unseen_places(rule, turned).argmax(axis=1)
    labels = pd.Index(["a", "c", "clean"]).get_indexer(turned["degradation"])
    assert (seen == labels).mean() > 0.95
    assert (unseen == labels).mean() < 0.6
    # Each by the network that was not shown photographs of such numbers.
    third = turned["part"] == 2
    points = np.stack(turned["vector"])[third]
    np.testing.assert_array_equal(
        fit.unseen_places(rule, turned)[third], rule.of_member(2).place(points)
    )
    # Real damage was shown to none: all of them tell it, as of any other photograph.
    real = turned.assign(part=-1)
    np.testing.assert_allclose(fit.unseen_places(rule, real)[third], rule.place(points))
    # Gains are told by these places.
    expecting = fit.predict(rule, turned)
    told = expecting.gain_points * expecting.gain_scale + expecting.gain_centre
    trials = np.stack(turned["trials"])
    np.testing.assert_allclose(told, known(fit.unseen_places(rule, turned), trials), atol=0.01)
    assert np.abs(told - known(rule.place(np.stack(turned["vector"])), trials)).max() > 0.5


def test_models_are_tried_as_on_photographs_that_nobody_saw():
    table, asked = memorable().drop(columns="part"), []

    def with_gains(given):
        asked.append(given)
        return given

    groups = (("a",), ("c",))
    rule, _ = fit.fitted(table, groups, 40, with_gains)
    held = table["photograph"] % 5 == 4
    parts = table.assign(part=table["photograph"] % 4)
    tempered = fit.temper(fit.fit(parts[~held], groups), table[held], groups)
    assert rule.temperature == tempered.temperature
    shares = rule.probabilities(np.stack(table["vector"]))
    seen = pd.Series(shares.argmax(axis=1), table.index)
    unseen = pd.Series(
        rule.groups(np.square(fit.unseen_places(rule, parts))).argmax(axis=1), table.index
    )
    assert (seen != unseen)[~held].mean() > 0.2
    wanted = seen.where(held, unseen)
    assert (asked[0]["likeliest"] == wanted[asked[0].index]).all()


def test_promises_hold_on_views_that_were_never_seen(rule):
    fresh = views(np.random.default_rng(2), 1000)
    vectors = np.stack(fresh["vector"])
    trials = np.stack(fresh["trials"])
    forecast = rule.forecast(vectors, trials)
    gains = np.stack(fresh["gains_db"])
    told = np.isfinite(forecast.high - forecast.low)
    assert told.mean() > 0.9
    within = (forecast.low <= gains) & (gains <= forecast.high)
    reached = gains >= forecast.counted_on
    damaged = rule.classes(vectors)[:, -1] < 0.003
    for model in (0, 1):
        own = told[:, model]
        assert within[own, model].mean() == pytest.approx(0.92, abs=0.04)
        # Much of the spread of gains is explained.
        assert np.corrcoef(forecast.expected[:, model], gains[:, model])[0, 1] > 0.9
        # What is almost certainly damaged need not be as sure.
        assert reached[own & ~damaged, model].mean() == pytest.approx(0.9, abs=0.03)
        assert reached[own & damaged, model].mean() == pytest.approx(0.61, abs=0.03)
    # By each of two reasons one in fifty is refused by mistake.
    dark = np.zeros(len(fresh))
    assert (rule.usualness(vectors, dark) < 0.02).mean() == pytest.approx(0.02, abs=0.01)
    unusual = rule.usualness(vectors, fresh["darkest"].to_numpy()) < 0.02
    assert unusual.mean() == pytest.approx(0.04, abs=0.015)


def test_intervals_are_of_views_with_the_same_damage(rule):
    # Those of one class have errors of another size.
    generator = np.random.default_rng(3)
    fresh = views(generator, 200)
    wild = fresh["degradation"] == "c"
    errors = np.where(wild, 10.0, 1.0)[:, None] * generator.normal(size=(len(fresh), 2))
    expected, spread = rule.gains(np.stack(fresh["vector"]), np.stack(fresh["trials"]))
    own = fit.calibrate(rule, fresh.assign(gains_db=[*(expected + errors * spread)]), GROUPS)
    vectors = np.array([[0.0, -1], [0, 7]])
    told, (_, spread) = (of(vectors, trials_of(vectors)) for of in (own.forecast, own.gains))
    of_two = (told.high - told.low) / spread
    # Normal errors: 1.645 on either side.
    np.testing.assert_allclose(of_two.mean(axis=1), [3.3, 33], rtol=0.15)


def test_there_is_no_interval_where_too_few_had_such_damage(rule):
    fresh = views(np.random.default_rng(6), 100)
    rare = fresh[(fresh["degradation"] != "c") | (fresh["number"] < 3)]
    told = fit.calibrate(rule, rare, GROUPS)
    for vector, given in ([[0.0, 7]], False), ([[0.0, -1]], True):
        forecast = told.forecast(np.array(vector), trials_of(vector))
        assert (np.isfinite([forecast.low, forecast.high]) == given).all()
        # Nor can so little be counted on, although both are almost certainly damaged.
        assert (np.isfinite(forecast.counted_on) == given).all()


def test_what_may_be_undamaged_needs_an_interval(rule):
    """14 views like it are enough to tell what nine in ten reach, and not both ends."""
    fresh = views(np.random.default_rng(6), 100)
    few = fresh[~fresh["degradation"].isin(["c", "clean"]) | (fresh["number"] < 14)]
    told = fit.calibrate(rule, few.assign(gains_db=[np.array([3.0, 3.0])] * len(few)), GROUPS)
    # So near that those of other classes do not count.
    told = replace(told, reach=np.array([0.1]))
    for vector, is_damaged in ([[0.0, 7]], True), ([[9.0, 9]], False):
        assert (told.classes(np.array(vector))[0, -1] < 0.003) == is_damaged
        forecast = told.forecast(np.array(vector), trials_of(vector))
        assert np.isinf([forecast.low, forecast.high]).all()
        assert (np.isfinite(forecast.counted_on) == is_damaged).all()


def test_what_is_almost_certainly_damaged_need_not_be_as_sure(rule):
    vectors = np.array([[4.0, 0], [7.0, 7]])
    assert (rule.classes(vectors)[:, -1] < 0.003).tolist() == [True, False]
    shares = [rule.forecast(vectors, trials_of(vectors), share).counted_on for share in (0.5, 0.9)]
    assert (shares[0][0] > shares[1][0]).all()
    assert (shares[0][1] == shares[1][1]).all()
    usual = rule.forecast(vectors, trials_of(vectors)).counted_on
    assert (usual[0] < shares[0][0]).all()
    assert (usual[0] > shares[1][0]).all()


def test_what_may_lose_much_has_to_be_sure(rule, monkeypatch):
    """However certainly it is damaged: a wrong model costs more than no model."""
    vectors = np.array([[4.0, 0]])
    least = rule.forecast(vectors, trials_of(vectors), 0.9).counted_on
    usual = rule.forecast(vectors, trials_of(vectors)).counted_on
    assert (least < usual).all()
    expected, spread = rule.gains(vectors, trials_of(vectors))
    # As if each gain were lower by so much that 9 in 10 still lose less than 2 dB, or just more.
    for margin, told in (-1.99, usual), (-2.01, least):
        shift = margin - least
        with monkeypatch.context() as patch:
            patch.setattr(type(rule), "gains", lambda *_, by=shift: (expected + by, spread))
            found = rule.forecast(vectors, trials_of(vectors)).counted_on
        np.testing.assert_allclose(found, told + shift)


def test_each_gain_is_told_by_what_both_models_do(rule):
    generator = np.random.default_rng(11)

    def crossed(count):
        table = views(generator, count)
        trials = generator.normal(size=(len(table), 2, 1))
        gains = np.stack([2 * trials[:, 1, 0], 3 - trials[:, 0, 0]], axis=1)
        return table.assign(trials=[*trials], gains_db=[*gains])

    fitted, fresh = fit.predict(rule, crossed(60)), crossed(50)
    expected, _ = fitted.gains(np.stack(fresh["vector"]), np.stack(fresh["trials"]))
    off = np.abs(expected - np.stack(fresh["gains_db"]))
    assert (off.mean(axis=0) < 0.2).all()


def test_drawings_do_not_tell_how_dark_photographs_are():
    generator = np.random.default_rng(1)
    references, held = views(generator, 60), views(generator, 60)
    fitted = fit.predict(fit.fit(references, GROUPS), references)
    drawn = held.assign(darkest=held["darkest"].where(held.index % 4 > 0))
    plain = fit.calibrate(fitted, held[held.index % 4 > 0], GROUPS)
    rule = fit.calibrate(fitted, drawn, GROUPS)
    assert np.array_equal(rule.darkest_quantiles, plain.darkest_quantiles)


def decided(rule, *vector, darkest=0.05, **options):
    seen = Statistics(np.array(vector, float), darkest, 0.6, 2.5)
    asked = []

    def tried(model):
        asked.append(model)
        return trials_of([vector])[0, 0]

    decision = decide(rule, ("a+b", "c"), seen, tried, **options)
    assert asked == [*decision.gains_db]
    # No other is tried if the likeliest one's is expected to be the best: that would take time.
    assert asked[:2] == [decision.group, "mix"]
    gains = {model: gain for model, (gain, *_) in decision.gains_db.items()}
    assert asked[2:] == [] or gains["mix"] > gains[decision.group]
    return decision


def test_what_is_undamaged_or_unknown_is_left_alone(rule):
    clean, far = decided(rule, 9, 9), decided(rule, -30, -20)
    assert (clean.verdict, far.verdict) == ("leave", "refuse")
    assert "none of the damage that is known" in clean.reason
    assert "unlike all that is known" in far.reason
    # Nor where nothing is as dark as something is everywhere.
    assert decided(rule, 0, 6, darkest=0.3).verdict == "refuse"
    assert decided(rule, 0, 6, darkest=0.05).verdict != "refuse"


def test_a_photograph_is_restored_if_enough_can_be_counted_on(rule):
    known = decided(rule, 4, 0)
    assert (known.verdict, known.group, known.model) == ("restore", "a+b", "a+b")
    low, high = known.interval_db
    assert low < known.predicted_gain_db < high
    assert low > 8
    least = rule.forecast(np.array([[4.0, 0]]), trials_of([[4, 0]])).counted_on.max()
    assert decided(rule, 4, 0, min_gain_db=least - 0.01).verdict == "restore"
    asked = decided(rule, 4, 0, min_gain_db=least + 0.01)
    assert asked.verdict == "leave"
    assert "can be counted on" in asked.reason
    # Of the second group's model nothing is expected, so the mix of all is the better one.
    unsure = decided(rule, 1, 6)
    assert (unsure.group, unsure.model) == ("c", "mix")
    assert unsure.gains_db["c"][0] == pytest.approx(0, abs=0.2)
    assert unsure.reason.endswith("but the mix suits it better")


def test_the_table_of_a_test_set_says_what_single_decisions_say(rule, monkeypatch):
    # Whatever a further model gives is enough, and can be told, so that some are restored by one.
    monkeypatch.setattr(decision, "MORE_DB", -9.0)
    rule = replace(rule, reach=9 * rule.reach)
    generator = np.random.default_rng(8)
    between = generator.uniform((0, 2.5), (4, 3.5), (12, 2))
    vectors = np.concatenate([np.stack(views(generator, 3)["vector"]), between])
    trials = generator.uniform(-1, 6, (3, len(vectors), 1))
    groups = {"a+b": ("a", "b"), "c": ("c",)}
    about = {"photograph": "x", "kind": "whole", "degradation": "a", "parameters": "{}"}
    cases = pd.DataFrame({"vector": [*vectors], "darkest": 0.05, "alpha": 0.6, "sigma": 2.5})
    gains = {
        name: pd.DataFrame({"gain_db": np.nan, "trial": [*own]})
        for name, own in zip((*groups, "mix"), trials, strict=True)
    }
    table = decisions(cases.assign(**about), rule, groups, gains)
    for number, row in table.iterrows():
        tried = {name: own["trial"][number] for name, own in gains.items()}
        seen = Statistics(vectors[number], 0.05, 0.6, 2.5)
        single = decide(rule, tuple(groups), seen, tried.__getitem__)
        assert (row["discriminant"], row["model"]) == (single.group, single.model)
        assert row["verdict"] == single.verdict
        told = row[["predicted_gain_db", "low_db", "high_db"]].tolist()
        assert told == pytest.approx(single.gains_db[single.model])
        if single.model not in (single.group, "mix"):
            assert [*single.gains_db] == [single.group, "mix", single.model]
            assert single.reason.endswith(f"but the model of {single.model} suits it better")
    assert {*table["model"]} >= {"a+b", "mix"}
    assert (table["model"] == np.where(table["discriminant"] == "c", "a+b", "c")).any()
    assert {*table["verdict"]} >= {"restore", "leave"}


def test_its_file_is_in_short_precision_and_decides_the_same(rule, tmp_path):
    path = tmp_path / "selector.safetensors"
    selector_file.save(path, rule.arrays(), {"groups": ["a+b", "c"]})
    arrays, about = selector_file.read(path)
    assert about == {"groups": ["a+b", "c"]}
    assert {array.dtype for array in arrays.values()} == {np.dtype(float)}
    doubles = sum(array.nbytes for array in rule.arrays().values())
    # Most of it in half precision.
    assert path.stat().st_size < 0.3 * doubles
    again, fresh = type(rule).of(arrays), views(np.random.default_rng(9), 20)
    vectors, trials = np.stack(fresh["vector"]), np.stack(fresh["trials"])
    for method, within in (rule.probabilities, 2e-4), (rule.odds, 2e-3), (rule.distance, 1e-6):
        other = getattr(again, method.__name__)(vectors)
        np.testing.assert_allclose(other, method(vectors), rtol=1e-4, atol=within)
    own, other = (each.forecast(vectors, trials) for each in (rule, again))
    for name in ("expected", "low", "high", "counted_on"):
        np.testing.assert_allclose(getattr(other, name), getattr(own, name), atol=5e-4)
    for vector, trial in zip(vectors, trials, strict=True):
        seen, told = Statistics(vector, 0.05, 0.6, 2.5), {"mix": trial[1]}
        one, other = (
            decide(each, ("a+b", "c"), seen, lambda name, t=told, o=trial[0]: t.get(name, o))
            for each in (rule, again)
        )
        assert (one.group, one.model, one.verdict) == (other.group, other.model, other.verdict)


def test_of_what_can_be_counted_on_the_best_is_what_most_is_expected_of():
    expected = np.array([[3.0, 2.0], [3.0, 2.0], [3.0, 4.0], [1.0, 0.5]])
    counted = np.array([[1.0, 1.5], [0.05, 0.2], [0.5, -np.inf], [-1, -0.5]])
    assert best(expected, counted).tolist() == [0, 1, 0, 0]
    assert best(expected, counted, 1.2).tolist() == [1, 0, 1, 0]


class Told:
    """A rule of three groups, whose probabilities are the statistics.

    Gains are expected and counted on as trials say, of the mix with what the other trial adds.
    """

    membership = np.eye(3)

    def probabilities(self, vectors):
        return vectors.copy()

    def forecast(self, vectors, trials, share):
        expected = trials[..., 0] + [0, 1] * trials[:, :1, 2]
        return Forecast(expected, expected - 1, expected + 1, trials[..., 1])


@pytest.mark.parametrize(
    ("second", "group", "mix", "other", "model"),
    [
        (0.3, (5, 5, 0), (3, 3, 0), None, 0),  # sure enough
        (0.3, (1, 1, 0), (3, 3, 0), (8, 1, 0), 1),
        (0.3, (4, 0, 0), (3, 3, 0), (8, 1, 0), 1),
        (0.3, (1, 1, 0), (3, 3, 0), (3.6, 1, 0), 1),
        (0.3, (1, 1, 0), (3, 3, 0), (3.4, 1, 0), 3),
        (0.3, (1, 1, 2), (3, 3, 0), (5.4, 1, 0), 3),  # of the mix 5 are expected beside the first
        (0.3, (1, 1, 0), (3, 3, 0), (5.4, 1, 2), 3),  # and here beside the other
        (0.3, (1, 1, 0), (3, 3, 0), (8, 0, 0), 3),
        (0.04, (1, 1, 0), (3, 3, 0), None, 3),  # hardly possible
        (0.3, (1, -1, 0), (3, -1, 0), (8, 1, 0), 1),  # though the mix would not restore
        (0.3, (1, -1, 0), (3, -1, 0), (8, -1, 0), 3),
    ],
)
def test_where_more_is_expected_of_the_mix_another_group_is_tried(second, group, mix, other, model):
    trials, asked = {0: group, 1: other, 3: mix}, []

    def tried(rows, numbers):
        asked.extend(numbers)
        return np.array([trials[number] for number in numbers], float)

    shares = np.array([[0.99 - second, second, 0.01]])
    models, chosen, forecast = choose(Told(), shares, np.array([0]), tried)
    assert asked == [0, 3, *([] if other is None else [1])]
    assert models.tolist() == [[0, 3, -1 if other is None else 1, -1]]
    assert models[0, chosen[0]] == model
    assert forecast.expected[0, 2] == (-np.inf if other is None else other[0])


@pytest.mark.parametrize(("gain", "asked", "model"), [(8, [0, 3, 1], 1), (2, [0, 3, 1, 2], 2)])
def test_a_third_group_is_tried_where_the_second_is_no_better(gain, asked, model):
    trials, numbers = {0: (1, 1, 0), 3: (3, 3, 0), 1: (gain, 1, 0), 2: (9, 1, 0)}, []

    def tried(rows, models):
        numbers.extend(models)
        return np.array([trials[number] for number in models], float)

    models, chosen, _ = choose(Told(), np.array([[0.5, 0.3, 0.2]]), np.array([0]), tried)
    assert numbers == asked
    assert models[0, chosen[0]] == model


def test_only_what_the_chosen_model_can_be_counted_on_for_restores(rule, monkeypatch):
    """And not what another one can, of which too little more was expected to take its place."""
    counted = np.array([[-1.0, -1, 2, -np.inf]])
    told = Forecast(*[np.zeros((1, 4))] * 3, counted)
    for number, verdict in ((1, "leave"), (2, "restore")):
        chosen = np.array([[0, 2, 1, -1]]), np.array([number]), told
        monkeypatch.setattr(decision, "choose", lambda *_, chosen=chosen: chosen)
        seen = Statistics(np.array([0.0, 6]), 0.05, 0.6, 2.5)
        assert decide(rule, ("a+b", "c"), seen, lambda model: np.zeros(1)).verdict == verdict


def test_many_are_chosen_as_each_alone():
    generator = np.random.default_rng(12)
    shares, by_model = generator.dirichlet([1, 1, 1], 60), generator.uniform(-1, 4, (4, 60, 3))
    likeliest = shares.argmax(axis=1)

    def told(rows):
        """What is chosen for these, of what is tried by their numbers in the whole."""
        return choose(
            Told(), shares[rows], likeliest[rows], lambda own, numbers: by_model[numbers, rows[own]]
        )

    models, chosen, forecast = told(np.arange(60))
    for row in range(60):
        own_models, own, alone = told(np.array([row]))
        assert (own_models[0].tolist(), own[0]) == (models[row].tolist(), chosen[row])
        for name, values in vars(alone).items():
            assert values[0].tolist() == getattr(forecast, name)[row].tolist()
    assert {*chosen} == {0, 1, 2, 3}
    assert {*models[:, 2]} == {*models[:, 3]} == {-1, 0, 1, 2}


def test_with_one_group_there_is_no_other(rule):
    one = replace(rule, membership=np.ones((1, 3)))
    trials = np.array([1.0]), np.array([9.0])
    models, _, _ = choose(
        one, np.array([[0.0, 6]]), np.array([0]), lambda _, numbers: np.stack([trials[numbers[0]]])
    )
    assert models.tolist() == [[0, 1, -1, -1]]


def test_the_papers_rule_chooses_by_the_law(rule):
    assert decided(rule, 0, 6).group == "c"
    assert decided(rule, 0, 6, name="paper").group == "a+b"


# Of which gains are measured.
RESTORED = 25


@pytest.fixture
def few():
    """Views, more than have their gains measured: the time goes with the third power of those."""
    return views(np.random.default_rng(5), 60)


def measured_first(seen):
    """Whose gains are measured: the first of each degradation, of undamaged ones twice as many."""
    enough = np.where(seen["degradation"] == "clean", 2 * RESTORED, RESTORED)
    return seen["number"] < enough


def test_the_whole_way_keeps_photographs_apart(few):
    seen = few.drop(columns=["gains_db", "trials"])
    asked = []

    def with_gains(table):
        asked.append(table)
        vectors = np.stack(table["vector"])
        return table.assign(
            gains_db=[np.array([1.0, 0.5])] * len(table), trials=[*trials_of(vectors)]
        )

    fitted, judged = fit.fitted(seen, GROUPS, RESTORED, with_gains)
    (measured,) = asked
    held = seen["photograph"] % 5 == 4
    first = measured_first(seen)
    assert set(measured.index) == set(seen.index[first])
    assert set(judged.index) == set(seen.index[held])
    assert set(judged.index[judged["gains_db"].notna()]) == set(seen.index[held & first])
    assert len(fitted.places) == (held & first).sum()
    # What is unusual is set by all.
    far = fitted.distance(np.stack(seen["vector"])[held]).max()
    assert fitted.distance_quantiles[-1] == pytest.approx(far)
    np.testing.assert_allclose(fitted.errors, 0, atol=1e-6)
    assert (fitted.discriminant.means == fit.fit(seen[~held], GROUPS).discriminant.means).all()


def test_calibration_and_references_share_no_photograph():
    table = pd.DataFrame({"photograph": [*range(11), *range(11)], "source": "one"})
    held_out = fit.held_out(table, np.ones(22, bool))
    assert set(table["photograph"][held_out]) == {4, 9}
    assert held_out.sum() == 4
    # Of real damage every second.
    held_out = fit.held_out(table, np.zeros(22, bool))
    assert set(table["photograph"][held_out]) == {1, 3, 5, 7, 9}
    assert held_out.sum() == 10


@pytest.mark.parametrize(("folders", "each"), [(5, 1), (200, 1), (40, 10), (100, 8), (2, 3)])
def test_some_are_held_out_however_many_folders_there_are(folders, each):
    """Of the first views that are restored as well, where not all photographs are shown."""
    sources = [f"folder {n}" for n in range(folders) for _ in range(each)]
    shown = [photograph for photograph, _ in turns(sources, 100)]
    table = pd.DataFrame({"photograph": shown, "source": [sources[n] for n in shown]})
    held_out = fit.held_out(table, np.ones(100, bool))
    for part in (held_out, held_out[:50]):
        assert 0.1 <= part.mean() <= 0.34
    assert not {*table["photograph"][held_out]} & {*table["photograph"][~held_out]}
    # So are views for each of the networks to go without.
    parts = fit.parts(table, np.ones(100, bool))
    counts = np.bincount(parts[~held_out], minlength=4)
    assert counts.min() >= 0.15 * counts.sum()
    assert (table.assign(part=parts).groupby("photograph")["part"].nunique() == 1).all()


def test_real_damage_is_shown_to_no_network():
    table = pd.DataFrame({"photograph": [0, 0, 8, 16, 24, 0, 8]})
    parts = fit.parts(table, np.arange(7) < 5)
    assert [*parts] == [0, 0, 1, 2, 3, -1, -1]


def test_real_pairs_calibrate_each_with_their_own():
    table = pd.DataFrame({"photograph": [*range(10), 0, 1, 0, 1], "source": ["one"] * 14})
    table.loc[10:11, "source"], table.loc[12:, "source"] = "pairs: a", "pairs: b"
    held_out = fit.held_out(table, np.arange(14) < 10)
    assert [*np.flatnonzero(held_out)] == [4, 9, 11, 13]


def test_intervals_hold_for_the_source_that_gains_most(monkeypatch):
    """Of sharper photographs more is gained, and the regression expects what it saw most of."""
    asked, level = [], conformal.level
    monkeypatch.setattr(conformal, "level", lambda *given: asked.append(given) or level(*given))
    generator = np.random.default_rng(6)
    references, soft = views(generator, 150), views(generator, 250).assign(source="soft")
    sharp = views(generator, 40).assign(source="sharp")
    sharp["gains_db"] = [gains + 1 for gains in sharp["gains_db"]]
    judged = pd.concat([soft, sharp], ignore_index=True)
    rule = fit.predict(fit.fit(references, GROUPS), references)
    both, alone = fit.calibrate(rule, judged, GROUPS), fit.calibrate(rule, soft, GROUPS)
    mingled = fit.calibrate(rule, judged.assign(source="one"), GROUPS)
    assert both.level > mingled.level
    # Photographs of either source are numbered from 0 here.
    _, _, _, photographs, _ = asked[0]
    assert len(np.unique(photographs)) == 250 + 40
    fresh = views(generator, 300)
    vectors, trials = np.stack(fresh["vector"]), np.stack(fresh["trials"])
    gains = np.stack(fresh["gains_db"]) + 1
    within = []
    for fitted in (both, mingled, alone):
        told = fitted.forecast(vectors, trials)
        given = np.isfinite(told.high - told.low)
        assert given.mean() > 0.9
        within.append(((told.low <= gains) & (gains <= told.high))[given].mean())
    assert within[0] > 0.87 > within[1] > within[2], within


def test_real_damage_tells_of_gains_and_of_no_class(few):
    seen = few
    like = seen[(seen["degradation"] == "a") & (seen["number"] < RESTORED)]
    real = like.assign(degradation="phone", gains_db=[np.array([-5.0, -5.0])] * len(like))
    rules = []
    for table in (seen, pd.concat([seen, real], ignore_index=True)):
        rule, judged = fit.fitted(table, GROUPS, RESTORED, lambda given: given)
        rules.append(rule)
    held = judged[judged["degradation"] == "phone"]
    assert set(held["photograph"] % 2) == {1}
    without, with_real = rules
    for name in ("first", "means", "temperature", "distance_quantiles", "darkest_quantiles"):
        np.testing.assert_array_equal(getattr(without, name), getattr(with_real, name))
    assert len(with_real.places) == len(without.places) + len(held)
    vectors = np.stack(like["vector"])
    trials = np.stack(like["trials"])
    lower = with_real.gains(vectors, trials)[0] - without.gains(vectors, trials)[0]
    assert lower.mean() < -1


def test_views_under_two_degradations_tell_of_gains_and_of_no_class(few):
    like = few[few["degradation"] == "a"]
    two = like.assign(degradation="two", gains_db=[np.array([-5.0, -5.0])] * len(like))
    asked = []

    def with_gains(table):
        asked.append(table)
        return table

    without, _ = fit.fitted(few, GROUPS, RESTORED, lambda given: given)
    with_two, judged = fit.fitted(
        pd.concat([few, two], ignore_index=True), GROUPS, RESTORED, with_gains
    )
    # Twice as many are restored; photographs that are held out are so whatever was done to them.
    assert (asked[0]["degradation"] == "two").sum() == 2 * RESTORED < len(two)
    held = judged[judged["degradation"] == "two"]
    assert set(held["photograph"] % 5) == {4}
    assert (held["gains_db"].notna() == (held["number"] < 2 * RESTORED)).all()
    for name in ("first", "means", "temperature", "distance_quantiles", "darkest_quantiles"):
        np.testing.assert_array_equal(getattr(without, name), getattr(with_two, name))
    vectors, trials = np.stack(like["vector"]), np.stack(like["trials"])
    lower = with_two.gains(vectors, trials)[0] - without.gains(vectors, trials)[0]
    assert lower.mean() < -1


def test_the_likeliest_group_says_whose_gain_is_measured(few):
    seen, told = few, []

    def with_gains(table):
        told.append(table["likeliest"].to_numpy())
        return table

    fit.fitted(seen, GROUPS, RESTORED, with_gains)
    first = seen[measured_first(seen)]
    right = np.where(first["degradation"] == "c", 1, 0)
    damaged = (first["degradation"] != "clean").to_numpy()
    assert (told[0] == right)[damaged].mean() > 0.95


def test_how_large_a_loss_is_does_not_count(few):
    seen = few
    lost = np.random.default_rng(6).uniform(size=len(seen)) < 0.1
    rules = []
    for loss in (-6.0, -40.0):
        gains = [
            np.full_like(own, loss) if worse else own
            for own, worse in zip(seen["gains_db"], lost, strict=True)
        ]
        rule, judged = fit.fitted(
            seen.assign(gains_db=gains), GROUPS, RESTORED, lambda table: table
        )
        rules.append(rule)
        assert np.stack(judged["gains_db"].dropna()).min() == -6
    one, other = (rule.arrays() for rule in rules)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


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
