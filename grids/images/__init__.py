"""Photographs: sets of them, reading, the store that trainings crop from, pairs."""
