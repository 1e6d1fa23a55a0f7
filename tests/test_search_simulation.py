import json

import numpy as np
import pandas as pd
import pytest

from grids.base.errors import InputError
from grids.jobs import failures
from grids.search.contract import SearchSettings, Solution, similarity_from
from grids.search.drops import measurements
from grids.search.forecast import Forecast, beforehand, forecast, hours, line, sentence
from grids.search.frontier import frontier
from grids.search.simulation import searches
from grids.search.simulation.families import DELTA, FAMILIES, completed, published
from grids.search.simulation.trials import trials
from grids.search.story import story
from grids.search.strategies import given, paper


def inside(n):
    return (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(bool)


@pytest.mark.parametrize("family", FAMILIES)
def test_families_draw_the_same_and_do_not_depend_on_what_is_asked(family):
    first, again = (FAMILIES[family](6, 0.5, 0.15, 7) for _ in range(2))
    table = first.drops(inside(6))
    np.testing.assert_array_equal(table, again.drops(inside(6)))
    np.testing.assert_allclose(table[[9, 33]], first.drops(inside(6)[[9, 33]]))
    other = FAMILIES[family](6, 0.5, 0.15, 8).drops(inside(6))
    assert not np.allclose(table, other)


def test_noise_is_normal_and_as_strong_as_said():
    quiet, noisy = (FAMILIES["linear"](11, 0.9, noise, 3).drops(inside(11)) for noise in (0, 0.15))
    noise = noisy - quiet
    assert noise.std() == pytest.approx(0.15, rel=0.02)
    assert abs(noise.mean()) < 0.005
    assert abs(np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1]) < 0.03


def test_published_groups_alone_give_four_groups_to_the_active_strategy():
    similarity, measured = published()
    answer = searches.run(
        searches.strategy("active"),
        similarity,
        lambda group: measured.get(group, dict.fromkeys(group, float("inf"))),
        SearchSettings(0.7, 8),
        measured,
    )
    assert len(answer.groups) == 4


def test_published_distances_have_the_published_means():
    similarity, measured = published()
    assert len(similarity.names) == 11
    position = [similarity.names.index(n) for n in ("defocus_blur", "r_l", "ringing")]
    block = similarity.distance[np.ix_(position, position)]
    assert block.sum() / 6 == pytest.approx(2.20)
    assert max(measured[tuple(similarity.names)].values()) == pytest.approx(5.32)
    stand_in = completed(similarity, measured, 0.7)
    assert stand_in.of(("defocus_blur", "sr")) == {"defocus_blur": 0.43, "sr": -1.8}


def test_compare_counts_and_trials_summarize():
    table = trials("linear", ["paper", "active"], [1, 4], [5], [0.0, 0.9], 0.15, DELTA, range(3))
    assert len(table) == 8
    assert (table["groups"] >= table["optimum"]).all()
    assert (table["rounds"] <= table["trainings"]).all()
    with pytest.raises(InputError, match="unknown strategy"):
        trials("linear", ["papr"], [1], [5], [0.9], 0.15, DELTA, range(1))


def test_forecast_and_frontier():
    instance = FAMILIES["linear"](6, 0.9, 0.15, 0)
    settings = SearchSettings(DELTA)
    before = forecast(paper.plan, instance.similarity, {}, settings)
    assert 1 <= before.least <= before.likely
    done = searches.run(paper.plan, instance.similarity, instance.of, settings)
    table = frontier(instance.similarity, done.measured)
    assert table["verified"].is_monotonic_decreasing
    assert (table["predicted"] <= table["verified"]).all()
    row = frontier(instance.similarity, done.measured, [DELTA]).iloc[0]
    assert row["verified"] <= len(done.groups)
    assert forecast(paper.plan, instance.similarity, done.measured, settings) == Forecast(0, 0, 0)


def test_what_is_ahead_for_people(tmp_path):
    ahead = beforehand(searches.strategy("active"), ["a", "b", "c"], {}, None, SearchSettings(1))
    assert 1 <= ahead.least <= ahead.likely
    assert "nan" not in sentence(ahead, float("nan"))
    said = sentence(Forecast(2, 5, 3), 10.0, {"of single-task models": 11, "of another seed": 1})
    assert "besides 11 of single-task models, 1 of another seed;" in said
    assert said.startswith("likely 2 to 5 trainings of groups in about 3 rounds")
    assert "at 10 h each that is 140 h to 170 h" in said
    said = sentence(Forecast(1, 1, 1), 8.8e-06)
    assert said == ("likely 1 training of groups in about 1 round; at 0.032 s each that is 0.032 s")
    assert np.isnan(hours(tmp_path, "net", 0))
    history = tmp_path / "models" / "net" / "a" / "history.parquet"
    history.parent.mkdir(parents=True)
    table = pd.DataFrame({"step": [3600, 7200], "steps_per_second": [1.0, 2.0]})
    table.to_parquet(history)
    assert hours(tmp_path, "net", 0) == pytest.approx(1.5)
    # Of one that failed for good and of a damaged one there is nothing to learn.
    for name in ("b", "c"):
        (tmp_path / "models" / "net" / name).mkdir()
    other = tmp_path / "models" / "net" / "b"
    failures.note(other / "model.safetensors", other / "history.parquet", "diverged")
    (tmp_path / "models" / "net" / "c" / "history.parquet").write_text("cut off")
    assert hours(tmp_path, "net", 0) == pytest.approx(1.5)
    assert hours(tmp_path, "net", 7.0) == 7


def test_the_line_of_a_start_counts_what_will_be_made_again(tmp_path):
    names = ["a", "b", "c"]
    models, verify = tmp_path / "models" / "net", tmp_path / "verify" / "net"
    for group in ([name] for name in names):
        for folder in (models / group[0], verify / group[0]):
            folder.mkdir(parents=True)
        (models / group[0] / "model.safetensors").touch()
        rows = [(group[0], image, 30.0) for image in "xyz"]
        table = pd.DataFrame(rows, columns=["degradation", "image", "psnr_db"])
        table.to_parquet(verify / group[0] / "own.parquet")
    distances = [(a, b, 3.0, 0.1) for a in names for b in names]
    columns = ["source", "target", "distance", "distance_std"]
    pd.DataFrame(distances, columns=columns).to_parquet(tmp_path / "similarity.parquet")
    weights = [models / group / "model.safetensors" for group in [*names, "a+b+c"]]

    def said(outdated=(), brought=None, uncounted=()):
        return line(
            tmp_path,
            names,
            brought or {},
            strategy_name="active",
            asked={"delta": 1.0, "tolerance": 0.1},
            backbone="net",
            test_set="own",
            training_hours=1,
            besides={"of references": weights, "with another seed": [tmp_path / "seed"]},
            uncounted=uncounted,
            outdated=outdated,
        )

    assert "besides 1 of references, 1 with another seed; at 1 h each" in said()
    assert "besides 4 of references" in said(weights)
    assert "guess" not in said()
    assert said({tmp_path / "ggd" / "a.parquet"}).endswith(
        "A guess until the similarity is measured."
    )
    assert said(uncounted=["the descriptor"]).endswith("Not counted: the descriptor.")
    # A group of all that passes ends the search, unless what it is measured with is made again.
    mix = pd.concat(pd.read_parquet(verify / name / "own.parquet") for name in names)
    (verify / "a+b+c").mkdir()
    mix.to_parquet(verify / "a+b+c" / "own.parquet")
    (models / "a+b+c").mkdir()
    weights[3].touch()
    assert "likely 0 trainings of groups" in said()
    assert "likely 1 training of groups" in said({verify / "a+b+c" / "own.parquet"})
    assert "likely 1 training of groups" in said(weights)
    (tmp_path / "seed").touch()
    assert said() == ""


def test_given_groups_are_verified_and_nothing_else():
    instance = FAMILIES["linear"](4, 0.9, 0.15, 0)
    names = instance.similarity.names
    groups = (names[1:3], (names[3], names[0]))
    settings = SearchSettings(DELTA, groups=groups)
    asked = given.plan(instance.similarity, {}, settings)
    assert sorted(asked.groups) == sorted(tuple(sorted(group)) for group in groups)
    # However much they drop.
    measured = {group: dict.fromkeys(group, 9.0) for group in asked.groups}
    answer = given.plan(instance.similarity, measured, settings)
    assert isinstance(answer, Solution)
    assert answer.groups == tuple(sorted(asked.groups))
    measured[asked.groups[0]] = dict.fromkeys(asked.groups[0], np.inf)
    with pytest.raises(InputError, match="failed for good"):
        given.plan(instance.similarity, measured, settings)
    with pytest.raises(InputError, match="exactly once"):
        given.plan(instance.similarity, {}, SearchSettings(DELTA, groups=groups[:1]))


@pytest.mark.parametrize("name", ["paper", "active"])
def test_the_story_of_a_search(name):
    instance = FAMILIES["linear"](5, 0.9, 0.15, 0)
    done = searches.run(
        searches.strategy(name), instance.similarity, instance.of, SearchSettings(DELTA, 2)
    )
    plans, known = [], []
    for i, (groups, why) in enumerate(zip((*done.rounds, ()), done.whys, strict=True)):
        plan = {"round": i + 1, "strategy": name, "delta": DELTA, "known": list(known)}
        key = "requests" if groups else "solution"
        plan |= {key: ["+".join(group) for group in groups or done.groups], "why": why}
        known += ["+".join(group) for group in groups]
        plans.append(json.loads(json.dumps(plan, allow_nan=False)))
    lines = story(plans, done.measured)
    assert sum(line.startswith("Round") for line in lines) == len(done.rounds) + 1
    assert "nothing is left" in lines[-1]
    assert any("passes" in line for line in lines)
    assert "left" in story(plans[:1], {})[-1]


def tables():
    images = ["1.png", "2.png", "3.png"]
    rows = lambda name, values: pd.DataFrame(  # noqa: E731
        {"degradation": name, "image": images, "psnr_db": values}
    )
    both = pd.concat([rows("jpeg", [29.0, 30.5, 31.0]), rows("sr", [33.0, 34.0, 35.0])])
    return {
        ("jpeg",): rows("jpeg", [30.0, 31.0, 32.0]),
        ("sr",): rows("sr", [32.0, 34.0, 33.0]),
        ("jpeg", "sr"): both,
    }


def test_drops_and_their_paired_errors():
    drop, error = measurements.drops(tables())
    assert drop["jpeg", "sr"] == pytest.approx({"jpeg": 2.5 / 3, "sr": -1.0})
    assert drop["sr",] == {"sr": 0.0}
    assert error["jpeg", "sr"]["jpeg"] == pytest.approx(np.std([1, 0.5, 1], ddof=1) / 3**0.5)
    found = tables()
    found["sr",] = found["sr",].iloc[:2]
    with pytest.raises(InputError, match="same images"):
        measurements.drops(found)
    del found["sr",]
    with pytest.raises(InputError, match="single-task model of sr"):
        measurements.drops(found)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_brought_along(tmp_path, suffix):
    path = tmp_path / f"own{suffix}"
    written = {("jpeg",): "jpeg", ("sr",): "sr", ("jpeg", "sr"): "sr+jpeg"}
    table = pd.concat([t.assign(group=written[group]) for group, t in tables().items()])
    save = lambda t: t.to_csv(path) if suffix == ".csv" else t.to_parquet(path)  # noqa: E731
    save(table)
    found = measurements.read(path, ["jpeg", "sr", "ringing"], "own")["own"]
    assert measurements.drops(found)[0] == measurements.drops(tables())[0]
    for broken, message in [
        (table.drop(columns="image"), "no column 'image'"),
        (table.assign(degradation=[None, *table["degradation"][1:]]), "every row needs"),
        (table.assign(group=[None, *table["group"][1:]]), "every row needs"),
        (table.assign(psnr_db=np.inf), "finite"),
        (table.replace("sr+jpeg", "sr+jpg"), "did you mean 'jpeg'"),
        (table[(table["group"] != "sr+jpeg") | (table["degradation"] == "sr")], "needs rows"),
        (pd.concat([table, table]), "twice"),
    ]:
        save(broken)
        with pytest.raises(InputError, match=message):
            measurements.read(path, ["jpeg", "sr", "ringing"], "own")
    path.write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"cannot be read|no column"):
        measurements.read(path, ["jpeg", "sr", "ringing"], "own")


def test_what_is_brought_along_must_fit_the_images():
    brought = {"own": tables()}
    images = {"own": ["1.png", "2.png", "3.png"], "more": ["1.png"]}
    measurements.check(brought, images, ["own"])
    for tables_, names, needed, message in [
        (brought, {"own": ["1.png", "2.png"]}, [], r"a row of the unknown image 3.png"),
        (brought, {"own": ["0.png", *images["own"]]}, [], r"no row of image 0.png"),
        (brought, images, ["own", "more"], "has no rows of test set more"),
        ({"onw": tables()}, images, [], "did you mean 'own'"),
    ]:
        with pytest.raises(InputError, match=message):
            measurements.check(tables_, names, needed)


def test_a_failed_training_is_an_infinite_drop_and_must_be_declared():
    found = tables() | {
        ("jpeg", "sr"): failures.verification(
            {name: ["1.png", "2.png", "3.png"] for name in ("sr", "jpeg")}
        )
    }
    drop, _ = measurements.drops(found)
    assert set(drop["jpeg", "sr"].values()) == {np.inf}
    measurements.check_failures(drop, "infeasible")
    with pytest.raises(InputError, match=r"jpeg\+sr failed for good"):
        measurements.check_failures(drop, "stop")


def test_similarity_from_its_table():
    table = pd.DataFrame(
        [(s, t, ord(s) - ord(t), 0.1) for s in "cab" for t in "abc"],
        columns=["source", "target", "distance", "distance_std"],
    )
    found = similarity_from(table)
    assert found.names == ("a", "b", "c")
    assert found.distance[0, 2] == -2
    assert similarity_from(table, ("c", "a")).distance.tolist() == [[0, -2], [2, 0]]
