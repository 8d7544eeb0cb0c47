"""Train a small transformer that writes boxes as text, with coordinates as 1000 words of its vocabulary.

The loss is that of the type `softce`: cross-entropy of the ordinary words, and at coordinates a soft cross-entropy to
a Gaussian over bins, Wasserstein-1 and a gate. The "image" is what a frozen vision encoder would hand over: one vector
for each object, blurred, so that a coordinate can be known to a few bins and no better. The log is that of ms-swift.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainvitals.sample_logs.trainer import loop, losses, seeds
from trainvitals.sample_logs.trainer.loop import Batch, Job, Metrics, switch
from trainvitals.sample_logs.trainer.writers import Output, Row, Shapes, open_writers

BINS = 1000  # words 0 to 999 are the coordinates, as in models that write boxes as text
VOCABULARY = 2048  # a thousand words beside them are enough for probability to leak to
OBJECTS = 2
WORDS = 3  # a name, a colour, and the word that ends an object
COORDINATES = 4  # x1, y1, x2, y2
LENGTH = OBJECTS * (WORDS + COORDINATES)

CLASSES = 64
SYNONYMS = (0.6, 0.3, 0.1)  # how often each of three names of a class is used: words keep an entropy of 0.9
COLOURS = 12
FIRST_NAME = BINS
FIRST_COLOUR = FIRST_NAME + CLASSES * len(SYNONYMS)
NEXT, END = FIRST_COLOUR + COLOURS, FIRST_COLOUR + COLOURS + 1

OCTAVES = 7  # waves of 1 to 64 periods: the shortest is 16 bins long
BLUR = 3.0  # bins that a coordinate is off in the features, as one standard deviation
FEATURES = COORDINATES * 2 * OCTAVES + CLASSES + COLOURS


@dataclass(frozen=True, kw_only=True)
class Settings(loop.Settings):
    """A training of half a minute on one core; targets as in the published recipe."""

    max_steps: int = 600
    batch_size: int = 4
    gradient_accumulation_steps: int = 4  # what ms-swift users have, and what its logs went wrong with
    learning_rate: float = 3e-3
    logging_steps: int = 3  # 200 rows
    eval_steps: int = 15  # 40 evaluations
    save_steps: int = 100
    train_rows: int = 4800  # two epochs
    eval_rows: int = 64
    width: int = 96
    layers: int = 2
    heads: int = 4

    target_sigma: float = 2.0  # bins
    target_truncate: float = 16.0  # bins: 8 sigma
    temperature: float = 1.0
    w1_weight: float = 10.0  # W1 is a part of the axis: 1 % of it then costs 0.1 nats
    max_grad_norm: float = 5.0  # the usual norm is 2
    gate_weight: float = 1.0

    w1_in_total: bool = switch(True)
    sigma_grows: float = switch(1.0)  # factor by which the targets are wider at the end than at the start
    gate_in_half: bool = switch(False)  # the gate is written down as log(sum(exp)), in fp16


# --- data -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rows:
    """Examples: `features` (N, OBJECTS, FEATURES) and `words` (N, LENGTH)."""

    features: Tensor
    words: Tensor


def make_rows(count: int, chance: np.random.Generator) -> Rows:
    """Images of two boxes each, from left to right."""
    low = chance.uniform(0.0, 0.8, (count, OBJECTS, 2))
    high = low + chance.uniform(0.05, 1.0, low.shape) * (1.0 - low)
    boxes = np.concatenate([low, high], axis=-1)
    boxes = np.take_along_axis(boxes, boxes[..., :1].argsort(axis=1), axis=1)
    classes = np.minimum(chance.zipf(1.3, (count, OBJECTS)) - 1, CLASSES - 1)
    colours = chance.integers(COLOURS, size=(count, OBJECTS))
    names = FIRST_NAME + classes * len(SYNONYMS) + chance.choice(len(SYNONYMS), classes.shape, p=SYNONYMS)
    ends = np.broadcast_to(np.where(np.arange(OBJECTS) == OBJECTS - 1, END, NEXT), classes.shape)
    words = [names[..., None], FIRST_COLOUR + colours[..., None], bins(boxes), ends[..., None]]
    return Rows(_see(boxes, classes, colours, chance), torch.tensor(np.concatenate(words, -1).reshape(count, LENGTH)))


def bins(places: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The bins of places from 0 to 1."""
    found: np.ndarray[Any, Any] = np.clip(np.rint(places * (BINS - 1)), 0, BINS - 1).astype(np.int64)
    return found


def waves(places: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Sines and cosines of places from 0 to 1, in a last axis of 2 * OCTAVES."""
    phases: np.ndarray[Any, Any] = 2 * np.pi * places[..., None] * 2.0 ** np.arange(OCTAVES)
    return np.concatenate([np.sin(phases), np.cos(phases)], axis=-1)


def _see(boxes: Any, classes: Any, colours: Any, chance: np.random.Generator) -> Tensor:
    """What the encoder tells of the objects: waves of their blurred coordinates, and their looks."""
    blurred = boxes + chance.normal(0.0, BLUR / BINS, boxes.shape)
    seen = waves(blurred).reshape(*boxes.shape[:2], -1)
    looks = np.concatenate([np.eye(CLASSES)[classes], np.eye(COLOURS)[colours]], axis=-1)
    looks = 5 * looks + chance.normal(0.0, 1.0, looks.shape)  # as loud as the waves together
    return torch.tensor(np.concatenate([seen, looks], axis=-1), dtype=torch.float32)


# --- model ------------------------------------------------------------------------------------------------------------


class Reader(nn.Module):
    """A decoder over the vectors of the objects and the words so far."""

    examples: Tensor

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        width = settings.width
        self.see = nn.Linear(FEATURES, width)
        self.embed = nn.Embedding(VOCABULARY, width)
        self.place = nn.Parameter(torch.randn(OBJECTS + LENGTH - 1, width) * 0.5)  # places must be told apart at once
        layer = nn.TransformerEncoderLayer(
            width, settings.heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, settings.layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, VOCABULARY, bias=False)
        nn.init.normal_(self.embed.weight, std=0.2)
        nn.init.normal_(self.head.weight, std=0.02)
        # Neighbouring bins begin alike, as where the new words are interpolated: a bin is seen a few dozen times only.
        places = torch.tensor(waves(np.linspace(0, 1, BINS)), dtype=torch.float32)
        self.head.weight.data[:BINS] = places @ torch.randn(2 * OCTAVES, width) * 0.05
        self.register_buffer("examples", torch.zeros((), dtype=torch.long))  # seen in training, also after a resume

    def forward(self, features: Tensor, words: Tensor) -> Tensor:
        """Logits (B, LENGTH, VOCABULARY) of every word from `features` and the words before it."""
        if self.training:
            self.examples += len(words)
        seen = torch.cat([self.see(features), self.embed(words[:, :-1])], dim=1) + self.place
        mask = nn.Transformer.generate_square_subsequent_mask(seen.shape[1], device=seen.device)
        hidden = self.layers(seen, mask=mask, is_causal=True)[:, OBJECTS - 1 :]
        logits: Tensor = self.head(hidden)
        return logits


# --- loss -------------------------------------------------------------------------------------------------------------


def targets_of(true: Tensor, settings: Settings, step: int) -> Tensor:
    """The distributions (N, BINS) around the true bins (N,)."""
    sigma = settings.target_sigma * settings.sigma_grows ** (step / settings.max_steps)
    truncate = settings.target_truncate * sigma / settings.target_sigma
    return losses.gaussian_targets(true, BINS, sigma=sigma, truncate=truncate)


def loss_of(model: nn.Module, batch: Batch, settings: Settings) -> tuple[Tensor, dict[str, Tensor]]:
    """The total and its parts, of a model and a batch of `features` and `words` (B, LENGTH)."""
    words = batch[1]
    logits = model(*batch)
    seen = model.get_buffer("examples")
    step = int(seen) // (settings.batch_size * settings.gradient_accumulation_steps)
    is_bin = words < BINS
    at_bins, true = logits[is_bin], words[is_bin]
    inside = at_bins[:, :BINS]
    targets = targets_of(true, settings, step)
    probabilities = (inside / settings.temperature).softmax(dim=-1)
    gate = careless_gate if settings.gate_in_half else losses.gate
    parts = {
        "base_ce/loss": functional.cross_entropy(logits[~is_bin], words[~is_bin]),
        "coord_softce_w1/soft_ce": losses.soft_ce(inside, targets, temperature=settings.temperature),
        "coord_softce_w1/w1": losses.wasserstein_1(probabilities, targets),
        "coord_softce_w1/gate": gate(at_bins, inside),
    }
    w1_weight = settings.w1_weight if settings.w1_in_total else 0.0
    total = (
        parts["base_ce/loss"]
        + parts["coord_softce_w1/soft_ce"]
        + w1_weight * parts["coord_softce_w1/w1"]
        + settings.gate_weight * parts["coord_softce_w1/gate"]
    )
    told = losses.describe(at_bins, inside, true, temperature=settings.temperature)
    errors = {way: (found - true).abs().mean() for way, found in losses.decode(probabilities.detach()).items()}
    return total, {
        **{name: value.detach() for name, value in parts.items()},
        "base_ce/noncoord_tokens": (~is_bin).sum(),
        "coord_token_acc": told.accuracy,
        "coord_softce_w1/p_gt_mean": told.p_gt_mean,
        "coord_softce_w1/margin": told.margin,
        "coord_softce_w1/coord_vocab_mass": told.coord_vocab_mass,
        "coord_softce_w1/acc_top5": told.acc_top5,
        **{f"decode_error/{way}": value for way, value in errors.items()},  # in bins
    }


def careless_gate(logits: Tensor, coordinates: Tensor) -> Tensor:
    """The gate as its formula has it: in fp16 the exponential of 11.1 is infinite, and the difference then NaN."""
    whole, inside = logits.half().exp().sum(dim=-1), coordinates.half().exp().sum(dim=-1)
    return (whole.log() - inside.log()).float().mean()


# --- training ---------------------------------------------------------------------------------------------------------


def train(settings: Settings, output: Output) -> None:
    """Run to the last step; `logging.jsonl` and its companions lie in the folder of the output."""
    trained = make_rows(settings.train_rows, seeds.generator(settings.seed, "train"))
    held_out = make_rows(settings.eval_rows, seeds.generator(settings.seed, "eval"))
    model = Reader(settings)
    writers = open_writers(output, shapes(settings.max_steps))
    job = Job(
        model=model,
        rows=settings.train_rows,
        batch=lambda numbers: pick(trained, numbers),
        loss=lambda forward, batch: loss_of(forward, batch, settings),
        evaluate=lambda judged: evaluate(judged, held_out, settings),
    )
    loop.train(job, settings, output.folder, writers, resume=output.resume, weights=output.weights)


def pick(rows: Rows, numbers: Sequence[int]) -> Batch:
    """The examples of these numbers."""
    chosen = list(numbers)
    return rows.features[chosen], rows.words[chosen]


def evaluate(model: nn.Module, rows: Rows, settings: Settings) -> Metrics:
    """All metrics of the validation set, which is one batch."""
    begin = time.perf_counter()
    place = next(model.parameters()).device
    total, parts = loss_of(model, (rows.features.to(place), rows.words.to(place)), settings)
    spent = time.perf_counter() - begin
    speed = {"runtime": spent, "samples_per_second": len(rows.words) / spent}
    return {"loss": float(total), **{name: float(value) for name, value in parts.items()}, **speed}


# --- log --------------------------------------------------------------------------------------------------------------


def shapes(max_steps: int) -> Shapes:
    """Rows as ms-swift writes them to `logging.jsonl`, and prints them between its bars."""
    begin = time.perf_counter()

    def as_object(row: Row) -> Mapping[str, Any]:
        return swift_row(row, max_steps, time.perf_counter() - begin)

    def as_lines(row: Row) -> Iterable[str]:
        return (str(dict(as_object(row))),)

    return Shapes(json=as_object, text=as_lines, json_name="logging.jsonl")


def swift_row(row: Row, max_steps: int, elapsed: float) -> dict[str, Any]:
    """The keys of ms-swift 4 in its order; evaluations have `eval_` in front of theirs."""
    values = dict(row.values)
    per_step = values.pop("time", elapsed / row.step)
    if row.split == "eval":
        shown = {f"eval_{name}": value for name, value in values.items()}
    else:
        first = {"loss": values.pop("loss"), "grad_norm": values.pop("grad_norm"), "learning_rate": values.pop("lr")}
        shown = {**first, **values}
    tail = {
        "epoch": row.epoch,
        "global_step/max_steps": f"{row.step}/{max_steps}",
        "elapsed_time": duration(elapsed),
        "remaining_time": duration(elapsed / row.step * (max_steps - row.step)),
        "train_speed(s/it)": round(per_step, 6),
    }
    return {**shown, **tail}


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(62.4)
    '1m 2s'
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest}s" if minutes else f"{rest}s"
