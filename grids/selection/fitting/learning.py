"""Training of the network that tells classes apart (see `grids.selection.network`)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from grids.selection.network import Network

HIDDEN = 64
# So many networks, each from other first weights, are one in the end: the mean of their logits.
MEMBERS = 3
EPOCHS = 40
BATCH = 64
LEARNING_RATE = 4e-3
WEIGHT_DECAY = 0.01
# Shares of statistics and of hidden units that a step goes without.
DROPPED = (0.1, 0.3)
FLOOR = 1e-9

Floats = NDArray[np.float64]


def learned(vectors: Floats, labels: NDArray[np.int64], seed: int = 0) -> Network:
    """The network of examples.

    Args:
        vectors: (N, D).
        labels: (N,) classes 0 … C − 1, each with an example.
        seed: of first weights, order and what is dropped.
    """
    centre, scale = vectors.mean(axis=0), vectors.std(axis=0) + FLOOR
    inputs = torch.from_numpy((vectors - centre) / scale).float()
    targets = torch.from_numpy(labels)
    with torch.random.fork_rng(devices=[]):
        members = [_trained(inputs, targets, seed * MEMBERS + n) for n in range(MEMBERS)]
    hidden, hidden_offset, output, output_offset = map(np.stack, zip(*members, strict=True))
    first = np.concatenate(hidden.transpose(0, 2, 1), axis=1) / scale[:, None]
    return Network(
        hidden=first,
        hidden_offset=np.concatenate(hidden_offset) - centre @ first,
        output=np.concatenate(output.transpose(0, 2, 1)) / MEMBERS,
        output_offset=np.mean(output_offset, axis=0),
    )


def _trained(inputs: torch.Tensor, targets: torch.Tensor, seed: int) -> list[Floats]:
    """Weights and offsets of the hidden units, (H, D) and (H,), and of the classes."""
    torch.manual_seed(seed)
    hidden, output = nn.Linear(inputs.shape[1], HIDDEN), nn.Linear(HIDDEN, int(targets.max()) + 1)
    network = nn.Sequential(
        nn.Dropout(DROPPED[0]), hidden, nn.ReLU(), nn.Dropout(DROPPED[1]), output
    )
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    batches = -(-len(inputs) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=EPOCHS * batches
    )
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(inputs)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(inputs[rows]), targets[rows]).backward()
            optimizer.step()
            schedule.step()
    told = (hidden.weight, hidden.bias, output.weight, output.bias)
    return [tensor.detach().double().numpy() for tensor in told]
