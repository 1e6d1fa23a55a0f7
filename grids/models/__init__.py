"""A network with its weights: built by name, written, read, run, verified."""
