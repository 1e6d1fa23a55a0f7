"""The models of an export at work on single photographs: judged first, then restored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grids.base.errors import InputError
from grids.bundle.contents import Bundle
from grids.images.decoding import Ints
from grids.models.tiling import Tiler
from grids.restoring import blending, photographs
from grids.restoring.photographs import Photograph
from grids.restoring.runtime import Runtime
from grids.restoring.selector import Selector
from grids.selection.decision import MIN_GAIN_DB, MIX, Decision, Verdict
from grids.selection.evidence import telling


@dataclass(frozen=True)
class Step:
    """A model that goes over what others have restored.

    Attributes:
        group: whose model; `mix` is that of all.
        model: fingerprint of its file.
        decision: what the selector says of what is left by then.
    """

    group: str
    model: str
    decision: Decision


@dataclass(frozen=True)
class Judgement:
    """What is said of a photograph before it is restored.

    Attributes:
        group: whose model restores it; `mix` is that of all.
        chosen_by: the rule, or `user`.
        model: fingerprint of the model's file.
        decision: what the selector says, None where it cannot judge.
        verdict: whether it is to be restored, left as it is, or refused.
        further: steps that follow, in their order.
    """

    group: str
    chosen_by: str
    model: str
    decision: Decision | None
    verdict: Verdict = "restore"
    further: tuple[Step, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """Whose models restore it, one after the other."""
        return (self.group, *(step.group for step in self.further))

    @property
    def telling(self) -> list[str]:
        """What tells of its damage most, in words."""
        return telling(self.decision.evidence) if self.decision else []


class Workshop:
    """Judges and restores photographs with the models of an export.

    Judging and restoring share nothing that changes: one thread may do the one while another does
    the other.

    Args:
        bundle: the export.
        runtime: runs its networks.
        tile: side of the tiles in pixels; None chooses by memory.
        min_gain_db: what must be counted on for a photograph to be restored.
        steps: how many models a photograph may go through, one after the other.
        say: gets a line about what happens on the way.
    """

    def __init__(
        self,
        bundle: Bundle,
        runtime: Runtime,
        *,
        tile: int | None = None,
        min_gain_db: float = MIN_GAIN_DB,
        steps: int = 1,
        say: Callable[[str], None] = lambda line: None,
    ):
        self.bundle, self._runtime = bundle, runtime
        self._tile, self._say = tile, say
        self._selector = Selector(bundle, runtime.trial, min_gain_db=min_gain_db, most=steps)
        self._tiler: Tiler | None = None

    def judge(
        self, photograph: Photograph, group: str | None = None, force: bool = False
    ) -> Judgement:
        """What suits a photograph, and whether it is to be restored.

        Args:
            photograph: as read.
            group: the group that the user names, None for what suits.
            force: it is to be restored in any case.

        Raises:
            InputError: nothing can be chosen by what is seen, and no group is named.
        """
        try:
            decision, *further = self._selector.decide(photograph.eight_bits)
        except InputError:
            if group is None:
                raise
            # One need not judge what the user has judged.
            return Judgement(group, "user", self.bundle.fingerprints[group], None)
        chosen, fingerprints = group or decision.model, self.bundle.fingerprints
        steps = [Step(each.model, fingerprints[each.model], each) for each in further]
        return Judgement(
            group=chosen,
            chosen_by="user" if group else decision.rule,
            model=fingerprints[chosen],
            decision=decision,
            verdict="restore" if group or force else decision.verdict,
            further=() if group else tuple(steps),
        )

    def nearest(self, photograph: Photograph) -> list[tuple[str, Ints]]:
        """What a photograph that can be judged is most like, if the export has examples.

        Name and picture (64, 64, 3), uint8, of each, the nearest first.
        """
        return [*self._selector.nearest(photograph.eight_bits)]

    def prepare(self, group: str = MIX) -> Tiler:
        """Builds what restores with a group's model, so that a mistake shows before any work.

        That of the mix of all is needed in any case: photographs are tried on it.

        Raises:
            InputError: the model's file is broken, or the tile is too small for the network.
        """
        self._runtime.network(group)
        if self._tiler is None:
            runtime = self._runtime
            self._tiler = Tiler(runtime.needs, runtime.place, self._tile, self._say)
        return self._tiler

    def restore(
        self,
        photograph: Photograph,
        groups: Sequence[str],
        progress: Callable[[int], None] = lambda pixels: None,
    ) -> tuple[Ints, int | None]:
        """What models make of a photograph's colours, one after the other.

        Args:
            photograph: as read.
            groups: whose models, one or more.
            progress: gets the pixels done so far, of all steps together as many as there are; what
                it raises ends the work.

        Returns:
            Colours (H, W, 3) of the type of the photograph's, neutral where it is grey; and the
            side of the last model's tiles in pixels, None if it went through whole.

        Raises:
            InputError: not even the smallest tiles fit into memory.
            NotFiniteError: the network's output is not finite.
        """
        colour, tile = photograph.colour, None
        pixels = colour.shape[0] * colour.shape[1]
        for number, group in enumerate(groups):

            def report(done: int, number: int = number) -> None:
                progress((number * pixels + done) // len(groups))

            tiler = self.prepare(group)
            network = self._runtime.network(group, tiler.common_sides(*colour.shape[:2]))
            colour, tile = tiler.restore(network, colour, report)
            if photograph.grey:
                colour = photographs.neutral(colour)
        return colour, tile

    def statement(
        self, judged: Judgement, tile: int | None, strength: float = 1.0, masked: bool = False
    ) -> dict[str, str]:
        """How a restored photograph came about, for its XMP."""
        models = (judged.model, *(step.model for step in judged.further))
        statement = {
            "group": ", ".join(judged.groups),
            "chosenBy": judged.chosen_by,
            "backbone": self.bundle.backbone,
            "model": ", ".join(models),
            "runtime": self._runtime.name,
            "precision": self._runtime.precision,
            "tile": str(tile or "whole"),
            "strength": f"{strength:g}",
        }
        if masked:
            statement["mask"] = "True"
        if decision := judged.decision:
            statement["verdict"] = decision.verdict
            if decision.model == judged.group and decision.interval_db:
                at_one = decision.gains_db[judged.group]
                gain, low, high = blending.expected_at(strength, at_one)
                statement["predictedGainDb"] = f"{gain:.2f}"
                statement["predictedGainIntervalDb"] = f"{low:.2f} {high:.2f}"
        return statement
