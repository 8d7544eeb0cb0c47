"""`eos`: follow a chain of 17 points on an image, point by point, and say when it ends.

An encoder-decoder emits tokens (COORD with its x and y, SEP, EOS, CLS). The EOS, one token in eighteen, weighs more
than the others, and each of six decoder layers is judged. Top to bottom: settings, data, model, loss, evaluation, log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from trainvitals.sample_logs.trainer import loop, losses, seeds
from trainvitals.sample_logs.trainer.loop import Batch, Job, Metrics, switch
from trainvitals.sample_logs.trainer.writers import Output, Row, Shapes, open_writers

COORD, SEP, EOS, CLS = range(4)
POINTS = 17
LIMIT = 200
"""Tokens after which generation gives up: `reached max_len without EOS`."""
SIDE = 48
"""Width and height of the images in pixels; coordinates are fractions of them."""
NEAR = 0.1
"""A point counts as found within this distance, as a fraction of the image."""
LAYERS = 6
WAVES = 4
"""Frequencies of the code of a place: from the whole image to an eighth of it, the distance of two points."""


@dataclass(frozen=True, kw_only=True)
class Settings(loop.Settings):
    """A training of about a minute on one core."""

    max_steps: int = 400
    batch_size: int = 16
    learning_rate: float = 2e-3
    max_grad_norm: float = 100.0  # twelve losses are summed: norms of 40 are usual, and only spikes are cut
    logging_steps: int = 2
    eval_steps: int = 20  # an epoch
    save_steps: int = 100
    train_images: int = 320  # an epoch of 20 steps
    eval_images: int = 32
    width: int = 64
    heads: int = 4
    eos_weight: float = 5.0  # with 20 so short a training still stops too early at its end, with 1 too late
    ce_loss_coef: float = 1.0
    coords_loss_coef: float = 5.0

    fresh_images: bool = switch(True)  # new images in each epoch, as augmentation makes them
    auxiliary_in_total: bool = switch(True)  # whether the total has the losses of the first five layers
    leaked: float = switch(0.0)  # share of the training images that are validation images
    count_from: int = switch(0)  # MetricLogger counts batches from 0


# --- data -------------------------------------------------------------------------------------------------------------

Points = NDArray[np.float32]


def chain(rng: np.random.Generator) -> Points:
    """Points (POINTS, 2) in [0, 1] from near the middle along a smooth way that stays on the image."""
    place, heading, turn = rng.uniform(0.42, 0.58, 2), rng.uniform(0, 2 * np.pi), 0.0
    points = [place]
    while len(points) < POINTS:
        turn = 0.7 * turn + rng.normal(0, 0.25)
        heading += turn
        ahead = place + 0.075 * np.array([np.cos(heading), np.sin(heading)])
        if (np.abs(ahead - 0.5) > 0.45).any():
            heading, turn = heading + 0.8, 0.0
            continue
        place = ahead
        points.append(place)
    return np.array(points, np.float32)


@lru_cache(maxsize=4096)
def example(number: int, seed: int, purpose: str) -> tuple[NDArray[np.float32], Points]:
    """Image (SIDE, SIDE) and points; the chain fades from its first point to its last, which gives it a direction."""
    rng = seeds.generator(seed, purpose, number)
    points = chain(rng)
    places = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE
    x, y = (np.exp(-0.5 * ((places[None] - points[:, axis, None]) * SIDE) ** 2) for axis in (0, 1))
    shades = np.linspace(2.0, 0.4, POINTS, dtype=np.float32)
    image = np.einsum("k,ki,kj->ij", shades, y, x) + rng.normal(0, 0.05, (SIDE, SIDE))
    return image.astype(np.float32), points


def batch(numbers: Sequence[int], settings: Settings) -> Batch:
    """Images (B, SIDE, SIDE) and points (B, POINTS, 2) of training examples."""
    every = round(1 / settings.leaked) if settings.leaked else 0
    pairs = [
        example(n % settings.eval_images, settings.seed, "eval")
        if every and n % every == 0
        else example(n, settings.seed, "train")
        for n in numbers
    ]
    return tuple(torch.from_numpy(np.stack(column)) for column in zip(*pairs, strict=True))


# --- model ------------------------------------------------------------------------------------------------------------

Cache = list[Tensor]


class Attention(nn.Module):
    """Attention of several heads; the caller says what to attend to."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def memory(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of (B, T, C): each (B, H, T, C / H)."""
        key, value = self.key_value(x).chunk(2, dim=-1)
        return self._split(key), self._split(value)

    def forward(self, x: Tensor, key: Tensor, value: Tensor, *, causal: bool = False) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        mixed = functional.scaled_dot_product_attention(self._split(self.query(x)), key, value, is_causal=causal)
        found: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return found

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


class Layer(nn.Module):
    """A decoder layer: to what was emitted so far, to the image, a perceptron."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.own, self.cross = Attention(width, heads), Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))

    def forward(
        self, x: Tensor, image: Tensor, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(B, T, C) -> the same, and keys and values of all tokens so far; `past` are those before these tokens."""
        normed = self.norms[0](x)
        key, value = self.own.memory(normed)
        if past is not None:
            key, value = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
        x = x + self.own(normed, key, value, causal=past is None)
        x = x + self.cross(self.norms[1](x), *self.cross.memory(image))
        return x + self.mlp(self.norms[2](x)), (key, value)


def waves(points: Tensor) -> Tensor:
    """Sines and cosines of places (..., 2) at `WAVES` frequencies: (..., 4 * WAVES); near places are alike."""
    turns = 2 * torch.pi * points.unsqueeze(-1) * 2.0 ** torch.arange(WAVES, device=points.device)
    return torch.cat([turns.sin(), turns.cos()], dim=-1).flatten(-2)


class Tracer(nn.Module):
    """Convolutions, then a decoder whose tokens have no numbers: it has to see where the chain ends, or to count."""

    cells: Tensor

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        width = settings.width
        self.encoder = nn.Sequential(
            nn.Conv2d(1, width // 2, 5, stride=2, padding=2),
            nn.GELU(),
            nn.Conv2d(width // 2, width, 3, 2, 1),
            nn.GELU(),
        )
        self.types, self.place = nn.Embedding(4, width), nn.Linear(4 * WAVES, width)
        side = (torch.arange(SIDE // 4) + 0.5) * 4 / SIDE
        y, x = torch.meshgrid(side, side, indexing="ij")
        self.register_buffer("cells", waves(torch.stack([x, y], dim=-1).flatten(0, 1)), persistent=False)
        self.layers = nn.ModuleList(Layer(width, settings.heads) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(width)
        self.type_head, self.coord_head = nn.Linear(width, 4), nn.Linear(width, 2)

    def shared(self) -> list[nn.Parameter]:
        """What both heads are fed by."""
        return [p for name, p in self.named_parameters() if not name.startswith(("type_head", "coord_head"))]

    def encode(self, images: Tensor) -> Tensor:
        """(B, SIDE, SIDE) -> features (B, C, SIDE / 4, SIDE / 4)."""
        features: Tensor = self.encoder(images[:, None])
        return features

    def decode(
        self, types: Tensor, points: Tensor, features: Tensor, past: Sequence[tuple[Tensor, Tensor] | None]
    ) -> tuple[list[tuple[Tensor, Tensor]], list[tuple[Tensor, Tensor]]]:
        """Of each layer, for tokens (B, T) at points (B, T, 2): type logits and next points, and its cache.

        A token brings along what the image shows where it lies.
        """
        near = functional.grid_sample(features, 2 * points[:, :, None] - 1, align_corners=False)
        x = self.types(types) + self.place(waves(points)) + near.squeeze(-1).transpose(1, 2)
        image = features.flatten(2).transpose(1, 2) + self.place(self.cells)
        outputs, caches = [], []
        for layer, before in zip(self.layers, past, strict=True):
            x, cache = layer(x, image, before)
            seen = self.norm(x)
            # A step from the last point: half of the image at most.
            outputs.append((self.type_head(seen).float(), points + 0.5 * self.coord_head(seen).float().tanh()))
            caches.append(cache)
        return outputs, caches

    def forward(self, images: Tensor, points: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Predictions of all layers for true sequences; a CLS at the middle of the image comes first."""
        begin = torch.full_like(points[:, :1], 0.5)
        types = torch.full((len(points), POINTS + 1), COORD, device=points.device)
        types[:, 0] = CLS
        return self.decode(types, torch.cat([begin, points], dim=1), self.encode(images), [None] * LAYERS)[0]


@torch.no_grad()
def generate(model: Tracer, images: Tensor) -> tuple[Tensor, Tensor]:
    """Greedy generation: lengths (B,), LIMIT where no EOS came, and the first POINTS points (B, POINTS, 2)."""
    image, rows = model.encode(images), len(images)
    kind = torch.full((rows, 1), CLS, device=images.device)
    place = torch.full((rows, 1, 2), 0.5, device=images.device)
    length = torch.full((rows,), LIMIT, device=images.device)
    found = torch.full((rows, POINTS, 2), -1.0, device=images.device)
    past: Sequence[tuple[Tensor, Tensor] | None] = [None] * LAYERS
    for step in range(LIMIT):
        outputs, past = model.decode(kind, place, image, past)
        logits, place = outputs[-1]
        kind = logits.argmax(dim=-1)
        length = torch.where((kind[:, 0] == EOS) & (length == LIMIT), step, length)
        going = length == LIMIT
        if not going.any():
            break
        if step < POINTS:
            found[going, step] = place[going, 0]
    return length, found


# --- loss, evaluation -------------------------------------------------------------------------------------------------


def layer_losses(model: nn.Module, batch: Batch, settings: Settings) -> list[tuple[Tensor, Tensor]]:
    """Token and coordinate loss of each decoder layer, the last one last."""
    images, points = batch
    labels = torch.full((len(points), POINTS + 1), COORD, device=points.device)
    labels[:, -1] = EOS
    weights = torch.tensor([1.0, 1.0, settings.eos_weight, 1.0], device=points.device)
    mask = torch.ones(points.shape[:2], device=points.device)
    return [
        (losses.token_ce(logits, labels, weights), losses.coordinate_l1(places[:, :-1], points, mask))
        for logits, places in model(images, points)
    ]


def loss(model: nn.Module, batch: Batch, settings: Settings) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum over all layers, and its parts."""
    *auxiliary, main = layer_losses(model, batch, settings)
    counted = auxiliary if settings.auxiliary_in_total else []
    total = losses.with_auxiliary(main, counted, ce=settings.ce_loss_coef, coords=settings.coords_loss_coef)
    named = {"loss_ce": main[0], "loss_coords": main[1]}
    for number, (token, coordinate) in enumerate(auxiliary):
        named |= {f"loss_ce_{number}": token, f"loss_coords_{number}": coordinate}
    return total, {name: value.detach() for name, value in named.items()}


def evaluate(model: nn.Module, batch: Batch, settings: Settings) -> Metrics:
    """The losses of given sequences, and what the model makes of the images by itself."""
    images, points = (tensor.to(seeds.device()) for tensor in batch)
    total, named = loss(model, (images, points), settings)
    assert isinstance(model, Tracer)
    logits = model(images, points)[-1][0]
    length, found = generate(model, images)
    return {
        "loss": float(total),
        **{name: float(value) for name, value in named.items()},
        "pck": float(((found - points).norm(dim=-1) < NEAR).float().mean()),
        "eos_recall": float((logits[:, -1].argmax(dim=-1) == EOS).float().mean()),
        "pred_length": float(length.float().mean()),
        "max_len_reached": float((length == LIMIT).sum()),
    }


def gradients(model: nn.Module, batch: Batch, step: int, settings: Settings) -> Metrics:
    """Every ten steps, the cosine of the gradients of both tasks on what they share."""
    if (step + 1) % 10:
        return {}
    assert isinstance(model, Tracer)
    every = layer_losses(model, batch, settings)
    sums = (torch.stack([pair[task] for pair in every]).sum() for task in (0, 1))
    flat = [
        torch.cat([g.flatten() for g in torch.autograd.grad(one, model.shared(), retain_graph=True)]) for one in sums
    ]
    return {"grad_cos/ce_coords": float(functional.cosine_similarity(flat[0], flat[1], dim=0))}


def build(settings: Settings) -> Job:
    """Data, model and loss of the settings."""
    held_out = [example(n, settings.seed, "eval") for n in range(settings.eval_images)]
    evaluated = tuple(torch.from_numpy(np.stack(column)) for column in zip(*held_out, strict=True))
    return Job(
        model=Tracer(settings),
        rows=settings.train_images,
        batch=partial(batch, settings=settings),
        loss=partial(loss, settings=settings),
        evaluate=partial(evaluate, batch=evaluated, settings=settings),
        gradients=partial(gradients, settings=settings),
        fresh=settings.fresh_images,
    )


# --- log lines --------------------------------------------------------------------------------------------------------


class MetricLogger:
    """DETR's lines: the value and, in brackets, its mean since the epoch began; a warning for each endless output."""

    def __init__(self, settings: Settings) -> None:
        self._batches = max(1, settings.train_images // settings.batch_size)
        self._epoch = -1
        self._seen: Mapping[str, list[float]] = {}

    def __call__(self, row: Row) -> Iterator[str]:
        """The lines of one row."""
        if row.split == "eval":
            yield from ["WARNING: reached max_len without EOS"] * int(row.values["max_len_reached"])
            yield "Test:  [0/1]  eta: 0:00:00  " + "  ".join(f"{n}: {v:g} ({v:g})" for n, v in row.values.items())
            yield "Averaged stats: " + "  ".join(f"{n}: {v:g} ({v:g})" for n, v in row.values.items())
            return
        epoch, index = divmod(row.step, self._batches)
        if epoch != self._epoch:
            self._epoch, self._seen = epoch, defaultdict(list)
        for name, value in row.values.items():
            self._seen[name].append(value)
        means = {name: sum(values) / len(values) for name, values in self._seen.items()}
        shown = "  ".join(f"{name}: {value:g} ({means[name]:.6g})" for name, value in row.values.items())
        left = int((self._batches - index - 1) * row.values["time"])
        yield f"Epoch: [{epoch}]  [{index:2}/{self._batches}]  eta: 0:00:{left:02}  {shown}"


def as_json(row: Row) -> dict[str, Any]:
    """One object a row, `train_` or `test_` before each name, as in DETR's log.txt."""
    prefix = "test" if row.split == "eval" else "train"
    return {"step": row.step, "epoch": row.epoch, **{f"{prefix}_{name}": value for name, value in row.values.items()}}


def train(settings: Settings, output: Output) -> None:
    """Run the training into the output's folder."""
    job = build(settings)
    writers = open_writers(output, Shapes(as_json, MetricLogger(settings), held_out="test"))
    loop.train(job, settings, output.folder, writers, resume=output.resume, weights=output.weights)
