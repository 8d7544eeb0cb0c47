"""Chance and devices: one seed decides everything, and the device is chosen without a flag."""

from __future__ import annotations

import random
import zlib
from functools import lru_cache

import numpy as np
import torch


def device() -> torch.device:
    """CUDA where there is one, then MPS, then the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def device_name() -> str:
    """The device in words, for `command.txt`."""
    chosen = device().type
    if chosen == "cuda":
        return torch.cuda.get_device_name()
    return "CPU, one thread" if chosen == "cpu" else chosen.upper()


def seed_all(seed: int) -> None:
    """Seed all generators; one thread on the CPU, so that sums are added in the same order every time."""
    random.seed(seed)
    torch.manual_seed(seed)
    if device().type == "cpu":
        torch.set_num_threads(1)


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A generator of its own for each purpose, so that drawing more for one does not change another."""
    return np.random.default_rng([seed, *(zlib.crc32(str(word).encode()) for word in purpose)])


@lru_cache(maxsize=2)
def order(seed: int, epoch: int, rows: int, shuffle: bool) -> tuple[int, ...]:
    """The numbers of all training examples in the order of one epoch."""
    numbers = range(rows)
    return tuple(generator(seed, "order", epoch).permutation(rows).tolist()) if shuffle else tuple(numbers)
