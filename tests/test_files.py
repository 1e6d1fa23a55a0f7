import stat

import numpy as np
from torch import nn

from grids.base import files
from grids.models import weights
from grids.selection import selector_file


def test_files_are_readable_by_whom_any_new_file_is(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    weights.save(tmp_path / "model.safetensors", nn.Linear(2, 2), {})
    weights.halve(tmp_path / "model.safetensors", tmp_path / "half.safetensors")
    selector_file.save(tmp_path / "selector.safetensors", {"a": np.zeros(2)}, {})
    with files.appearing(tmp_path / "text") as temporary:
        temporary.write_text("")
        temporary.chmod(0o600)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(modes, modes["plain"])
