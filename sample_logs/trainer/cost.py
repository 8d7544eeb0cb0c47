"""What the losses over coordinate bins cost on this device: `trainvitals train --cost`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from trainvitals.sample_logs.trainer import losses, seeds

BINS, VOCABULARY = 1000, 150_000
POSITIONS = 128
"""Coordinates in a batch: some thirty boxes."""
REPEATS = 15
"""The fastest of so many runs counts: other programs on the machine can only add to one."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the tensors are."""

    bins: int = BINS
    vocabulary: int = VOCABULARY
    positions: int = POSITIONS


def terms(sizes: Sizes, place: torch.device) -> Mapping[str, Callable[[], Tensor]]:
    """The losses by name, each a function that computes it from fresh logits and back to their gradient."""
    logits = torch.randn(sizes.positions, sizes.vocabulary, device=place, requires_grad=True)
    inside = torch.randn(sizes.positions, sizes.bins, device=place, requires_grad=True)
    bins = torch.randint(sizes.bins, (sizes.positions,), device=place)

    def soft(*, with_w1: bool, truncate: float | None = 16.0) -> Tensor:
        targets = losses.gaussian_targets(bins, sizes.bins, sigma=2.0, truncate=truncate)
        loss = losses.soft_ce(inside, targets)
        return loss + losses.wasserstein_1(inside.softmax(dim=-1), targets) if with_w1 else loss

    return {
        "hard CE": lambda: functional.cross_entropy(inside, bins),
        "soft CE": lambda: soft(with_w1=False),
        "soft CE + W1": lambda: soft(with_w1=True),
        "soft CE + W1, no truncation": lambda: soft(with_w1=True, truncate=None),
        "gate": lambda: losses.gate(logits, logits[:, : sizes.bins]),
    }


def milliseconds(loss: Callable[[], Tensor], place: torch.device) -> tuple[float, float]:
    """Time of the loss alone, and of the loss with its gradient."""
    forward: list[float] = []
    both: list[float] = []
    for _ in range(REPEATS):
        _wait(place)
        begin = time.perf_counter()
        value = loss()
        _wait(place)
        forward.append(time.perf_counter() - begin)
        value.backward()  # type: ignore[no-untyped-call]
        _wait(place)
        both.append(time.perf_counter() - begin)
    return 1000 * min(forward), 1000 * min(both)


def _wait(place: torch.device) -> None:
    if place.type == "cuda":
        torch.cuda.synchronize()
    elif place.type == "mps":
        torch.mps.synchronize()


def table(sizes: Sizes = Sizes()) -> str:
    """The cost of each loss as a Markdown table."""
    place = seeds.device()
    seeds.seed_all(0)
    lines = [
        f"{sizes.positions} coordinates, {sizes.bins} bins, vocabulary {sizes.vocabulary}, {seeds.device_name()}",
        "",
        "| loss | forward, ms | with gradient, ms | of hard CE |",
        "|---|---|---|---|",
    ]
    base = 0.0
    for name, loss in terms(sizes, place).items():
        forward, both = milliseconds(loss, place)
        base = base or both
        lines.append(f"| {name} | {forward:.2f} | {both:.2f} | {both / base:.1f}x |")
    return "\n".join(lines) + "\n"
