"""Functions from patches to features; one module a network."""
