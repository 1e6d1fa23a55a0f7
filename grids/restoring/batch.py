"""Many photographs restored, each with the model that suits it; a broken one stops no other."""

import math
import os
import shutil
from collections.abc import Callable

from grids.base.errors import InputError, NotFiniteError
from grids.base.files import appearing
from grids.base.plugins import require_known
from grids.bundle.contents import Bundle
from grids.restoring import blending, orders, outcomes, photographs, sheets
from grids.restoring.blending import Weights
from grids.restoring.orders import Job, Order
from grids.restoring.outcomes import Outcome
from grids.restoring.photographs import STANDARD, Photograph
from grids.restoring.runtime import Runtime
from grids.restoring.sheets import Panel
from grids.restoring.workshop import Judgement, Workshop
from grids.selection.decision import MIX


class Batch:
    """Restores photographs one by one with the models of an export.

    Args:
        bundle: the export.
        runtime: runs its networks.
        order: what is asked for.
        tile: side of the tiles in pixels; None chooses by memory.
        say: gets a line about what happens on the way.

    Raises:
        InputError: the export has no such group or is broken, or the tile is too small.
    """

    def __init__(
        self,
        bundle: Bundle,
        runtime: Runtime,
        order: Order,
        *,
        tile: int | None = None,
        say: Callable[[str], None] = lambda line: None,
    ):
        for group in (*([order.group] if order.group else []), *order.groups):
            require_known(group, bundle.names, "group")
        self._order = order
        self._workshop = Workshop(
            bundle,
            runtime,
            tile=tile,
            min_gain_db=order.min_gain_db,
            steps=order.steps,
            say=say,
        )
        self._workshop.prepare(order.group or MIX)

    def run(self, job: Job, progress: Callable[[int], None] = lambda pixels: None) -> Outcome:
        """Does one job. What is wrong with its photograph is in the outcome.

        Args:
            job: what to restore, and where to.
            progress: gets the pixels restored so far.
        """
        mask = self._order.mask
        outcome = Outcome(
            job.source, job.target, strength=self._order.strength, mask=mask.path if mask else None
        )
        try:
            self._run(job, outcome, progress)
        except (InputError, NotFiniteError, MemoryError) as error:
            reason = str(error) or "memory ran out"
            named = reason.startswith((str(job.source), str(job.target)))
            outcome.reason = reason if named else f"{job.source}: {reason}"
        return outcome

    def leaves(self, job: Job) -> bool:
        """Whether the target is a file that is there already and not to be replaced."""
        return self._keeps and os.path.isfile(job.target)

    @property
    def _keeps(self) -> bool:
        """Whether what is there stays as it is."""
        return self._order.restore and not self._order.overwrite

    def _run(self, job: Job, outcome: Outcome, progress: Callable[[int], None]) -> None:
        if self.leaves(job):
            outcome.status = "there already"
            outcome.reason = str(job.target)
            if self._order.compare and not os.path.lexists(job.beside):
                outcome.remarks = ("no comparison was drawn",)
            return
        outcome.sheet = job.beside if self._order.compare else None
        if self._keeps and os.path.lexists(job.target):
            raise InputError(f"{job.target}: exists already, and is no file")
        if self._keeps and outcome.sheet and os.path.lexists(outcome.sheet):
            raise InputError(f"{outcome.sheet}: exists already; --overwrite replaces it")
        photograph = photographs.read(job.source)
        outcome.height, outcome.width = photograph.colour.shape[:2]
        outcome.remarks = photograph.remarks
        weights = self._order.mask.of(photograph) if self._order.mask else None
        judged = self._judged(photograph)
        outcome.group, outcome.chosen_by = judged.group, judged.chosen_by
        outcome.model, outcome.decision = judged.model, judged.decision
        outcome.further = judged.further
        if judged.decision and judged.verdict != "restore":
            outcome.status = "refused" if judged.verdict == "refuse" else "left as it is"
            outcome.reason = f"{job.source}: {judged.decision.reason}"
            if self._order.restore and self._order.copy and judged.verdict == "leave":
                with appearing(job.target) as temporary:
                    shutil.copyfile(job.source, temporary)
        elif not self._order.restore:
            outcome.status = "decided"
        elif self._order.groups:
            self._put_side_by_side(photograph, weights, outcome, progress)
        else:
            if STANDARD not in (job.source, job.target):
                orders.require_room(job)
            self._restore(photograph, weights, judged, outcome, progress)

    def _judged(self, photograph: Photograph) -> Judgement:
        # Who compares judges by eye, so that nothing is refused.
        force, groups = self._order.force or bool(self._order.groups), self._order.groups
        try:
            return self._workshop.judge(photograph, self._order.group, force)
        except InputError as error:
            if groups:
                return self._workshop.judge(photograph, groups[0])
            raise InputError(f"{error}; --group GROUP restores it all the same") from None

    def _restore(
        self,
        photograph: Photograph,
        weights: Weights | None,
        judged: Judgement,
        outcome: Outcome,
        progress: Callable[[int], None],
    ) -> None:
        after, outcome.tile = self._workshop.restore(photograph, judged.groups, progress)
        after = blending.blended(photograph.colour, after, self._order.strength, weights)
        statement = self._workshop.statement(
            judged, outcome.tile, self._order.strength, masked=weights is not None
        )
        outcome.remarks += photographs.write(photograph, after, outcome.target, statement)
        if outcome.sheet:
            pictures = [
                sheets.upright(colour, photograph.orientation)
                for colour in (photograph.colour, after)
            ]
            by = ", ".join((judged.group, *outcome.then))
            lines = (by, *outcomes.expectation(outcome, judged.group))
            panels = [
                Panel(pictures[0], ("before",)),
                Panel(sheets.halves(*pictures), ("left before, right after",)),
                Panel(pictures[1], ("after", *lines)),
            ]
            sheets.write(sheets.drawn(panels, len(panels)), outcome.sheet)
        outcome.status = "restored"

    def _put_side_by_side(
        self,
        photograph: Photograph,
        weights: Weights | None,
        outcome: Outcome,
        progress: Callable[[int], None],
    ) -> None:
        groups = self._order.groups
        before = sheets.upright(photograph.colour, photograph.orientation)
        panels = [Panel(before, ("before",))]
        pixels = outcome.width * outcome.height
        for number, group in enumerate(groups):

            def report(done: int, number: int = number) -> None:
                progress((number * pixels + done) // len(groups))

            after, outcome.tile = self._workshop.restore(photograph, [group], report)
            after = blending.blended(photograph.colour, after, self._order.strength, weights)
            picture = sheets.upright(after, photograph.orientation)
            panels.append(Panel(picture, (group, *outcomes.expectation(outcome, group))))
        columns = math.ceil(math.sqrt(len(panels)))
        sheets.write(sheets.drawn(panels, columns), outcome.target)
        outcome.sheet, outcome.status = outcome.target, "compared"
