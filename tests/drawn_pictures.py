"""Undamaged pictures with strokes and lines of their own, for tests: nothing is to be mended.

    python tests/drawn_pictures.py FOLDER      # writes them, eight of each kind

Photographs are the embedded ones.
"""

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from grids.images import reading, sets

SIDE = 288
# Drawn so many times larger, and reduced: edges are smooth, as in scans.
FINER = 3
WORDS = [
    *("the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog"),
    *("while", "seven", "wizards", "mix", "quartz", "jewels"),
]
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def pictures(each: int = 8) -> Iterator[tuple[str, np.ndarray]]:
    """Name, which begins with the kind, and pixels (288, 288, 3) of so many pictures a kind."""
    for kind in KINDS:
        for number in range(each):
            generator = np.random.default_rng([number, *kind.__name__.encode()])
            yield f"{kind.__name__}{number}", np.asarray(kind(generator), np.uint8)


def comic(generator):
    """Shapes in flat colours with black outlines, hatching, and a bubble with words."""
    picture, draw = paper(WHITE, FINER)
    for _ in range(generator.integers(5, 12)):
        x, y = generator.uniform(0, SIDE, 2).tolist()
        size = generator.uniform(30, 120, 2).tolist()
        box = np.multiply([x, y, x + size[0], y + size[1]], FINER).tolist()
        shape = (draw.ellipse, draw.rectangle)[generator.integers(2)]
        shape(box, colour(generator), BLACK, int(generator.integers(2, 5)) * FINER)
        if generator.random() < 0.5:
            for step in range(0, int(size[0]), 6):
                ends = (x + step, y + size[1], x + step + 15, y + size[1] + 25)
                draw.line(np.multiply(ends, FINER).tolist(), BLACK, 2 * FINER)
    draw.ellipse(np.multiply((20, 15, 190, 75), FINER).tolist(), WHITE, BLACK, 2 * FINER)
    draw.text((45 * FINER, 32 * FINER), words(generator, 3), BLACK, font(18 * FINER))
    return picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def page(generator):
    """Printed text, as it comes from a screen or, smoother, from a scanner."""
    scanned = bool(generator.integers(2))
    finer, size = FINER if scanned else 1, int(generator.integers(11, 20))
    picture, draw = paper((244, 242, 236) if scanned else WHITE, finer)
    ink = (30, 28, 30) if scanned else BLACK
    for y in range(10, SIDE, round(1.4 * size)):
        draw.text((12 * finer, y * finer), words(generator, 6), ink, font(size * finer))
    picture = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return grain(picture, generator, 1.5) if scanned else picture


def handwriting(generator):
    """Loops of a pen on ruled paper, under uneven light."""
    picture, draw = paper((238, 236, 228), FINER)
    ink = ((24, 36, 110), (35, 35, 40))[generator.integers(2)]
    for y in range(30, SIDE, 32):
        draw.line((0, (y + 8) * FINER, SIDE * FINER, (y + 8) * FINER), (190, 200, 220), FINER)
        time = np.arange(0, generator.uniform(20, 45), 0.1)
        x = 12 + 5.5 * time + 4 * np.sin(2.3 * time)
        height = 5 + 6 * np.convolve(generator.random(time.size), np.ones(25) / 25, "same")
        path = np.stack([x, y - height * np.sin(2.3 * time + 1)], axis=1) * FINER
        draw.line(path[x < SIDE - 10].ravel().tolist(), ink, round(1.8 * FINER), "curve")
    light = np.linspace(1, generator.uniform(0.8, 0.95), SIDE)[:, None, None]
    small = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)) * light
    return grain(Image.fromarray(small.astype(np.uint8)), generator, 1.5)


def whiskers(generator):
    """Thin bright or dark hairs that taper, over a photograph."""
    tone = (int(generator.integers(215, 256)) if generator.integers(2) else 12,) * 3
    return hairs(photograph(generator), generator, 25, (80, 170), tone)


def grass(generator):
    """Many blades of many greens before a blurred background."""
    picture = photograph(generator).filter(ImageFilter.GaussianBlur(4))
    for _ in range(12):
        tone = tuple(np.multiply(generator.uniform(40, 220), (0.7, 1, 0.4)).astype(int).tolist())
        picture = hairs(picture, generator, 12, (60, 150), tone)
    return picture


def wires(generator):
    """Dark straight lines and a mast before a clear sky."""
    down = np.linspace(0, 1, SIDE)[:, None, None]
    top, bottom = generator.uniform(90, 200, 3), generator.uniform(190, 254, 3)
    sky = np.broadcast_to(top + (bottom - top) * down, (SIDE, SIDE, 3))
    picture = grain(Image.fromarray(sky.astype(np.uint8)), generator, 1)
    picture = picture.resize((SIDE * FINER, SIDE * FINER), Image.Resampling.BICUBIC)
    draw, tone = ImageDraw.Draw(picture), (int(generator.integers(0, 50)),) * 3
    for _ in range(generator.integers(3, 8)):
        left, right = generator.uniform(0, SIDE, 2) * FINER
        width = round(generator.uniform(1, 3) * FINER)
        draw.line((0, left, SIDE * FINER, right), tone, width)
    x = generator.uniform(40, SIDE - 40) * FINER
    draw.rectangle((x, 40 * FINER, x + 9 * FINER, SIDE * FINER), tone)
    return picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def caption(generator):
    """Words over a photograph, in white or yellow with a black edge."""
    picture = photograph(generator)
    draw, size = ImageDraw.Draw(picture), int(generator.integers(16, 34))
    fill = (WHITE, (255, 235, 60))[generator.integers(2)]
    for row in (1, 2):
        place = 14, SIDE - 10 - round(1.3 * size) * row
        draw.text(place, words(generator, 3), fill, font(size), stroke_width=2, stroke_fill=BLACK)
    return picture


def frame(generator):
    """A photograph in a white or a black border, one with a second line inside."""
    picture = photograph(generator)
    tone, other = (WHITE, BLACK) if generator.integers(2) else (BLACK, WHITE)
    draw, width = ImageDraw.Draw(picture), int(generator.integers(6, 30))
    draw.rectangle((0, 0, SIDE - 1, SIDE - 1), None, tone, width)
    if generator.integers(2):
        inside = (width, width, SIDE - 1 - width, SIDE - 1 - width)
        draw.rectangle(inside, None, other, int(generator.integers(1, 4)))
    return picture


KINDS = (comic, page, handwriting, whiskers, grass, wires, caption, frame)


def paper(tone, finer):
    picture = Image.new("RGB", (SIDE * finer, SIDE * finer), tone)
    return picture, ImageDraw.Draw(picture)


def hairs(picture, generator, count, lengths, tone):
    """Bundles of curves from one place, thinner towards their ends."""
    large = picture.resize((SIDE * FINER, SIDE * FINER), Image.Resampling.BICUBIC)
    draw, root = ImageDraw.Draw(large), generator.uniform(0.2, 0.8, 2) * SIDE
    about, time = generator.uniform(0, 2 * np.pi), np.linspace(0, 1, 25)
    for _ in range(count):
        angle = about + generator.normal(0, 0.5) + generator.normal(0, 0.4) * time
        along = np.stack([np.cos(angle), np.sin(angle)], axis=1) * generator.uniform(*lengths)
        start = root + generator.normal(0, 15, 2)
        points = (start + np.cumsum(along, axis=0) / time.size) * FINER
        for number, (one, other) in enumerate(pairwise(points.tolist())):
            width = max(1, round(2 * FINER * (1 - number / time.size)))
            draw.line((*one, *other), tone, width)
    return large.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def photograph(generator):
    """A part of an embedded photograph."""
    paths = sets.find("embedded")
    pixels = reading.read(paths[generator.integers(len(paths))])
    side = min(SIDE, *pixels.shape[:2])
    top, left = (generator.integers(length - side + 1) for length in pixels.shape[:2])
    part = Image.fromarray(pixels[top : top + side, left : left + side])
    return part.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def grain(picture, generator, sigma):
    noisy = np.asarray(picture) + generator.normal(0, sigma, (*picture.size[::-1], 1))
    return Image.fromarray(np.rint(noisy.clip(0, 255)).astype(np.uint8))


def colour(generator):
    return tuple(generator.integers(60, 256, 3).tolist())


def words(generator, count):
    return " ".join(generator.choice(WORDS, count).tolist())


def font(size):
    return ImageFont.load_default(size)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    for name, pixels in pictures():
        Image.fromarray(pixels).save(folder / f"{name}.png")
