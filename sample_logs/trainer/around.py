r"""Models and data of the trainings, for the loss around the weights that `--checkpoints` leaves.

    trainvitals train article --checkpoints 10 --out runs/article
    trainvitals landscape runs/article --model trainvitals.sample_logs.trainer.around:article_model \
        --data trainvitals.sample_logs.trainer.around:article_data -o runs/article/landscape.parquet

Each pair of functions is that of the healthy training of seed 0. Data are the training examples in batches of the
training's size, and a loss that gives a sum and a weight where the training's own loss is a weighted mean.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainvitals.sample_logs.trainer import article, causal_lm, dialogues, eos, losses, seeds, softce, spatial
from trainvitals.sample_logs.trainer.loop import Batch

SEED = 0
IMAGES = 240
"""Of `eos`, whose every epoch has images of its own, and of `spatial`, which has no more."""
BATCH = 16

Task = tuple[list[Any], Any]


def _batches(rows: Batch, size: int = BATCH) -> list[Batch]:
    """Whole batches of `size` rows; the rest is left out, as batches must be alike."""
    count = len(rows[0]) // size
    return [tuple(column[i * size : (i + 1) * size] for column in rows) for i in range(count)]


def _seeded() -> None:
    torch.manual_seed(SEED)


# --- article ----------------------------------------------------------------------------------------------------------


def article_model() -> nn.Module:
    """The small GPT."""
    return article.GPT(article.Settings(seed=SEED))


def article_data() -> Task:
    """The training's stories; weighted cross-entropy over the sum of weights."""
    settings = article.Settings(seed=SEED)
    job = article.build(settings)
    rows = job.batch(list(range(job.rows)))
    ids = article.article_ids(article.coder_of(settings))
    return _batches(rows), partial(_article_loss, ids=torch.tensor(ids), weight=settings.article_weight)


def _article_loss(model: nn.Module, batch: Batch, ids: Tensor, weight: float) -> tuple[Tensor, Tensor]:
    (rows,) = batch
    labels = rows[:, 1:].flatten()
    ce = functional.cross_entropy(model(rows[:, :-1]).flatten(0, 1), labels, reduction="none")
    weights = torch.where(torch.isin(labels, ids.to(labels.device)), weight, 1.0)
    return (weights * ce).sum(), weights.sum()


# --- spatial, eos -----------------------------------------------------------------------------------------------------


def spatial_model() -> nn.Module:
    """The convolutional locator."""
    return spatial.Locator(spatial.Settings(seed=SEED))


def spatial_data() -> Task:
    """The training's images; the sum of the three losses."""
    settings = spatial.Settings(seed=SEED)
    rows = spatial.batch(range(IMAGES), settings)
    return _batches(rows, settings.batch_size), partial(_spatial_loss, multiplier=settings.multiplier)


def _spatial_loss(model: nn.Module, batch: Batch, multiplier: float) -> Tensor:
    images, labels = batch
    three_stage, x, y = spatial.parts(model(images), labels, multiplier)
    return three_stage + x + y


def eos_model() -> nn.Module:
    """The encoder-decoder."""
    return eos.Tracer(eos.Settings(seed=SEED))


def eos_data() -> Task:
    """Images of the training's first epoch; the weighted sum over all layers."""
    settings = eos.Settings(seed=SEED)
    return _batches(eos.batch(range(IMAGES), settings)), partial(_total, loss=eos.loss, settings=settings)


def _total(model: nn.Module, batch: Batch, loss: Any, settings: Any) -> Tensor:
    found: Tensor = loss(model, batch, settings)[0]
    return found


# --- softce, causal_lm ------------------------------------------------------------------------------------------------


def softce_model() -> nn.Module:
    """The transformer over boxes."""
    _seeded()
    return softce.Reader(softce.Settings(seed=SEED))


def softce_data() -> Task:
    """The first 512 of the training's rows."""
    settings = softce.Settings(seed=SEED)
    rows = softce.make_rows(settings.train_rows, seeds.generator(settings.seed, "train"))
    data = softce.pick(rows, range(512))
    return _batches(data), partial(_total, loss=softce.loss_of, settings=settings)


def _causal_lm_world() -> causal_lm.World:
    _seeded()
    # The checkpoints have all weights: those that pretraining would give need not be made again.
    return causal_lm.world(dataclasses.replace(causal_lm.Settings(seed=SEED), pretraining_steps=0))


def causal_lm_model() -> nn.Module:
    """The tiny Qwen2."""
    return _causal_lm_world().model


def causal_lm_data() -> Task:
    """The first 512 of the training's dialogues; the answers' cross-entropy, and the number of their tokens."""
    rows = _causal_lm_world().train
    order = np.arange(512).reshape(-1, BATCH)
    return [dialogues.collate([rows[i] for i in part], mask_prompt=True) for part in order.tolist()], _causal_lm_loss


def _causal_lm_loss(model: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    count = (batch["labels"][:, 1:] != losses.IGNORE).sum()
    return losses.next_token_ce(logits, batch["labels"], torch.ones_like(count)), count
