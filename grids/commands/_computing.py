"""Options that commands which restore share: which export, and what computes."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grids.bundle.contents import Bundle
    from grids.restoring.runtime import Runtime


def add_to(parser: argparse.ArgumentParser) -> None:
    """Adds the options to those of a command."""
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="FOLDER",
        help="made by `grids export` (default: the models that ship with GRIDS)",
    )
    parser.add_argument(
        "--runtime",
        choices=("auto", "openvino", "onnx", "torch"),
        default="auto",
        help="what computes (the fastest that is installed)",
    )
    parser.add_argument(
        "--steps",
        type=int,
        metavar="N",
        help="how many models a photograph may go through, one after the other, 1 … 3 (3)",
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--precision",
        choices=("auto", "fp32", "bf16"),
        default="auto",
        help="of products (auto: bf16 by openvino where the CPU has it, else fp32)",
    )
    parser.add_argument(
        "--tile", type=int, metavar="PIXELS", help="side of a tile (default: what memory allows)"
    )


def opened(options: argparse.Namespace) -> tuple["Bundle", "Runtime"]:
    """The export that is asked for, and what runs its networks."""
    from grids.bundle import contents
    from grids.restoring import runtime

    bundle = contents.read(options.bundle or contents.BOX)
    return bundle, runtime.choose(options.runtime, bundle, options.device, options.precision)
