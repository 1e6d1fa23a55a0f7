"""What one open page has: its photographs, what is known of them, and who is told of changes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Any, Literal

from grids.restoring import blending
from grids.restoring.workshop import Judgement

State = Literal["waiting", "judged", "left", "refused", "failed"]

# A word now and then shows whether somebody still listens.
SECONDS_BETWEEN_WORDS = 10.0


@dataclass(eq=False)
class Work:
    """A restoration that was asked for.

    Attributes:
        group: whose model.
        done: share of it, 0 … 1.
        stop: set to end it.
    """

    group: str
    done: float = 0.0
    stop: Event = field(default_factory=Event)


@dataclass(eq=False)
class Photo:
    """A photograph of a page.

    Attributes:
        id: what it is called in addresses.
        path: as it was uploaded, from the folder that was given on; never part of a path here.
        place: among those of its page, as they were given.
        folder: its files, by names of ours (see `grids.page.desk.Desk`).
        width, height: of the upright picture, in pixels.
        state: `waiting` to be judged, `judged`, `left` as it is if no gain can be counted on,
            `refused` if no model suits it, `failed`.
        reason: why it is left, was refused or failed.
        remarks: what is not kept, and how sure the choice is.
        judged: what is said of it.
        nearest: names of what it is most like, the nearest first.
        strength: that of its result.
        group: whose model its result is of.
        tiles: of each restored group, side of the tiles in pixels, None for the whole image.
        work: by group, what was asked for and is not done.
        saved: groups and strengths of the results that were given away.
    """

    id: str
    path: str
    place: int
    folder: Path
    width: int
    height: int
    state: State = "waiting"
    reason: str = ""
    remarks: tuple[str, ...] = ()
    judged: Judgement | None = None
    nearest: tuple[str, ...] = ()
    strength: float = 1.0
    group: str = ""
    tiles: dict[str, int | None] = field(default_factory=dict)
    work: dict[str, Work] = field(default_factory=dict)
    saved: set[tuple[str, float]] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Its path without folders."""
        return PurePosixPath(self.path).name

    @property
    def wanted(self) -> tuple[str, float]:
        """Group and strength of its result."""
        return self.group, self.strength

    @property
    def done(self) -> bool:
        """Whether there is its result."""
        return self.group in self.tiles

    @property
    def unsaved(self) -> bool:
        """Whether it was restored, and nobody was given that."""
        return self.wanted not in self.saved if self.done else bool(self.tiles) and not self.saved

    def told(self) -> dict[str, Any]:
        """What the page is told of it."""
        decision = self.judged.decision if self.judged else None
        groups = {}
        if decision:
            gains = blending.gains_at(self.strength, decision.gains_db)
            # Gains are told of the mix of all as well, which is like no damage of its own.
            for group in dict.fromkeys((*decision.scores, *decision.gains_db)):
                groups[group] = {
                    "probability": decision.scores.get(group),
                    "gain": gains.get(group),
                    "chosen": group == decision.model,
                }
        return {
            "id": self.id,
            "path": self.path,
            "name": self.name,
            "place": self.place,
            "width": self.width,
            "height": self.height,
            "state": self.state,
            "reason": self.reason,
            "remarks": self.remarks,
            "group": self.group,
            "strength": self.strength,
            "groups": groups,
            "likely": decision.group if decision else "",
            # Nothing speaks for a damage that is not to be restored.
            "seen": self.judged.telling if self.judged and self.state == "judged" else [],
            "against": decision.against if decision else "",
            "nearest": self.nearest,
            "further": [step.group for step in self.judged.further] if self.judged else [],
            "restored": list(self.tiles),
            "unsaved": self.unsaved,
            "work": {group: work.done for group, work in self.work.items()},
        }


class Visit:
    """An open page. All of it is used by the event loop's thread alone.

    Attributes:
        id: what it is called in addresses, and cannot be guessed.
        folder: of its photographs' folders.
        photos: by their names in addresses, in the order in which they came.
        tasks: what is being done or waits to be.
        receiving: uploads on their way.
        departures: how often nobody listened from then on.
        closed: the page is gone.
    """

    def __init__(self, name: str, folder: Path):
        self.id, self.folder = name, folder
        self.photos: dict[str, Photo] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.receiving = 0
        self.departures = 0
        self.closed = False
        self._listeners: list[tuple[asyncio.Event, set[str]]] = []

    @property
    def heard(self) -> bool:
        """Whether a page listens."""
        return bool(self._listeners)

    def changed(self, photo: Photo) -> None:
        """Has whoever listens told of a photograph."""
        for awake, names in self._listeners:
            names.add(photo.id)
            awake.set()

    def close(self) -> None:
        """Ends what is being done, and whatever listens."""
        self.closed = True
        for photo in self.photos.values():
            for work in photo.work.values():
                work.stop.set()
        for awake, _ in self._listeners:
            awake.set()

    async def news(self) -> AsyncIterator[list[Photo]]:
        """Photographs that have changed, all first; none now and then, to see who is there."""
        listener = asyncio.Event(), set(self.photos)
        awake, names = listener
        awake.set()
        self._listeners.append(listener)
        try:
            while not self.closed:
                try:
                    await asyncio.wait_for(awake.wait(), SECONDS_BETWEEN_WORDS)
                except TimeoutError:
                    yield []
                    continue
                awake.clear()
                found = [self.photos[name] for name in names if name in self.photos]
                names.clear()
                yield found
        finally:
            self._listeners.remove(listener)
