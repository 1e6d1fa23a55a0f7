"""Learning rate over the steps."""

import math


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
