"""Drops of groups: as measured, as a model expects them."""
