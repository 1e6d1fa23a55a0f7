"""`grids page` opens a page on which photographs are restored."""

import argparse
import importlib.util
import sys
from pathlib import Path

from grids.base.errors import InputError

PORT = 8417


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to those of `grids`."""
    text = "restore photographs on a page of the browser, served by this machine to itself"
    parser = commands.add_parser("page", help=text, description=text)
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="FOLDER",
        help="made by `grids export` (default: the models that ship with GRIDS)",
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"0 takes a free one ({PORT})")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="where it listens (127.0.0.1, which this machine alone reaches)",
    )
    parser.add_argument(
        "--megapixels", type=int, default=120, help="a larger photograph is refused (120)"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--precision", choices=("fp32", "bf16"), default="fp32", help="of products (fp32)"
    )
    parser.add_argument(
        "--tile", type=int, metavar="PIXELS", help="side of a tile (default: what memory allows)"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    for needed in ("starlette", "uvicorn"):
        if importlib.util.find_spec(needed) is None:
            raise InputError(f"{needed} is not installed; pip install 'grids[page]'")
    if options.megapixels < 1:
        raise InputError(f"--megapixels: must be 1 or more, got {options.megapixels}")

    from grids.page import serving
    from grids.page.guard import is_loopback
    from grids.page.uploads import Limits

    # Before what takes seconds.
    taken = serving.listening(options.host, options.port)

    import torch

    from grids.bundle import contents
    from grids.models import devices
    from grids.restoring.workshop import Workshop

    workshop = Workshop(
        contents.read(options.bundle or contents.BOX),
        devices.use(options.device, torch.get_num_threads()),
        precision=options.precision,
        tile=options.tile,
        say=_say,
    )
    workshop.prepare(workshop.bundle.groups[0])
    if not is_loopback(options.host):
        _say(f"warning: whoever reaches {options.host} can use this page")
    serving.serve(workshop, options.host, taken, Limits(megapixels=options.megapixels), _say)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
