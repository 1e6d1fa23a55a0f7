"""Searches whose every drop is known: made-up families, and the published drops.

A family draws instances: a similarity matrix and a law that gives the drop of any group. Their
knob `correlation` says how far the conflict of a pair follows its distance: 1, it is the distance;
0, it has nothing to do with it. Affinities are made up beside, with a knob of their own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from grids.search.contract import Drops, Group, Similarity
from grids.search.drops.levels import NOTHING, Short
from grids.search.drops.model import fit

DELTA = 0.7

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Instance:
    """One search with known answers.

    Attributes:
        similarity: what a strategy is told.
        drops: the drop in dB of each degradation in each group: from who is in which group,
            shape (groups, n), to shape (groups, n); of no meaning where a degradation is not in.
    """

    similarity: Similarity
    drops: Callable[[Booleans], Floats]

    def of(self, group: Group) -> dict[str, float]:
        """The drops of one group's members."""
        names = self.similarity.names
        inside = np.array([name in group for name in names])
        values = self.drops(inside[None])[0]
        return {name: float(values[names.index(name)]) for name in group}


def linear(n: int, correlation: float, noise: float, seed: int) -> Instance:
    """Drops linear in the mean conflict with the other members and in the size of the group."""
    similarity, conflict = _drawn(n, correlation, seed)
    return Instance(similarity, partial(_linear, conflict, noise, seed))


def nonmonotone(n: int, correlation: float, noise: float, seed: int) -> Instance:
    """As `linear`, but in every seventh group something else happens: 0.8 dB better or worse."""
    similarity, conflict = _drawn(n, correlation, seed)

    def drops(inside: Booleans) -> Floats:
        chance = _uniform(inside, [n], seed)
        shift = np.where(chance < 1 / 14, 0.8, np.where(chance > 13 / 14, -0.8, 0.0))
        return _linear(conflict, noise, seed, inside) + shift

    return Instance(similarity, drops)


def outsider(n: int, correlation: float, noise: float, seed: int) -> Instance:
    """As `linear`, but one degradation, near to others by its distances, conflicts with all."""
    similarity, conflict = _drawn(n, correlation, seed)
    odd = int(np.random.default_rng([seed, 2]).integers(n))

    def drops(inside: Booleans) -> Floats:
        return _linear(conflict, noise, seed, inside) + 1.5 * inside[:, [odd]]

    return Instance(similarity, drops)


def conflicts(n: int, correlation: float, noise: float, seed: int) -> Instance:
    """Each member harms each other by its own amount, not alike in both directions, and saturates.

    A drop is h·(1 − exp(−sum of harms / h)) with a height h of each degradation from 1 to 4 dB.
    """
    similarity, conflict = _drawn(n, correlation, seed)
    random = np.random.default_rng([seed, 3])
    harm = 0.2 * np.exp(0.9 * conflict + 0.5 * random.normal(size=(n, n)))
    height = random.uniform(1, 4, n)

    def drops(inside: Booleans) -> Floats:
        total = _others(inside, harm)
        saturated: Floats = height * (1 - np.exp(-total / height))
        return saturated + noise * hashed_normal(inside, seed)

    return Instance(similarity, drops)


def clusters(n: int, correlation: float, noise: float, seed: int) -> Instance:
    """Hidden clusters: members of one's own cost nothing, each other costs 0.5 dB.

    The clusters have nothing to do with the distances, whatever `correlation` is.
    """
    similarity, _ = _drawn(n, correlation, seed)
    cluster = np.random.default_rng([seed, 4]).integers(max(2, round(n / 3)), size=n)
    harm = np.where(cluster[:, None] == cluster, 0.0, 0.5)

    def drops(inside: Booleans) -> Floats:
        return 0.1 + _others(inside, harm) + noise * hashed_normal(inside, seed)

    return Instance(similarity, drops)


FAMILIES: Mapping[str, Callable[[int, float, float, int], Instance]] = {
    family.__name__: family for family in (linear, nonmonotone, outsider, conflicts, clusters)
}


def with_affinity(instance: Instance, correlation: float, seed: int) -> Instance:
    """The instance with made-up affinities, higher where the drop of a pair is smaller.

    Args:
        instance: of a family.
        correlation: how far an affinity follows the drop of its target in the pair with its source,
            0 … 1: 1, it is that drop with its sign turned; 0, it has nothing to do with it.
        seed: of what else it is made of.
    """
    n = len(instance.similarity.names)
    own = np.eye(n, dtype=bool)
    # Row by row the pairs with one degradation, which is alone in the pair with itself.
    pairs = (own[:, None] | own[None]).reshape(n * n, n)
    drops = instance.drops(pairs).reshape(n, n, n)[:, range(n), range(n)]
    unrelated = np.random.default_rng([seed, 5]).normal(size=(n, n))
    affinity = np.sqrt(1 - correlation**2) * _standardized(unrelated)
    affinity -= correlation * _standardized(drops)
    return replace(instance, similarity=replace(instance.similarity, affinity=affinity))


def completed(
    similarity: Similarity, measured: Drops, delta: float, short: Short = NOTHING
) -> Instance:
    """Measured drops, and for every other group a stand-in.

    The stand-in is the mean that the model of `grids.search.drops.model` predicts for the worst
    member, given what is measured, also at lower levels: a guess, and one in favour of strategies
    that use the model.
    """
    known = {
        group: drops for group, drops in measured.items() if set(group) <= set(similarity.names)
    }

    def drops(inside: Booleans) -> Floats:
        values = np.zeros(inside.shape)
        many = inside.sum(axis=1) > 1
        if many.any():
            values[many] = fit(similarity, known, delta, short).predict(inside[many]).mean[:, None]
        for row, members in zip(values, inside, strict=True):
            group = tuple(
                name for name, is_in in zip(similarity.names, members, strict=True) if is_in
            )
            if group in known:
                row[members] = [known[group][name] for name in group]
        return values

    return Instance(similarity, drops)


def published(backbone: str = "restormer") -> tuple[Similarity, dict[Group, dict[str, float]]]:
    """What GRIDS prints of its own search (Tables 1 and 2): a similarity matrix and drops.

    The paper gives nine mean distances of groups and not the matrix. The one here has these means
    and differs least from a matrix in which all distances are equal: a stand-in.

    Args:
        backbone: `restormer` or `srresnet`, whose drops are wanted.
    """
    folder = files("grids.search.simulation") / "data"
    drops = pd.read_csv(folder / "published_drops.csv")
    measured = {
        tuple(name.split("+")): dict(zip(rows["degradation"], rows["drop_db"], strict=True))
        for name, rows in drops[drops["backbone"] == backbone].groupby("group")
    }
    means = pd.read_csv(folder / "published_distances.csv")
    names = tuple(sorted(drops["degradation"].unique()))
    pairs = list(combinations(range(len(names)), 2))
    groups = [tuple(name.split("+")) for name in means["group"]]
    inside = np.array([[names[i] in g and names[j] in g for i, j in pairs] for g in groups])
    weights = inside / inside.sum(axis=1, keepdims=True)
    centre = means["distance_mean"].mean()
    distances = centre + np.linalg.pinv(weights) @ (means["distance_mean"] - centre)
    square = np.zeros((len(names), len(names)))
    for (i, j), value in zip(pairs, distances, strict=True):
        square[i, j] = square[j, i] = value
    return Similarity(names, square, np.zeros_like(square)), measured


def _drawn(n: int, correlation: float, seed: int) -> tuple[Similarity, Floats]:
    """A similarity matrix and the conflicts of pairs, which follow it as `correlation` says."""
    random = np.random.default_rng([seed, 1])
    distance, unrelated = _distances(random, n), _distances(random, n)
    conflict = correlation * _standardized(distance)
    conflict += np.sqrt(1 - correlation**2) * _standardized(unrelated)
    names = tuple(f"degradation_{i:02d}" for i in range(n))
    return Similarity(names, distance, np.full((n, n), 0.1)), conflict


def _distances(random: np.random.Generator, n: int) -> Floats:
    """Distances as S has them, log10(KL + 1e-5) + 5, of laws that differ in two parameters."""
    laws = random.uniform(size=(n, 2))
    squared: Floats = ((laws[:, None] - laws) ** 2).sum(axis=-1)
    return np.log10(0.1 * squared + 1e-5) + 5


def _standardized(distance: Floats) -> Floats:
    pairs = distance[~np.eye(len(distance), dtype=bool)]
    return (distance - pairs.mean()) / max(pairs.std(), 1e-9) if len(pairs) else distance * 0


def _linear(conflict: Floats, noise: float, seed: int, inside: Booleans) -> Floats:
    size = inside.sum(axis=1, keepdims=True)
    mean: Floats = _others(inside, conflict) / np.maximum(size - 1, 1)
    line: Floats = 0.35 + 0.5 * mean + 0.25 * (size - 2)
    return line + noise * hashed_normal(inside, seed)


def _others(inside: Booleans, values: Floats) -> Floats:
    """Sum of each degradation's `values` over the other members of each group."""
    of_others: Floats = np.where(np.eye(len(values), dtype=bool), 0, values)
    return inside @ of_others.T


def hashed_normal(inside: Booleans, seed: int) -> Floats:
    """A standard normal number of each group and degradation, always the same one."""
    normal: Floats = ndtri(_uniform(inside, np.arange(inside.shape[1]), seed))
    return normal


def _uniform(inside: Booleans, keys: NDArray[np.int64] | list[int], seed: int) -> Floats:
    """A number in (0, 1) for each group and key: a hash, so that no group needs another one."""
    groups = inside @ (1 << np.arange(inside.shape[1], dtype=np.uint64))
    state = groups[:, None] * np.uint64(1009) + np.asarray(keys, dtype=np.uint64)
    for round_ in (seed, 1, 2):
        # The finalizer of SplitMix64; products wrap around.
        state = state + np.uint64((round_ + 1) * 0x9E3779B97F4A7C15 % 2**64)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return (state >> 11).astype(np.float64) / 2**53 + 2.0**-54
