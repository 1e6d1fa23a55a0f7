"""Training of the networks that tell classes apart (see `grids.selection.network`)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from grids.selection.network import Network

# Units of the two hidden layers.
HIDDEN = (256, 128)
# So many networks are one in the end, each of which did not see a part of the photographs.
MEMBERS = 4
EPOCHS = 60
BATCH = 256
LEARNING_RATE = 6e-3
WEIGHT_DECAY = 0.01
# Shares of statistics and of units of the first hidden layer that a step goes without.
DROPPED = (0.01, 0.2)

Floats = NDArray[np.float64]


def learned(
    vectors: Floats, labels: NDArray[np.int64], unseen: NDArray[np.int64], seed: int = 0
) -> Network:
    """The networks of examples.

    Args:
        vectors: (N, D), each statistic with a mean of about 0 and a deviation of about 1.
        labels: (N,) classes 0 … C − 1, each with an example.
        unseen: (N,) the network, 0 … MEMBERS − 1, that an example is not shown to.
        seed: of first weights, order and what is dropped.
    """
    inputs, targets = torch.from_numpy(vectors).float(), torch.from_numpy(labels)
    left_out, classes = torch.from_numpy(unseen), int(labels.max()) + 1
    with torch.random.fork_rng(devices=[]):
        members = []
        for member in range(MEMBERS):
            torch.manual_seed(seed * MEMBERS + member)
            shown = left_out != member
            members.append(_trained(inputs[shown], targets[shown], classes))
    return Network(*map(np.stack, zip(*members, strict=True)))


def _trained(inputs: torch.Tensor, targets: torch.Tensor, classes: int) -> list[Floats]:
    """Weights (inputs, outputs) and offsets (1, outputs) of each layer, one after the other."""
    sizes = (inputs.shape[1], *HIDDEN, classes)
    first, second, output = map(nn.Linear, sizes, sizes[1:])
    network = nn.Sequential(
        nn.Dropout(DROPPED[0]),
        first,
        nn.ReLU(),
        nn.Dropout(DROPPED[1]),
        second,
        nn.ReLU(),
        output,
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
    told = [(layer.weight.T, layer.bias[None]) for layer in (first, second, output)]
    return [tensor.detach().double().numpy() for pair in told for tensor in pair]
