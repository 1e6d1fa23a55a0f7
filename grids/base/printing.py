"""What is printed, on terminals and into files of any encoding."""

import io
import sys
import unicodedata

# Ends of lines and pages, halves of characters, and what steers a terminal or turns text round.
STEERING = {"Cc", "Cs", "Zl", "Zp"}
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def never_fails() -> None:
    """What the encoding of the output lacks is printed as an escape and ends no process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def on_one_line(text: str) -> str:
    """Names of files may be of any bytes but two: what would steer a terminal is an escape."""
    return "".join(
        each.encode("unicode_escape").decode()
        if unicodedata.category(each) in STEERING or each in TURNING
        else each
        for each in text
    )
