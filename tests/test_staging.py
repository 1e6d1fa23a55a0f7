"""Stores that are copied to a disk of the node."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from grids.base.errors import InputError
from grids.images import staging


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "store" / "train" / "0123.npy"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"pixels" * 1000)
    return path


def test_without_a_folder_the_store_is_used_where_it_is(store):
    assert staging.staged(store, "") == store


def test_all_that_share_a_folder_share_one_copy(store, tmp_path, monkeypatch):
    copied = []
    copyfile = staging.shutil.copyfile
    monkeypatch.setenv("SCRATCH", str(tmp_path / "disk"))
    monkeypatch.setattr(
        staging.shutil, "copyfile", lambda *paths: copied.append(paths) or copyfile(*paths)
    )
    with ThreadPoolExecutor(8) as pool:
        copies = set(pool.map(lambda _: staging.staged(store, "$SCRATCH"), range(8)))
    (copy,) = copies
    assert len(copied) == 1
    assert copy.is_relative_to(tmp_path / "disk")
    assert copy.read_bytes() == store.read_bytes()


def test_a_copy_that_was_cut_off_is_made_again(store, tmp_path, monkeypatch):
    def fail(source, destination):
        destination.write_bytes(b"pix")
        raise OSError("no space")

    with monkeypatch.context() as broken:
        broken.setattr(staging.shutil, "copyfile", fail)
        with pytest.raises(OSError, match="no space"):
            staging.staged(store, str(tmp_path))
    assert staging.staged(store, str(tmp_path)).read_bytes() == store.read_bytes()


def test_a_variable_that_is_not_set_is_named(store, monkeypatch):
    monkeypatch.delenv("NOWHERE", raising=False)
    with pytest.raises(InputError, match=r"execution.scratch: \$NOWHERE: the variable NOWHERE is"):
        staging.staged(store, "$NOWHERE")
