"""What ships leaves pictures as they are whose lines belong to them, and takes out strokes."""

import drawn_pictures
import numpy as np
import pytest

from grids.bundle import contents
from grids.restoring import runtime
from grids.restoring.selector import Selector
from grids.selection import trial
from grids.selection.fitting.gains import seen_db
from grids.selection.fitting.views import damaged

# Of each kind of picture.
EACH = 3
HARM_DB, HARMED = 0.5, 0.03


@pytest.fixture(scope="module")
def box():
    """The packaged models, and the selector that is given them."""
    export = contents.read(contents.BOX)
    network = runtime.choose("auto", export).network
    return network, Selector(export, network)


def loss_db(box, pixels):
    """What restoring takes from an undamaged picture by the first step that is planned."""
    network, selector = box
    first, *_ = selector.decide(pixels)
    if first.verdict != "restore":
        return 0.0
    made = trial.tried(pixels, network(first.model)).left
    return seen_db(pixels, pixels) - seen_db(pixels, made)


def test_lines_that_belong_to_a_picture_are_left(box):
    harm = {name: loss_db(box, pixels) for name, pixels in drawn_pictures.pictures(EACH)}
    worse = {name: round(loss, 1) for name, loss in harm.items() if loss > HARM_DB}
    assert len(worse) <= HARMED * len(harm), worse


def test_strokes_over_a_photograph_are_taken_out(box):
    """So that leaving everything as it is would not do."""
    _, selector = box
    photographs = [
        np.asarray(drawn_pictures.photograph(np.random.default_rng(n))) for n in range(6)
    ]
    values = {"lines": [5, 10], "thickness": [5.0, 10.0]}
    restored = 0
    for number, pixels in enumerate(photographs):
        first, *_ = selector.decide(damaged(pixels, "inpainting", values, number))
        restored += first.verdict == "restore" and "inpainting" in first.group
    assert restored >= 4
