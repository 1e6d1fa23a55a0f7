"""How far networks are from what their authors' code gives, in float64, float32 and bfloat16.

python benchmarks/networks.py [NAME ...]

The largest error relative to the output's largest number, of what `tests/data/networks` keeps. With
that, the time of one pass over 40×48 pixels in float32, of the processor, on one thread.
"""

import argparse
import sys
import time
from pathlib import Path

import torch

from grids.models import restorers

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import deterministic_fill
from test_public_networks import PUBLIC, public_output

FORMS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(PUBLIC), metavar="NAME")
    torch.set_num_threads(1)
    with torch.no_grad():
        for name in parser.parse_args().names:
            print(line(name), flush=True)


def line(name: str) -> str:
    """The errors of one public network."""
    reference = deterministic_fill.reference(name)
    network = deterministic_fill.fill(restorers.build(*PUBLIC[name]), reference["gain"]).eval()
    x = deterministic_fill.image(*reference["input"][2:])
    errors = {}
    for form, dtype in FORMS.items():
        begin = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            output = public_output(network, x)
        if dtype == torch.float32:
            seconds = time.process_time() - begin
        errors[form] = deterministic_fill.relative_error(output, reference["output"])
    exact = public_output(network.double(), x.double())
    errors["float64"] = deterministic_fill.relative_error(exact, reference["output"])
    told = ", ".join(f"{form} {error:.1e}" for form, error in errors.items())
    return f"{name}: {told}; {seconds:.2f} s"


if __name__ == "__main__":
    main()
