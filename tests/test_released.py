"""Released weights: what of a file a network takes, what is refused, and a run that adopts some."""

import argparse
import json
import pickle
import re
import shutil
from contextlib import suppress

import pytest
import torch
from conftest import TINY
from safetensors.torch import save_file

from grids.backbones import airnet
from grids.base.errors import InputError
from grids.base.files import sha256
from grids.cli import main
from grids.configuration import loading
from grids.models import released, restorers, weights

torch.set_num_threads(1)  # threads that wait for one another take ages on a busy machine

SIZES = {"features": 4, "blocks": 1, "growth": 2}


class Recorder:
    """What a training state keeps beside tensors; to be read it would have to be imported."""

    def __init__(self):
        self.noted = {"loss": [0.5, 0.25]}


@pytest.fixture
def state():
    torch.manual_seed(0)
    return restorers.build("rrdbnet", SIZES).state_dict()


def adopted(file, key="", backbone="rrdbnet", sizes=SIZES):
    return released.adopt(backbone, sizes, str(file), key)


def refused(file, message, **arguments):
    with pytest.raises(InputError, match=message) as error:
        adopted(file, **arguments)
    assert "\n" not in str(error.value)


def same(network, state):
    own = network.state_dict()
    return own.keys() == state.keys() and all(torch.equal(own[k], t) for k, t in state.items())


@pytest.mark.parametrize("key", ["", "params_ema", "params", "state_dict", "net"])
@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "module.",
        "net.",
        "net.module.",
        "generator.",
        "_orig_mod.",
        "module._orig_mod.",
        "_orig_mod.generator.module.net.",
    ],
)
def test_nesting_and_prefixes_are_undone(tmp_path, state, key, prefix):
    prefixed = {prefix + name: tensor for name, tensor in state.items()}
    content = {key: prefixed, "iter": 5, "optimizer": {"state": {}}} if key else prefixed
    torch.save(content, tmp_path / "a.pth")
    network, words = adopted(tmp_path / "a.pth")
    assert same(network, state)
    assert words.startswith(key or "the top")


def test_prefixes_that_some_names_lack_are_names(tmp_path, state):
    """As in a file that holds a discriminator as well."""
    whole = {f"generator.{name}": tensor for name, tensor in state.items()}
    torch.save(whole | {"discriminator.bias": torch.zeros(1)}, tmp_path / "a.pth")
    refused(tmp_path / "a.pth", r"left over \(discriminator\.bias, generator\..*for rrdbnet")


def test_of_several_entries_the_average_is_taken_unless_another_is_named(tmp_path, state):
    last = {name: tensor + 1 for name, tensor in state.items()}
    torch.save({"params": last, "params_ema": state, "other": last}, tmp_path / "a.pth")
    assert same(adopted(tmp_path / "a.pth")[0], state)
    assert same(adopted(tmp_path / "a.pth", "params")[0], last)
    assert same(adopted(tmp_path / "a.pth", "other")[0], last)
    refused(tmp_path / "a.pth", "no tensors under 'ema'; .*: other, params, params_ema", key="ema")


def test_safetensors_are_read(tmp_path, state):
    save_file({f"module.{k}": t for k, t in state.items()}, tmp_path / "a.safetensors")
    assert same(adopted(tmp_path / "a.safetensors")[0], state)


def test_what_else_a_checkpoint_holds_is_passed_over(tmp_path, state):
    content = {
        "state_dict": {f"net.{name}": tensor for name, tensor in state.items()},
        "hyper_parameters": argparse.Namespace(lr=0.1, betas=(0.9, 0.999)),
        "callbacks": {"recorder": Recorder(), "kind": Recorder},
        "epoch": 3,
    }
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "a.ckpt", weights_only=True)
    assert same(adopted(tmp_path / "a.ckpt")[0], state)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("save", [torch.save, lambda c, path: path.write_bytes(pickle.dumps(c))])
def test_nothing_is_executed(tmp_path, state, save):
    class Evil:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'owned')!r}, 'w')",))

    save({"params": state, "evil": Evil()}, tmp_path / "a.pth")
    with suppress(InputError):
        adopted(tmp_path / "a.pth")
    assert not (tmp_path / "owned").exists()


def test_what_training_alone_needs_is_left_out(tmp_path):
    sizes = {"features": 4, "groups": 1, "blocks": 1}
    whole = airnet.build(**sizes, contrast=True, queue=7).state_dict()
    torch.save(whole, tmp_path / "a.pth")
    network, words = adopted(tmp_path / "a.pth", backbone="airnet", sizes=sizes)
    own = network.state_dict()
    assert all(torch.equal(whole[name], tensor) for name, tensor in own.items())
    assert f"{len(whole) - len(own)} tensors of its training left out" in words
    # Of a network that has them they are not.
    whole_too = sizes | {"contrast": True, "queue": 7}
    network, words = adopted(tmp_path / "a.pth", backbone="airnet", sizes=whole_too)
    assert same(network, whole)
    assert "left out" not in words


def test_another_network_is_named(tmp_path, state):
    torch.save({"params": state}, tmp_path / "a.pth")
    looks = "look like weights of rrdbnet, give them in backbones.rrdbnet"
    refused(tmp_path / "a.pth", f"missing .*left over .*nafnet; these {looks}", **named("nafnet"))
    renamed = {name.replace("conv", "layer"): tensor for name, tensor in state.items()}
    torch.save(renamed, tmp_path / "b.pth")
    refused(tmp_path / "b.pth", "for rrdbnet; no network here has such names")


def named(backbone):
    return {"backbone": backbone, "sizes": {}}


def test_another_size_is_named(tmp_path):
    wider = restorers.build("rrdbnet", SIZES | {"features": 8}).state_dict()
    torch.save(wider, tmp_path / "a.pth")
    shapes = r"'conv_first.weight' has shape \(8, 48, 3, 3\), rrdbnet needs \(4, 48, 3, 3\)"
    refused(tmp_path / "a.pth", f"{shapes}; it is of another size")
    deeper = restorers.build("rrdbnet", SIZES | {"blocks": 3}).state_dict()
    torch.save(deeper, tmp_path / "b.pth")
    refused(tmp_path / "b.pth", r"60 left over \(body.1.rdb1.conv1.bias.*; it is of another size")


def test_missing_and_foreign_tensors_are_named(tmp_path, state):
    del state["conv_hr.bias"]
    torch.save({**state, "extra": torch.zeros(1)}, tmp_path / "a.pth")
    refused(tmp_path / "a.pth", r"1 missing \(conv_hr.bias\) and 1 left over \(extra\) for rrdbnet")


def test_numbers_that_are_none_and_broken_files_are_refused(tmp_path, state):
    state["conv_hr.bias"][0] = torch.nan
    torch.save(state, tmp_path / "a.pth")
    refused(tmp_path / "a.pth", "'conv_hr.bias' is not finite")
    whole = (tmp_path / "a.pth").read_bytes()
    (tmp_path / "b.pth").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "b.pth", "cannot be read as weights")
    torch.save([1, 2], tmp_path / "c.pth")
    refused(tmp_path / "c.pth", "no table of named tensors")
    torch.save({"epoch": 3, "ema": state}, tmp_path / "d.pth")
    refused(tmp_path / "d.pth", "no tensors at its top.* weights.key: ema")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<!DOCTYPE html>", r"Weights only load failed\."),
        (b"", r"EOFError"),
    ],
)
def test_a_file_of_another_kind_is_refused_without_bad_advice(tmp_path, content, reason):
    (file := tmp_path / "a.pth").write_bytes(content)
    refused(file, rf"a\.pth: cannot be read as weights \({reason}\)$")


def test_counts_stay_whole_in_half_precision(tmp_path):
    network = airnet.build(features=4, groups=1, blocks=1)
    network.E.E.encoder_q.E_pre.shortcut[1].num_batches_tracked.fill_(100_000)
    weights.save(tmp_path / "a.safetensors", network, {})
    weights.halve(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    weights.load(network, tmp_path / "b.safetensors")
    assert network.E.E.encoder_q.E_pre.shortcut[1].num_batches_tracked == 100_000


JPEG = "results/verify/rrdbnet/jpeg/own.parquet"


@pytest.fixture
def with_weights(tree, state, tmp_path):
    """A tree with released weights, and their file."""
    file = tmp_path / "released.pth"
    torch.save({"params": state, "params_ema": state}, file)
    tree.config["backbones"]["rrdbnet"] = SIZES | {"weights": str(file)}
    return tree, file


def test_a_file_is_measured_instead_of_a_training(with_weights, state):
    tree, file = with_weights
    adopting = {"Adopting the weights of rrdbnet for jpeg"}
    verifying = {"Verifying rrdbnet on jpeg with own"}
    done = tree.executed(JPEG)
    assert adopting | verifying <= done
    assert not any(job.startswith("Training") for job in done)
    model = tree.path("models/rrdbnet/jpeg/model.safetensors")
    assert all(torch.equal(state[name], t) for name, t in weights.read(model).items())
    about = weights.about(model)
    assert about["released"] == f"params_ema of {file}"
    assert about["start"] == sha256(file)

    moved = shutil.move(file, file.with_name("moved.pth"))
    tree.config["backbones"]["rrdbnet"]["weights"] = str(moved)
    assert tree.jobs(JPEG) == set(), "the same weights in another place"
    tree.config["backbones"]["rrdbnet"]["weights"] = {"file": str(moved), "key": "params"}
    assert tree.jobs(JPEG) == adopting | verifying


def test_weights_that_do_not_fit_are_refused_before_any_job(with_weights):
    tree, _ = with_weights
    tree.config["backbones"]["rrdbnet"] |= {"features": 6}
    said = tree.error("-n", JPEG)
    assert "backbones.rrdbnet.weights: " in said
    assert "it is of another size" in said


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            {"backbones": {"rrdbnet": {"weights": "FILE"}}},
            r"backbones\.rrdbnet\.weights: .*missing",
        ),
        ({"descriptor": {"weights": "FILE"}}, r"descriptor\.weights: .*'body\."),
        (
            {"descriptor": {"compared": ["vgg"], "vgg": {"weights": "FILE"}}},
            r"descriptor\.vgg\.weights: .*no 'features\.0\.weight'; expected torchvision's VGG19",
        ),
        ({"training": {"start": "FILE"}}, r"training\.start, for nafnet: .*tensor"),
    ],
)
def test_files_of_other_networks_are_refused_by_check(
    forks, tmp_path, state, entries, message, capsys
):
    torch.save(state, file := tmp_path / "a.pth")
    written = tmp_path / "mine.yaml"
    written.write_text(json.dumps(entries).replace("FILE", str(file)))
    assert main(["check", str(written)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(message, line)


def test_first_weights_need_not_fit_networks_that_no_search_trains(forks, tmp_path):
    file, written = tmp_path / "a.pth", tmp_path / "mine.yaml"
    torch.save(restorers.build("srresnet", {"features": 4}).state_dict(), file)
    # Beside the nafnet of the default.
    entries = {"backbones": {"srresnet": {"features": 4}}, "search": {"backbone": "srresnet"}}
    trained = {"report": {"backbones": ["srresnet"]}, "training": {"start": str(file)}}
    written.write_text(json.dumps(entries | trained))
    assert main(["check", str(written)]) == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nowhere.pth", "backbones.rrdbnet.weights: nowhere.pth: no such file"),
        ({"key": "params"}, "backbones.rrdbnet.weights.file: field required"),
        ({"file": __file__, "keys": "a"}, "backbones.rrdbnet.weights.keys: .*did you mean 'key'"),
        (3, "backbones.rrdbnet.weights: .*must be a path, or have file and key, got 3"),
    ],
)
def test_weights_that_are_not_given_as_they_should_are_refused(given, message):
    config = {**TINY, "backbones": {"srresnet": {}, "rrdbnet": SIZES | {"weights": given}}}
    with pytest.raises(InputError, match=message) as error:
        loading.load(config)
    assert "\n" not in str(error.value)


def test_a_search_trains(tmp_path, state):
    torch.save(state, tmp_path / "a.pth")
    entry = {"weights": str(tmp_path / "a.pth")}
    config = {**TINY, "backbones": {"srresnet": {}, "rrdbnet": SIZES | entry}}
    assert loading.load(config).released()["rrdbnet"].file == str(tmp_path / "a.pth")
    with pytest.raises(InputError, match=r"search\.backbone: rrdbnet is not trained"):
        loading.load({**config, "search": {**TINY["search"], "backbone": "rrdbnet"}})
