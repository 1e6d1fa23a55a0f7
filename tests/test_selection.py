"""Selection by statistics of one photograph, and what is said of it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tiny_bundle
import torch
from photograph_files import scene

from grids.base.errors import InputError
from grids.bundle import contents
from grids.images import patches, reading, sets
from grids.report import nearest
from grids.restoring import runtime
from grids.restoring.selector import Selector
from grids.selection import examples, pixel_statistics
from grids.selection.describer import Describer
from grids.selection.evidence import evidence, kinds, telling
from grids.selection.fitting.explained import explained
from grids.selection.rule import CAUTION, Rule
from grids.selection.torch_describer import describer as torch_describer

COUNT = tiny_bundle.DESCRIBING["count"]


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return contents.read(tiny_bundle.write(tmp_path_factory.mktemp("export")))


@pytest.fixture(scope="module")
def rule(export):
    return Rule.of(export.selector)


@pytest.fixture(scope="module")
def describe():
    describer = Describer(count=COUNT, law=COUNT, components=3, clip=5.0)
    return lambda picture: describer(picture).vector


def test_the_vector_and_the_law_have_patches_of_their_own():
    """By the same photograph: each is measured on as many as it has, whatever the other has."""
    photograph = reading.read(sets.find("embedded")[0])[:200, :300]
    seen = []

    def gram(cut):
        seen.append(len(cut))
        rows = cut.reshape(len(cut), -1).astype(float)
        centred = rows - rows.mean(axis=0)
        return centred @ centred.T

    def of(count, law):
        describer = Describer(count=count, law=law, components=3, clip=5.0, gram=gram)
        return describer(photograph, law=True)

    few, many, other = of(12, 6), of(24, 6), of(24, 12)
    assert seen == [6, 6, 12]
    for statistics, count in ((few, 12), (many, 24), (other, 24)):
        cut = patches.grid(photograph, count)
        assert np.array_equal(statistics.vector, pixel_statistics.statistics(cut))
    assert (few.alpha, few.sigma) == (many.alpha, many.sigma) != (other.alpha, other.sigma)


def network(export):
    return runtime.choose("torch", export, "cpu").network


def test_noise_and_blocks_are_told_apart(export):
    selector = Selector(export, network(export))
    describer = torch_describer(export.descriptor, torch.device("cpu"), "fp32", **export.describing)
    by_laws = Selector(export, network(export), rule="paper", describer=describer)
    pixels = reading.read(sets.find("embedded")[2])[:128, 100:300]
    for name, group in (("jpeg", "jpeg"), ("gaussian_noise", "gaussian_noise+poisson_noise")):
        (decision,) = selector.decide(tiny_bundle.degraded(pixels, name, 1))
        assert decision.group == group
        assert set(decision.gains_db) == {decision.group, "mix"}
        assert decision.distances == {}
        assert sum(decision.scores.values()) == pytest.approx(1)
        low, high = decision.interval_db
        assert low < decision.predicted_gain_db < high
        (by_law,) = by_laws.decide(tiny_bundle.degraded(pixels, name, 1))
        assert by_law.group == min(by_law.distances, key=by_law.distances.get)
        assert set(by_law.distances) == set(export.groups)


def test_a_photograph_too_small_is_refused_with_the_smallest_side(export):
    with pytest.raises(InputError, match=r"40×63 pixels.* 64"):
        Selector(export, network(export)).decide(np.zeros((63, 40, 3), np.uint8))


def test_a_photograph_of_one_colour_is_refused(export):
    with pytest.raises(InputError, match="the same all over"):
        Selector(export, network(export)).decide(np.full((96, 96, 3), 128, np.uint8))


def test_an_export_that_is_broken_or_incomplete_is_refused(tmp_path):
    folder = tiny_bundle.write(tmp_path)
    named = ("models", "mix", "backbone", "sizes", "descriptor", "describing", "selector", "card")
    with pytest.raises(InputError, match="exists already"):
        contents.write(folder, **{name: getattr(contents.read(folder), name) for name in named})
    with pytest.raises(InputError, match="no export"):
        contents.read(tmp_path)
    model = folder / "models" / "jpeg.safetensors"
    content = model.read_bytes()
    model.write_bytes(content[:-1])
    with pytest.raises(InputError, match=r"jpeg.safetensors: not as it was written"):
        contents.read(folder)
    model.unlink()
    with pytest.raises(InputError, match=r"jpeg.safetensors: missing"):
        contents.read(folder)
    model.write_bytes(content)
    about = folder / "bundle.json"
    text = about.read_text()
    about.write_text(text.replace('"format": 7', '"format": 1'))
    with pytest.raises(InputError, match="format 1, this version reads 7"):
        contents.read(folder)
    # What it says of itself is told in plain words, and of which file once.
    for broken, reason in (
        (text.encode()[:40], "broken, no JSON: "),
        (b"\xff", "broken, no JSON: "),
        (b"[]", "broken, or of another program, it names no format; export again"),
        (b'{"format": 3}', "format 3, this version reads 7; export again"),
        (b'{"format": 7}', "broken, groups must be a list; export again"),
        (text.replace('"clip"', '"clap"').encode(), "broken, describing must have clip, "),
        (text.replace("srresnet", "resnet").encode(), "broken, no backbone is called 'resnet'"),
        (text.replace('"mix.s', '"mux.s').encode(), "broken, no checksum of mix.safetensors"),
    ):
        about.write_bytes(broken)
        with pytest.raises(InputError) as told:
            contents.read(folder)
        assert str(told.value).startswith(f"{about}: {reason}")
        assert str(told.value).count("export again") == 1
        assert "Error" not in str(told.value)


def test_words_stand_for_the_statistics_that_they_name():
    cut = patches.grid(scene(96, 128), COUNT)
    vector, places = pixel_statistics.statistics(cut), kinds()
    assert sorted(np.concatenate([*places.values()])) == [*range(len(vector))]
    values = cut.astype(np.float32) / 255
    for words, told in (
        ("roughness of smooth parts", pixel_statistics._noise(values)),
        ("steps between blocks", pixel_statistics._steps(values @ pixel_statistics.LUMA_CHROMA[0])),
        ("edges of black and white strokes", pixel_statistics._strokes(cut)),
    ):
        np.testing.assert_array_equal(vector[places[words]], told)
    # What is grey has no detail in colour, and channels that change as one.
    grey = pixel_statistics.statistics(np.repeat(cut[..., :1], 3, axis=-1))
    assert (grey[places["detail in colour"]] < vector[places["detail in colour"]].min()).all()
    np.testing.assert_allclose(grey[places["how colours change together"]], 1, atol=0.01)
    # A coarse wave is coarse detail, a fine one fine.
    for length, more in ((16, "coarse"), (3, "fine")):
        wave = np.broadcast_to(np.cos(2 * np.pi * np.arange(128) / length), (96, 128))
        drawn = np.repeat((128 + 90 * wave).astype(np.uint8)[..., None], 3, axis=2)
        told = pixel_statistics.statistics(patches.grid(drawn, COUNT))
        coarse, fine = (told[places[f"{kind} detail"]].max() for kind in ("coarse", "fine"))
        assert (coarse > fine) == (more == "coarse")


def test_where_the_odds_are_linear_the_evidence_is_what_makes_them(rule, describe):
    linear = replace(rule, output=0 * rule.output, least=rule.least - 1e6, most=rule.most + 1e6)
    vector = describe(scene(96, 128))
    against, told = evidence(linear, ("jpeg", "noise"), "jpeg", vector)
    scores = linear.scores(vector[None])[0]
    other = 1 + scores[1:].argmax()
    assert against == ["noise", "noise", "undamaged"][other - 1]
    # In the mean of the other class, its logarithm of odds is half their squared distance.
    apart = np.square(linear.means[0] - linear.means[other]).sum() / 2 / CAUTION
    offset = linear.network.logits(vector[None])[0]
    in_the_mean = (offset[0] - offset[other] - apart) / linear.temperature.item()
    total = scores[0] - scores[other] - in_the_mean
    assert sum(told.values()) == pytest.approx(total, rel=1e-6)
    assert [*told.values()] == sorted(told.values(), reverse=True)


def test_a_jpeg_file_is_told_by_its_blocks(rule, describe, export):
    pixels = reading.read(sets.find("embedded")[2])[:128, 100:300]
    vector = describe(tiny_bundle.degraded(pixels, "jpeg", 1))
    _, told = evidence(rule, export.groups, "jpeg", vector)
    assert "steps between blocks" in telling(told)


def test_what_tells_most_is_said_and_no_more():
    told = {"a": 5.0, "b": 3.0, "c": 1.2, "d": 1.1, "e": -9.0}
    assert telling(told) == ["a", "b", "c"]
    assert telling({"a": 20.0, "b": 1.0, "c": -5.0}) == ["a"]
    assert telling({"a": -1.0}) == []


def test_the_nearest_examples_are_shown(export, rule, describe, tmp_path):
    names = ("jpeg", "gaussian_noise", "clean")
    pictures = [tiny_bundle.degraded(scene(96, 128), "jpeg", 1), scene(96, 128)]
    pictures += [tiny_bundle.degraded(scene(96, 128, seed=n), "gaussian_noise", n) for n in (1, 2)]
    made = examples.Examples(
        names,
        np.array([0, 2, 1, 1]),
        np.array([*map(describe, pictures)], np.float32),
        np.stack([picture[:64, :64] for picture in pictures]),
    )
    # In coordinates that tell the classes apart, by brute force.
    noisy = tiny_bundle.degraded(scene(96, 128, seed=3), "gaussian_noise", 3)
    points = rule.discriminant.coordinates(
        rule.bounded(np.stack([describe(noisy), *made.vectors.astype(float)]))
    )
    away = np.linalg.norm(points[1:] - points[0], axis=1)
    expected = [names[made.labels[number]] for number in np.argsort(away)[:3]]
    assert [name for name, _ in made.nearest(rule, describe(noisy))] == expected
    assert expected[:2] == ["gaussian_noise"] * 2

    examples.save(tmp_path / "examples.safetensors", made)
    assert Selector(export, None).nearest(noisy) == []
    with_examples = replace(export, examples=tmp_path / "examples.safetensors")
    (first, picture), *_ = Selector(with_examples, network(export)).nearest(pictures[1])
    assert first == "clean"
    np.testing.assert_array_equal(picture, pictures[1][:64, :64])


def test_a_figure_says_what_was_chosen_and_why(export, rule, describe):
    pixels = reading.read(sets.find("embedded")[2])[:128, 100:300]
    shown = pd.DataFrame(
        {
            "degradation": ["jpeg", "jpeg+sr", "clean"],
            "discriminant": ["jpeg", *export.groups[::-1]],
            "verdict": ["restore", "restore", "leave"],
            "right": [True, False, True],
            "vector": [describe(tiny_bundle.degraded(pixels, "jpeg", 1))] * 3,
        },
        index=[4, 7, 9],
    )
    pictures = {index: np.full((64, 64, 3), index, np.uint8) for index in shown.index}
    like = examples.Examples(
        ("jpeg", "sr"),
        np.array([1, 0, 0, 0]),
        # None as near as another: the last bits of equal distances depend on the processor.
        np.stack([shown["vector"][4] + further for further in (0, 0.01, 0.02, 9)]),
        np.arange(4, dtype=np.uint8)[:, None, None, None].repeat(64, 1).repeat(64, 2).repeat(3, 3),
    )
    told = explained(shown, rule, export.groups, like)
    drawn = nearest.figure(told.assign(picture=pd.Series(pictures)), export.groups)
    lines = np.array(drawn.axes).reshape(3, 8)
    said = [[[text.get_text() for text in panel.texts] for panel in line] for line in lines]
    assert said[0][0][0].startswith("restored as group 1,\ntold from ")
    assert "steps between blocks" in said[0][0][0]
    assert said[1][4][0].startswith("restored as group 2,\ntold from ")
    assert said[2][0] == ["left as it is"]
    assert sum(len(words) for line in said for words in line) == 3
    for line, first, index in ((0, 0, 4), (1, 4, 7), (2, 0, 9)):
        panels = lines[line][first : first + 4]
        values = [int(panel.images[0].get_array()[0, 0, 0]) for panel in panels]
        assert values == [index, 0, 1, 2]
        assert [panel.get_xlabel() for panel in panels[1:]] == ["like: SR", *["like: JPEG"] * 2]
    assert lines[1][4].get_xlabel() == "JPEG,\nthen SR"
