"""Learning rate over the steps."""

import math

WHOLE = 100
"""The level of a training to its end."""


def steps_at(iterations: int, level: int) -> int:
    """Steps of a training at a level, a percentage of all `iterations`; at least 1."""
    return max(1, iterations * level // WHOLE)


def decay_from(steps: int, decay: float) -> int:
    """Steps of a training before the share `decay` of them, 0 … 1, over which its rate falls."""
    return steps - round(decay * steps)


def warmup_cosine(step: int, steps: int, warmup: int, peak: float, minimum: float) -> float:
    """Linear from peak/warmup to `peak` over `warmup` steps, then a half cosine to `minimum`.

    `step` counts from 0; the last step is `steps` − 1 and has the rate `minimum`.
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - 1 - warmup)
    return minimum + (peak - minimum) * (1 + math.cos(math.pi * progress)) / 2


def warmup_constant(
    step: int, decay_from: int, steps: int, warmup: int, peak: float, minimum: float
) -> float:
    """Linear to `peak` over `warmup` steps, constant, then linear to `minimum` at the last step.

    Before the step `decay_from`, counted from 0, nothing depends on `steps`.
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    if step < decay_from:
        return peak
    return peak + (minimum - peak) * (step + 1 - decay_from) / (steps - decay_from)
