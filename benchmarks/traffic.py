"""Memory traffic and memory of a training step at the paper's sizes, counted without running it.

python benchmarks/traffic.py [--patch N] [--batch N]

Every operation of a forward and backward pass (eager, bfloat16 autocast, channels_last) is asked
for the sizes of its operands and results, on tensors without content; each is counted once.
Restormer is set against the textbook implementation of `training.py`. It takes seconds on any
machine and tells what a step costs where memory limits it, as on a GPU. The autocast is a CPU's;
CUDA's widens more of the textbook's operations to float32.
"""

import argparse
import weakref
from collections import Counter
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from training import textbook_restormer

from grids.backbones import restormer, srresnet


class Traffic(TorchDispatchMode):
    """Counts the bytes that each kind of operation moves, and the most that is held at once."""

    def __init__(self):
        super().__init__()
        self.moved: Counter[str] = Counter()
        self.held = self.peak = 0
        self._storages: dict[int, int] = {}

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        results = operation(*args, **(kwargs or {}))
        read, written = tensors((args, kwargs)), tensors(results)
        for tensor in written:
            self._hold(tensor.untyped_storage())
        # A result in its operand's memory is another view of it, unless the operation writes there.
        known = {storage_of(tensor) for tensor in read}
        only_views = all(storage_of(tensor) in known for tensor in written)
        reserves = operation.name().startswith(("aten::empty", "aten::new_empty"))
        if not reserves and (operation._schema.is_mutable or not only_views):
            operands = {id(t): t.numel() * t.element_size() for t in read + written}
            self.moved[operation.overloadpacket.__name__] += sum(operands.values())
        return results

    def _hold(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._storages:
            return
        self._storages[key] = size
        self.held += size
        self.peak = max(self.peak, self.held)
        weakref.finalize(storage, self._release, key)

    def _release(self, key: int) -> None:
        self.held -= self._storages.pop(key)


def tensors(tree) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def storage_of(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def count(build: Callable[[], nn.Module], layout: torch.memory_format, size: tuple) -> Traffic:
    """Of forward and backward; the weights are there beforehand."""
    with FakeTensorMode():
        network = build()
        source = torch.empty(size).to(memory_format=layout)
        target = torch.empty_like(source)
        with Traffic() as traffic:
            with torch.autocast("cpu", torch.bfloat16):
                output = network(source)
            F.l1_loss(output.float(), target).backward()
    return traffic


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patch", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    arguments = parser.parse_args()
    size = (arguments.batch, 3, arguments.patch, arguments.patch)
    print(f"forward and backward, batch {arguments.batch}, {arguments.patch}², bfloat16 autocast")
    for name, build, layout in (
        ("restormer", restormer.build, torch.channels_last),
        ("restormer, textbook", textbook_restormer, torch.contiguous_format),
        ("srresnet", srresnet.build, torch.channels_last),
    ):
        traffic = count(build, layout, size)
        kinds = [f"{kind} {moved / 1e9:.0f}" for kind, moved in traffic.moved.most_common(6)]
        print(
            f"{name}: {sum(traffic.moved.values()) / 1e9:.1f} GB moved, "
            f"at most {traffic.peak / 2**30:.1f} GiB held\n    {', '.join(kinds)}"
        )


if __name__ == "__main__":
    main()
