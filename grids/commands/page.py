"""`grids page` opens a page on which photographs are restored."""

import argparse
import sys

from grids.base.errors import InputError
from grids.commands import _computing, _ending

PORT = 8417


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to those of `grids`."""
    text = "restore photographs on a page of the browser, served by this machine to itself"
    parser = commands.add_parser("page", help=text, description=text)
    parser.add_argument("--port", type=int, default=PORT, help=f"0 takes a free one ({PORT})")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="where it listens (127.0.0.1, which this machine alone reaches)",
    )
    parser.add_argument(
        "--megapixels", type=int, default=120, help="a larger photograph is refused (120)"
    )
    _computing.add_to(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    for needed in ("starlette", "uvicorn"):
        _ending.require_module(needed)
    if options.megapixels < 1:
        raise InputError(f"--megapixels: must be 1 or more, got {options.megapixels}")

    from grids.page import serving
    from grids.page.guard import is_loopback
    from grids.page.uploads import Limits

    # Before what takes seconds.
    taken = serving.listening(options.host, options.port)

    from grids.restoring import orders
    from grids.restoring.workshop import Workshop

    bundle, runtime = _computing.opened(options)
    workshop = Workshop(
        bundle,
        runtime,
        tile=options.tile,
        steps=orders.steps(options.steps),
        say=_say,
    )
    workshop.prepare()
    if not is_loopback(options.host):
        _say("warning: whoever reaches this machine over the network can use this page")
    serving.serve(workshop, options.host, taken, Limits(megapixels=options.megapixels), _say)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
