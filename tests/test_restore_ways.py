"""`grids restore` by strength, through masks and pipes, and side by side."""

import io
import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import tiny_bundle
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from photograph_files import scene, shown
from PIL import Image
from tiny_bundle import restore

from grids.bundle import contents
from grids.images import decoding
from grids.restoring import blending, outcomes, photographs, sheets

ADDED = 20
STRENGTHS = st.floats(0, blending.STRONGEST)


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """An export whose models add a known number to every value."""
    return tiny_bundle.adding(tmp_path_factory.mktemp("export"), ADDED)


@pytest.fixture
def photograph(tmp_path):
    return tiny_bundle.addable(tmp_path / "a.png")


def one_json(capsys):
    (line,) = capsys.readouterr().out.splitlines()
    return json.loads(line)


@pytest.mark.parametrize(("strength", "added"), [(0, 0), (0.25, 5), (1, 20), (1.5, 30)])
def test_strength_is_how_far_the_result_goes(export, photograph, tmp_path, strength, added):
    options = ["--strength", strength, "--force"]
    assert restore(export, photograph, "-o", tmp_path / "out", *options) == 0
    result = shown(tmp_path / "out" / "a.png").astype(int)
    np.testing.assert_array_equal(result - shown(photograph), added)
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert f'grids:strength="{strength}"' in image.info["xmp"].decode()


def test_the_gain_that_is_expected_follows_the_strength(export, photograph, tmp_path, capsys):
    arguments = [photograph, "-o", tmp_path / "out", "--force", "--dry-run", "--json"]
    assert restore(export, *arguments) == 0
    whole = one_json(capsys)
    assert restore(export, *arguments, "--strength", "0.5") == 0
    said = capsys.readouterr()
    half = json.loads(said.out)
    assert "strength 0.5: 50% of the way to what the model makes of it" in said.err
    assert (whole["strength"], half["strength"]) == (1, 0.5)
    gain = half["predicted_gain_db"]
    assert gain == pytest.approx(blending.gain_at(0.5, whole["predicted_gain_db"]))
    low, high = half["interval_db"]
    assert low < gain < high
    assert half["gains_db"][half["group"]] == pytest.approx([gain, low, high])
    assert half["gains_db"].keys() == {half["group"], "mix"}


@given(st.floats(-5, 20), st.floats(-5, 20), STRENGTHS)
def test_gains_at_a_strength_keep_their_order(one, other, strength):
    low, high = sorted((one, other))
    assert blending.gain_at(strength, low) <= blending.gain_at(strength, high) + 1e-9
    assert blending.gain_at(1, low) == pytest.approx(low)
    assert blending.gain_at(0, low) == pytest.approx(0, abs=1e-9)


def test_the_gain_at_a_strength_is_that_of_an_uncorrelated_error():
    """Simulated: what is left and what was taken away are drawn apart."""
    rng = np.random.default_rng(0)
    left, taken = rng.normal(0, 3, 200_000), rng.normal(0, 4, 200_000)

    def gain(error):
        return 10 * math.log10(np.square(left + taken).mean() / np.square(error).mean())

    for strength in (0.3, 0.8, 1.4):
        expected = blending.gain_at(strength, gain(left))
        assert gain(left + (1 - strength) * taken) == pytest.approx(expected, abs=0.02)


@given(st.data(), STRENGTHS, st.sampled_from([np.uint8, np.uint16]))
def test_blends_lie_between_and_are_spared_where_the_mask_is_black(data, strength, dtype):
    shape = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    before, after = (data.draw(arrays.arrays(dtype, (*shape, 3))) for _ in range(2))
    mask = data.draw(arrays.arrays(np.uint8, shape))
    mixed = blending.blended(before, after, strength, mask).astype(float)
    exact = before + strength * mask[..., None] / 255 * (after.astype(float) - before)
    white = np.iinfo(dtype).max
    # Half a step by rounding, and what is lost in single precision.
    assert np.abs(mixed - exact.clip(0, white)).max() <= 0.5 + white * 1e-6
    spared = mask == 0
    np.testing.assert_array_equal(mixed[spared], before[spared])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_lies_on_the_photograph_as_it_is_seen(export, tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = tmp_path / "turned.png"
    Image.fromarray(scene(64, 96) // 2).save(source, exif=exif)
    seen = shown(source)
    mask = np.zeros(seen.shape[:2], np.uint8)
    mask[:20, :30] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    options = ["--mask", tmp_path / "mask.png", "--group", "jpeg"]
    assert restore(export, source, "-o", tmp_path / "out", *options) == 0
    difference = shown(tmp_path / "out" / "turned.png").astype(int) - seen
    assert (difference[:20, :30] == ADDED).all()
    assert not difference[20:].any()
    assert not difference[:, 30:].any()


def test_a_mask_in_grey_blends_and_is_named(export, photograph, tmp_path, capsys):
    Image.new("L", (128, 96), 51).save(tmp_path / "mask.png")
    options = ["--mask", tmp_path / "mask.png", "--strength", 1.5, "--force", "--json"]
    assert restore(export, photograph, "-o", tmp_path / "out", *options) == 0
    assert one_json(capsys)["mask"] == str(tmp_path / "mask.png")
    difference = shown(tmp_path / "out" / "a.png").astype(int) - shown(photograph)
    assert (difference == round(ADDED * 1.5 / 5)).all()
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert 'grids:mask="True"' in image.info["xmp"].decode()


def test_a_comparison_shows_before_halves_and_after(export, photograph, tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--compare", "--group", "jpeg", "--json"]
    assert restore(export, photograph, "-o", out, *options) == 0
    sheet = out / "a.png.compare.png"
    assert one_json(capsys)["sheet"] == str(sheet)
    pixels, before, after = shown(sheet), shown(photograph), shown(out / "a.png")
    step = sheets.NARROWEST + sheets.GAP
    pictures = [pixels[sheets.GAP :, sheets.GAP + n * step :][:96, :128] for n in range(3)]
    np.testing.assert_array_equal(pictures[0], before)
    np.testing.assert_array_equal(pictures[2], after)
    np.testing.assert_array_equal(pictures[1][:, :64], before[:, :64])
    np.testing.assert_array_equal(pictures[1][:, 65:], after[:, 65:])
    # Words stand below each.
    assert all((pixels[120:, sheets.GAP + n * step :][:, :128] < 128).any() for n in range(3))
    # What is there stays.
    assert restore(export, photograph, "-o", out, *options) == 0
    assert one_json(capsys)["remarks"] == []
    sheet.rename(out / "kept.png")
    assert restore(export, photograph, "-o", out, *options) == 0
    assert one_json(capsys)["remarks"] == ["no comparison was drawn"]
    (out / "kept.png").rename(sheet)
    (out / "a.png").unlink()
    assert restore(export, photograph, "-o", out, *options) == 1
    assert "exists already; --overwrite replaces it" in one_json(capsys)["reason"]
    assert restore(export, photograph, "-o", out, *options, "--overwrite") == 0


def test_a_comparison_says_whose_model_it_was(export, photograph, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(sheets, "drawn", lambda panels, columns: drawn.append(panels))
    monkeypatch.setattr(sheets, "write", lambda pixels, path: None)
    options = ["--compare", "--group", "jpeg"]
    assert restore(export, photograph, "-o", tmp_path / "out", *options) == 0
    (panels,) = drawn
    assert panels[2].lines[:2] == ("after", "jpeg")


def test_no_gain_is_less_than_nothing_by_rounding():
    assert outcomes._figures((-0.0, -0.04, 0.04)) == "+0.0 dB (+0.0 to +0.0)"


def test_groups_stand_side_by_side_with_what_is_expected(export, photograph, tmp_path, capsys):
    out = tmp_path / "out"
    for options in (["--all-groups"], ["--groups", *contents.read(export).groups]):
        assert restore(export, photograph, "-o", out, "--json", "--overwrite", *options) == 0
        row = one_json(capsys)
        assert row["status"] == "compared"
        assert row["sheet"] == row["target"] == str(out / "a.png.groups.png")
    assert os.listdir(out) == ["a.png.groups.png"]
    pixels, after = shown(out / "a.png.groups.png"), shown(photograph) + np.uint8(ADDED)
    left = sheets.GAP + sheets.NARROWEST + sheets.GAP
    np.testing.assert_array_equal(pixels[sheets.GAP :, left:][:96, :128], after)
    assert restore(export, photograph, "-o", out, "--all-groups") == 0
    assert "1 there already" in capsys.readouterr().err
    assert restore(export, photograph, "-o", tmp_path / "dry", "--all-groups", "--dry-run") == 0
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in table[1:]] == ["compare", "compare"]
    assert not (tmp_path / "dry").exists()


def test_a_blank_page_is_compared_all_the_same(export, tmp_path):
    Image.new("RGB", (100, 80), "grey").save(tmp_path / "blank.png")
    assert restore(export, tmp_path / "blank.png", "-o", tmp_path / "out", "--all-groups") == 0


def test_large_pictures_are_reduced_on_a_sheet():
    pixels = np.full((100, 2 * sheets.LONGEST, 3), 90, np.uint8)
    sheet = sheets.drawn([sheets.Panel(pixels, ("a+" * 200,))], 1)
    assert sheet.width == sheets.LONGEST + 2 * sheets.GAP
    assert sheet.getpixel((sheets.GAP + 5, sheets.GAP + 5)) == (90, 90, 90)


def piped(export, *arguments, given=b""):
    command = [sys.executable, "-m", "grids.cli", "restore", "--bundle", export, "--device", "cpu"]
    return subprocess.run(
        [*map(str, [*command, *arguments])], input=given, capture_output=True, check=False
    )


def test_a_photograph_goes_through_a_pipe(forks, export, photograph):
    done = piped(export, "-", "-o", "-", "--force", "--json", given=photograph.read_bytes())
    assert done.returncode == 0, done.stderr
    pixels = np.asarray(Image.open(io.BytesIO(done.stdout)))
    np.testing.assert_array_equal(pixels, shown(photograph) + np.uint8(ADDED))
    row = next(json.loads(line) for line in done.stderr.splitlines() if line.startswith(b"{"))
    assert (row["source"], row["target"], row["status"]) == ("-", "-", "restored")
    # How much would come was not known.
    assert b"ETA" not in done.stderr


def test_names_are_taken_as_they_are_written(export, photograph, monkeypatch, capsys):
    monkeypatch.chdir(photograph.parent)
    os.rename(photograph, "-")
    assert restore(export, "./-", "-o", "out", "--force", "--json") == 0
    assert one_json(capsys)["source"] == os.path.abspath("./-")
    for empty in (["", "-o", "out"], ["./-", "-o", ""]):
        with pytest.raises(SystemExit) as ended:
            restore(export, *empty)
        assert ended.value.code == 2
        assert "an empty name; this folder is ." in capsys.readouterr().err


class Pipe:
    """What stands for the standard input or output where a test runs in this process."""

    def __init__(self, content=b""):
        self.buffer = io.BytesIO(content)

    def isatty(self):
        return False

    def flush(self):
        pass


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP"])
def test_every_format_passes_with_what_belongs_to_it(monkeypatch, kind):
    coded = io.BytesIO()
    Image.fromarray(scene()).save(coded, kind)
    monkeypatch.setattr(sys, "stdin", Pipe(coded.getvalue()))
    monkeypatch.setattr(sys, "stdout", out := Pipe())
    photograph = photographs.read(photographs.STANDARD)
    photographs.write(photograph, photograph.colour, photographs.STANDARD, {"group": "x"})
    monkeypatch.undo()
    again = photographs.decoded(out.buffer.getvalue(), photographs.STANDARD)
    assert again.format == photograph.format == kind
    assert again.colour.shape == photograph.colour.shape


def test_sheets_and_decisions_go_through_pipes(export, photograph, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", out := Pipe())
    assert restore(export, photograph, "-o", "-", "--all-groups") == 0
    monkeypatch.undo()
    assert Image.open(io.BytesIO(out.buffer.getvalue())).format == "PNG"
    monkeypatch.setattr(sys, "stdin", Pipe(photograph.read_bytes()))
    assert restore(export, "-", "-o", "-", "--dry-run", "--json", "--force") == 0
    assert one_json(capsys)["status"] == "decided"
    monkeypatch.setattr(sys, "stdin", Pipe(b"no picture"))
    assert restore(export, "-", "-o", "-", "--dry-run", "--json") == 1
    assert one_json(capsys)["reason"].startswith("-: cannot be read (no photograph in")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("a.png -o out --strength 1.6", "--strength: must be within 0 … 1.5, got 1.6"),
        ("a.png -o out --strength nan", "--strength: must be within 0 … 1.5, got nan"),
        ("a.png -o out --min-gain nan", "--min-gain: must be a number of dB, got nan"),
        ("a.png -o out --mask gone.png", "gone.png: cannot be read (No such file or directory)"),
        ("a.png -o out --mask text.png", "text.png: cannot be read (no photograph in"),
        ("a.png -o out --groups jpeg jpg", "did you mean 'jpeg'? Known: gaussian_noise+poisson"),
        ("a.png -o out --all-groups --compare", "leave one out"),
        ("a.png -o out --group mxi", "unknown group 'mxi'; did you mean 'mix'? Known: "),
        ("a.png -o out --group film", "unknown group 'film'; known: "),
        ("- a.png -o -", "one photograph alone goes through"),
        ("a.png b.png -o -", "one photograph alone goes through"),
        (". -o -", "one photograph alone goes through"),
        ("- -o out", "write -o -"),
        ("a.png -o - --compare", "--compare: writes a second picture"),
        ("gone.png -o -", "gone.png: no such file"),
    ],
)
def test_mistakes_are_one_line_before_anything_is_done(
    export, photograph, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(photograph.parent)
    (photograph.parent / "text.png").write_text("no picture")
    assert restore(export, *arguments.split()) == 1
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert message in said.err
    assert not said.out
    assert not os.path.exists("out")


def test_a_photograph_does_not_go_to_a_terminal(export, photograph, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert restore(export, photograph, "-o", "-") == 1
    assert "is a terminal" in capsys.readouterr().err


def test_a_mask_of_another_size_is_named_with_both(export, photograph, tmp_path, capsys):
    Image.new("L", (96, 128)).save(tmp_path / "mask.png")
    for options in ([], ["--dry-run"]):
        arguments = ["-o", tmp_path / "out", "--mask", tmp_path / "mask.png", "--json", *options]
        assert restore(export, photograph, *arguments) == 1
        reason = one_json(capsys)["reason"]
        assert "mask.png: 96×128 pixels, but the photograph has 128×96" in reason
    assert not (tmp_path / "out").exists()


def test_a_sheet_is_never_written_onto_another_target(export, photograph, tmp_path, capsys):
    twin = photograph.with_name("a.png.compare.png")
    twin.write_bytes(photograph.read_bytes())
    assert restore(export, photograph, twin, "-o", tmp_path / "out", "--compare") == 1
    assert "would both become" in capsys.readouterr().err


def test_neutral_photographs_stay_neutral_on_sheets_too():
    grey = np.repeat(scene(channels=1), 3, axis=2)
    assert (np.ptp(photographs.neutral(scene()), axis=2) == 0).all()
    np.testing.assert_array_equal(photographs.neutral(grey), grey)


def test_masks_are_the_mean_of_their_colours_over_black(tmp_path):
    pixels = np.zeros((4, 5, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = (30, 60, 90), 255
    pixels[0, 0, 3] = 0
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    mask = blending.read_mask(tmp_path / "mask.png")
    assert mask.weights[0, 0] == 0
    assert set(np.unique(mask.weights[1:])) == {60}


@given(st.integers(1, 8))
def test_what_is_turned_is_turned_back(orientation):
    pixels = np.arange(12).reshape(3, 4)
    back = blending.BACK.get(orientation, orientation)
    np.testing.assert_array_equal(
        decoding.turned(decoding.turned(pixels, orientation), back), pixels
    )
