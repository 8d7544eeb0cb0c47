"""Models whose losses are known in closed form, and checkpoints of them."""

from pathlib import Path

import torch
from torch import nn


class Bowl(nn.Module):
    """Weights alone: its loss on a batch of one number c is half of w' H w, plus c."""

    def __init__(self, size: int = 6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1.0, 1.0, size).reshape(2, -1))
        mixed = torch.linspace(0.0, 3.0, size * size).sin().reshape(size, size)
        self.register_buffer("hessian", mixed @ mixed.T + torch.diag(torch.arange(1.0, size + 1)))

    def forward(self) -> torch.Tensor:
        flat = self.weight.flatten()
        return 0.5 * flat @ self.hessian @ flat


def bowl_loss(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    return model() + batch.mean()


class TwoLayers(nn.Module):
    """A perceptron with a norm, whose bias and norm must not move in a random plane."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first, self.norm, self.second = nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.norm(self.first(x)).tanh())


def mean_square(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    x, y = batch
    return (model(x) - y).square().mean()


def rows(parts: int = 6, size: int = 8) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of inputs and targets."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(parts, size, 4, generator=generator)
    return [(one, torch.stack([one.sum(-1).sin(), one[:, 0] * one[:, 1]], -1)) for one in x]


def trained(folder: Path, count: int = 5) -> list[Path]:
    """Checkpoints of a short training of `TwoLayers`."""
    model, paths = TwoLayers(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for step in range(count):
        paths.append(folder / f"weights-{step * 10}.pt")
        torch.save(model.state_dict(), paths[-1])
        for batch in rows():
            optimizer.zero_grad()
            mean_square(model, batch).backward()
            optimizer.step()
    return paths
