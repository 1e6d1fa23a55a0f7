"""How networks are trained: one module each, chosen by name."""
