"""`grids restore` through several models, with a plan that is stated."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny_bundle
from photograph_files import png16, read_png, scene, shown
from PIL import Image
from tiny_bundle import restore

from grids.bundle import contents
from grids.restoring import runtime, workshop
from grids.restoring.photographs import read
from grids.restoring.selector import Selector
from grids.restoring.workshop import Workshop

ADDED = 20
FIRST, SECOND = "gaussian_noise+poisson_noise", "jpeg"


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """An export whose models add a known number to every value."""
    return tiny_bundle.adding(tmp_path_factory.mktemp("export"), ADDED)


class TwoSteps(Selector):
    """Plans the same two steps for all photographs, if it may."""

    def __init__(self, *arguments, most, **options):
        super().__init__(*arguments, most=most, **options)
        self.most = most

    def decide(self, image):
        decision, *_ = super().decide(image)
        unknown = (1.0, -np.inf, np.inf)
        return tuple(
            replace(
                decision,
                group=group,
                model=group,
                verdict="restore",
                gains_db={group: unknown, "mix": unknown},
            )
            for group in (FIRST, SECOND)[: self.most]
        )


@pytest.fixture(autouse=True)
def two_steps(monkeypatch):
    monkeypatch.setattr(workshop, "Selector", TwoSteps)


@pytest.fixture
def photograph(tmp_path):
    return tiny_bundle.addable(tmp_path / "a.png")


def restored(export, capsys, photograph, out, *options):
    """What was added to all values, and what is told."""
    assert restore(export, photograph, "-o", out, "--json", *options) == 0
    row = json.loads(capsys.readouterr().out)
    return shown(out / photograph.name).astype(int) - shown(photograph), row


def test_each_model_goes_over_what_the_one_before_made(export, photograph, tmp_path, capsys):
    out = tmp_path / "out"
    added, row = restored(export, capsys, photograph, out)
    assert (added == 2 * ADDED).all()
    models = contents.read(export).fingerprints
    assert (row["group"], row["model"]) == (FIRST, models[FIRST])
    (further,) = row["further"]
    assert (further["group"], further["model"]) == (SECOND, models[SECOND])
    assert further["scores"].keys() == {FIRST, SECOND}
    assert (row["predicted_gain_db"], row["interval_db"], row["gains_db"]) == (None, None, None)
    with Image.open(out / "a.png") as image:
        packet = image.info["xmp"].decode()
    assert f'grids:group="{FIRST}, {SECOND}"' in packet
    assert f'grids:model="{models[FIRST]}, {models[SECOND]}"' in packet
    assert "predictedGain" not in packet


def test_one_step_is_one_if_so_wanted(export, photograph, tmp_path, capsys):
    added, row = restored(export, capsys, photograph, tmp_path / "out", "--steps", "1")
    assert (added == ADDED).all()
    assert row["further"] == []


@pytest.mark.parametrize("options", [["--group", SECOND], ["--groups", SECOND], ["--all-groups"]])
def test_models_that_are_named_are_the_only_ones(export, photograph, tmp_path, capsys, options):
    assert restore(export, photograph, "-o", tmp_path / "out", *options, "--json") == 0
    assert json.loads(capsys.readouterr().out)["further"] == []
    assert restore(export, photograph, "-o", tmp_path / "out", *options, "--steps", "2") == 1
    said = capsys.readouterr().err
    assert said.startswith("error: --steps: goes by the choice, but models are named")
    assert said.count("\n") == 1


@pytest.mark.parametrize("number", ["0", "4"])
def test_a_number_of_steps_that_cannot_be_is_named(export, photograph, tmp_path, capsys, number):
    assert restore(export, photograph, "-o", tmp_path / "out", "--steps", number) == 1
    assert f"error: --steps: must be within 1 … 3, got {number}\n" == capsys.readouterr().err


def test_lines_and_tables_tell_the_steps_in_their_order(export, photograph, tmp_path, capsys):
    assert restore(export, photograph, "-o", tmp_path / "out") == 0
    assert f": {FIRST}, then {SECOND}, unknown gain expected\n" in capsys.readouterr().out
    assert restore(export, photograph, "-o", tmp_path / "dry", "--dry-run") == 0
    table = capsys.readouterr().out.splitlines()
    assert f"{FIRST}, then {SECOND} " in table[1]
    assert len(table) == 2
    assert not (tmp_path / "dry").exists()


def test_strength_and_mask_are_of_the_whole(export, photograph, tmp_path, capsys):
    mask = np.zeros((96, 128), np.uint8)
    mask[:, 64:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    options = ["--strength", "0.5", "--mask", tmp_path / "mask.png", "--tile", "64", "--compare"]
    added, row = restored(export, capsys, photograph, tmp_path / "out", *options)
    assert (added[:, 64:] == ADDED).all()
    assert not added[:, :64].any()
    assert row["tile"] == 64
    assert (tmp_path / "out" / "a.png.compare.png").exists()


def test_sixteen_bits_stay_so_between_steps_and_grey_stays_grey(export, tmp_path):
    deep = scene(96, 128, channels=1, dtype=np.uint16) // 2
    (tmp_path / "deep.png").write_bytes(png16(deep, 0))
    assert restore(export, tmp_path / "deep.png", "-o", tmp_path / "out") == 0
    result, _ = read_png(tmp_path / "out" / "deep.png")
    assert result.shape == (96, 128, 1)
    assert result.dtype == np.uint16
    error = result.astype(int) - deep - 2 * ADDED * 257
    assert np.abs(error).max() <= 1


def test_progress_goes_through_all_steps_and_can_end_each(export, photograph):
    bundle = contents.read(export)
    work = Workshop(bundle, runtime.choose("torch", bundle, "cpu"), tile=64)
    told = []
    work.restore(read(photograph), [FIRST, SECOND], told.append)
    assert told == sorted(told)
    assert told[-1] == 96 * 128
    assert told[len(told) // 2 - 1] == 96 * 128 // 2

    class StoppedError(Exception):
        pass

    def stop(pixels):
        if pixels > 96 * 128 // 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        work.restore(read(photograph), [FIRST, SECOND], stop)
