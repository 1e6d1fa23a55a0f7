"""Pictures with lines of their own: words, curves, shapes and frames, on photographs and on paper.

The choice is fitted to them so that it does not take what belongs to a picture for strokes that
were painted over it. These are opaque, straight, black or white, and have hard edges; what is drawn
here on a photograph is never all of that.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

# The ground of so many drawings is paper, of the others the photograph.
ON_PAPER = 0.4
# Edges are smooth where it is drawn so many times larger and reduced, hard where it is not.
FINER = 3
CURVE = np.linspace(0, 1, 24)[:, None]
LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPRSTUVW0123456789.,    "))

Pixels = NDArray[np.uint8]
Tone = tuple[int, int, int]
Draw = Callable[[ImageDraw.ImageDraw, np.random.Generator, int, Tone], None]


def drawn(photograph: Pixels, generator: np.random.Generator) -> Pixels:
    """The photograph (height, width, 3) with something drawn on it, or a drawing of its size."""
    on_paper = generator.random() < ON_PAPER
    # A hard edge on a photograph is that of a stroke.
    finer = 1 if on_paper and generator.random() < 0.3 else FINER
    ground = _paper(photograph.shape, generator) if on_paper else photograph
    height, width = photograph.shape[:2]
    picture = Image.fromarray(ground).resize((width * finer, height * finer), Image.Resampling.BOX)
    draw = ImageDraw.Draw(picture)
    # Smooth by being reduced, like all else, or by itself.
    draw.fontmode = "1" if finer > 1 or generator.random() < 0.5 else "L"
    light = ground.mean() > 128
    kinds: tuple[Draw, ...] = (_words, _curves, _shapes, _frame, _frame)
    for _ in range(generator.integers(1, 4)):
        kind = kinds[generator.integers(len(kinds) - 2 * int(on_paper))]
        kind(draw, generator, finer, _tone(generator, light))
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))


def _paper(shape: tuple[int, ...], generator: np.random.Generator) -> Pixels:
    """Light or, less often, dark; of one value, or with its grain."""
    tone = generator.choice([255.0, generator.uniform(200, 255), generator.uniform(0, 60)])
    tint, grain = generator.uniform(0.92, 1, 3), generator.choice([0.0, generator.uniform(0.5, 3)])
    tint = np.ones(3) if tone == 255 else tint
    values = tone * tint + grain * generator.standard_normal((*shape[:2], 1))
    pixels: Pixels = np.rint(values.clip(0, 255)).astype(np.uint8)
    return pixels


def _tone(generator: np.random.Generator, on_light: bool) -> Tone:
    """Black on what is light or white on what is dark, half of the times; else any colour."""
    if generator.random() < 0.5:
        return (0, 0, 0) if on_light else (255, 255, 255)
    red, green, blue = generator.integers(0, 256, 3).tolist()
    return red, green, blue


def _words(
    draw: ImageDraw.ImageDraw, generator: np.random.Generator, finer: int, tone: Tone
) -> None:
    width, height = draw.im.size
    size = int(generator.integers(8, 36)) * finer
    font = ImageFont.load_default(size)
    edge = int(generator.integers(3)) * finer if generator.random() < 0.3 else 0
    top = int(generator.uniform(0, 0.7) * height)
    for line in range(generator.integers(1, 12)):
        text = "".join(generator.choice(LETTERS, int(generator.integers(5, 50))))
        place = (generator.uniform(0, 0.3) * width, top + 1.3 * size * line)
        opposite = (0, 0, 0) if sum(tone) > 380 else (255, 255, 255)
        draw.text(place, text, tone, font, stroke_width=edge, stroke_fill=opposite)


def _curves(
    draw: ImageDraw.ImageDraw, generator: np.random.Generator, finer: int, tone: Tone
) -> None:
    """Bundles of Bézier's curves, all of about one direction: hair, wires, a pen's strokes."""
    size = np.array(draw.im.size)
    length, spread = generator.uniform(0.1, 0.8), generator.uniform(0.02, 0.3)
    ends = generator.uniform(0, 1, 2) + np.outer([0, 1, 2], generator.normal(0, length, 2))
    width, straight = generator.uniform(0.5, 5), generator.random() < 0.3
    for _ in range(generator.integers(2, 40)):
        first, middle, last = (ends + generator.normal(0, spread, (3, 2))) * size
        middle = (first + last) / 2 if straight else middle
        path = (1 - CURVE) ** 2 * first + 2 * CURVE * (1 - CURVE) * middle + CURVE**2 * last
        draw.line(path.ravel().tolist(), tone, max(1, round(width * finer)), "curve")


def _shapes(
    draw: ImageDraw.ImageDraw, generator: np.random.Generator, finer: int, tone: Tone
) -> None:
    """Ellipses and polygons with an outline, in flat colours or in none."""
    size, width = np.array(draw.im.size), int(generator.integers(1, 6)) * finer
    for _ in range(generator.integers(1, 7)):
        fill = _tone(generator, True) if generator.random() < 0.5 else None
        centre = generator.uniform(0, 1, 2) * size
        reach = generator.uniform(0.03, 0.3, (int(generator.integers(3, 7)), 1)) * size.min()
        turns = np.sort(generator.uniform(0, 2 * np.pi, len(reach)))
        corners = centre + reach * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        if generator.random() < 0.5:
            box = (*(centre - reach[0]).tolist(), *(centre + reach[0]).tolist())
            draw.ellipse(box, fill, tone, width)
        else:
            draw.polygon(corners.ravel().tolist(), fill, tone, width)


def _frame(
    draw: ImageDraw.ImageDraw, generator: np.random.Generator, finer: int, tone: Tone
) -> None:
    """A border, at the edge or within, or bars above and below."""
    right, bottom = (side - 1 for side in draw.im.size)
    width = int(generator.integers(1, 40)) * finer
    if generator.random() < 0.25:
        draw.rectangle((0, 0, right, width - 1), tone)
        draw.rectangle((0, bottom - width + 1, right, bottom), tone)
        return
    inset = int(generator.integers(0, 20)) * finer if generator.random() < 0.3 else 0
    draw.rectangle((inset, inset, right - inset, bottom - inset), None, tone, width)
