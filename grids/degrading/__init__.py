"""Degradations by name: declared parameters, draws; the degradations are `grids/degradations/`."""
