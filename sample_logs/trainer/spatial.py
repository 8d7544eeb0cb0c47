"""`spatial`: find the ring on a 384x384 image, with a head for each axis and the three-stage distance loss.

Top to bottom: settings, data, model, loss, evaluation, log lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from trainvitals.sample_logs.trainer import loop, losses, seeds
from trainvitals.sample_logs.trainer.loop import Batch, Job, Metrics, switch
from trainvitals.sample_logs.trainer.writers import Output, Row, Shapes, open_writers

SIZE = 384
"""Width and height of the images in pixels; coordinates reach from -1 to 1 over them."""
RADIUS = 14.0
"""Of the ring, and of the disc and the square that must not be taken for it."""
MARGIN = 24
"""Objects lie wholly on the image."""


@dataclass(frozen=True, kw_only=True)
class Settings(loop.Settings):
    """A training of about a minute on one core."""

    max_steps: int = 450
    batch_size: int = 8
    learning_rate: float = 3e-3
    max_grad_norm: float = 1.0
    logging_steps: int = 2
    eval_steps: int = 15  # twice an epoch
    train_images: int = 240  # fifteen epochs of 30 steps, as the table of the loss type has them
    eval_images: int = 96
    input_size: int = 384  # what the model sees: images are scaled down to this
    channels: int = 16
    multiplier: float = 10.0  # of the close stage

    input_width: int = switch(0)  # a resize that does not keep the shape of the image; 0: `input_size`
    wrong_labels: float = switch(0.0)  # share of training labels that lie on a disc and not on the ring


# --- data -------------------------------------------------------------------------------------------------------------

Image = NDArray[np.float32]


def draw(rng: np.random.Generator) -> tuple[Image, NDArray[np.float32]]:
    """An image (SIZE, SIZE) and the centres (3, 2) of ring, disc, square in pixels, x first."""
    shade = rng.normal(0, 0.2, (12, 12)).astype(np.float32)
    image = np.kron(shade, np.ones((SIZE // 12, SIZE // 12), np.float32))
    image += rng.normal(0, 0.2, (SIZE, SIZE)).astype(np.float32)
    centres = _apart(rng)
    for number, centre in enumerate(centres):
        _stamp(image, centre, number)
    return image, centres


def _apart(rng: np.random.Generator) -> NDArray[np.float32]:
    # Objects that overlap would make some images impossible, and a few large errors rule all means of squares.
    while True:
        centres = rng.uniform(MARGIN, SIZE - MARGIN, (3, 2)).astype(np.float32)
        if min(np.hypot(*(centres[i] - centres[i - 1])) for i in range(3)) > 3 * RADIUS:
            return centres


def _stamp(image: Image, centre: NDArray[np.float32], number: int) -> None:
    left, top = (int(v) - MARGIN for v in centre)
    y, x = np.mgrid[top : top + 2 * MARGIN, left : left + 2 * MARGIN].astype(np.float32)
    dx, dy = x - centre[0], y - centre[1]
    distance = np.maximum(np.abs(dx), np.abs(dy)) if number == 2 else np.hypot(dx, dy)
    inner = RADIUS - 6 if number == 0 else -1.0
    # Edges of one pixel, so that the centre can be known to parts of a pixel.
    shape = np.clip(RADIUS - distance, 0, 1) * np.clip(distance - inner, 0, 1)
    image[top : top + 2 * MARGIN, left : left + 2 * MARGIN] += 2 * shape.astype(np.float32)


def example(number: int, seed: int, purpose: str, wrong: float) -> tuple[Image, NDArray[np.float32]]:
    """Image and label (2,) in [-1, 1]; the same for the same number, whenever it is asked for.

    Odd numbers are the images before them with x and y exchanged, so that neither axis is harder by chance.
    """
    rng = seeds.generator(seed, purpose, number // 2)
    image, centres = draw(rng)
    label = (centres[1] if rng.random() < wrong else centres[0]) / (SIZE / 2) - 1
    return (np.ascontiguousarray(image.T), label[::-1].copy()) if number % 2 else (image, label)


def batch(numbers: Sequence[int], settings: Settings) -> Batch:
    """Images (B, SIZE, SIZE) and labels (B, 2) of training examples."""
    pairs = [example(n, settings.seed, "train", settings.wrong_labels) for n in numbers]
    return tuple(torch.from_numpy(np.stack(column)) for column in zip(*pairs, strict=True))


# --- model ------------------------------------------------------------------------------------------------------------


class Locator(nn.Module):
    """Convolutions over the image, then for each axis a head that says how likely each column, or row, is."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.height, self.width = settings.input_size, settings.input_width or settings.input_size
        c = settings.channels
        self.backbone = nn.Sequential(
            nn.Conv2d(1, c // 2, 7, stride=4, padding=3), nn.GELU(),
            nn.Conv2d(c // 2, c, 3, stride=2, padding=1), nn.GELU(),
            nn.Conv2d(c, c, 3, padding=1), nn.GELU(),
            nn.Conv2d(c, c, 3, padding=1), nn.GELU(),
        )  # fmt: skip
        self.x_head, self.y_head = nn.Conv2d(c, 1, 1), nn.Conv2d(c, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """(B, SIZE, SIZE) -> points (B, 2) in [-1, 1]."""
        seen = functional.interpolate(images[:, None], (self.height, self.width), mode="area")
        features = self.backbone(seen)
        return torch.stack([_expected(self.x_head(features), -1), _expected(self.y_head(features), -2)], dim=-1)


def _expected(scores: Tensor, axis: int) -> Tensor:
    """Mean position along an axis of (B, 1, H, W) under the softmax over all cells: (B,)."""
    cells = scores.float().flatten(1).softmax(dim=-1).view_as(scores)
    along = cells.sum(dim=-1 if axis == -2 else -2).flatten(1)
    count = along.shape[-1]
    places = (torch.arange(count, device=scores.device) + 0.5) * 2 / count - 1
    return (along * places).sum(dim=-1)


# --- loss, evaluation -------------------------------------------------------------------------------------------------


def parts(predicted: Tensor, true: Tensor, multiplier: float) -> tuple[Tensor, Tensor, Tensor]:
    """Mean three-stage loss, and the mean squared errors of x and of y."""
    spatial = losses.three_stage(losses.l1_distance(predicted, true), multiplier=multiplier).mean()
    x, y = (predicted - true).square().mean(dim=0)
    return spatial, x, y


def loss(model: nn.Module, batch: Batch, multiplier: float) -> tuple[Tensor, dict[str, Tensor]]:
    """The sum of the three parts, and the mean error in pixels."""
    images, labels = batch
    predicted = model(images)
    spatial, x, y = parts(predicted, labels, multiplier)
    pixels = losses.l1_distance(predicted.detach(), labels).mean() * losses.PIXELS_PER_UNIT
    named = {"loss_spatial": spatial.detach(), "loss_x": x.detach(), "loss_y": y.detach()}
    return spatial + x + y, {**named, "pixel_error_mean": pixels}


def evaluate(model: nn.Module, images: Tensor, labels: Tensor, multiplier: float) -> Metrics:
    """The losses, and how the pixel errors are distributed: by |dx| + |dy|, and by the shorter Euclidean distance."""
    chunks = [images[i : i + 32] for i in range(0, len(images), 32)]
    predicted = torch.cat([model(chunk.to(seeds.device())).cpu() for chunk in chunks])
    spatial, x, y = parts(predicted, labels, multiplier)
    pixels = losses.l1_distance(predicted, labels) * losses.PIXELS_PER_UNIT
    euclidean = (predicted - labels).norm(dim=-1) * losses.PIXELS_PER_UNIT
    within = {f"within_{limit}px": float((pixels < limit).float().mean()) for limit in (2, 5, 8, 10)}
    return {
        "loss": float(spatial + x + y),
        "loss_spatial": float(spatial),
        "loss_x": float(x),
        "loss_y": float(y),
        "pixel_error_mean": float(pixels.mean()),
        "pixel_error_median": float(pixels.median()),
        "pixel_error_p95": float(pixels.quantile(0.95)),
        **within,
        "euclidean_error_mean": float(euclidean.mean()),
        "euclidean_within_5px": float((euclidean < 5).float().mean()),
    }


def gradients(model: nn.Module, _: Batch, __: int) -> Metrics:
    """Gradient norms of both heads."""
    heads = {name: getattr(model, name).parameters() for name in ("x_head", "y_head")}
    norms = {name: torch.stack([p.grad.norm() for p in head if p.grad is not None]) for name, head in heads.items()}
    return {f"grad_norm/{name}": float(norm.norm()) for name, norm in norms.items()}


def build(settings: Settings) -> Job:
    """Data, model and loss of the settings."""
    held_out = [example(n, settings.seed, "eval", 0.0) for n in range(settings.eval_images)]
    images, labels = (torch.from_numpy(np.stack(column)) for column in zip(*held_out, strict=True))
    return Job(
        model=Locator(settings),
        rows=settings.train_images,
        batch=partial(batch, settings=settings),
        loss=partial(loss, multiplier=settings.multiplier),
        evaluate=partial(evaluate, images=images, labels=labels, multiplier=settings.multiplier),
        gradients=gradients,
    )


# --- log lines --------------------------------------------------------------------------------------------------------


def as_text(row: Row) -> Iterator[str]:
    """One line a row."""
    head = "Validation step" if row.split == "eval" else "Step"
    named = " | ".join(f"{name.capitalize() if name == 'loss' else name}: {v:g}" for name, v in row.values.items())
    yield f"{head} {row.step} | Epoch {int(row.epoch)} | {named}"


def as_json(row: Row) -> dict[str, Any]:
    """One object a row, `train_` or `val_` before each name."""
    prefix = "val" if row.split == "eval" else "train"
    return {"step": row.step, "epoch": row.epoch, **{f"{prefix}_{name}": value for name, value in row.values.items()}}


SHAPES = Shapes(as_json, as_text)


def train(settings: Settings, output: Output) -> None:
    """Run the training into the output's folder."""
    job = build(settings)
    writers = open_writers(output, SHAPES)
    loop.train(job, settings, output.folder, writers, resume=output.resume, weights=output.weights)
