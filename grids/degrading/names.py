"""Names that stand where those of degradations do."""

# None of them.
CLEAN = "clean"
# Any of them, and after it any of them again (see `grids.degrading.chains.any_two`).
TWO = "two"
