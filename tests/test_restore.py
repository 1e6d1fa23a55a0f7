"""`grids restore` on what people have in their folders."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ET
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
import tiny_bundle
import torch
from photograph_files import chunk, png16, read_png, scene, shown
from PIL import Image, ImageCms
from tiny_bundle import restore

from grids.base.files import appearing
from grids.bundle import contents
from grids.cli import main
from grids.images import reading, sets
from grids.models import restorers, weights
from grids.restoring import orders, photographs, runtime, workshop
from grids.restoring.selector import Selector
from grids.runs import orphans

NOISE, JPEG = "gaussian_noise+poisson_noise", "jpeg"
BRIGHTER = {JPEG: 10, NOISE: 30}


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """An export whose models add a known number to every value."""
    folder = tmp_path_factory.mktemp("export")
    real = contents.read(tiny_bundle.write(folder))
    models = {}
    for group, added in BRIGHTER.items():
        network = restorers.build(real.backbone, real.sizes)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.zero_()
            network.conv_last.bias.fill_(added / 255)
        models[group] = folder / f"{group}.safetensors"
        weights.save(models[group], network, {})
    contents.write(
        folder / "known",
        models={group: models[group] for group in real.groups},
        mix=real.mix,
        backbone=real.backbone,
        sizes=real.sizes,
        descriptor=real.descriptor,
        describing=real.describing,
        selector=real.selector,
        card=real.card,
    )
    return folder / "known"


def restore_json(export, capsys, *arguments):
    status = restore(export, *arguments, "--json")
    lines = capsys.readouterr().out.splitlines()
    return status, {os.path.basename(row["source"]): row for row in map(json.loads, lines)}


def brighter(pixels, added):
    """What the model of a group makes of colours, in the pixels' own range."""
    white = np.iinfo(pixels.dtype).max
    return np.clip(pixels.astype(np.int64) + added * white // 255, 0, white).astype(pixels.dtype)


def with_alpha(pixels, added):
    return np.concatenate([brighter(pixels[..., :-1], added), pixels[..., -1:]], axis=-1)


def mixed_folder(folder):
    """Fifty files. The pixels expected of the good ones, and words of the errors of the others."""
    folder.mkdir()
    good, bad = {}, {}
    added = BRIGHTER[JPEG]

    def save(name, image, expected, **options):
        image.save(folder / name, **options)
        good[name] = expected

    for suffix, options in (
        ("png", {}),
        ("bmp", {}),
        ("tif", {}),
        ("tiff", {"compression": "tiff_lzw"}),
        ("webp", {"lossless": True, "exact": True}),
    ):
        rgb, rgba = scene(), scene(channels=4)
        save(f"colour.{suffix}", Image.fromarray(rgb), brighter(rgb, added), **options)
        if suffix != "bmp":
            save(f"alpha.{suffix}", Image.fromarray(rgba), with_alpha(rgba, added), **options)
        if suffix != "webp":
            grey = rgb[..., 0]
            save(f"grey.{suffix}", Image.fromarray(grey), brighter(grey, added), **options)
    pair = scene(channels=2)
    save("grey alpha.png", Image.fromarray(pair), with_alpha(pair, added))
    save("grey alpha.tif", Image.fromarray(pair), with_alpha(pair, added))
    bits = np.indices((48, 64)).sum(0) % 3 == 0
    for suffix in ("png", "bmp", "tif"):
        save(f"bits.{suffix}", Image.fromarray(bits), brighter(np.uint8(255) * bits, added))
    indices = scene(channels=1)[..., 0] // 86
    colours = np.array([[9, 8, 7], [90, 200, 30], [90, 5, 66]], np.uint8)
    palette = Image.fromarray(indices, "L").convert("P")
    palette.putpalette(colours.tobytes())
    save("palette.png", palette, brighter(colours[indices], added))
    save("palette.bmp", palette, brighter(colours[indices], added))
    opacity = np.array([0, 128, 255], np.uint8)
    rgba = np.concatenate([colours[indices], opacity[indices][..., None]], axis=2)
    save("see-through.png", palette, with_alpha(rgba, added), transparency=opacity.tobytes())
    for colour, channels in ((0, 1), (4, 2), (2, 3), (6, 4)):
        pixels = scene(channels=channels, dtype=np.uint16)
        name = f"deep {channels}.png"
        (folder / name).write_bytes(png16(pixels, colour))
        good[name] = with_alpha(pixels, added) if channels % 2 == 0 else brighter(pixels, added)
    deep = scene(dtype=np.uint16)
    (folder / "interlaced.png").write_bytes(png16(deep, 2, interlaced=True))
    good["interlaced.png"] = brighter(deep, added)
    for channels in (1, 3):
        pixels = scene(channels=channels, dtype=np.uint16).squeeze()
        tifffile.imwrite(folder / f"deep {channels}.tif", pixels)
        good[f"deep {channels}.tif"] = brighter(pixels, added)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        name = f"turned {orientation}.jpg"
        Image.fromarray(scene()).save(folder / name, exif=exif, quality=95, subsampling=0)
        good[name] = brighter(shown(folder / name), added)
    Image.fromarray(scene(channels=4), "CMYK").save(folder / "inks.jpg", quality=95)
    good["inks.jpg"] = brighter(np.asarray(Image.open(folder / "inks.jpg").convert("RGB")), added)
    Image.fromarray(scene()).save(folder / "progressive.jpeg", progressive=True, quality=95)
    good["progressive.jpeg"] = brighter(shown(folder / "progressive.jpeg"), added)
    keyed = scene()
    keyed[10:20, 30:40] = 7, 8, 9
    hidden = (keyed == (7, 8, 9)).all(axis=2, keepdims=True)
    opaque = np.where(hidden, np.uint8(0), np.uint8(255))
    expected = with_alpha(np.concatenate([keyed, opaque], axis=2), added)
    save("keyed.png", Image.fromarray(keyed), expected, transparency=(7, 8, 9))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    save("profile.png", Image.fromarray(scene()), brighter(scene(), added), icc_profile=profile)
    save("ümläut 写真.PNG", Image.fromarray(scene()), brighter(scene(), added), format="png")

    whole = (folder / "colour.png").read_bytes()
    frames = [Image.fromarray(scene(seed=i)) for i in range(2)]
    frames[0].save(folder / "moving.webp", save_all=True, append_images=frames[1:])
    frames[0].save(folder / "pages.tif", save_all=True, append_images=frames[1:])
    frames[0].save(folder / "jpeg.jpg")
    bad["moving.webp"] = bad["pages.tif"] = "2 pictures"
    for name, content, word in (
        ("cut.png", whole[: len(whole) // 2], "truncated"),
        ("cut.jpg", (folder / "jpeg.jpg").read_bytes()[:500], "runcated"),
        ("nothing.png", b"", "no photograph"),
        ("text.png", b"just text", "no photograph"),
        ("damaged.png", whole[:70] + b"????" + whole[74:], "cannot be read"),
        ("header.png", whole[:8] + chunk(b"IHDR", b"\0" * 13), "cannot be read"),
    ):
        (folder / name).write_bytes(content)
        bad[name] = word
    (folder / "jpeg.jpg").unlink()
    os.symlink("nowhere.png", folder / "dangling.png")
    bad["dangling.png"] = "No such file"
    return good, bad


def test_a_folder_of_fifty_mixed_files(tmp_path, export, capsys):
    good, bad = mixed_folder(tmp_path / "in")
    assert len(good) + len(bad) == 50
    status, rows = restore_json(
        export, capsys, tmp_path / "in", "-o", tmp_path / "out", "--group", JPEG
    )
    assert status == 1
    assert rows.keys() == good.keys() | bad.keys()
    for name, expected in good.items():
        assert rows[name]["status"] == "restored", rows[name]
        target = tmp_path / "out" / name
        if expected.dtype == np.uint16 and name.endswith("png"):
            pixels = read_png(target)[0].squeeze()
        elif expected.dtype == np.uint16:
            pixels = tifffile.imread(target)
        else:
            pixels = shown(target)
        assert pixels.dtype == expected.dtype, name
        # JPEG is written with losses; half an 8-bit step is uneven in 16 bits.
        allowed = 12 if "jp" in name else int(expected.dtype == np.uint16)
        error = np.abs(pixels.astype(int) - expected.squeeze())
        assert error.max() <= allowed, name
    for name, word in bad.items():
        assert rows[name]["status"] == "failed"
        assert word in rows[name]["reason"], rows[name]
        assert rows[name]["reason"].startswith(str(tmp_path / "in" / name))
    assert {p.name for p in (tmp_path / "out").iterdir()} == good.keys()


def test_failures_are_named_at_the_end_one_line_each(tmp_path, export, capsys):
    _, bad = mixed_folder(tmp_path / "in")
    assert restore(export, tmp_path / "in", "-o", tmp_path / "out", "--group", JPEG) == 1
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert f"{len(bad)} failed, {50 - len(bad)} restored" in lines
    assert sum(line.startswith("failed: ") for line in lines) == len(bad)
    assert said.out.count(f": {JPEG}") == 50 - len(bad)
    assert re.search(r"restored: [\d.]+/[\d.]+ megapixels, [\d.]+ megapixels/s, ETA", said.err)


class Strict(Selector):
    """Takes pictures of two values for unknown and promises the same gain to all others."""

    def decide(self, image):
        known = len(np.unique(image)) > 2
        decision, *_ = super().decide(image)
        promised = replace(decision, gains_db=dict.fromkeys(decision.gains_db, (5.0, 4.0, 6.0)))
        return (promised if known else replace(decision, verdict="refuse", reason="unlike all"),)


@pytest.fixture
def noisy(tmp_path, monkeypatch):
    """A folder with two photographs of known damage, and one of unknown."""
    monkeypatch.setattr(workshop, "Selector", Strict)
    folder = tmp_path / "in"
    (folder / "deeper").mkdir(parents=True)
    source = reading.read(sets.find("embedded")[1])[40:136, :96]
    Image.fromarray(source).save(tmp_path / "jpeg", "jpeg", quality=10)
    Image.fromarray(shown(tmp_path / "jpeg")).save(folder / "a.png")
    noise = np.random.default_rng(0).normal(0, 50, source.shape)
    Image.fromarray((source + noise).clip(0, 255).astype(np.uint8)).save(folder / "deeper/b.png")
    odd = np.random.default_rng(0).integers(0, 2, (96, 96, 3), dtype=np.uint8) * np.uint8(255)
    Image.fromarray(odd).save(folder / "odd.png")
    return folder


def test_each_gets_the_model_that_suits_it_and_says_so(noisy, export, tmp_path, capsys):
    status, rows = restore_json(export, capsys, noisy, "-o", tmp_path / "out")
    assert status == 1
    bundle = contents.read(export)
    selector = Strict(bundle, runtime.choose("auto", bundle, "cpu").network)
    for name, where in (("a.png", "a.png"), ("b.png", "deeper/b.png")):
        before, target = shown(noisy / where), tmp_path / "out" / where
        (decision,), row = selector.decide(before), rows[name]
        assert row["status"] == "restored"
        assert row["group"] == decision.group
        assert row["chosen_by"] == decision.rule
        np.testing.assert_array_equal(shown(target), brighter(before, BRIGHTER[decision.group]))
        with Image.open(target) as image:
            packet = ET.fromstring(image.info["xmp"])
        said = packet.find(".//{*}Description").attrib
        said = {key.partition("}")[2]: value for key, value in said.items()}
        assert said["group"] == decision.group
        model = (export / "models" / f"{decision.group}.safetensors").read_bytes()
        assert said["model"] == row["model"] == hashlib.sha256(model).hexdigest()[:16]
        assert said["verdict"] == row["verdict"] == "restore"
        assert float(said["predictedGainDb"]) == pytest.approx(row["predicted_gain_db"], abs=0.01)
    assert rows["a.png"]["group"] != rows["b.png"]["group"]
    assert rows["odd.png"]["status"] == "refused"
    assert rows["odd.png"]["verdict"] == "refuse"
    assert "unlike all" in rows["odd.png"]["reason"]
    assert not (tmp_path / "out" / "odd.png").exists()


@pytest.mark.parametrize("option", [["--force"], ["--group", NOISE]])
def test_what_is_refused_can_be_restored_all_the_same(noisy, export, tmp_path, capsys, option):
    status, rows = restore_json(export, capsys, noisy / "odd.png", "-o", tmp_path / "out", *option)
    assert status == 0
    assert rows["odd.png"]["status"] == "restored"
    assert rows["odd.png"]["chosen_by"] == ("user" if "--group" in option else "discriminant")
    if "--group" in option:
        assert rows["odd.png"]["group"] == NOISE


def test_what_gains_too_little_is_left_as_it_is(noisy, export, tmp_path, capsys):
    options = ["--min-gain", "99"]
    status, rows = restore_json(export, capsys, noisy / "a.png", "-o", tmp_path / "out", *options)
    assert status == 0
    row = rows["a.png"]
    assert (row["status"], row["verdict"]) == ("left as it is", "leave")
    assert "no gain of 99 dB can be counted on" in row["reason"]
    assert not (tmp_path / "out").exists()
    assert restore(export, noisy / "a.png", "-o", tmp_path / "out", *options, "--dry-run") == 0
    assert capsys.readouterr().out.splitlines()[1].split()[-1] == "leave"
    # Copied if so wanted, and restored if so wanted.
    options.append("--copy")
    assert restore(export, noisy, "-o", tmp_path / "copies", *options) == 1  # odd.png is refused
    said = capsys.readouterr().err
    assert f"left as it is: {noisy / 'a.png'}: damaged like" in said
    assert "--min-gain" in said
    for name in ("a.png", "deeper/b.png"):
        assert (tmp_path / "copies" / name).read_bytes() == (noisy / name).read_bytes()
    assert not (tmp_path / "copies" / "odd.png").exists()
    options.append("--force")
    _, rows = restore_json(export, capsys, noisy / "a.png", "-o", tmp_path / "forced", *options)
    assert rows["a.png"]["status"] == "restored"


def test_the_mix_restores_what_it_is_told_to(noisy, export, tmp_path, capsys):
    options = ["--group", "mix", "-o", tmp_path / "out"]
    status, rows = restore_json(export, capsys, noisy / "a.png", *options)
    assert status == 0
    mix = hashlib.sha256((export / "mix.safetensors").read_bytes()).hexdigest()
    assert (rows["a.png"]["group"], rows["a.png"]["model"]) == ("mix", mix[:16])


def test_a_gain_that_cannot_be_told_is_said_to_be_unknown(noisy, export, tmp_path, capsys):
    class Unsure(Selector):
        def decide(self, image):
            decision, *_ = super().decide(image)
            unknown = dict.fromkeys(decision.gains_db, (1.0, -np.inf, np.inf))
            return (replace(decision, gains_db=unknown),)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workshop, "Selector", Unsure)
        for options in ([], ["--compare"]):
            out = tmp_path / f"out{len(options)}"
            assert restore(export, noisy / "a.png", "-o", out, *options) == 0
            assert "unknown gain expected" in capsys.readouterr().out
        _, rows = restore_json(export, capsys, noisy / "a.png", "-o", tmp_path / "json")
    row = rows["a.png"]
    assert (row["predicted_gain_db"], row["interval_db"]) == (None, None)


def test_a_refusal_says_what_can_be_done(noisy, export, tmp_path, capsys):
    assert restore(export, noisy / "odd.png", "-o", tmp_path / "out") == 1
    said = capsys.readouterr().err
    assert f"refused: {noisy / 'odd.png'}: unlike" in said
    assert "--force" in said


def test_dry_run_prints_decisions_and_writes_nothing(noisy, export, tmp_path, capsys):
    out = tmp_path / "out"
    assert restore(export, noisy, "-o", out, "--dry-run") == 0
    table = capsys.readouterr().out.splitlines()
    assert " ".join(table[0].split()) == "photograph pixels group gain dB 90 % decision"
    assert [line.split()[-1] for line in table[1:]] == ["restore", "refuse", "restore"]
    assert not out.exists()
    (noisy / "broken.png").touch()
    assert restore(export, noisy, "-o", out, "--dry-run") == 1
    assert capsys.readouterr().out.splitlines()[2].split()[-1] == "fail"
    status, rows = restore_json(export, capsys, noisy, "-o", out, "--dry-run")
    assert status == 1
    assert rows["a.png"]["status"] == "decided"
    assert rows["broken.png"]["status"] == "failed"
    assert not out.exists()


def test_nothing_is_overwritten_unless_asked(noisy, export, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.png").write_text("precious")
    os.symlink("nowhere", out / "odd.png")
    status, rows = restore_json(export, capsys, noisy, "-o", out, "--force")
    assert status == 1
    assert (out / "a.png").read_text() == "precious"
    assert rows["a.png"]["status"] == "there already"
    assert rows["odd.png"]["status"] == "failed"
    assert "exists already, and is no file" in rows["odd.png"]["reason"]
    assert rows["b.png"]["status"] == "restored"
    assert restore(export, noisy, "-o", out, "--force", "--overwrite") == 0
    assert shown(out / "a.png").shape == (96, 96, 3)


def test_run_again_it_does_only_what_is_left(noisy, export, tmp_path, capsys):
    out = tmp_path / "out"
    assert restore(export, noisy, "-o", out) == 1  # odd.png is refused
    before = (out / "a.png").stat().st_mtime_ns
    (noisy / "odd.png").unlink()
    shutil.copy(noisy / "a.png", noisy / "new.png")
    for name in ("moving.gif", "phone.HEIC"):
        (noisy / name).touch()
    capsys.readouterr()
    assert restore(export, noisy, "-o", out) == 0
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert "1 restored, 2 there already" in lines
    assert f"there already: {out / 'a.png'}" in lines
    assert f"there already: {out / 'deeper' / 'b.png'}" in lines
    assert "2 other files were not looked at (.gif, .heic)" in lines
    assert [line.partition(" ")[0] for line in said.out.splitlines()] == [str(noisy / "new.png")]
    # What is there already counts for nothing in the time that is left.
    assert "restored: 0.009/0.009 megapixels" in said.err
    assert (out / "a.png").stat().st_mtime_ns == before


def test_sources_are_never_written_onto(noisy, export, tmp_path, capsys):
    before = (noisy / "a.png").read_bytes()
    (tmp_path / "linked").symlink_to(noisy)
    for paths, out in (
        ([noisy], noisy),
        ([noisy], tmp_path / "linked"),
        ([noisy / "a.png"], noisy),
        ([noisy / "deeper", noisy / "deeper" / "b.png"], noisy / "deeper"),
    ):
        assert restore(export, *paths, "-o", out, "--overwrite", "--force") == 1
        assert "would be written onto" in capsys.readouterr().err
    assert (noisy / "a.png").read_bytes() == before


def test_results_inside_of_the_sources_are_not_restored_again(noisy, export, capsys):
    for _ in range(2):
        _, rows = restore_json(export, capsys, noisy, "-o", noisy / "out", "--force", "--overwrite")
        assert rows.keys() == {"a.png", "b.png", "odd.png"}


def test_links_and_loops(noisy, tmp_path):
    (noisy / "deeper" / "up").symlink_to(noisy)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(noisy / "a.png", elsewhere / "c.JPG")
    (noisy / "linked").symlink_to(elsewhere)
    for name in ("notes.txt", ".hidden", "._a.png", "Thumbs.db", "@eaDir/a.png", ".trashed/b.png"):
        (noisy / name).parent.mkdir(exist_ok=True)
        (noisy / name).touch()
    jobs, unreadable, others = orders.find([noisy], tmp_path / "out", orders.Order())
    names = sorted(str(job.target.relative_to(tmp_path / "out")) for job in jobs)
    assert names == ["a.png", "deeper/b.png", "linked/c.JPG", "odd.png"]
    assert not unreadable
    assert others == [noisy / "notes.txt"]
    # What is named itself is meant.
    named = [noisy / "._a.png", noisy / "@eaDir"]
    jobs, _, _ = orders.find(named, tmp_path / "out", orders.Order())
    assert [job.source.name for job in jobs] == ["._a.png", "a.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_named(noisy, tmp_path):
    (noisy / "deeper").chmod(0)
    jobs, unreadable, _ = orders.find([noisy], tmp_path / "out", orders.Order())
    (noisy / "deeper").chmod(0o700)
    assert len(jobs) == 2
    assert "Permission denied" in unreadable[0].strerror


def test_two_sources_of_one_name(noisy, export, tmp_path, capsys):
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(noisy / "a.png", other / "a.png")
    assert restore(export, noisy, other, "-o", tmp_path / "out") == 1
    assert "would both become" in capsys.readouterr().err
    # Another suffix is another name, and the same file twice is one.
    Image.open(noisy / "a.png").save(noisy / "a.bmp")
    twice = noisy / "deeper" / ".." / "a.png"
    status, rows = restore_json(
        export, capsys, noisy / "a.png", noisy / "a.bmp", twice, "-o", tmp_path / "out"
    )
    assert status == 0
    assert rows.keys() == {"a.png", "a.bmp"}


def test_an_output_folder_that_cannot_be_written(noisy, export, tmp_path, capsys):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    (tmp_path / "to file").symlink_to(tmp_path / "file")
    for out, reason in (
        (tmp_path / "file", f"{tmp_path}/file is no folder"),
        (tmp_path / "file" / "deeper", f"{tmp_path}/file is no folder"),
        (tmp_path / "link" / "deeper", f"{tmp_path}/link is a link to nothing"),
        (tmp_path / "to file", f"{tmp_path}/to file is no folder"),
        (tmp_path / "a.JPG", "is the name of a photograph"),
        ("/proc/grids", "/proc cannot be written into"),
    ):
        assert restore(export, noisy, "-o", out) == 1
        said = capsys.readouterr()
        assert not said.out
        assert said.err.startswith(f"error: -o {out}: ")
        assert reason in said.err
        assert said.err.count("\n") == 1
    (tmp_path / "a.JPG").mkdir()
    assert restore(export, noisy / "a.png", "-o", tmp_path / "a.JPG") == 0
    assert restore(export, noisy / "a.png", "-o", tmp_path / ("a" * 300)) == 1
    assert "cannot be written (File name too long)" in capsys.readouterr().err


def test_a_sub_folder_that_cannot_be_made_is_told_of_its_photograph(
    noisy, export, tmp_path, capsys
):
    out = tmp_path / "out"
    out.mkdir()
    (out / "deeper").touch()
    status, rows = restore_json(export, capsys, noisy, "-o", out)
    assert status == 1
    assert "cannot be written" in rows["b.png"]["reason"]
    assert "\n" not in rows["b.png"]["reason"]
    assert (out / "a.png").is_file()


def test_nothing_is_restored_for_a_disk_that_is_full(noisy, export, tmp_path, capsys, monkeypatch):
    disk = SimpleNamespace(total=2**30, free=(noisy / "a.png").stat().st_size - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: disk)
    with monkeypatch.context() as patched:
        patched.setattr(workshop.Workshop, "restore", None)
        status, rows = restore_json(export, capsys, noisy, "-o", tmp_path / "out")
    assert status == 1
    assert "out/a.png: cannot be written (" in rows["a.png"]["reason"]
    # Of it nothing would be written.
    assert rows["odd.png"]["status"] == "refused"
    assert not (tmp_path / "out").exists()
    disk.total = 0  # not told
    assert restore(export, noisy / "a.png", "-o", tmp_path / "out") == 0


def test_names_that_are_no_text(noisy, export, tmp_path, capsysbinary):
    odd = os.fsdecode(b"\xff\xfe \x1b[31mspaces and\nlines.png")
    os.rename(noisy / "a.png", noisy / odd)
    out = tmp_path / "out"
    assert restore(export, noisy / odd, "-o", out) == 0
    assert os.listdir(out) == [odd]
    assert capsysbinary.readouterr().out.count(b"\n") == 1
    assert restore(export, noisy / odd, "-o", out) == 0
    said = capsysbinary.readouterr().err
    assert re.search(rb"already: .*\\udcff\\udcfe \\x1b\[31mspaces and\\nlines\.png\n", said)
    assert b"\x1b" not in said
    assert restore(export, noisy / odd, "-o", out, "--dry-run") == 0
    assert capsysbinary.readouterr().out.count(b"\n") == 2


def test_names_as_long_as_they_may_be(noisy, export, tmp_path):
    longest = os.pathconf(tmp_path, "PC_NAME_MAX")
    for name in ("a" * (longest - 4) + ".png", "é" * ((longest - 4) // 2) + ".png"):
        shutil.copy(noisy / "a.png", noisy / name)
        assert restore(export, noisy / name, "-o", tmp_path / "out") == 0
        assert (tmp_path / "out" / name).is_file()
        # No name of its own, so that what a kill leaves is known by its form.
        with appearing(tmp_path / name) as temporary:
            temporary.touch()
            assert orphans.LEFT_OVER.fullmatch(temporary.name)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", ""])
def test_output_of_another_encoding_ends_nothing(noisy, export, tmp_path, request, encoding):
    # The encoding of a locale is that of names as well, and settled before Python starts.
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    if encoding:
        environment = {}
        request.getfixturevalue("forks")
    shutil.copy(noisy / "a.png", noisy / "ünï 写真.png")
    arguments = ["restore", "--bundle", export, "--device", "cpu", "--group", JPEG]
    arguments += [noisy, "-o", tmp_path / "out"]
    code = f"""
        import sys
        for stream in (sys.stdout, sys.stderr) if {encoding!r} else ():
            stream.reconfigure(encoding={encoding!r}, errors="strict")
        from grids.cli import main
        status = main(sys.argv[1:])
        print("and dry")
        sys.exit(status or main([*sys.argv[1:], "--dry-run"]))
    """
    bare = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG"))}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        check=False,
        env=bare | environment,
    )
    assert done.returncode == 0, done.stderr
    printed, dry = done.stdout.split(b"and dry\n")
    assert printed.count(b"\n") == 4
    assert b"\\u2192" in printed
    assert dry


def test_a_blank_page_is_told_what_helps_and_passes_with_a_group(export, tmp_path, capsys):
    Image.new("RGB", (300, 200), "white").save(tmp_path / "blank.png")
    for options in ([], ["--force"]):
        status, rows = restore_json(
            export, capsys, tmp_path / "blank.png", "-o", tmp_path / "out", *options
        )
        assert status == 1
        assert "the same all over" in rows["blank.png"]["reason"]
        assert "--group GROUP restores it all the same" in rows["blank.png"]["reason"]
    status, rows = restore_json(
        export, capsys, tmp_path / "blank.png", "-o", tmp_path / "out", "--group", JPEG
    )
    assert (status, rows["blank.png"]["status"]) == (0, "restored")


def test_photographs_too_small_to_be_judged(export, tmp_path, capsys):
    for side in (1, 7, 20):
        Image.fromarray(scene(side, side)).save(tmp_path / f"{side}.png")
    (tmp_path / "in").mkdir()
    paths = [tmp_path / f"{side}.png" for side in (1, 7, 20)]
    status, rows = restore_json(export, capsys, *paths, "-o", tmp_path / "out")
    assert status == 1
    assert all(f"{row['source']}: " in row["reason"] for row in rows.values())
    status, rows = restore_json(export, capsys, *paths, "-o", tmp_path / "out", "--group", JPEG)
    assert status == 0
    assert rows["7.png"]["verdict"] is None
    np.testing.assert_array_equal(shown(tmp_path / "out" / "7.png"), brighter(scene(7, 7), 10))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.png"], "nowhere.png: no such file"),
        (["in", "--group", "jpg"], "did you mean 'jpeg'?"),
        (["in", "--tile", "8"], "tiles of 8 pixels: this network needs"),
        (["empty"], "empty: no photograph is there"),
        (["in", "--bundle", "empty"], "no export"),
    ],
)
def test_mistakes_are_told_before_anything_is_done(
    noisy, export, tmp_path, capsys, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert main(["restore", "--bundle", str(export), "-o", "out", *arguments]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert message in said.err
    assert not said.out
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there(noisy, export, tmp_path, capsys):
    assert restore(export, noisy, "-o", tmp_path / "out", "--device", "cuda") == 1
    assert "device cuda: torch sees no CUDA device" in capsys.readouterr().err


def test_tiles_and_precision_are_in_the_outcome(noisy, export, tmp_path, capsys):
    options = ["--tile", "64", "--precision", "bf16", "--force"]
    status, rows = restore_json(export, capsys, noisy, "-o", tmp_path / "out", *options)
    assert status == 0
    assert rows["a.png"]["tile"] == 64
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert 'grids:tile="64"' in image.info["xmp"].decode()
        assert 'grids:precision="bf16"' in image.info["xmp"].decode()


@pytest.mark.parametrize(("fastest", "precision"), [("bf16", "bf16"), ("f32", "fp32")])
def test_the_precision_that_was_chosen_is_in_the_outcome(
    noisy, tmp_path, fastest_in, fastest, precision
):
    """Not that it was left open."""
    fastest_in(fastest)
    arguments = [str(noisy), "-o", str(tmp_path / "out"), "--runtime", "openvino", "--force"]
    assert main(["restore", *arguments]) == 0
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert f'grids:precision="{precision}"' in image.info["xmp"].decode()


def test_an_interrupted_batch_keeps_what_is_done(noisy, export, tmp_path, capsys, monkeypatch):
    write, written = photographs.write, []

    def interrupted(*arguments):
        if written:
            raise KeyboardInterrupt
        written.append(arguments)
        return write(*arguments)

    monkeypatch.setattr(photographs, "write", interrupted)
    assert restore(export, noisy, "-o", tmp_path / "out", "--force") == 130
    assert "interrupted after 1 of 3" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "out").rglob("*.*")] == ["a.png"]


def test_forty_megapixels_in_bounded_memory(export, tmp_path):
    """Far below what the whole image would take in the network."""
    height, width = 5480, 7300
    rows = np.tile(scene(96, 100), (1, 73, 1))
    large = np.tile(rows, (height // 96 + 1, 1, 1))[:height]
    Image.fromarray(large).save(tmp_path / "large.jpg", quality=90)
    command = ["-m", "grids.cli", "restore", "--bundle", export, "--device", "cpu", "--tile", "512"]
    command += [tmp_path / "large.jpg", "-o", tmp_path / "out", "--group", JPEG]
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run([sys.executable, *sys.argv[1:]], check=True, capture_output=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "out" / "large.jpg") as image:
        assert image.size == (width, height)
    # Image, result and what Pillow holds are 120 MB each; the interpreter with torch takes 400.
    assert int(done.stdout) * 1024 < 1.2e9, done.stdout


def test_the_command_line_starts_without_torch():
    code = "import sys; from grids.cli import main\ntry: main(['restore', '--help'])\n"
    code += "except SystemExit: assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--dry-run" in done.stdout
