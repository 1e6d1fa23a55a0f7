import shutil

import numpy as np
import pytest
from PIL import Image

from grids.images import reading, seen


@pytest.fixture
def read(monkeypatch):
    """Names of the files that were read."""
    names = []

    def read(path):
        names.append(path.name)
        return whole(path)

    whole = seen.sha256
    monkeypatch.setattr(seen, "sha256", read)
    return names


def test_what_was_read_once_is_not_read_at_the_next_start(tmp_path, read):
    for number in range(3):
        Image.fromarray(np.full((9, 9), number, np.uint8)).save(tmp_path / f"{number}.png")
    paths = sorted(tmp_path.glob("*.png"))
    index = tmp_path / "index.parquet"
    reading.index(paths[:1], tmp_path).to_parquet(index)

    def digest():
        table = seen.checksums(paths, [index, tmp_path / "none"], tmp_path / "memory")
        return reading.content_digest(paths, reading.WHOLE, "", table)

    first = digest()
    assert sorted(read) == ["1.png", "2.png"]
    assert digest() == first == reading.content_digest(paths, reading.WHOLE, "", None)
    assert sorted(read) == ["1.png", "2.png"]
    shutil.copy2(paths[0], paths[1])
    assert digest() != first
    assert read[2:] == ["1.png"]
    # A damaged memory is one that knows nothing.
    (memory,) = (tmp_path / "memory").iterdir()
    memory.write_bytes(b"half")
    digest()
    assert sorted(read[3:]) == ["1.png", "2.png"]
