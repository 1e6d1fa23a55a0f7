"""The models that ship with GRIDS: there, small, of use, and made by the shipped configuration."""

import hashlib
import json
import re
import shutil
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from conftest import ROOT, embedded_store
from PIL import Image
from safetensors.torch import load_file

from grids import cli
from grids.base import randomness
from grids.base.errors import InputError
from grids.bundle import contents
from grids.configuration import loading
from grids.degrading import around, operators, parameters
from grids.images import reading, sets
from grids.jobs import records
from grids.models import restorers, weights
from grids.pixels.arrays import to_bytes, to_tensor
from grids.pixels.psnr import psnr
from grids.training import restorer

CPU = torch.device("cpu")
CONFIGURATION = yaml.safe_load((ROOT / "config" / "box.yaml").read_text(encoding="utf-8"))
MEGABYTES = 12


@pytest.fixture(scope="module")
def box():
    return contents.read(contents.BOX)


def test_it_is_small(box):
    files = [path for path in contents.BOX.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in [*files, box.descriptor]) < MEGABYTES * 2**20


def test_it_is_of_the_shipped_configuration(box):
    groups = {frozenset(group.split("+")) for group in box.groups}
    assert groups == {frozenset(group) for group in CONFIGURATION["search"]["groups"]}
    assert box.backbone == CONFIGURATION["search"]["backbone"]
    assert box.sizes == CONFIGURATION["backbones"][box.backbone]
    given = CONFIGURATION["degradations"]
    for path in (*box.models.values(), box.mix):
        for name, values in weights.about(path)["group"].items():
            assert values == values | given[name].get("training", {}), (path, name)


# What the first steps of `config/box.yaml` came to, on the processors where they were taken.
FIRST = json.loads((ROOT / "tests" / "data" / "box_first_steps.json").read_text(encoding="utf-8"))


def processor():
    """What the last bits of a training depend on, but for the number of threads."""
    lines = Path("/proc/cpuinfo").read_text(encoding="ascii") if sys.platform == "linux" else ""
    named = dict(re.findall(r"^(vendor_id|cpu family|model|flags)\s*: (.*)$", lines, re.MULTILINE))
    units = [
        flag for flag in named.pop("flags", "").split() if flag.startswith(("amx", "avx", "fma"))
    ]
    return " ".join([*named.values(), *sorted(units), "torch", torch.__version__])


def first_steps(folder):
    """Losses of the mix's first 20 steps on the embedded photographs, and its weights' digest."""
    settings = loading.load(
        CONFIGURATION
        | {"images": {}, "report": {"backbones": ["nafnet"], "noise_degradations": []}}
    )
    names = sorted(settings.degradations)
    recipe = settings.training.recipe() | {"iterations": 20}
    weights_file, history = folder / "model.safetensors", folder / "history.parquet"
    restorer.train(
        backbone="nafnet",
        sizes=settings.sizes("nafnet"),
        group={name: settings.parameters(name, "training") for name in names},
        sampling=settings.training.sampling(names),
        recipe=recipe,
        procedure={
            "name": (procedure := settings.procedure("nafnet")),
            "options": settings.procedure_options(procedure),
        },
        files={},
        start="",
        seed=settings.seed,
        content="",
        code="",
        **embedded_store(folder),
        pairs=[],
        weights=str(weights_file),
        history=str(history),
        label="mix",
        trunk="",
        device="cpu",
        threads=1,
        scratch="",
        execution={},
        say=lambda line: None,
    )
    digest = hashlib.sha256()
    for name, values in sorted(load_file(weights_file).items()):
        digest.update(name.encode() + values.numpy().tobytes())
    return pd.read_parquet(history)["loss"].tolist(), digest.hexdigest()


def test_its_first_steps(tmp_path):
    """The same bit for bit where the processor is known, nearly so elsewhere."""
    losses, digest = first_steps(tmp_path)
    # Sums in another order: the steps after the first amplify their last bits.
    assert losses == pytest.approx(FIRST["losses"], rel=5e-4)
    here = processor()
    if here not in FIRST["weights"]:
        pytest.skip(f"losses as recorded; no weights recorded for {here}: {digest}")
    assert digest == FIRST["weights"][here], here


def test_groups_had_no_more_steps_than_the_mix(box):
    """So that what they are better by is no longer training; and each had a hundred thousand."""
    steps = [weights.about(path)["steps"] for path in box.models.values()]
    assert 100_000 <= min(steps) <= max(steps) <= weights.about(box.mix)["steps"]


# What a model must gain on the embedded photographs in dB, well below what it does.
LEAST = {
    "defocus_blur": 6.0,
    "gaussian_blur": 3.0,
    "gaussian_noise": 13.0,
    "inpainting": 15.5,
    "jpeg": 1.3,
    "motion_blur": 7.0,
    "poisson_noise": 8.8,
    "r_l": 5.8,
    "ringing": 2.6,
    "salt_pepper_noise": 22.5,
    "sr": 1.7,
}
# With black lines at two edges, by which sides were filled up, these gained 2.7 dB or less.
BLURS = ("defocus_blur", "gaussian_blur", "motion_blur", "r_l", "ringing")


@pytest.mark.parametrize(("name", "side"), [*product(LEAST, [256]), *product(BLURS, [251])])
def test_its_models_are_of_use(box, name, side):
    """Also where no stride divides the sides, as those of pictures that were cropped."""
    (group,) = (group for group in box.groups if name in group.split("+"))
    network = restorers.read(box.models[group], box.backbone, box.sizes, CPU)
    given = CONFIGURATION["degradations"][name].get("evaluation", {})
    values = parameters.resolve(parameters.specification(name), given, "evaluation")
    gains = []
    for number, path in enumerate(sets.find("embedded")):
        clean = reading.read(path)[:side, :side]
        damaged = operators.degrade(
            name, to_tensor(clean)[None], values, [randomness.key(0, name, number)]
        )
        restored = to_bytes(restorers.restore(network, damaged, CPU))[0]
        gains.append(psnr(clean, restored) - psnr(clean, to_bytes(damaged)[0]))
    assert np.mean(gains) > LEAST[name], gains


@pytest.mark.parametrize(
    ("before", "after", "least"),
    [
        (around.grey, around.alike, 10.0),
        (np.asarray, lambda pixels: around.as_file(pixels, 90, around.HALVED), 8.0),
    ],
    ids=["grey", "saved"],
)
def test_noise_of_people_s_pictures_is_taken_out(box, before, after, least):
    """Alike in all channels, or saved since; models that had seen neither gained 1 dB."""
    group = "gaussian_noise+jpeg+poisson_noise"
    network = restorers.read(box.models[group], box.backbone, box.sizes, CPU)
    gains = []
    for number, path in enumerate(sets.find("embedded")):
        clean = before(reading.read(path)[:256, :256])
        noise = operators.degrade(
            "gaussian_noise", to_tensor(clean)[None], {"sigma": 50.0}, [randomness.key(0, number)]
        )
        damaged = after(to_bytes(noise)[0])
        restored = restorers.restore(network, to_tensor(damaged)[None], CPU)
        gains.append(psnr(clean, to_bytes(restored)[0]) - psnr(clean, damaged))
    assert np.mean(gains) > least, gains


def test_it_restores_without_being_told_where_it_is_or_what_to_do(tmp_path, capsys):
    """A noisy photograph of its own accord, by the model of noise."""
    clean = reading.read(sets.find("embedded")[0])
    values = {"sigma": 40.0}
    damaged = operators.degrade("gaussian_noise", to_tensor(clean)[None], values, [7])
    source, target = tmp_path / "noisy.png", tmp_path / "restored" / "noisy.png"
    Image.fromarray(to_bytes(damaged)[0]).save(source)
    assert cli.main(["restore", str(source), "-o", str(target.parent), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "gaussian_noise" in told["group"].split("+")
    assert psnr(clean, reading.read(target)) > psnr(clean, reading.read(source)) + 6


def test_it_is_read_by_any_path_to_it(box, tmp_path, monkeypatch):
    monkeypatch.chdir(contents.BOX.parent)
    (tmp_path / "link").symlink_to(contents.BOX)
    for path in (Path("box"), tmp_path / "link"):
        assert contents.read(path).fingerprints == box.fingerprints


def test_a_broken_export_hides_no_other(tmp_path, capsys):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "bundle.json").write_text("{}")
    (tmp_path / "b").symlink_to(contents.BOX)
    assert cli.main(["bundles", str(tmp_path), str(tmp_path / "b")]) == 0
    listed = capsys.readouterr().out
    assert f"{tmp_path / 'a' / 'bundle.json'}: broken" in listed
    assert listed.count("nafnet") == 1, "the one that ships, once"


def test_what_is_only_called_like_an_export_is_not_listed(tmp_path, capsys):
    """Results have a record of theirs, and Snakemake's folder its twin."""
    (tmp_path / "bundle").symlink_to(contents.BOX)
    record = tmp_path / "records" / "bundle.json"
    records.write(tmp_path, "bundle", {}, [str(tmp_path / "bundle")], {})
    assert record.exists()
    (tmp_path / ".snakemake").mkdir()
    (tmp_path / ".snakemake" / "bundle.json").write_text("{")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "bundle.json").write_text("{}")
    found = contents.below([tmp_path])
    assert found == [tmp_path / "broken"]
    assert cli.main(["bundles", str(tmp_path)]) == 0
    assert "records" not in capsys.readouterr().out


def test_results_are_no_export_but_may_have_one(tmp_path):
    with pytest.raises(InputError, match=r"make one with `grids export RESULTS -o FOLDER`"):
        contents.read(tmp_path)
    shutil.copytree(contents.BOX, tmp_path / "bundle")
    with pytest.raises(InputError, match=r"no export, it has no bundle.json; .*/bundle is one"):
        contents.read(tmp_path)


def test_it_is_listed_with_its_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["bundles"]) == 0
    listed = capsys.readouterr().out
    assert listed.startswith(f"ships with GRIDS ({contents.BOX}): nafnet")
    assert "gaussian_noise+jpeg+poisson_noise" in listed


def test_that_of_a_clone_beside_an_installed_one_is_read(box, tmp_path, monkeypatch, capsys):
    """It has no descriptor of its own, nor has what a build leaves behind."""
    for place in ("grids/packaged", "build/lib/grids/packaged"):
        shutil.copytree(contents.BOX, tmp_path / place / "box")
    monkeypatch.chdir(tmp_path)
    copied = contents.read(Path("grids/packaged/box"))
    assert copied.descriptor == box.descriptor
    assert copied.fingerprints == box.fingerprints
    assert cli.main(["bundles"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "build/lib/grids/packaged/box: the models that ship with GRIDS",
        "grids/packaged/box: the models that ship with GRIDS",
    ]


def test_a_descriptor_that_lacks_is_not_another_one(tmp_path):
    copied = shutil.copytree(contents.BOX, tmp_path / "box")
    about = json.loads((copied / "bundle.json").read_text(encoding="utf-8"))
    about["sha256"]["descriptor.safetensors"] = "0" * 64
    (copied / "bundle.json").write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(InputError, match=r"box/descriptor.safetensors: missing; export again"):
        contents.read(copied)


def test_a_folder_that_is_not_there_is_no_empty_one(tmp_path, capsys):
    assert cli.main(["bundles", str(tmp_path), str(tmp_path / "none")]) == 1
    said = capsys.readouterr()
    assert said.err == f"error: {tmp_path / 'none'}: no such folder; name one to search\n"
    assert not said.out
