"""Learning curves of models whose final drops are known."""

import math
from dataclasses import dataclass

import numpy as np

from grids.base.levels import WHOLE
from grids.search.contract import Group, Levels
from grids.search.simulation.families import Instance, hashed_normal


@dataclass(frozen=True)
class Knobs:
    """How learning curves behave, told of a training at 10 % of its steps.

    What is said of 10 % shrinks with the logarithm of the share: at 30 % about half is left.

    Attributes:
        trust: share of the final drop that shows, 0 … 1.
        bias: by how much a group is behind single-task models for each further member, in dB.
        noise: of each model on each degradation, in dB; half of the variance is common to all
            levels of the model.
        gain: what models gain until the end, in dB.
        spread: of that, from one degradation to the next, in dB.
    """

    trust: float = 0.9
    bias: float = 0.1
    noise: float = 0.2
    gain: float = 1.0
    spread: float = 0.5


USUAL = Knobs()


@dataclass(frozen=True, eq=False)
class Curves:
    """The PSNR of any model at any level.

    Attributes:
        instance: the drops at the end.
        knobs: of the curves.
        seed: of their noise.
    """

    instance: Instance
    knobs: Knobs
    seed: int

    def of(self, group: Group, level: int) -> dict[str, float]:
        """Mean PSNR in dB of a group's model on each of its degradations, up to a constant."""
        names, knobs = self.instance.similarity.names, self.knobs
        away = math.log10(WHOLE / level)
        drop = self.instance.of(group) if len(group) > 1 else dict.fromkeys(group, 0.0)
        inside = np.array([[name in group for name in names]])
        chance, own = (
            hashed_normal(inside, self.seed + 10_000_019 * (1 + kind))[0] for kind in (0, level)
        )
        noise = math.sqrt(away / 2) * knobs.noise * (chance + own)
        spread = np.random.default_rng([self.seed, 5]).normal(size=len(names))
        gain = away * (knobs.gain + knobs.spread * spread)
        shown, behind = 1 - (1 - knobs.trust) * away, away * knobs.bias * (len(group) - 1)
        at = {name: i for i, name in enumerate(names)}
        return {
            name: float(-shown * drop[name] - behind - gain[at[name]] + noise[at[name]])
            for name in group
        }


@dataclass(frozen=True)
class Measured:
    """PSNR as measured, and for every other model and level a stand-in.

    By the stand-in a single-task model is at a level what it is at the nearest one that was
    measured, and a group drops as at its end: what short trainings would tell is taken for true.

    Attributes:
        instance: the drops at the end.
        psnr: what is measured.
    """

    instance: Instance
    psnr: Levels

    def of(self, group: Group, level: int) -> dict[str, float]:
        """As `Curves` has it."""
        if measured := self.psnr.get(level, {}).get(group):
            return dict(measured)
        drop = self.instance.of(group) if len(group) > 1 else dict.fromkeys(group, 0.0)
        return {name: self._single(name, level) - drop[name] for name in group}

    def _single(self, name: str, level: int) -> float:
        near = sorted(self.psnr, key=lambda other: abs(other - level))
        found = (self.psnr[other].get((name,), {}).get(name) for other in near)
        return next((psnr for psnr in found if psnr is not None), 0.0)
