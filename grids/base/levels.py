"""Budgets of trainings: what is done of one at a level, a percentage of its steps."""

WHOLE = 100
"""The level of a training to its end."""


def steps_at(iterations: int, level: int) -> int:
    """Steps of a training at a level, a percentage of all `iterations`; at least 1."""
    return max(1, iterations * level // WHOLE)


def decay_from(steps: int, decay: float) -> int:
    """Steps of a training before the share `decay` of them, 0 … 1, over which its rate falls."""
    return steps - round(decay * steps)
