import html
import io
import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from PIL import Image

from grids.base.errors import InputError
from grids.report import (
    contact_sheet,
    densities,
    drop_distance,
    paper,
    paper_averages,
    severity,
    sheets,
    similarity,
    style,
    table1,
)
from grids.search import result
from grids.search.group_names import group_name
from grids.similarity.matrix import square

NAMES = ["jpeg", "poisson_noise", "r_l", "salt_pepper_noise"]
FOUND = [["jpeg", "poisson_noise"], ["r_l", "salt_pepper_noise"]]
INPUT, SINGLE = 20.0, 30.0
MIX_LOSS, PAIR_LOSS = 2.0, {"jpeg": 0.5, "poisson_noise": -0.25, "r_l": 0.9, "salt_pepper_noise": 0}


def verification(loss, spread=0.0):
    """Three images; their PSNR differs, the loss is the same up to `spread`."""
    rows = []
    for name, value in loss.items():
        for number, (offset, more) in enumerate(zip([-3, 0, 3], [-spread, 0, spread], strict=True)):
            rows.append(
                {
                    "degradation": name,
                    "image": f"{number}.png",
                    "psnr_db": SINGLE + offset - value - more,
                    "input_psnr_db": INPUT + offset,
                }
            )
    return pd.DataFrame(rows)


SINGLES = [verification({name: 0}) for name in NAMES]
MIX = verification(dict.fromkeys(NAMES, MIX_LOSS))
PAIRS = [verification({n: PAIR_LOSS[n] for n in g}, spread=0.3) for g in FOUND]


@pytest.fixture
def table():
    return table1.table(FOUND, [*SINGLES, MIX, *PAIRS])


@pytest.fixture
def found():
    plans = [
        {"round": 0, "strategy": "paper", "delta": 0.7, "requests": [group_name(g) for g in FOUND]},
        {"round": 1, "strategy": "paper", "delta": 0.7, "solution": [group_name(g) for g in FOUND]},
    ]
    return result.summary(
        plans,
        [*SINGLES, MIX, *PAIRS],
        [verification({"jpeg": 0.1})],
        degradations=NAMES,
        backbone="srresnet",
        test_set="tiny",
        models="results/models/srresnet",
    )


@pytest.fixture
def distances():
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {
                "source": source,
                "target": target,
                "distance": 0.0 if source == target else generator.uniform(2, 4),
                "distance_std": 0.05,
            }
            for source in NAMES
            for target in NAMES
        ]
    )


def written(figure, path):
    """The SVG of a figure."""
    style.save(figure, path)
    return path.read_text(encoding="utf-8")


def test_table1_has_the_means_of_the_images(table):
    values = table1.wide(table)
    assert list(values.columns) == [*NAMES, "average"]
    assert values.loc["input"].tolist() == pytest.approx([INPUT] * 5)
    assert values.loc["single"].tolist() == pytest.approx([SINGLE] * 5)
    assert values.loc["mix"].tolist() == pytest.approx([SINGLE - MIX_LOSS] * 5)
    losses = [*PAIR_LOSS.values(), np.mean(list(PAIR_LOSS.values()))]
    assert values.loc["grouped_vs_single"].tolist() == pytest.approx([-x for x in losses])
    assert values.loc["grouped_vs_mix"].tolist() == pytest.approx([MIX_LOSS - x for x in losses])
    assert values.loc["mix_vs_single"].tolist() == pytest.approx([-MIX_LOSS] * 5)


def test_table1_has_standard_errors_of_paired_differences(table):
    errors = table1.wide(table, "std_db")
    # Images differ by 3 dB, which cancels; losses differ by 0.3 dB.
    assert errors.loc["grouped_vs_single"].tolist() == pytest.approx([0.3 / 3**0.5] * 5)
    assert errors.loc["mix_vs_single"].tolist() == pytest.approx([0] * 5, abs=1e-9)
    assert errors.loc[["input", "single", "mix", "grouped"]].isna().all(axis=None)


def test_table1_names_the_group_of_each_degradation(table):
    group_of = dict(zip(table["degradation"], table["group"], strict=True))
    assert group_of["r_l"] == "r_l+salt_pepper_noise"
    assert pd.isna(group_of["average"])


def test_table1_needs_the_same_images():
    short = [SINGLES[0].iloc[:2], *SINGLES[1:]]
    with pytest.raises(InputError, match="same images"):
        table1.table(FOUND, [*short, MIX, *PAIRS])


def test_table1_of_one_group_or_of_singles_alone():
    whole = table1.wide(table1.table([NAMES], [*SINGLES, MIX]))
    assert whole.loc["grouped_vs_mix"].tolist() == pytest.approx([0] * 5)
    alone = table1.wide(table1.table([[name] for name in NAMES], [*SINGLES, MIX]))
    assert alone.loc["grouped_vs_single"].tolist() == pytest.approx([0] * 5)


def test_text_says_what_a_person_needs(table, found):
    text = table1.text(table, found, "srresnet", "tiny")
    assert max(map(len, text.splitlines())) <= 140
    assert "2 groups for 4 degradations at δ = 0.7 dB" in text
    assert found["verdict"] in text
    assert "4 single-task and 3 of groups" in text
    assert "50% saved" in text
    (jpeg,) = [line for line in text.splitlines() if "JPEG" in line]
    assert " ".join(jpeg.split()) == "1 JPEG 20.00 30.00 28.00 29.50 -0.50 ± 0.17 +1.50 ± 0.17"
    (beyond,) = [line for line in text.splitlines() if line.endswith("  > δ")]
    assert "R-L" in beyond


def test_sheets_have_every_drop_and_every_rank(found):
    drops = sheets.drops(found).set_index(["group", "degradation"])
    assert len(drops) == 4 + 2 + 2
    name = group_name(FOUND[0])
    assert drops.loc[(name, "jpeg"), "drop_db"] == pytest.approx(0.5)
    assert drops.loc[(name, "jpeg"), "found"]
    assert not drops.loc[group_name(NAMES), "found"].any()
    ranks = pd.DataFrame({"rank": [1, 2], "group": ["a", "b"]})
    joined = sheets.rankings({1: ranks, 2: ranks[:1]})
    assert joined.to_numpy().tolist() == [[1, 1, "a"], [1, 2, "b"], [2, 1, "a"]]


def test_page_shows_the_text(table, found):
    text = table1.text(table, found, "srresnet", "tiny") + "a < b & c"
    shown = table1.page(text).partition("<pre>")[2].partition("</pre>")[0]
    assert "<" not in shown
    assert html.unescape(shown) == text


def test_text_of_one_image_has_no_errors(found):
    tables = [t[t["image"] == "0.png"] for t in (*SINGLES, MIX, *PAIRS)]
    table = table1.table(FOUND, tables)
    text = table1.text(table, found, "srresnet", "tiny")
    assert "±  " not in text
    assert "nan" not in text
    table1.figure(table, 0.7, "srresnet", "tiny")


def test_figures_say_the_same_twice_and_their_text_can_be_searched(
    tmp_path, table, found, distances
):
    expected = {
        lambda: table1.figure(table, 0.7, "srresnet", "tiny"): ["JPEG", "group 2", "−δ = −0.7 dB"],
        lambda: similarity.heat_map(distances): ["R-L", "±0.05"],
        lambda: similarity.map_in_two_dimensions(distances): ["Poisson noise"],
        lambda: drop_distance.figure(found, distances): ["δ = 0.7 dB", "2 = JPEG + Poisson noise"],
    }
    for draw, texts in expected.items():
        svg = written(draw(), tmp_path / "a.svg")
        assert svg == written(draw(), tmp_path / "b.svg")
        assert "dc:date" not in svg
        for text in texts:
            assert text in svg


def test_labels_of_points_that_coincide_do_not_overlap():
    drawn = style.new_figure(5, 5, "")
    axes = drawn.subplots()
    axes.set(xlim=(0, 4), ylim=(0, 4))
    points = np.array([[2.0, 2.0]] * 5 + [[2.1, 2.0]])
    style.label_points(axes, points, ["a long label"] * len(points))
    drawn.draw_without_rendering()
    labels = [text for text in axes.texts if text.get_text()]
    assert len(labels) == len(points)
    boxes = [Text.get_window_extent(label) for label in labels]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert any(text.arrow_patch for text in axes.texts)


def test_readable_names():
    assert [style.readable(name) for name in (*NAMES, "gaussian_blur", "sr", "haze")] == [
        "JPEG",
        "Poisson noise",
        "R-L",
        "salt & pepper noise",
        "Gaussian blur",
        "SR",
        "haze",
    ]


def test_clustering_joins_the_most_similar_first(distances):
    distances = distances.assign(distance=4.0)
    pair = {"jpeg", "r_l"}
    near = distances["source"].isin(pair) & distances["target"].isin(pair)
    distances.loc[near, "distance"] = 2.5
    links = similarity.clustering(square(distances))
    assert links[0].tolist() == [0, 2, 2.5, 2]
    assert links[1:, 2] == pytest.approx([4, 4])


def test_scaling_keeps_distances_of_points_in_a_plane():
    points = np.random.default_rng(0).normal(size=(6, 2))
    distance = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    scaled = similarity.classical_scaling(distance)
    again = np.hypot(*(scaled[:, None] - scaled[None]).transpose(2, 0, 1))
    assert again == pytest.approx(distance)


@pytest.mark.parametrize("count", [2, 3])
def test_figures_of_the_fewest_degradations(distances, count):
    few = NAMES[:count]
    some = distances[distances["source"].isin(few) & distances["target"].isin(few)]
    similarity.heat_map(some)
    similarity.map_in_two_dimensions(some)


def test_drop_distance_has_the_worst_drop_and_the_mean_distance(found, distances):
    near = {("jpeg", "poisson_noise"): 2.0, ("poisson_noise", "jpeg"): 3.0}
    far = {("r_l", "salt_pepper_noise"): 3.0, ("salt_pepper_noise", "r_l"): 3.0}
    pairs = pd.MultiIndex.from_frame(distances[["source", "target"]])
    distances["distance"] = [(near | far).get(pair, 4.0) for pair in pairs]
    points = drop_distance.points(found, distances)
    assert points["group"].tolist() == ["+".join(NAMES), *map(group_name, FOUND)]
    assert points["distance"].tolist() == pytest.approx([(5 + 6 + 8 * 4) / 12, 2.5, 3.0])
    assert points["drop_db"].tolist() == pytest.approx([2.0, 0.5, 0.9])
    assert points["worst"].tolist()[1:] == ["jpeg", "r_l"]
    assert points["mix"].tolist() == [True, False, False]
    assert points["final"].tolist() == [False, True, True]
    found["failed"] = [group_name(FOUND[0])]
    assert len(drop_distance.points(found, distances)) == 2


def test_table1_where_nobody_has_measured_the_degraded_input(found):
    bare = [t.drop(columns="input_psnr_db") for t in (*SINGLES, MIX, *PAIRS)]
    text = table1.text(table1.table(FOUND, bare), found, "srresnet", "tiny")
    assert "nan" not in text
    assert "–" in text
    some = table1.table(FOUND, [*bare[:-1], PAIRS[1]])
    values = table1.wide(some).loc["input"]
    assert values[FOUND[1]].tolist() == pytest.approx([INPUT] * 2)
    assert values[FOUND[0]].isna().all()
    table1.figure(some, 0.7, "srresnet", "tiny")


def test_histogram_is_a_density_over_the_limits():
    heights, edges = densities.histogram([1, 2, 1], 3.0)
    assert edges.tolist() == [-3, -1, 1, 3]
    assert heights.tolist() == pytest.approx([1 / 8, 1 / 4, 1 / 8])


def test_densities_have_a_panel_each(tmp_path):
    fits = {
        name: pd.DataFrame(
            {
                "alpha": [0.7, 0.71, 0.69, 0.2],
                "sigma": [2.0, 2.1, 1.9, 9.0],
                # The whole, two halves that tell the errors, and a smaller part that does not.
                "patches": [40, 20, 20, 5],
                "histogram": [[1, 5, 20, 5, 1], None, None, None],
                "histogram_limit": [10.0, None, None, None],
            }
        )
        for name in (*NAMES, "sr")
    }
    svg = written(densities.figure(fits), tmp_path / "a.svg")
    assert "α 0.700 ± 0.014" in svg
    assert svg == written(densities.figure(fits), tmp_path / "b.svg")


def patches(seed, psnr):
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(12):
        # Every third patch is flat.
        contrast = 0 if number % 3 else 40
        pixels = generator.normal(128, contrast, (8, 8, 3)).clip(0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "png")
        rows.append({"id": f"{number:02d}", "png": buffer.getvalue(), "psnr_db": psnr})
    return pd.DataFrame(rows)


def test_contact_sheet_shows_patches_with_much_to_see(tmp_path):
    sets = {"clean": patches(0, None), "jpeg": patches(1, 25.04), "r_l": patches(2, 30.0)}
    assert contact_sheet.rich_patches(sets["clean"]) == ["00", "03", "06", "09"]
    svg = written(contact_sheet.figure(sets), tmp_path / "a.svg")
    assert "25.0 dB" in svg
    assert "clean" in svg
    assert svg == written(contact_sheet.figure(sets), tmp_path / "b.svg")


@pytest.mark.parametrize(("count", "lines"), [(1, 1), (2, 1), (3, 2), (4, 2)])
def test_mosaic_enlarges_without_smoothing(count, lines):
    tiles = [np.full((64, 64, 3), 10 * i, np.uint8) for i in range(count)]
    whole = contact_sheet.mosaic(tiles)
    side = 3 * 64 + 2 * 3
    assert whole.shape == (lines * side, min(count, 2) * side, 3)
    assert set(np.unique(whole)) == {*range(0, 10 * count, 10), 255}


def test_paper_averages_of_the_paper_s_own_matrix_agree():
    """A matrix whose averages are those quoted: solved for, so nothing is left over."""
    pairs = list(combinations(paper.DEGRADATIONS, 2))
    design = np.array(
        [
            [set(pair) <= set(group) for pair in pairs] / np.array(math.comb(len(group), 2))
            for group in paper.QUOTED_AVERAGES
        ]
    )
    wanted = np.array(list(paper.QUOTED_AVERAGES.values()))
    solved = 3.3 + np.linalg.lstsq(design, wanted - 3.3, rcond=None)[0]
    values = dict(zip(pairs, solved, strict=True))
    table = pd.DataFrame(
        {
            "source": a,
            "target": b,
            "distance": 0.0 if a == b else values[min(a, b), max(a, b)] + (0.1 if a < b else -0.1),
            "distance_std": 0.02,
        }
        for a in paper.DEGRADATIONS
        for b in paper.DEGRADATIONS
    )
    averages = paper_averages.compare(table)
    assert averages["difference"].abs().max() < 1e-9
    key = paper_averages.figure(averages).get_supxlabel()
    assert {"GB = Gaussian blur", "RL = R-L", "S = SR"} <= set(key.replace("\n", " ").split(", "))
    found = paper_averages.agreement(averages)
    assert found["spearman"] == pytest.approx(1)
    assert "mean absolute error 0.00" in paper_averages.text(averages)


def test_agreement_names_what_one_group_does():
    averages = pd.DataFrame({"paper": [1.0, 2, 3, 4], "here": [1.0, 2, 3, 2.5]})
    averages["difference"] = averages["here"] - averages["paper"]
    found = paper_averages.agreement(averages)
    assert found["mean_absolute_error"] == pytest.approx(1.5 / 4)
    assert found["largest_error"] == pytest.approx(0.5)
    assert found["least_spearman"] == pytest.approx(0.5)
    assert found["spearman"] == pytest.approx(0.8)


def test_severity_panels_name_what_varies(tmp_path):
    table = pd.DataFrame(
        {
            "parameters": ['{"sigma": 1.0, "size": 15}', '{"sigma": 2.5, "size": 15}'],
            "distance": [1.0, 2.0],
            "distance_std": [0.1, 0.1],
        }
    )
    assert severity.varied(table) == {"sigma": [1.0, 2.5]}
    drawn = severity.figure({"gaussian_blur": table})
    panel = drawn.axes[0]
    assert panel.get_xlabel() == "sigma"
    assert [label.get_text() for label in panel.get_xticklabels()] == ["1", "2.5"]
