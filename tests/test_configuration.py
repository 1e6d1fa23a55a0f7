import copy
import json
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import yaml
from PIL import Image
from snakemake.utils import update_config

from grids.base import plugins
from grids.base.errors import InputError
from grids.configuration import files, loading, photographs, reference, settings

ROOT = Path(__file__).parents[1]


def default():
    return yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))


def with_value(path, value):
    config = copy.deepcopy(default())
    *sections, key = path.split(".")
    place = config
    for section in sections:
        place = place.setdefault(section, {})
    place[key] = value
    return config


@pytest.mark.parametrize("name", ["config", "paper", "claims"])
def test_shipped_configurations_are_valid(name, monkeypatch, tmp_path):
    monkeypatch.setenv("GRIDS_DATA", str(tmp_path))
    config = default()
    if name != "config":
        over = yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text(encoding="utf-8"))
        for key, value in over.items():
            config[key] = {**config.get(key, {}), **value} if isinstance(value, dict) else value
    assert len(loading.load(config).degradations) == 11


def test_readme_lists_every_key():
    written = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    assert written == reference.document(), "run: python -m grids.configuration.reference"


class TestSchema:
    @pytest.fixture
    def validator(self):
        schema = json.loads((ROOT / "config" / "schema.json").read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        return jsonschema.Draft202012Validator(schema)

    def test_is_that_of_the_settings(self):
        written = json.loads((ROOT / "config" / "schema.json").read_text(encoding="utf-8"))
        assert written == reference.schema(), "run: python -m grids.configuration.reference"

    @pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda p: p.stem)
    def test_takes_each_shipped_configuration_which_names_it(self, validator, path):
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# yaml-language-server: $schema=schema.json\n")
        validator.validate(yaml.safe_load(text))

    @pytest.mark.parametrize(
        "part",
        [
            {},
            {"images": {"tests": {"embedded": None}}},
            {"degradations": {"sr": None, "my_own": {}}, "backbones": {"srresnet": None}},
            {"degradations": {"mine": {"pairs": {"split": {"train": "2024*"}}}}},
            {"resources": {"train": {"gpus": 4}}},
        ],
    )
    def test_takes_a_part_that_lies_over_another_file(self, validator, part):
        validator.validate(part)

    @pytest.mark.parametrize(
        "part",
        [
            {"trainning": {}},
            {"search": {"delta": 0}},
            {"search": {"delta": None}},
            {"training": {"iterations": 2.5}},
            {"training": None},
            {"degradations": {"jpeg": {"evalution": {}}}},
            {"degradations": ["jpeg", "sr"]},
            {"training": {"weights": {"jpeg": None}}},
        ],
    )
    def test_refuses_what_is_wrong_by_itself(self, validator, part):
        assert not validator.is_valid(part)


def test_checking_a_configuration_imports_neither_torch_nor_snakemake():
    code = (
        "import sys, grids.configuration.loading; print({'torch', 'snakemake'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "set()", done.stderr


WRONG = [
    ("degradations.jpg", {}, r"unknown degradation 'jpg'; did you mean 'jpeg'"),
    ("degradations.jpeg", {"evaluation": {"quality": 0}}, r"degradations.jpeg.evaluation: quality"),
    ("degradations.jpeg", {"evalution": {}}, r"did you mean 'evaluation'"),
    ("degradations", {"jpeg": {}}, r"at least two, got 1"),
    ("degradations", ["jpeg", "sr"], r"degradations: .*\['jpeg', 'sr'\]"),
    ("backbones.srresnt", {}, r"unknown backbone 'srresnt'; did you mean 'srresnet'"),
    ("backbones.srresnet", {"width": 3}, r"unknown option of backbones.srresnet 'width'"),
    ("backbones.srresnet", {"features": "64"}, r"backbones.srresnet.features: must be of type int"),
    (
        "training.procedure",
        "l2",
        r"unknown procedure in training.procedure 'l2'; known: .*l1",
    ),
    ("training.procedure", {"nafnet": "gan"}, r"unknown procedure in training.procedure 'gan'"),
    ("training.procedure", {"nafnt": "l1"}, r"training.procedure 'nafnt'; did you mean"),
    ("training.procedure", {"srresnet": "l1"}, r"training.procedure: srresnet is not among the ba"),
    ("training.procedure", 3, r"training.procedure: .*got 3"),
    ("procedures", {"l2": {}}, r"unknown procedure 'l2'"),
    ("procedures.realesrgan", {"vgg": "nowhere.pth"}, r"realesrgan.vgg: nowhere.pth: no such fi"),
    ("procedures.realesrgan", {"gan_weight": 0.0}, r"realesrgan.gan_weight: must be above 0"),
    ("procedures.l1", {"weight": 2}, r"unknown option of procedures.l1 'weight'"),
    ("procedures.idr", {"tasks": {"jpg": 1}}, r"degradation in procedures.idr.tasks 'jpg'; did"),
    ("search.backbone", "restormer", r"search.backbone: restormer is not among"),
    ("search.strategy", "papr", r"unknown search.strategy 'papr'; did you mean 'paper'"),
    ("search.delta", 0, r"search.delta: input should be greater than 0, got 0"),
    ("search.delta", float("nan"), r"search.delta: .* got nan"),
    ("search.test_set", "div2k", r"unknown search.test_set 'div2k'"),
    ("search.test_set", False, r"search.test_set: .*got False; .* in quotes"),
    ("report.test_sets", False, r"report.test_sets: .*got False"),
    ("search.degradations", ["jpeg"], r"at least two, got 1"),
    ("search.degradations", ["jpeg", "jpeg"], r"stands there twice"),
    ("search.degradations", ["jpeg", "haze"], r"search.degradations: haze is not among"),
    ("search.degradations", ["jpeg", "jpg"], r"unknown search.degradations 'jpg'; did you mean"),
    ("training.iterations", 2.5, r"training.iterations: .*integer.* got 2.5$"),
    ("training.iterations", "200", r"training.iterations: .*integer.* got '200'"),
    ("training.warmup", 100_000, r"training.warmup: 100000 steps must be fewer"),
    ("training.patch", 8, r"training.patch: .*16, got 8"),
    ("training", None, r"training: .*got None"),
    ("trainning", {}, r"trainning: unknown key 'trainning'; did you mean 'training'"),
    ("execution.processes", 3, r"training.batch: 4 samples cannot be shared equally"),
    ("resources.train", {"gpus": 4, "nodes": 3}, r"resources.train.nodes: 3 nodes cannot share 4"),
    ("resources.train", {"gpus": 3}, r"training.batch: 4 samples cannot be shared equally"),
    ("resources.train", {"memory": 1}, r"resources.train.memory: unknown key 'memory'"),
    ("resources.verify", {"mem_mb": 0}, r"resources.verify.mem_mb: .*greater than 0, got 0"),
    ("search.strategy", "exhaustive", r"exhaustive groups at most 5 degradations, not 11"),
    ("search.strategy", "given", r"each degradation stands in one group, \w+ in none"),
    ("search.groups", [["jpeg", "sr"]], r"search.groups: only strategy given takes it, not active"),
    ("search.levels", [10, 30], r"training.schedule cosine cannot go on behind a level"),
    ("search.levels", [30, 10], r"search.levels: \[30, 10\] must ascend"),
    ("search.levels", [100], r"search.levels.0: .* less than 100"),
    ("search.strategy", "budget", r"search.levels: strategy budget needs levels to ask for, such"),
    ("search.certificate", "bounded", r"only strategy budget takes bounded, not active"),
    ("search.certificate", "partial", r"search.certificate: .*'full' or 'bounded'"),
    ("search.confidence", 0.5, r"search.confidence: .*greater than 0.5"),
    ("search.all_solutions", True, r"only strategy paper takes it, not active"),
    ("search.number_of_groups", 2, r"only strategy tag takes it, not active"),
    ("search.measurements", "nowhere.csv", r"search.measurements: nowhere.csv: no such file"),
    ("search.failed", "ignore", r"search.failed: .*'stop' or 'infeasible'"),
    ("training.betas", [1.5, 0.9], r"training.betas.0: .* got 1.5"),
    ("training.minimum_learning_rate", 1.0, r"minimum_learning_rate: 1.0 is above"),
    ("backbones.srresnet", {"features": 0}, r"features: must be at least 1, got 0"),
    ("backbones.srresnet", {"features": True}, r"features: must be of type int, got True"),
    ("backbones.restormer", {"heads": [1, 2, 0, 8]}, r"heads: must be at least 1, got 0"),
    ("backbones.restormer", {"blocks": [1, 1]}, r"blocks: must have 4 entries, got \[1, 1\]"),
    ("backbones.restormer", {"blocks": ["a", 1, 1, 1]}, r"blocks: must be of type int, got 'a'"),
    ("backbones.nafnet", {"encoder": [1, 0]}, r"encoder: must be at least 1, got 0"),
    ("backbones.nafnet", {"encoder": 2}, r"encoder: must be of type list, got 2"),
    ("backbones.restormer", {"expansion": -1.0}, r"expansion: must be above 0 and finite"),
    ("results", "", r"results: .* got ''"),
    ("backbones", 3, r"backbones: .* got 3"),
    ("images.tests", "kodak", r"images.tests: must be a mapping, as \{KEY: VALUE\}, got 'kodak'"),
    ("pies", [3], r"pies: must be a mapping, as \{KEY: VALUE\}, got \[3\]"),
    ("report.noise_seeds", [1, 1], r"a seed stands there twice"),
    ("ggd.counts", [1000], r"ggd.counts: 1000 patches, but pies.patches is 240"),
    ("pies.patches", 3, r"pies.patches: .*8, got 3"),
    ("pies.sizes", 3, r"pies.sizes: unknown key 'sizes'; did you mean 'size'"),
    ("images.tests", {}, r"images.tests: .*at least 1"),
    ("images.tests", {"train": "embedded"}, r"this name is taken"),
    ("report.noise_seeds", [0], r"report.noise_seeds: 0 is the seed"),
    ("search.delta", True, r"search.delta: must be a number, got True; YAML reads yes, no"),
    ("search.group_worth", True, r"search.group_worth: must be a number, got True"),
    ("training.learning_rate", False, r"training.learning_rate: must be a number, got False"),
    ("training.betas", [0.9, True], r"training.betas.1: must be a number, got True"),
    ("training.weights", {"jpeg": True}, r"training.weights.jpeg: must be a number, got True"),
    ("training.weights", "atuo", r"training.weights: must be auto, or numbers by name, got 'atuo'"),
    ("training.weights", 2, r"training.weights: .*got 2"),
    ("training.clip", True, r"training.clip: must be a number"),
    ("execution.training_hours", True, r"execution.training_hours: must be a number"),
    ("candidates.tolerance", True, r"candidates.tolerance: must be a number, got True"),
    ("images.split", {"train": True}, r"images: split: there is nothing to split"),
    ("seed", True, r"seed: .*integer, got True; YAML reads yes, no"),
    ("training.iterations", "6e5", r"training.iterations: .*integer, got '6e5'; write 600000$"),
    ("training.iterations", 6.0e5, r"training.iterations: .*got 600000.0; write 600000$"),
    ("degradations.jpeg", {"evaluation": {"quality": True}}, r"quality: .* YAML reads yes, no"),
    ("degradations.sr", {"evaluation": {"scale": "4e0"}}, r"got '4e0'; write 4"),
    ("backbones.srresnet", {"features": "6e1"}, r"features: .*got '6e1'; write 60$"),
    ("search.backbone", 2024, r"search.backbone: .*got 2024; put it in quotes: '2024'"),
    ("resources.partition", False, r"resources.partition: .*got False; .* put it in quotes"),
    ("search.degradations", [False, "jpeg"], r"search.degradations.0: .*got False; .* in quotes"),
    ("degradations", {False: {}, "jpeg": {}}, r"degradations: False is no name; .* in quotes"),
    (
        "images.tests",
        {2024: "embedded"},
        r"images.tests: 2024 is no name; put it in quotes: '2024'",
    ),
    ("images.tests", {"my set": "embedded"}, r"images.tests.my set.*: must be of letters, digits"),
    ("backbones", {True: {}}, r"backbones: True is no name"),
    ("degradations.own", {"chain": [{2024: {}}]}, r"degradations.own.chain: 2024 is no name; put"),
    ("report.compared", [{"name": "a", True: 1}], r"report.compared: True is no name; .* quotes"),
    ("only", ["jpeg", "jpgg"], r"unknown degradation in only 'jpgg'; did you mean 'jpeg'"),
    ("only", [False, "jpeg"], r"only.0: .*got False; .* in quotes"),
    ("only", ["jpeg"], r"at least two, got 1"),
    ("results", "a{b}", r"results: must name a folder, without any of"),
    ("results", str(ROOT / "README.md"), r"results: .*README.md is a file; name a folder"),
    ("results", str(ROOT / "README.md" / "x"), r"results: .*README.md is a file; name a folder"),
    ("results", ".", r"results: \.: this is where"),
    ("results", str(ROOT), r"results: .*: this is the workflow itself"),
    ("results", str(ROOT.parent), r"results: .*: this is the workflow itself"),
    ("results", str(ROOT / "grids"), r"results: .*: grids belongs to the workflow"),
    ("results", str(ROOT / "grids" / "x"), r"results: .*: grids belongs to the workflow"),
    ("results", str(ROOT / ".git"), r"results: "),
    ("images.all", "~/x", r"images: \w+: images.all gives it; leave one of the two out"),
    ("descriptor.weights", "nowhere.pth", r"descriptor.weights: nowhere.pth: no such file"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_a_wrong_value_is_named_in_one_line(path, value, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = with_value(path, value)
    if path == "images.all":
        config["images"]["train"] = "embedded"
    with pytest.raises(InputError, match=message) as error:
        loading.load(config)
    assert "\n" not in str(error.value)


def test_numbers_that_yaml_reads_as_text_are_numbers_where_any_may_stand():
    """YAML 1.1 wants a dot in `2e-4`."""
    assert loading.load(with_value("training.learning_rate", "2e-4")).training.learning_rate == 2e-4


def test_anchors_and_merge_keys_are_what_they_stand_for():
    short = """
    degradations:
      jpeg: &defaults {training: {}}
      sr: {<<: *defaults}
      gaussian_noise: *defaults
    backbones: {srresnet: &small {blocks: 2, features: 8}}
    """
    long = {name: {"training": {}} for name in ("jpeg", "sr", "gaussian_noise")}
    long = {"degradations": long, "backbones": {"srresnet": {"blocks": 2, "features": 8}}}
    assert loading.load(yaml.safe_load(short)) == loading.load(long)


def test_an_anchor_within_what_it_names_is_refused():
    endless = yaml.safe_load("degradations: {own: &x {chain: [jpeg, *x]}}")
    with pytest.raises(InputError, match=r"an anchor .* stands within what it names"):
        loading.load(endless)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([["jpeg", "sr"], ["jpeg"]], "jpeg in 2"),
        ([["jpeg"], []], "a group is empty"),
        ([["jpg"]], "did you mean 'jpeg'"),
    ],
)
def test_given_groups_that_are_no_partition(groups, message):
    config = with_value("search.strategy", "given")
    config["search"] |= {"groups": groups, "degradations": ["jpeg", "sr"]}
    with pytest.raises(InputError, match=message):
        loading.load(config)


@pytest.mark.parametrize("spelling", ["./out/x", "out/x/", "out//x", "$WHERE/x", "${WHERE}/x"])
def test_results_have_one_spelling(monkeypatch, spelling):
    monkeypatch.setenv("WHERE", "out")
    assert loading.load(with_value("results", spelling)).results == "out/x"


PATHS = [
    "results",
    "images.train",
    "images.pies",
    "images.real",
    "images.all",
    "images.tests.own",
    "descriptor.weights",
    "search.measurements",
    "degradations.mine.pairs.degraded",
    "degradations.mine.pairs.clean",
]


class TestPaths:
    """One rule for all of them."""

    @staticmethod
    def config(key, value):
        config = with_value(key, value)
        if ".pairs." in key:
            pairs = config["degradations"]["mine"]["pairs"]
            config["degradations"]["mine"]["pairs"] = {"degraded": "x", "clean": "x", **pairs}
        return config

    @pytest.mark.parametrize("key", PATHS)
    def test_a_variable_that_is_not_set_is_named_with_the_key(self, monkeypatch, key):
        for variable in ("UNSET", "EMPTY"):
            monkeypatch.delenv("UNSET", raising=False)
            monkeypatch.setenv("EMPTY", "")
            with pytest.raises(InputError) as error:
                loading.load(self.config(key, f"${variable}/x"))
            said = str(error.value)
            assert said.startswith(f"{key}: ${variable}/x: the variable {variable} is not set")
            assert "\n" not in said

    @pytest.mark.parametrize("key", PATHS)
    @pytest.mark.parametrize("spelling", ["~/there", "$WHERE/there", "${WHERE}/there"])
    def test_home_and_variables_stand_for_what_they_hold(
        self, monkeypatch, tmp_path, key, spelling
    ):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("WHERE", str(tmp_path))
        if key in ("descriptor.weights", "search.measurements"):
            (tmp_path / "there").touch()
        value = loading.load(self.config(key, spelling)).model_dump()
        for part in key.split("."):
            value = value[part]
        assert value == str(tmp_path / "there")

    def test_a_user_that_is_not_there(self):
        with pytest.raises(InputError, match=r"results: ~no-such-user/x: no such user"):
            loading.load(with_value("results", "~no-such-user/x"))


class TestFiles:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("seed: 1\nseed: 2\n", "line 2: the key 'seed' stands in line 1 already"),
            ("a:\n  b: 1\n  c: 2\n  b: 3\n", "line 4: the key 'b' stands in line 2 already"),
            ("a: [{b: 1,\n b: 2}]\n", "line 2: the key 'b' stands in line 1 already"),
            ('{"a": 1, "b": 2,\n"a": 3}', "line 2: the key 'a' stands in line 1 already"),
            ("a: {b: 1, b: 2}\n", "line 1: the key 'b' stands in line 1 already"),
            ("a: 1\nb: !!python/object:os.system x\n", "line 2, column 4: no YAML: could not"),
            ("<<: 3\n", "line 1, column 5: no YAML: expected a mapping"),
            ("a: 2024-13-45\n", r"cannot be read as YAML \(month must be in 1..12"),
            ("images:\n  train: a\n   pies: b\n", "line 3, column 8: no YAML: mapping values"),
            ("images:\n\ttrain: a\n", "line 2, column 1: no YAML: found character '.t'"),
            ("a: [1, 2\n", "line 2, column 1: no YAML"),
            ("a: \x00\n", "cannot be read as YAML"),
        ],
    )
    def test_a_mistake_is_named_with_file_and_line(self, tmp_path, text, message):
        (path := tmp_path / "mine.yaml").write_text(text)
        with pytest.raises(InputError, match=message) as error:
            files.check([path])
        assert str(error.value).startswith(str(path))
        assert str(error.value).count(str(path)) == 1
        assert "\n" not in str(error.value)

    def test_a_file_that_is_not_there_is_no_bad_yaml(self, tmp_path):
        with pytest.raises(InputError, match=r"mine.yaml: cannot be read \(No such file"):
            files.check([tmp_path / "mine.yaml"])

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "a: &x {b: 1}\nc: {<<: *x, b: 2}\nd: *x\n",
            '{\n\t"a": 1\n}',
            "__use_yte__: true\n?if True:\n  a: 1\n?if True:\n  b: 1\n",
        ],
    )
    def test_what_is_no_mistake(self, tmp_path, text):
        (path := tmp_path / "mine.yaml").write_text(text)
        files.check([path])

    def test_files_lie_over_one_another_as_for_snakemake(self):
        below = {"a": {"b": 1, "c": [1]}, "d": {"e": 1}}
        above = {"a": {"b": 2, "c": [2]}, "d": None}
        expected = copy.deepcopy(below)
        update_config(expected, copy.deepcopy(above))
        assert files.laid_over(below, above) == expected


class TestOwnModules:
    @pytest.fixture
    def package(self, tmp_path, monkeypatch):
        """A copy of the package that takes modules of users."""
        shutil.copytree(ROOT / "grids" / "degradations", tmp_path / "grids" / "degradations")
        for part in ("backbones", "descriptors", "training/procedures", "search/strategies"):
            shutil.copytree(ROOT / "grids" / part, tmp_path / "grids" / part)
        monkeypatch.setattr(plugins, "ROOT", tmp_path / "grids")
        remembered = (plugins.names_in, settings.constant_of, settings.options_of)
        for function in remembered:
            function.cache_clear()
        yield tmp_path / "grids"
        for function in remembered:
            function.cache_clear()

    @pytest.mark.parametrize(
        ("file", "text", "message"),
        [
            (
                "degradations/mine.py",
                "x = 1\ndef degrade(:\n",
                r"grids/degradations/mine.py, line 2",
            ),
            ("degradations/mine.py", "\x00", r"grids/degradations/mine.py"),
            ("degradations/My-Blur.py", "", r"degradations.My-Blur: choose another name, of a-z"),
            ("degradations/clean.py", "", r"degradations.clean: choose another name"),
            ("backbones/mine.py", "def build(:", r"grids/backbones/mine.py, line 1"),
            ("backbones/mine.py", "x = 1", r"grids/backbones/mine.py: no function build"),
            ("backbones/mine.py", "def build(*, a): 0", r"mine.py: build: give a a default"),
            ("backbones/Mine.py", "def build(): 0", r"backbones.Mine: choose another name"),
        ],
    )
    def test_a_broken_one_is_named(self, package, file, text, message):
        (package / file).write_text(text)
        section, name = file.removesuffix(".py").split("/")
        with pytest.raises(InputError, match=message) as error:
            loading.load(with_value(f"{section}.{name}", {}))
        assert "\n" not in str(error.value)

    def test_a_network_names_its_procedure_and_a_procedure_its_networks(self, package):
        (package / "backbones/mine.py").write_text('PROCEDURE = "own"\ndef build(): 0')
        own = package / "training/procedures/own.py"
        own.write_text('NETWORKS = ["mine"]\ndef build(network, task, *, weight=0.5): 0')
        plugins.names_in.cache_clear()
        config = with_value("backbones.mine", {})
        loaded = loading.load(config)
        assert [loaded.procedure(name) for name in ("mine", "srresnet")] == ["own", "l1"]
        assert loaded.procedure_options("own") == {"weight": 0.5}
        config["procedures"] = {"own": {"weight": 2}}
        config["training"]["procedure"] = {"mine": "l1"}
        loaded = loading.load(config)
        assert (loaded.procedure("mine"), loaded.procedure_options("own")) == ("l1", {"weight": 2})
        config["training"]["procedure"] = "own"
        with pytest.raises(InputError, match=r"training\.procedure: own trains mine, not \w+"):
            loading.load(config)


def test_a_strategy_is_told_of_levels_if_it_asks_for_them():
    config = with_value("search.levels", [20])
    config["training"] |= {"schedule": "constant", "warmup": 1}
    config["search"] |= {"strategy": "budget"}
    told = loading.load(config).strategy_settings()
    assert (told["levels"], told["certificate"], told["decay"]) == ([20], "full", 0.2)
    config["search"]["strategy"] = "active"
    assert "levels" not in loading.load(config).strategy_settings()


def test_a_procedure_of_phases_is_not_searched_by_levels():
    config = with_value("backbones.idr", {})
    config["training"] |= {"schedule": "constant", "warmup": 1}
    config["search"] |= {"levels": [50]}
    loading.load(config)
    config["search"]["backbone"] = "idr"
    with pytest.raises(InputError, match=r"^search\.levels: idr, of idr, has phases, and only"):
        loading.load(config)


def test_shares_follow_single_task_models_that_have_validations_of_one_loss_to_their_end():
    config = with_value("backbones.idr", {})
    config["training"] |= {"weights": "auto", "schedule": "constant", "warmup": 1}
    loading.load(config)
    for key, value, message in (
        ("search.levels", [50], r"^training\.weights: auto .* search\.levels leaves open"),
        ("execution.validation", 0, r"^execution\.validation: 0 patches, but training\.weights"),
        ("search.backbone", "idr", r"^training\.weights: .* idr, of idr, has phases; write"),
        ("report.backbones", ["idr"], r"^training\.weights: .* write training\.procedure: \{idr"),
    ):
        wrong, (section, name) = copy.deepcopy(config), key.split(".")
        wrong.setdefault(section, {})[name] = value
        with pytest.raises(InputError, match=message) as error:
            loading.load(wrong)
        assert "\n" not in str(error.value)


def test_which_trainings_follow_single_task_models():
    config = with_value("backbones.srresnet", {})
    config["training"] |= {"weights": "auto"}
    config["search"] |= {"degradations": ["jpeg", "r_l", "sr"]}
    config["report"] |= {"noise_degradations": []}
    settings = loading.load(config)
    equal = {"patch": 48, "weights": {"jpeg": 0.5, "sr": 0.5}}
    assert settings.sampling("nafnet", ["jpeg", "sr"]) == equal | {"weights": "auto"}
    # The others have the parameters that they have without.
    assert settings.sampling("srresnet", ["jpeg", "sr"]) == equal
    for group in (["jpeg"], ["jpeg", "haze"], ["jpeg", "r_l", "sr"]):
        assert not settings.follows_singles("nafnet", group)
    plain = loading.load(config | {"training": config["training"] | {"weights": {}}})
    assert plain.sampling("nafnet", ["jpeg", "sr"]) == equal


def test_pictures_are_part_of_a_training_where_there_are_any():
    def sampling(**pictures):
        settings = loading.load(with_value("training.pictures", pictures))
        return settings.sampling("nafnet", ["jpeg"])

    plain = sampling()
    assert "pictures" not in plain
    # Of no grey samples none is under grey damage.
    assert sampling(alike=0.8) == plain
    for pictures in ({"grey": 0.25}, {"saved": 0.5}, {"grey": 0.25, "alike": 0.5}):
        none = {"grey": 0.0, "alike": 0.0, "saved": 0.0}
        assert sampling(**pictures) == plain | {"pictures": none | pictures}


@pytest.mark.parametrize(("patches", "law"), [(96, 24), (24, 24), (8, 8)])
def test_a_law_is_fitted_to_no_more_patches_than_it_needs(patches, law):
    settings = loading.load(with_value("selection.patches", patches))
    assert (settings.describing()["count"], settings.describing()["law"]) == (patches, law)


def test_compared_networks_begin_as_the_others_do():
    config = with_value("backbones.idr", {})
    loading.load(config)
    config["report"]["compared"] = [{"name": "IDR", "backbone": "idr"}]
    with pytest.raises(
        InputError, match=r"^training\.start, for idr: what is packaged is a nafnet"
    ):
        loading.load(config)


def test_what_gives_no_affinities_is_not_searched_by_them():
    config = with_value("backbones.idr", {})
    config["search"] |= {"strategy": "tag"}
    loading.load(config)
    for key, value, message in (
        ("backbone", "idr", r"^training\.procedure: idr, of idr, has phases, .*write \{idr: l1\}"),
        ("affinity_every", 201, r"^search\.affinity_every: 201 steps, .* 400 .*at least 2"),
        ("number_of_groups", 12, r"^search\.number_of_groups: 12, but there are 11 degradations"),
        ("number_of_groups", 1.5, r"^search\.number_of_groups: "),
        ("affinity_every", 0, r"^search\.affinity_every: .*greater than 0"),
    ):
        wrong = copy.deepcopy(config)
        wrong["search"][key] = value
        with pytest.raises(InputError, match=message):
            loading.load(wrong)
    config["degradations"] |= {f"d{i}": {"chain": ["jpeg"]} for i in range(4)}
    with pytest.raises(InputError, match=r"^search\.strategy: tag groups at most 14 degrad"):
        loading.load(config)


def test_what_a_procedure_needs_is_not_asked_of_released_weights(tmp_path):
    (tmp_path / "All.pth").touch()
    config = with_value("backbones.airnet", {"weights": str(tmp_path / "All.pth")})
    config.setdefault("execution", {})["accumulation"] = 2
    assert loading.load(config).trained() == [*config["backbones"]][:-1]


@pytest.mark.parametrize("network", ["airnet", "amirnet"])
def test_a_procedure_that_normalises_over_a_batch_works_through_no_parts_of_it(network):
    config = with_value(f"backbones.{network}", {})
    config.setdefault("execution", {})["processes"] = 2
    loading.load(config)
    config["execution"]["accumulation"] = 2
    with pytest.raises(
        InputError, match=rf"training\.procedure: {network}, of {network}, norm.*accumulation: 1"
    ):
        loading.load(config)


class TestDefaultsThatFollow:
    def test_test_sets_follow_the_images(self):
        loaded = loading.load(with_value("images.tests", {"b": "embedded", "a": "embedded"}))
        assert (loaded.search.test_set, loaded.report.test_sets) == ("b", ["b"])
        config = with_value("images.tests", {"embedded": None, "own": "embedded"})
        assert loading.load(config).search.test_set == "own"
        config["search"]["test_set"] = "own"
        assert loading.load(config).report.test_sets == ["own"]

    def test_only_these_degradations(self):
        config = with_value("only", ["sr", "haze"])
        config["degradations"]["sr"] = {"evaluation": {"scale": 2}}
        config["report"]["noise_degradations"] = ["jpeg", "sr"]
        loaded = loading.load(config)
        assert loaded.searched() == ["haze", "sr"]
        assert loaded.parameters("sr", "evaluation")["scale"] == 2
        assert loaded.report.noise_degradations == ["sr"]
        # What is left out may be a chain, but no misspelt name, whose values nobody would miss.
        config["degradations"]["twice"] = {"chain": [{"jpeg": {}}, {"jpeg": {}}]}
        assert loading.load(config).searched() == ["haze", "sr"]
        config["degradations"]["jpgg"] = {"evaluation": {"quality": 5}}
        with pytest.raises(InputError, match=r"unknown degradation 'jpgg'; did you mean 'jpeg'"):
            loading.load(config)


def test_a_path_of_weights_takes_variables(monkeypatch, tmp_path):
    monkeypatch.setenv("WHERE", str(tmp_path))
    (tmp_path / "net.pth").touch()
    loaded = loading.load(with_value("descriptor.weights", "$WHERE/net.pth"))
    assert loaded.descriptor.path() == tmp_path / "net.pth"


def test_a_list_of_levels_may_have_another_length():
    levels = {"encoder": [1, 1, 2], "decoder": [1, 1, 1]}
    config = with_value("backbones.nafnet", levels)
    config["training"]["start"] = "none"
    loaded = loading.load(config)
    assert loaded.backbones["nafnet"] == levels


def test_null_takes_an_entry_out():
    loaded = loading.load(with_value("degradations.sr", None))
    assert "sr" not in loaded.degradations
    assert len(loaded.degradations) == 10


def test_what_null_takes_out_must_be_there(tmp_path):
    own, less, typo = (tmp_path / f"{name}.yaml" for name in ("own", "less", "typo"))
    own.write_text("degradations: {phone: {pairs: photographs}}\n", encoding="utf-8")
    less.write_text("degradations: {phone: null, haze: null}\n", encoding="utf-8")
    typo.write_text('{\n\t"degradations": {"jpegg": null}\n}\n', encoding="utf-8")
    files.check([less, own])
    net = tmp_path / "net.yaml"
    net.write_text("backbones: {srresnt: null}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"unknown backbone .* 'srresnt'; did you mean 'srresnet'"):
        files.check([net])
    with pytest.raises(InputError, match=r"take out in .*less.yaml: 'phone'"):
        files.check([less])
    with pytest.raises(InputError, match=r"typo.yaml: 'jpegg'; did you mean 'jpeg'\?"):
        files.check([own, typo])


def test_changed_parameters_reach_one_use_only():
    loaded = loading.load(with_value("degradations.jpeg", {"training": {"quality": [20, 30]}}))
    assert loaded.parameters("jpeg", "training") == {"quality": [20, 30]}
    assert loaded.parameters("jpeg", "evaluation") == {"quality": 10}


class TestResources:
    def asked(self, given, kind, attempt=1):
        config = with_value("resources", given)
        return loading.load(config).resources.requests(kind, attempt)

    def test_a_kind_may_be_given_in_part(self):
        whole = self.asked({}, "describe")
        assert self.asked({"describe": {"runtime": 7}}, "describe") == whole | {"runtime": 7}

    def test_memory_and_time_grow_with_the_attempt_but_an_allocation_of_a_training_does_not(self):
        first, third = (self.asked({}, "verify", attempt) for attempt in (1, 3))
        assert (third["mem_mb"], third["runtime"]) == (3 * first["mem_mb"], 3 * first["runtime"])
        first, third = (self.asked({}, "train", attempt) for attempt in (1, 3))
        assert (third["mem_mb"], third["runtime"]) == (3 * first["mem_mb"], first["runtime"])

    def test_names_are_those_of_the_cluster_and_nothing_empty_is_asked_for(self):
        given = {"partition": "main", "qos": "long", "train": {"partition": "gpu", "gpus": 2}}
        train = self.asked(given, "train")
        assert (train["slurm_partition"], train["qos"], train["gpu"]) == ("gpu", "long", 2)
        verify = self.asked(given, "verify")
        assert verify["slurm_partition"] == "main"
        assert not {"gpu", "gpu_model", "slurm_account"} & verify.keys()

    def test_a_training_has_a_process_for_each_gpu(self):
        loaded = loading.load(with_value("resources", {"train": {"gpus": 4, "nodes": 2}}))
        assert loaded.how()["processes"] == 4
        config = with_value("resources", {"train": {"gpus": 4}})
        config["execution"]["processes"] = 2
        with pytest.raises(InputError, match=r"execution.processes: 2, but resources.train.gpus"):
            loading.load(config)


class TestPhotographs:
    @pytest.fixture
    def folder(self, tmp_path):
        rng = np.random.default_rng(0)
        for i in range(3):
            pixels = rng.integers(0, 256, (100, 100, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"{i}.png")
        return tmp_path

    def refused(self, path, value):
        loaded = loading.load(with_value(path, value))
        with pytest.raises(InputError) as error:
            photographs.check(loaded, photographs.find(loaded))
        assert "\n" not in str(error.value)
        return str(error.value)

    def test_missing_and_empty_folders(self, tmp_path):
        (tmp_path / "empty").mkdir()
        assert "images.train" in self.refused("images.train", str(tmp_path / "nowhere"))
        assert "no image" in self.refused("images.pies", str(tmp_path / "empty"))
        (tmp_path / "one.png").touch()
        message = self.refused("images.train", str(tmp_path / "one.png"))
        assert "one.png: is a file; write the folder that it is in, or a glob" in message
        message = self.refused("images.tests", {"embedded": str(tmp_path / "empty")})
        assert message.startswith("images.tests.embedded")

    def test_a_patch_larger_than_an_image(self, folder):
        config = with_value("images.train", str(folder))
        config["training"]["patch"] = 128
        loaded = loading.load(config)
        with pytest.raises(InputError, match=r"0.png: 100×100 .*training.patch.* 128×128.*3 bad"):
            photographs.check(loaded, photographs.find(loaded))

    def test_more_patches_than_the_photographs_hold(self):
        message = self.refused("pies.patches", 5000)
        assert (
            "pies.patches: 5000 patches of 32×32 asked for, but the 5 photographs for PIES hold"
            in message
        )

    def test_one_folder_is_split(self, folder):
        loaded = loading.load(with_value("images", {"all": str(folder)}))
        found = photographs.find(loaded)
        assert {name: len(paths) for name, paths in found.items()} == dict.fromkeys(found, 1)
        assert [*found] == ["train", "pies", "test"]
        assert (loaded.search.test_set, loaded.report.test_sets) == ("test", ["test"])
        assert photographs.warnings(loaded, found) == []
        further = {"all": str(folder), "tests": {"embedded": "embedded"}}
        assert {*photographs.find(loading.load(with_value("images", further)))} == {
            *("train", "pies", "test", "embedded")
        }
        # By patterns of names.
        split = {"train": "0", "pies": "1", "test": "2"}
        loaded = loading.load(with_value("images", {"all": str(folder), "split": split}))
        found = photographs.find(loaded)
        assert [found[name][0].name for name in split] == ["0.png", "1.png", "2.png"]

    def test_results_are_no_photographs(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        for place in ("results/report", ".snakemake/x", "old/report", "old/records"):
            (folder / place).mkdir(parents=True)
        (folder / "old" / "settings.json").touch()
        for place in ("results/report", ".snakemake/x", "old/report"):
            shutil.copy("0.png", folder / place)
        (folder / "link.png").symlink_to("results/report/0.png")
        (folder / "linked").symlink_to("results/report")
        for source in (".", "**/*.png", str(folder)):
            loaded = loading.load(with_value("images.train", source))
            names = [path.name for path in photographs.find(loaded)["train"]]
            assert names == ["0.png", "1.png", "2.png"], source
        message = self.refused("images.train", "linked")
        assert message.startswith("images.train: linked: only results of the workflow are there")

    def test_training_on_the_test_photographs_is_warned_of(self, folder):
        config = with_value(
            "images", {"train": str(folder), "tests": {"own": f"{folder}/[01].png"}}
        )
        loaded = loading.load(config)
        (line,) = photographs.warnings(loaded, photographs.find(loaded))
        assert line.startswith("images: 2 of 2 photographs of own are trained on as well")
        assert "\n" not in line
        # The bands of the embedded photographs share no pixel.
        loaded = loading.load(default())
        assert photographs.warnings(loaded, photographs.find(loaded)) == []

    def test_a_file_that_is_no_image(self, folder):
        (folder / "3.png").write_text("text")
        assert "3.png" in (message := self.refused("images.pies", str(folder)))
        assert "1 bad, 3 good" in message


class TestRealPairs:
    """Pairs that calibrate the choice, and judge it."""

    @pytest.fixture
    def given(self, tmp_path):
        for name in ("bad", "clean"):
            (tmp_path / name).mkdir()
            for number in range(4):
                Image.new("RGB", (64, 64)).save(tmp_path / name / f"{number}.png")
        return {"degraded": str(tmp_path / "bad"), "clean": str(tmp_path / "clean")}

    def test_each_belongs_to_one_part(self, given):
        settings = loading.load(with_value("selection.pairs.phone", given))
        found = photographs.find(settings)
        parts = [found["phone.calibrate"], found["phone.judge"]]
        assert all(parts)
        assert sorted(Path(path).name for part in parts for path in part) == [
            f"{number}.png" for number in (0, 0, 1, 1, 2, 2, 3, 3)
        ]
        assert not {*parts[0]} & {*parts[1]}
        photographs.check(settings, found)

    @pytest.mark.parametrize(
        ("name", "more", "message"),
        [
            ("jpeg", {}, r"selection.pairs.jpeg: this name is taken"),
            ("train", {}, r"selection.pairs.train: this name is taken"),
            ("two", {}, r"selection.pairs.two: this name is taken"),
            ("phone", {"clean": "gone"}, r"selection.pairs.phone: gone: no such folder"),
            ("phone", {"split": {"judge": "a*"}}, r"phone.split: give calibrate and judge all as"),
            ("phone", {"split": {"calibrate": "*", "judge": "x"}}, r"split.judge: none of the 4"),
        ],
    )
    def test_what_cannot_be_is_said_in_one_line(self, given, name, more, message):
        with pytest.raises(InputError, match=message) as error:
            photographs.find(loading.load(with_value(f"selection.pairs.{name}", given | more)))
        assert "\n" not in str(error.value)

    def test_too_small_a_photograph_is_named(self, given):
        for folder in given.values():
            Image.new("RGB", (40, 64)).save(Path(folder) / "1.png")
        settings = loading.load(with_value("selection.pairs.phone", given))
        with pytest.raises(InputError, match=r"1.png: 40×64 pixels, but selection.pairs.phone"):
            photographs.check(settings, photographs.find(settings))
