"""Ends that are asked for: SIGTERM (a cluster's time limit, kill) and SIGINT (Ctrl-C)."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Noticed:
    """`number` of the signal that came, 0 while none has."""

    number = 0


@contextmanager
def noticed(insistent: bool) -> Iterator[Noticed]:
    """Within the block the first signal is only noted.

    Args:
        insistent: a second signal of the same kind ends the process at once. Under torchrun, which
            passes on what a process may have got already, a second one means nothing.
    """
    came = Noticed()
    if threading.current_thread() is not threading.main_thread():
        yield came  # only the main thread may receive signals
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def note(number: int, _frame: object) -> None:
        came.number = number
        if insistent:
            signal.signal(number, signal.SIG_DFL)

    try:
        for number, handler in before.items():
            # A process started in the background ignores Ctrl-C; so it stays.
            if handler != signal.SIG_IGN:
                signal.signal(number, note)
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
