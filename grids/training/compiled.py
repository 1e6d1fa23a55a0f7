"""Compilation of a network by `torch.compile`, where that works."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def compiled(
    network: nn.Module, loss_of: Callable[[nn.Module], Tensor], say: Callable[[str], None]
) -> nn.Module:
    """`network` compiled, or as it is, with one line that says why, if compiling fails.

    Args:
        network: shares its parameters with what is returned; its gradients are cleared.
        loss_of: a loss of a network as in the training; run forward and backward it compiles.
        say: takes the line.
    """
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    # Of a network it makes a network, which its annotation does not tell.
    faster: nn.Module = torch.compile(network)  # type: ignore[assignment]
    try:
        loss_of(faster).backward()
    # The compiler calls other programs and raises what they and its stages do: no narrower class.
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        say(f"execution.compile: not possible here ({reason}); going on without")
        faster = network
    network.zero_grad(set_to_none=True)
    # Statistics of batches that a normalisation keeps.
    for name, buffer in network.named_buffers():
        buffer.copy_(before[name])
    return faster
