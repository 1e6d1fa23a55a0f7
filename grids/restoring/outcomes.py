"""What became of photographs, and how it is told: lines, a table, JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from grids.base.printing import on_one_line
from grids.restoring import blending
from grids.restoring.blending import Expected
from grids.restoring.workshop import Step
from grids.selection.decision import Decision

Status = Literal[
    "restored", "compared", "decided", "left as it is", "there already", "refused", "failed"
]


@dataclass
class Outcome:
    """What became of a photograph.

    Attributes:
        source, target: files; `-` are the standard input and output.
        status: `compared` if the results of several models were put side by side, `decided` if
            nothing was to be restored, `left as it is` if no gain can be counted on, `there
            already` if the target is a file that is not to be replaced, `refused` if it is unlike
            all that is known.
        width, height: in pixels.
        group: whose model was used, or would be; `mix` is that of all.
        chosen_by: the rule, or `user`.
        model: fingerprint of the model's file.
        decision: what the selector says, None where it cannot judge.
        further: steps that follow that model's, in their order.
        tile: side of the tiles in pixels, None if the image went through whole.
        remarks: what is not in the restored file as in the source.
        reason: why it was left as it is, was refused or failed.
        strength: how much of the restoring it gets.
        mask: file of what is restored, None for all of it.
        sheet: file of the comparison, if one was asked for.
    """

    source: Path
    target: Path
    status: Status = "failed"
    width: int = 0
    height: int = 0
    group: str = ""
    chosen_by: str = ""
    model: str = ""
    decision: Decision | None = None
    further: tuple[Step, ...] = ()
    tile: int | None = None
    remarks: tuple[str, ...] = ()
    reason: str = ""
    strength: float = 1.0
    mask: Path | None = None
    sheet: Path | None = None

    @classmethod
    def of_folder(cls, error: OSError) -> "Outcome":
        """What became of a folder that cannot be read."""
        path = Path(error.filename)
        return cls(path, path, reason=f"{path}: {error.strerror}")

    @property
    def then(self) -> tuple[str, ...]:
        """A few words on each further step."""
        return tuple(f"then {step.group}" for step in self.further)

    @property
    def expected(self) -> Expected | None:
        """The gain in dB and its interval, of the model that the selector chose, if it can tell."""
        if self.decision is None or self.decision.model != self.group:
            return None
        return self.gains.get(self.group)

    @property
    def gains(self) -> dict[str, Expected]:
        """What each model is expected to give at this strength, of those where it can be told.

        The gain in dB and its interval.
        """
        if self.decision is None:
            return {}
        return blending.gains_at(self.strength, self.decision.gains_db)


def how_far(strength: float) -> str:
    """What a strength does, in words; empty for 1, which is the model's result."""
    if strength == 1:
        return ""
    if strength == 0:
        return "strength 0: as it was"
    if strength > 1:
        return f"strength {strength:g}: {strength - 1:.0%} beyond what the model makes of it"
    return f"strength {strength:g}: {strength:.0%} of the way to what the model makes of it"


def expectation(outcome: Outcome, group: str) -> tuple[str, ...]:
    """Lines about what a group's model is expected to give."""
    if outcome.decision is None:
        return ("nothing to judge it by",)
    decision = outcome.decision
    said = f"{_figures(outcome.gains.get(group))} expected"
    # The mix of all is like no damage of its own.
    likely = f"probability {decision.scores[group]:.2f}" if group in decision.scores else ""
    chosen = ", ".join(filter(None, ("chosen" if group == decision.model else "", likely)))
    return tuple(filter(None, (said, chosen, how_far(outcome.strength))))


def _figures(gains: Expected | None) -> str:
    if gains is None:
        return "unknown gain"
    gain, low, high = gains
    return f"{gain:+z.1f} dB ({low:+z.1f} to {high:+z.1f})"


def line(outcome: Outcome) -> str:
    """One line about a photograph that was restored or put on a sheet."""
    parts = [outcome.group, *outcome.then]
    if outcome.decision and outcome.decision.model == outcome.group:
        gain, *interval = _figures(outcome.expected).partition(" (")
        parts.append(f"{gain} expected{''.join(interval)}")
    return f"{outcome.source} → {outcome.target}: {'; '.join((', '.join(parts), *outcome.remarks))}"


def table(outcomes: Sequence[Outcome], groups: Sequence[str] = ()) -> str:
    """The decisions as a table; with a row for each of `groups`, if there are any."""
    decisions = {
        "decided": "compare" if groups else "restore",
        "left as it is": "leave",
        "refused": "refuse",
    }
    rows = []
    for outcome in outcomes:
        for group in (groups if outcome.status == "decided" else ()) or [outcome.group]:
            gain, low, high = _gains(outcome, group if groups else "") or (None, None, None)
            rows.append(
                {
                    "photograph": on_one_line(str(outcome.source)),
                    "pixels": f"{outcome.width}×{outcome.height}" if outcome.width else "",
                    "group": group if groups else ", ".join((group, *outcome.then)),
                    "gain dB": "" if gain is None else f"{gain:+z.1f}",
                    "90 %": "" if gain is None else f"{low:+z.1f} to {high:+z.1f}",
                    "decision": decisions.get(outcome.status, "fail"),
                }
            )
    return "\n".join(_aligned([list(rows[0]), *(list(row.values()) for row in rows)]))


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, each column to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]


def _gains(outcome: Outcome, group: str) -> Expected | None:
    return outcome.gains.get(group) if group else outcome.expected


def as_json(outcome: Outcome) -> dict[str, Any]:
    """What scripts are told, by names that docs/restore.md explains."""
    gain, low, high = outcome.expected or (None, None, None)
    decision = outcome.decision
    return {
        "source": str(outcome.source),
        "target": str(outcome.target),
        "status": outcome.status,
        "reason": outcome.reason,
        "width": outcome.width,
        "height": outcome.height,
        "group": outcome.group,
        "chosen_by": outcome.chosen_by,
        "model": outcome.model,
        "scores": decision.scores if decision else None,
        "against": decision.against if decision else None,
        "evidence": decision.evidence if decision else None,
        "verdict": decision.verdict if decision else None,
        "predicted_gain_db": gain,
        "interval_db": None if gain is None else [low, high],
        "gains_db": outcome.gains or None,
        "further": [
            {"group": step.group, "model": step.model, "scores": step.decision.scores}
            for step in outcome.further
        ],
        "strength": outcome.strength,
        "mask": str(outcome.mask) if outcome.mask else None,
        "sheet": str(outcome.sheet) if outcome.sheet else None,
        "tile": outcome.tile,
        "remarks": list(outcome.remarks),
    }
