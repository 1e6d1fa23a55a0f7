"""Searches without trainings, against drops that are known."""
