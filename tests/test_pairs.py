"""Degradations that are given as folders of pairs: splitting, crops, patches, verification."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import write_photographs
from PIL import Image
from torch import nn

from grids.base.errors import InputError
from grids.configuration import loading, photographs
from grids.images import pairs, reading, splitting, store
from grids.images.store import Pairs
from grids.models import evaluation
from grids.models.samples import crops
from grids.report import contact_sheet, samples, table1
from grids.similarity import pair_pies
from grids.training.restoration_batches import restoration

torch.set_num_threads(1)

CPU = torch.device("cpu")
SHARES = {"train": 0.8, "pies": 0.1, "test": 0.1}
JPEG = {"jpeg": {"quality": 10}}


def write(folder, name, pixels):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def folders(tmp_path):
    """Six pairs, the clean ones PNG, the degraded ones JPEG and in other cases of suffix."""
    noise = np.random.default_rng(0).integers(0, 256, (6, 20, 30, 3), np.uint8)
    for scene, shot in np.ndindex(3, 2):
        pixels = noise[2 * scene + shot]
        write(tmp_path / "clean", f"scene{scene}/{shot}.png", pixels)
        write(tmp_path / "bad", f"scene{scene}/{shot}.{('jpg', 'JPEG')[shot]}", pixels)
    return tmp_path


def find(folders, **split):
    return pairs.find(str(folders / "bad"), str(folders / "clean"), split or BY_SCENE)


BY_SCENE = {"train": "scene0/*", "pies": "scene1/*", "test": "scene2/*"}


class TestFinding:
    def test_partners_stand_together_in_the_part_of_their_pattern(self, folders):
        found = find(folders)
        named = {
            part: [str(path.relative_to(folders)) for path in files]
            for part, files in found.items()
        }
        assert named == {
            part: [
                f"bad/scene{scene}/0.jpg",
                f"clean/scene{scene}/0.png",
                f"bad/scene{scene}/1.JPEG",
                f"clean/scene{scene}/1.png",
            ]
            for scene, part in enumerate(splitting.PARTS)
        }

    def test_shares_are_kept_and_a_further_name_moves_no_other(self):
        names = [f"scene{i % 97}/{i}" for i in range(20_000)]
        parts = pd.Series([splitting.part_of(name, SHARES) for name in names])
        # Standard deviation of a share of 20,000: 0.003.
        for part, share in SHARES.items():
            assert (parts == part).mean() == pytest.approx(share, abs=0.012)
        percents = {part: 100 * share for part, share in SHARES.items()}
        assert [splitting.part_of(name, percents) for name in names[:500]] == list(parts[:500])
        # Fixed for ever: trainings depend on it.
        assert [splitting.part_of(name, SHARES) for name in FIXED] == list(FIXED.values())

    @pytest.mark.parametrize(
        ("damage", "message"),
        [
            (lambda f: (f / "bad/scene1/0.jpg").unlink(), r"clean/scene1/0.png: no image of this "),
            (lambda f: (f / "clean/scene1/0.png").unlink(), r"bad/scene1/0.jpg: no .* 5 with\]"),
            (
                lambda f: write(f / "bad", "scene1/0.png", np.zeros((20, 30, 3), np.uint8)),
                r"scene1/0.jpg and .*scene1/0.png: two images of one name",
            ),
        ],
    )
    def test_an_image_without_a_partner_of_its_own_is_named(self, folders, damage, message):
        damage(folders)
        with pytest.raises(InputError, match=message) as error:
            find(folders)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        ("split", "message"),
        [
            (BY_SCENE | {"pies": "scene?/*"}, "'scene0/0' must fit one .* fits train and pies"),
            (BY_SCENE | {"pies": "none"}, "'scene1/0' must fit one pattern, but fits none"),
            (BY_SCENE | {"train": "scene[01]/*", "pies": "x"}, "split.pies: none of the 6 pairs"),
        ],
    )
    def test_a_split_that_leaves_something_out(self, folders, split, message):
        with pytest.raises(InputError, match=message):
            find(folders, **split)

    def test_images_of_two_sizes_are_no_pair(self, folders):
        files = find(folders)["pies"]
        pairs.check_sizes(files)
        write(folders / "clean", "scene1/1.png", np.zeros((20, 29, 3), np.uint8))
        with pytest.raises(InputError, match=r"1.JPEG: 30×20 pixels, but .*1.png has 29×20"):
            pairs.check_sizes(files)


FIXED = {"0001": "train", "0003": "pies", "0004": "test", "scene/2": "test", "é": "train"}


@pytest.fixture
def negatives():
    """Pairs whose degraded image is the negative of the clean one."""
    generator = np.random.default_rng(1)
    clean = [generator.integers(0, 256, (*size, 3), np.uint8) for size in ((40, 50), (33, 64))]
    return Pairs(["a.png", "b.png"], [255 - pixels for pixels in clean], clean)


class TestTraining:
    def batches(self, photographs, group, pairs=store.NO_PAIRS, seed=0):
        return restoration(
            photographs,
            group,
            patch=16,
            weights=dict.fromkeys(group, 1.0),
            seed=seed,
            device=CPU,
            pairs=pairs,
        )

    def test_crops_of_a_pair_lie_at_one_place_in_one_orientation(self, negatives):
        grey = [np.full((32, 32, 3), 128, np.uint8)]
        group = {"jpeg": {"quality": 90}, "negative": {"pairs": "0"}}
        batches = self.batches(grey, group, {"negative": negatives})
        source, target = batches(3, range(64))
        from_pairs = (target != target[:, :1, :1, :1]).flatten(1).any(1)
        assert 16 < from_pairs.sum() < 48
        assert torch.allclose(source[from_pairs], 1 - target[from_pairs], atol=1e-6)
        assert torch.allclose(source[~from_pairs], target[~from_pairs], atol=0.01)
        # Every crop is one of the clean images', in one of the eight orientations.
        crop = target[from_pairs][0].mul(255).round().byte().movedim(0, -1).numpy()
        windows = [
            np.lib.stride_tricks.sliding_window_view(image, (16, 16, 3))
            for image in negatives.clean
        ]
        turned = [np.rot90(c, k) for c in (crop, crop[:, ::-1]) for k in range(4)]
        assert any((w == t).all((-3, -2, -1)).any() for w in windows for t in turned)

    def test_a_batch_is_the_same_in_whatever_parts(self, negatives):
        group = JPEG | {"negative": {"pairs": "0"}}
        batches = self.batches(negatives.clean, group, {"negative": negatives})
        whole = batches(7, range(12))
        parts = [batches(7, range(first, first + 4)) for first in (0, 4, 8)]
        for tensor, pieces in zip(whole, zip(*parts, strict=True), strict=True):
            assert torch.equal(tensor, torch.cat(pieces))

    def test_crops_of_operators_do_not_depend_on_pairs_in_the_group(self, negatives):
        other = [np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)]
        alone = self.batches(other, JPEG)(0, range(32))
        group = JPEG | {"negative": {"pairs": "0"}}
        both = self.batches(other, group, {"negative": negatives})(0, range(32))
        shared = (alone[1] == both[1]).flatten(1).all(1)
        assert 6 < shared.sum() < 26
        assert torch.equal(alone[0][shared], both[0][shared])


class TestPies:
    def test_degraded_patches_lie_where_textured_clean_ones_do(self, negatives):
        flat = np.zeros((64, 64, 3), np.uint8)
        images = Pairs(
            ["flat", *negatives.names],
            [flat, *negatives.degraded],
            [flat, *negatives.clean],
        )
        patches, measures = pair_pies.degraded_patches(
            images.clean,
            images.degraded,
            ["x", "y", "z"],
            patches=8,
            size=16,
            least_contrast=0.02,
            seed=0,
        )
        assert len({name for name, _ in patches}) == 8
        for (name, patch), psnr in zip(patches, measures["psnr_db"], strict=True):
            _, number, y, x = name.split("_")
            clean = images.clean[int(number)][int(y) : int(y) + 16, int(x) : int(x) + 16]
            assert int(number) > 0
            assert np.array_equal(patch, 255 - clean)
            error = (255 - 2.0 * clean) ** 2
            assert psnr == pytest.approx(10 * np.log10(255**2 / error.mean()))

    def test_too_few_are_refused(self, negatives):
        with pytest.raises(InputError, match=r"9 patches .* hold"):
            pair_pies.degraded_patches(
                negatives.clean,
                negatives.degraded,
                ["y", "z"],
                patches=99,
                size=16,
                least_contrast=0.02,
                seed=0,
            )


def test_verification_measures_pairs_on_their_own_images(negatives):
    photograph = np.random.default_rng(3).integers(0, 256, (20, 20, 3), np.uint8)
    measured = evaluation.verify(
        nn.Identity(),
        JPEG | {"negative": {"pairs": "0"}},
        [("one.png", "identity", photograph)],
        0,
        CPU,
        {"negative": zip(*negatives, strict=True)},
    )
    assert list(zip(measured["degradation"], measured["image"], strict=True)) == [
        ("jpeg", "one.png"),
        ("negative", "a.png"),
        ("negative", "b.png"),
    ]
    for row, clean in zip(measured[1:].itertuples(), negatives.clean, strict=True):
        error = np.mean((255 - 2.0 * clean) ** 2)
        assert row.psnr_db == row.input_psnr_db == pytest.approx(10 * np.log10(255**2 / error))


def test_pairs_are_read_from_the_stores_of_their_part(folders):
    files = find(folders)["test"]
    table = reading.index(files, reading.root_of(files))
    table.to_parquet(folders / "index.parquet")
    store.write(folders / "store.npy", table, reading.photographs(reading.root_of(files), table))
    group = JPEG | {"real": {"pairs": "0"}}
    read = store.read_pairs(group, [folders / "index.parquet", folders / "store.npy"])
    assert list(read) == ["real"]
    assert read["real"].names == ["clean/scene2/0.png", "clean/scene2/1.png"]
    for side, first in ((read["real"].degraded, 0), (read["real"].clean, 1)):
        for pixels, path in zip(side, files[first::2], strict=True):
            assert np.array_equal(pixels, reading.read(path))


def test_samples_show_a_pair(negatives):
    given = {"negative": list(zip(negatives.degraded, negatives.clean, strict=True))}
    group = {"negative": {"pairs": "0"}}
    picture = samples.strip(crops(nn.Identity(), group, [], 0, CPU, given, samples.SIDE))
    shown = np.asarray(picture)[samples.GAP + 2 * samples.LINE :, samples.GAP :]
    assert np.array_equal(shown[:40, :50], negatives.degraded[0])
    width = 2 * (samples.SIDE + samples.GAP)
    assert np.array_equal(shown[:40, width : width + 50], negatives.clean[0])


def verification(names, images, psnr):
    rows = [
        {"degradation": name, "image": image, "psnr_db": value, "input_psnr_db": 20.0}
        for name in names
        for image, value in zip(images[name], psnr[name], strict=True)
    ]
    return pd.DataFrame(rows)


def test_table1_takes_each_degradation_on_its_images_and_says_so():
    names = {"jpeg": ["1", "2", "3"], "sr": ["1", "2", "3"], "real": ["x", "y"]}
    single = {"jpeg": [30.0, 31, 33], "sr": [34.0, 36, 35], "real": [38.0, 40]}
    mix = {"jpeg": [29.0, 31, 32], "sr": [33.0, 34, 35], "real": [37.0, 36]}
    tables = [verification([name], names, single) for name in names]
    tables.append(verification(list(names), names, mix))
    table = table1.table([[name] for name in names], tables)
    values, errors = table1.wide(table), table1.wide(table, "std_db")
    row = "mix_vs_single"
    assert values.loc[row].tolist() == pytest.approx([-2 / 3, -1, -2.5, -(2 / 3 + 1 + 2.5) / 3])
    # jpeg and sr on the same images: −2, −2, −1 together; real alone: −1, −4.
    together = np.std([-2, -2, -1], ddof=1) / 3**0.5
    alone = np.std([-1, -4], ddof=1) / 2**0.5
    assert errors.loc[row, "average"] == pytest.approx(np.hypot(together, alone) / 3)
    found = {
        "groups": [{"degradations": [name]} for name in names],
        "delta": 1.0,
        "trainings": {"single": 3, "group": 1},
        "degradations": list(names),
        "backbone": "b",
        "test_set": "own",
        "strategy": "s",
        "rounds": 1,
        "saved": 0.0,
        "verdict": "v",
    }
    text = table1.text(table, found, "b", "own", ["real"])
    assert "Measured on test pairs of its own, not on own: real." in text
    assert "test pairs" not in table1.text(table, found, "b", "own")


def test_contact_sheet_shows_pairs_as_they_are():
    def one(names, value):
        buffer = io.BytesIO()
        Image.fromarray(np.full((16, 16, 3), value, np.uint8)).save(buffer, "png")
        return pd.DataFrame({"id": names, "png": buffer.getvalue(), "psnr_db": 20.0})

    sets = {"clean": one(["0_0_0"], 0), "real": one(["pair_0_3_3"], 255)}
    drawn = contact_sheet.figure(sets, ["real"])
    titles = [axes.get_title() for axes in drawn.axes[:2]]
    assert titles[1].startswith("real (pairs)")


class TestConfiguration:
    def config(self, folder, entry):
        return {
            "images": {
                "train": str(folder / "train"),
                "pies": str(folder / "pies"),
                "tests": {"embedded": str(folder / "own")},
            },
            "degradations": {"jpeg": {}, "real": {"pairs": entry}},
            "pies": {"patches": 24, "size": 16},
            "training": {"patch": 16},
        }

    @pytest.fixture
    def entry(self, tmp_path):
        write_photographs(tmp_path)
        for number, path in enumerate(sorted((tmp_path / "train").iterdir())):
            name = f"{'aabbc'[number]}{number}.png"
            for side in ("bad", "good"):
                write(tmp_path / side, name, reading.read(path))
        return {
            "degraded": str(tmp_path / "bad"),
            "clean": str(tmp_path / "good"),
            "split": {"train": "a*", "pies": "b*", "test": "c*"},
        }

    def checked(self, config):
        loaded = loading.load(config)
        photographs.check(loaded, photographs.find(loaded))

    def refused(self, config):
        with pytest.raises(InputError) as error:
            self.checked(config)
        assert "\n" not in str(error.value)
        return str(error.value)

    def test_a_part_is_an_image_set(self, tmp_path, entry):
        loaded = loading.load(self.config(tmp_path, entry))
        found = photographs.find(loaded)
        photographs.check(loaded, found)
        assert [path.name for path in found["real.test"]] == ["c4.png", "c4.png"]
        assert loaded.pair_sets() == ["real.train", "real.pies", "real.test"]

    def test_what_does_not_fit_is_named_before_any_job(self, tmp_path, entry):
        config = self.config(tmp_path, entry)
        write(tmp_path / "bad", "b2.png", np.zeros((64, 63, 3), np.uint8))
        assert "good/b2.png has 64×64; the images of a pair" in self.refused(config)
        write(tmp_path / "bad", "b2.png", np.zeros((10, 10, 3), np.uint8))
        assert "b2.png: 10×10 pixels, but pies.size needs 16×16" in self.refused(config)
        (tmp_path / "bad" / "b2.png").unlink()
        assert "degradations.real.pairs: " in (message := self.refused(config))
        assert "good/b2.png: no image of this name" in message

    def test_too_few_patches_in_the_pairs_for_pies(self, tmp_path, entry):
        config = self.config(tmp_path, entry)
        config["pies"]["patches"] = 40
        assert "40 patches of 16×16 asked for, but the pairs of real" in self.refused(config)

    @pytest.mark.parametrize(
        ("name", "change", "message"),
        [
            ("haze", {}, "degradations.haze.pairs: haze is a module's name"),
            ("clean", {}, "degradations.clean: choose another name"),
            ("Real", {}, "degradations.Real: choose another name"),
            ("real", {"training": {"sigma": 1}}, "degradations.real.training: pairs have no"),
            ("real", {"pairs": {"degraded": "x"}}, "degradations.real.pairs.clean: field required"),
            ("real", {"pairs": {"degraded": "x", "cleen": "y"}}, "did you mean 'clean'"),
        ],
    )
    def test_a_wrong_entry(self, tmp_path, entry, name, change, message):
        config = self.config(tmp_path, entry)
        del config["degradations"]["real"]
        config["degradations"][name] = {"pairs": entry} | change
        assert message in self.refused(config)

    @pytest.mark.parametrize(
        ("split", "message"),
        [
            ({"train": "a*"}, "all as shares or all as patterns"),
            ({"train": -1}, "pairs.split.train: input should be greater than 0, got -1"),
            ({"trial": 1}, "pairs.split.trial: unknown key 'trial'; did you mean 'train'"),
        ],
    )
    def test_a_wrong_split(self, tmp_path, entry, split, message):
        assert message in self.refused(self.config(tmp_path, entry | {"split": split}))

    def test_weights_may_name_pairs(self, tmp_path, entry):
        config = self.config(tmp_path, entry)
        config["training"]["weights"] = {"real": 3.0}
        sampling = loading.load(config).training.sampling(["jpeg", "real"])
        assert sampling["weights"] == {"jpeg": 0.25, "real": 0.75}
        config["training"]["weights"] = {"rael": 3.0}
        assert "training.weights: unknown degradation 'rael'" in self.refused(config)
