"""Chains of degradations: what they draw, what a configuration may say of them, what runs again."""

import copy
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
import torch
import yaml
from conftest import ROOT, Tree, copy_of_sources, write_photographs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from grids.base import randomness
from grids.base.errors import InputError
from grids.configuration import files, loading
from grids.degrading import chains, operators, parameters
from grids.degrading.parameters import specification

STEPS = ("defocus_blur", "gaussian_noise", "jpeg", "salt_pepper_noise", "sr")


def step(name, probability=1.0, **overrides):
    values = parameters.resolve(specification(name), overrides, "training")
    return {"degradation": name, "probability": probability, "values": values}


def chain(*steps, order="given"):
    return {"chain": list(steps), "order": order}


def images(count, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 3, 24, 24))
    return torch.from_numpy(pixels).float() / 255


def names_taken(values, key):
    return [name for taken in operators.drawn("camera", values, key)["chain"] for name in taken]


class TestOperator:
    @pytest.mark.parametrize("name", STEPS)
    def test_a_chain_of_one_is_the_single_degradation(self, name):
        keys = [3, 4]
        own = [randomness.key(key, name, 0) for key in keys]
        single = operators.degrade(name, images(2), step(name)["values"], own)
        assert torch.equal(operators.degrade("it", images(2), chain(step(name)), keys), single)

    def test_it_is_its_steps_one_by_one(self):
        """The second of a name draws otherwise than the first."""
        names, key, expected = ["jpeg", "gaussian_noise", "jpeg", "gaussian_noise"], 11, images(1)
        for name, number in zip(names, [0, 0, 1, 1], strict=True):
            own = [randomness.key(key, name, number)]
            expected = operators.degrade(name, expected, step(name)["values"], own)
        values = chain(*map(step, names))
        assert torch.equal(operators.degrade("camera", images(1), values, [key]), expected)
        numbers = [
            number
            for taken in operators.drawn("camera", values, key)["chain"]
            for drawn in taken.values()
            for number in drawn.values()
        ]
        assert len(set(numbers)) == 4

    @pytest.mark.parametrize("order", chains.ORDERS)
    @settings(deadline=None, max_examples=20)
    @given(
        names=st.lists(st.sampled_from(STEPS), min_size=1, max_size=4, unique=True),
        keys=st.lists(st.integers(0, 2**62), min_size=1, max_size=4, unique=True),
        data=st.data(),
    )
    def test_an_image_takes_what_is_said_of_it_whatever_its_batch(self, order, names, keys, data):
        chance = st.floats(0.05, 1.0)
        values = chain(*(step(name, data.draw(chance)) for name in names), order=order)
        clean = images(len(keys))
        together = operators.degrade("camera", clean, values, keys)
        for image, key, degraded in zip(clean, keys, together, strict=True):
            expected = image[None]
            for taken in operators.drawn("camera", values, key)["chain"]:
                ((name, numbers),) = taken.items()
                own = [randomness.key(key, name, 0)]
                expected = operators.degrade(name, expected, numbers, own)
            assert torch.equal(degraded, expected[0])

    @pytest.mark.parametrize("order", ["given", "shuffled"])
    @settings(deadline=None, max_examples=20)
    @given(key=st.integers(0, 2**62), left_out=st.integers(0, 4), changed=st.integers(0, 4))
    def test_a_step_draws_the_same_whatever_the_others_are(self, order, key, left_out, changed):
        steps = [step(name, 0.6) for name in STEPS]
        before = operators.drawn("camera", chain(*steps, order=order), key)["chain"]
        steps[changed] = steps[changed] | {"probability": 0.1}
        other = {STEPS[left_out], STEPS[changed]}
        del steps[left_out]
        after = operators.drawn("camera", chain(*steps, order=order), key)["chain"]
        kept = [[taken for taken in all_of if not {*taken} & other] for all_of in (before, after)]
        assert kept[0] == kept[1]

    def test_shuffled_is_in_every_order_alike(self):
        values = chain(*map(step, STEPS[:3]), order="shuffled")
        seen = Counter(tuple(names_taken(values, key)) for key in range(1200))
        assert {*seen} == {*permutations(STEPS[:3])}
        assert stats.chisquare(list(seen.values())).pvalue > 1e-3

    def test_a_probability_is_how_many_images_take_a_step(self):
        values = chain(step("jpeg", 0.3), step("sr"))
        taken = sum("jpeg" in names_taken(values, key) for key in range(1000))
        assert stats.binomtest(taken, 1000, 0.3).pvalue > 1e-3

    def test_one_is_drawn_in_proportion(self):
        values = chain(step("jpeg", 0.6), step("sr", 0.2), order="one")
        taken = [names_taken(values, key) for key in range(1000)]
        assert all(len(names) == 1 for names in taken)
        assert stats.binomtest(sum("jpeg" in t for t in taken), 1000, 0.75).pvalue > 1e-3

    def test_what_takes_no_step_is_as_it_was(self):
        values = chain(step("jpeg", 1e-9))
        assert torch.equal(operators.degrade("camera", images(2), values, [1, 2]), images(2))

    def test_twice_draws_anew(self):
        once = chain(step("gaussian_noise"))
        again = {"degradation": chains.NAMELESS, "probability": 1.0, "values": once}
        ((first,), (second,)) = (
            taken[chains.NAMELESS]["chain"]
            for taken in operators.drawn("camera", chain(again, again), 5)["chain"]
        )
        assert first["gaussian_noise"] != second["gaussian_noise"]

    def test_any_two_is_one_of_each_and_then_another_alike_often(self):
        own = {name: step(name)["values"] for name in STEPS[:3]}
        own["both"] = chain(step("sr"), step("jpeg"))
        values = chains.any_two(own)
        seen = Counter()
        for key in range(1600):
            both = [
                t[chains.NAMELESS]["chain"] for t in operators.drawn("two", values, key)["chain"]
            ]
            seen[tuple(name for ((name,),) in both)] += 1
        assert {*seen} == {(a, b) for a in own for b in own}
        assert stats.chisquare(list(seen.values())).pvalue > 1e-3


def loaded(entries, **more):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8")) | more
    config["report"]["noise_degradations"] = []
    return loading.load(config | {"degradations": {"jpeg": {}, "sr": {}} | entries})


class TestConfiguration:
    def test_ranges_are_drawn_from_in_training_and_their_middle_evaluates(self):
        found = loaded(
            {
                "camera": {
                    "chain": [
                        "defocus_blur",
                        {"sr": {"scale": [2, 5], "probability": 0.5}},
                        {"gaussian_noise": {"training": {"sigma": [2, 9]}}},
                        {"poisson_noise": {"scale": [30, 100], "evaluation": {"scale": 50}}},
                        {"gaussian_blur": {"sigma": [1.0, 4.0]}},
                    ],
                    "order": "shuffled",
                }
            }
        )
        values = {use: found.parameters("camera", use) for use in ("training", "evaluation")}
        assert values["training"] == chain(
            step("defocus_blur"),
            step("sr", 0.5, scale=[2, 5]),
            step("gaussian_noise", sigma=[2.0, 9.0]),
            step("poisson_noise", scale=[30.0, 100.0]),
            step("gaussian_blur", sigma=[1.0, 4.0]),
            order="shuffled",
        )
        fixed = [taken["values"] for taken in values["evaluation"]["chain"]]
        assert fixed == [
            {"radius": 3.0},
            {"scale": 3},
            {"sigma": 50.0},
            {"scale": 50.0},
            {"sigma": 2.5, "size": 15},
        ]

    def test_a_chain_within_a_chain_by_name_and_without(self):
        found = loaded(
            {
                "once": {"chain": ["jpeg", {"chain": ["sr", "haze"], "order": "one"}]},
                "twice": {"chain": [{"once": {"probability": 0.5}}, "once"]},
                "again": {"chain": ["jpeg"], "times": 2},
            }
        )
        once, twice, again = (
            found.parameters(name, "training") for name in ("once", "twice", "again")
        )
        assert once["chain"][1]["values"] == chain(step("sr"), step("haze"), order="one")
        assert [s["probability"] for s in twice["chain"]] == [0.5, 1.0]
        assert all(s["values"] == once for s in twice["chain"])
        assert [s["values"] for s in again["chain"]] == [chain(step("jpeg"))] * 2
        assert found.modules("twice") == ["haze", "jpeg", "sr"]
        assert found.modules("jpeg") == ["jpeg"]
        clean = images(2)
        assert operators.degrade("twice", clean, twice, [1, 2]).shape == clean.shape

    def test_severities_go_from_all_mild_to_all_strong(self):
        found = loaded({"camera": {"chain": ["jpeg", {"chain": ["sr"]}]}})
        steps = found.severities("camera")
        qualities = [values["chain"][0]["values"]["quality"] for values in steps]
        scales = [values["chain"][1]["values"]["chain"][0]["values"]["scale"] for values in steps]
        assert (qualities, scales) == ([80, 40, 20, 10, 5], [2, 3, 4, 6, 8])

    def test_strengths_are_those_of_all_steps_in_their_training(self):
        camera = {"chain": ["jpeg", {"chain": [{"sr": {"scale": [3, 3]}}]}]}
        found = loaded({"camera": camera}).strengths("camera")
        qualities = [values["chain"][0]["values"]["quality"] for values in found.values()]
        scales = [values["chain"][1]["values"]["chain"][0]["values"] for values in found.values()]
        # From 40 down to 10.
        assert qualities == [80, round(40 / 4 ** (1 / 6)), 20, round(40 / 4 ** (5 / 6)), 5]
        assert scales == [{"scale": scale} for scale in (2, 3, 3, 3, 6)]

    @pytest.mark.parametrize(
        ("entries", "message"),
        [
            ({"a": {"chain": ["a"]}}, "a.chain: step 1 (a): the chain contains itself: a → a"),
            (
                {"a": {"chain": ["sr", "b"]}, "b": {"chain": [{"chain": ["a"]}]}},
                "the chain contains itself: a → b → a",
            ),
            ({"a": {"chain": ["jpg"]}}, "step 1 (jpg): unknown degradation 'jpg'; did you mean"),
            ({"a": {"chain": ["chain"]}}, "unknown degradation 'chain'"),
            (
                {"a": {"chain": ["p"]}, "p": {"pairs": {"degraded": "x", "clean": "y"}}},
                "a.chain: step 1 (p): it is given as pairs",
            ),
            ({"two": {"chain": ["jpeg"]}}, "two: choose another name"),
            ({"a": {"chain": []}}, "a.chain: a chain is a list of at least one degradation"),
            ({"a": {"chain": "jpeg"}}, "a.chain: input should be a valid list, got 'jpeg'"),
            ({"a": {"chain": [5]}}, "a.chain: step 1: write a name"),
            ({"a": {"chain": [False]}}, "got False; YAML reads yes, no, on and off"),
            ({"a": {"chain": [{"jpeg": {}, "sr": {}}]}}, "a.chain: step 1: write a name"),
            ({"a": {"chain": [{"jpeg": {"probability": 0}}]}}, "above 0 and at most 1, got 0"),
            (
                {"a": {"chain": [{"jpeg": {"probability": True}}]}},
                "at most 1, got True; YAML reads",
            ),
            ({"a": {"chain": [{"jpeg": {"quality": [40, 10]}}]}}, "must be [low, high], low first"),
            ({"a": {"chain": [{"jpeg": {"qality": 10}}]}}, "did you mean 'quality'"),
            ({"a": {"chain": [{"jpeg": {"training": 10}}]}}, "training: must be a mapping"),
            ({"a": {"chain": [{"chain": ["sr"], "ordr": "one"}]}}, "did you mean 'order'"),
            ({"a": {"chain": [{"chain": ["sr"], "order": "any"}]}}, "order: must be one of given"),
            ({"a": {"chain": [{"chain": ["sr"], "times": 0}]}}, "times: must be a whole number"),
            ({"a": {"chain": ["sr"], "order": "any"}}, "a.order: input should be 'given'"),
            ({"a": {"chain": ["sr"], "times": 0}}, "a.times: input should be greater than 0"),
            (
                {"a": {"chain": ["sr"], "training": {"scale": 2}}},
                "a.training: a chain's steps have",
            ),
            ({"jpeg": {"order": "one"}}, "jpeg.order: only a chain has it"),
            ({"haze": {"chain": ["sr"]}}, "haze.chain: haze is a module's name"),
            ({"chain": {"chain": ["sr"]}}, "degradations.chain: choose another name"),
            (
                {"a": {"chain": ["sr"]}, "b": {"chain": [{"a": {"scale": 3}}]}},
                "b.chain: step 1 (a): scale: a is a chain",
            ),
            (
                {"a": {"chain": ["sr"], "pairs": {"degraded": "x", "clean": "y"}}},
                "degradations.a: pairs and a chain cannot be the same degradation",
            ),
        ],
    )
    def test_what_is_wrong_is_one_line(self, entries, message):
        with pytest.raises(InputError) as raised:
            loaded(entries)
        assert message in str(raised.value)
        assert "\n" not in str(raised.value)

    def test_those_that_are_ready(self):
        said = [files.read(ROOT / f"config/{name}.yaml") for name in ("config", "chains")]
        found = loading.load(files.laid_over(*said))
        assert {*found.chained()} == {"bsrgan", "camera", "realesrgan"}
        for name in found.chained():
            for use in ("evaluation", "training"):
                values = found.parameters(name, use)
                degraded = operators.degrade(name, images(4), values, [1, 2, 3, 4])
                assert not torch.equal(degraded, images(4))

    def test_only_some_of_the_degradations(self):
        found = loaded({"camera": {"chain": ["jpeg"]}}, only=["camera", "sr"])
        assert found.searched() == ["camera", "sr"]


TARGETS = (
    "results/similarity.parquet",
    "results/verify/srresnet/camera+jpeg/own.parquet",
)
OF_THE_CHAIN = {
    "Degrading the PIES patches: camera",
    "Describing camera",
    "Comparing the degradations",
    "Training srresnet on camera+jpeg",
    "Verifying srresnet on camera+jpeg with own",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chained")
    write_photographs(folder / "photographs")
    tree = Tree(folder)
    tree.config["degradations"] = dict.fromkeys(tree.config["degradations"]) | {
        "jpeg": {},
        "camera": {"chain": ["gaussian_noise", {"sr": {"probability": 0.5}}]},
    }
    tree.config["search"]["degradations"] = ["camera", "jpeg"]
    tree.config["report"]["noise_degradations"] = []
    tree.run(*TARGETS)
    return tree


class TestWorkflow:
    """A tree with a chain: it is described, trained on and verified, and reruns what it must."""

    def edited(self, tree, folder, *names):
        checkout = copy_of_sources(folder / "checkout")
        for name in names:
            with open(checkout / name, "a", encoding="utf-8") as module:
                module.write("\nMORE = 1\n")
        return tree.copy(folder / "tree", checkout)

    def test_nothing_runs_again_for_a_module_of_no_chain_and_what_reads_chains(
        self, made, tmp_path
    ):
        other = self.edited(
            made, tmp_path, "grids/degradations/haze.py", "grids/degrading/chains.py"
        )
        assert other.jobs(*TARGETS) == set()

    def test_a_module_in_a_chain_reruns_what_has_the_chain(self, made, tmp_path):
        other = self.edited(made, tmp_path, "grids/degradations/gaussian_noise.py")
        assert other.jobs(*TARGETS) == OF_THE_CHAIN

    def test_a_step_that_changes_reruns_what_has_the_chain(self, made):
        before = copy.deepcopy(made.config)
        made.config["degradations"]["camera"]["chain"][1]["sr"]["probability"] = 0.4
        try:
            assert made.jobs(*TARGETS) == OF_THE_CHAIN
        finally:
            made.config = before
