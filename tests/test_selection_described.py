"""Tables of described photographs: what becomes of those that cannot be judged."""

import json

import numpy as np
import pandas as pd
import pytest
import tiny_bundle
import torch

from grids.base.errors import InputError
from grids.bundle import contents
from grids.configuration import loading
from grids.degrading import parameters
from grids.pixels.psnr import psnr
from grids.selection.decision import MIX
from grids.selection.fitting import choices, described, explained
from grids.selection.fitting.cases import Case, cases
from grids.selection.fitting.views import View
from grids.selection.plan import plan
from grids.selection.rule import Rule
from grids.selection.torch_describer import describer as torch_describer

SMALL = np.zeros((20, 20, 3), np.uint8)


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return contents.read(tiny_bundle.write(tmp_path_factory.mktemp("export")))


@pytest.fixture(scope="module")
def describer(export):
    return torch_describer(export.descriptor, torch.device("cpu"), "fp32", **export.describing)


def photograph(seed):
    return np.random.default_rng(seed).integers(0, 256, (96, 96, 3), dtype=np.uint8)


def test_a_view_that_cannot_be_judged_is_told_and_left_out(describer):
    views = [View(i, 7 + i, p, p) for i, p in enumerate([photograph(0), SMALL, photograph(1)])]
    told = []
    table = described.of_views(views, describer, 1, lambda view, why: told.append((view, why)))
    assert table["number"].tolist() == [0, 2]
    assert table["photograph"].tolist() == [7, 9]
    assert table["alpha"].notna().tolist() == [True, False]  # a law for the first view only
    assert np.array_equal(table["vector"][0], describer(photograph(0)).vector)
    ((view, why),) = told
    assert view.number == 1
    assert "20×20" in why


def test_the_darkest_pixels_of_drawings_are_no_measure(describer):
    views = [View(i, i, photograph(i), photograph(i), drawn=i == 1) for i in range(3)]
    table = described.of_views(views, describer, 0, lambda view, why: None)
    assert table["darkest"].notna().tolist() == [True, False, True]


def test_a_case_that_cannot_be_judged_is_an_error(describer):
    def made(pixels, kind, strength=None):
        return iter([Case(kind, "jpeg", "{}", pixels, pixels // 2 * 2, strength)])

    weak = made(photograph(1), "severity", "weak")
    good = [("a", made(photograph(0), "whole")), ("b", weak)]
    table = described.of_cases(good, describer)
    assert table["photograph"].tolist() == ["a", "b"]
    assert table["alpha"].notna().tolist() == [True, False]
    assert table["strength"].fillna("").tolist() == ["", "weak"]
    # Half of the values, or nearly so, are less by one.
    np.testing.assert_allclose(table["psnr_db"], 20 * np.log10(255) + 10 * np.log10(2), atol=0.1)
    with pytest.raises(InputError, match=r"c under jpeg: .*20×20"):
        described.of_cases([("c", made(SMALL, "whole"))], describer)


def test_chains_are_cases_like_others_and_grey_ones_have_grey_damage_in_half():
    """Of a chain, pairs of degradations and grey crops; noise tells whether it is grey."""
    chain = {"chain": ["gaussian_blur", "gaussian_noise"]}
    known = {"camera": chain, "gaussian_noise": {}}
    given = {"images": {}, "report": {"test_sets": []}, "degradations": known}
    groups = [["camera"], ["gaussian_noise"]]
    selection = {"groups": groups, "mixed": [["gaussian_noise", "jpeg"]], "unseen": []}
    settings = loading.load(given | {"selection": selection})
    assert settings.selected() == ["camera", "gaussian_noise"]
    assert [*settings.viewed()] == ["camera", "gaussian_noise", "two", "clean"]
    alike = []
    for number in range(8):
        made = [*cases(photograph(number), f"{number}", **settings.tried(), seed=0)]
        named = [case.degradation for case in made if case.kind == "drawn"]
        assert named == ["camera", "gaussian_noise"]
        for kind in ("severity", "severity_grey"):
            strong = [case for case in made if case.kind == kind and case.degradation == "camera"]
            assert [case.strength for case in strong] == [*parameters.STRENGTHS]
            errors = [psnr(case.clean, case.degraded) for case in strong]
            assert errors == sorted(errors, reverse=True)
        (mixed,) = (case for case in made if case.kind == "mixed")
        assert [*json.loads(mixed.parameters)] == ["gaussian_noise", "jpeg"]
        grey = strong[-1]
        assert (np.ptp(grey.clean, axis=-1) == 0).all()
        alike.append(bool((np.ptp(grey.degraded, axis=-1) == 0).all()))
    assert 0 < sum(alike) < 8


def test_only_what_is_shown_is_made():
    """Of three photographs of four cases each."""
    made = []

    def four(name):
        for number in range(4):
            made.append(f"{name}{number}")
            picture = np.full((80, 70, 3), len(made), np.uint8)
            picture[8:72, 3:67] += 100
            yield Case("drawn", "jpeg", "{}", picture, picture)

    table = pd.DataFrame({"photograph": [*"aaaabbbbcccc"]})
    found = explained.middles([(name, four(name)) for name in "abc"], table, {1, 8})
    assert made == ["a0", "a1", "c0"]
    assert {row: {*np.unique(picture)} for row, picture in found.items()} == {1: {102}, 8: {103}}
    assert {picture.shape for picture in found.values()} == {(64, 64, 3)}


def test_choices_are_decisions_or_reasons(export, describer):
    rule = Rule.of(export.selector)
    several = [("a", photograph(0)), ("b", SMALL)]
    # Each model adds another number of grey levels.
    names = (*export.groups, MIX)
    models = {name: lambda images, n=n: images + n / 255 for n, name in enumerate(names)}
    table = choices.of_photographs(several, describer, rule, models)
    seen = describer(photograph(0))
    (decision,) = plan(
        photograph(0), seen, describer, rule, export.groups, models.__getitem__, most=1
    )
    assert table["group"].tolist()[0] == decision.group
    assert table["predicted_gain_db"][0] == decision.predicted_gain_db
    assert table["reason"][0] == decision.reason
    assert np.isnan(table["predicted_gain_db"][1])
    assert "20×20" in table["reason"][1]
