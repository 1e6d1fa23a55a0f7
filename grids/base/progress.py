"""Lines that say how far a long loop is."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

SECONDS_BETWEEN_LINES = 10.0

T = TypeVar("T")
Say = Callable[[str], None]


class Progress:
    """Says how far a long loop is, how fast and how long it will take, every ten seconds."""

    def __init__(self, label: str, total: float, unit: str, say: Say, done: float = 0):
        self._label, self._total, self._unit, self._say = label, total, unit, say
        self._first, self._done = done, done
        self._start = self._spoke = time.monotonic()

    def report(self, done: float, more: str = "") -> None:
        """`done` of the total are done now."""
        self._done = done
        now = time.monotonic()
        if done < self._total and now - self._spoke < SECONDS_BETWEEN_LINES:
            return
        self._spoke = now
        rate = (done - self._first) / max(now - self._start, 1e-9)
        left = (self._total - done) / rate if rate > 0 else float("inf")
        self._say(
            f"{self._label}: {done}/{self._total} {self._unit}, {rate:.3g} {self._unit}/s, "
            f"ETA {_clock(left)}{', ' + more if more else ''}"
        )

    def over(self, items: Iterable[T]) -> Iterator[T]:
        """The items, each reported as done when the next one is asked for."""
        for item in items:
            yield item
            self.report(self._done + 1)


def _clock(seconds: float) -> str:
    if seconds == float("inf"):
        return "unknown"
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
