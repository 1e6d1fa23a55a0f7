"""What is printed, on terminals and into files of any encoding."""

import io
import sys


def never_fails() -> None:
    """What the encoding of the output lacks is printed as an escape and ends no process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
