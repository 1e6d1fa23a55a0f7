"""Makes docs/before_after.jpg: four kinds of damage, before and after `grids restore`.

python docs/before_after.py

The photographs are those of scikit-image, which no packaged model was trained on. Which model
restores is left to GRIDS, as for anyone's files.
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image
from skimage import data

from grids import cli
from grids.base import randomness
from grids.degrading import operators
from grids.pixels.arrays import to_bytes, to_tensor

SIDE = 240
GAP = 6
# Photograph, damage, and the corner of the part that is shown: top, left.
SHOWN = (
    ("chelsea", "gaussian_noise", {"sigma": 40.0}, (40, 110)),
    ("astronaut", "poisson_noise", {"scale": 40.0}, (10, 130)),
    ("coffee", "jpeg", {"quality": 10}, (60, 180)),
    ("rocket", "inpainting", {"lines": 8, "thickness": 6.0}, (60, 200)),
)


def main() -> None:
    picture = Image.new("RGB", (len(SHOWN) * (SIDE + GAP) - GAP, 2 * SIDE + GAP), "white")
    with tempfile.TemporaryDirectory() as folder:
        damaged, restored = Path(folder, "damaged"), Path(folder, "restored")
        damaged.mkdir()
        for photograph, name, values, _ in SHOWN:
            clean = to_tensor(getattr(data, photograph)())[None]
            pixels = operators.degrade(name, clean, values, [randomness.key(0, name)])
            Image.fromarray(to_bytes(pixels)[0]).save(damaged / f"{photograph}.png")
        if status := cli.main(["restore", str(damaged), "-o", str(restored), *sys.argv[1:]]):
            sys.exit(status)
        for column, (photograph, _, _, (top, left)) in enumerate(SHOWN):
            for row, source in enumerate((damaged, restored)):
                with Image.open(source / f"{photograph}.png") as image:
                    part = image.crop((left, top, left + SIDE, top + SIDE))
                    picture.paste(part, (column * (SIDE + GAP), row * (SIDE + GAP)))
    picture.save(Path(__file__).with_suffix(".jpg"), quality=92, subsampling=0)


if __name__ == "__main__":
    main()
