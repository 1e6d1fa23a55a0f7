"""Keyed randomness: every draw has its own stream, named by what it is for.

A stream depends on its key alone, so results do not depend on the number of workers, the order of
jobs or the size of a batch.
"""

import hashlib

import numpy as np


def key(seed: int, *parts: str | int) -> int:
    """63-bit key of the stream that `parts` name, e.g. `key(0, "jpeg", identity, 0)`."""
    text = repr((seed, *parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) >> 1


def generator(key: int) -> np.random.Generator:
    """NumPy's generator of a stream (Philox, counter-based)."""
    return np.random.Generator(np.random.Philox(key=key))
