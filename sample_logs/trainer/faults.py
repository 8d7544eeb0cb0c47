"""The faults of each type: a name, what it is in one line, and the settings that it changes.

A fault is nothing but other settings of the same training, so it happens there and is never written into a log
afterwards. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainvitals.parsers.errors import TrainvitalsError

HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class Fault:
    """Settings that make a healthy training sick; a test asserts that the settings of its type have these names."""

    name: str
    description: str
    changes: Mapping[str, Any]


class UnknownFaultError(TrainvitalsError):
    """A type has no fault of this name."""


ARTICLE: tuple[Fault, ...] = (
    Fault("weight-one", "articles weigh no more than other tokens", {"article_weight": 1.0}),
    Fault(
        "weight-too-high",
        "articles weigh 300 times as much as other tokens",
        # At a rate at which the articles take the whole run to be learnt.
        {"article_weight": 300.0, "learning_rate": 3e-4, "max_steps": 300},
    ),
    Fault(
        "weight-not-in-effect",
        "a weight of 5 is configured, and the loss is not weighted",
        {"article_weight": 5.0, "applied_weight": 1.0},
    ),
    Fault(
        "lr-too-high",
        "a learning rate 1000 times too high, which never decays",
        {"learning_rate": 3.0, "schedule": "constant"},
    ),
    Fault(
        "lr-not-restored",
        "killed and resumed from a checkpoint; the schedule begins again with its warm-up",
        {"killed_at": 330, "save_steps": 100, "restore_schedule": False, "warmup_ratio": 0.1},
    ),
    Fault(
        "nan-fp16",
        "gradients overflow in fp16: the loss scale only grows, and nobody looks for infinities",
        {"precision": "fp16", "blind_loss_scale": 2.0**16, "max_steps": 200},
    ),
    Fault(
        "accumulation-times-k",
        "the logged loss is the sum over 4 micro-batches and not their mean",
        {"gradient_accumulation_steps": 4, "batch_size": 4, "logged_loss": "sum"},
    ),
    Fault("wrong-perplexity", "the perplexity is 2**loss of a loss in nats", {"perplexity": "base 2"}),
    Fault("overfitting", "a training set of 30 stories", {"train_stories": 30, "weight_decay": 0.0}),
    Fault(
        "two-writers",
        "two ranks write the same file, each its own loss",
        {"gradient_accumulation_steps": 2, "batch_size": 8, "unguarded_ranks": True},
    ),
    Fault(
        "data-repeated",
        "60 stories in the same order, again and again",
        {"train_stories": 60, "shuffle": False, "weight_decay": 0.0},
    ),
)

SPATIAL: tuple[Fault, ...] = (
    Fault(
        "multiplier-too-strong",
        "the close stage weighs 100 and not 10, and nothing is clipped",
        {"multiplier": 100.0, "max_grad_norm": 1e9},
    ),
    Fault("axis-degraded", "images are squeezed to a quarter of their width, not of their height", {"input_width": 96}),
    Fault("low-resolution", "images are scaled down to 96 pixels", {"input_size": 96}),
    Fault("bad-labels", "a quarter of the training labels lie on the disc and not on the ring", {"wrong_labels": 0.25}),
    Fault("overfitting", "a training set of 16 images", {"train_images": 16}),
    Fault("frozen-metric", "a copy of the model that was made at the start is evaluated", {"stale_eval": True}),
    Fault(
        "slow-loader",
        "from step 300 on the data loader takes half a second longer for each batch",
        {"slow_from": 300, "slow_seconds": 0.5},
    ),
)

EOS: tuple[Fault, ...] = (
    Fault("weight-one", "the EOS weighs no more than other tokens", {"eos_weight": 1.0}),
    Fault("weight-too-low", "the EOS weighs a hundredth of other tokens", {"eos_weight": 0.01}),
    Fault("weight-too-high", "the EOS weighs 2000 times as much as other tokens", {"eos_weight": 2000.0}),
    Fault(
        "auxiliary-dropped",
        "the total lacks the losses of the first five decoder layers",
        {"auxiliary_in_total": False},
    ),
    Fault(
        "accumulation-changed",
        "the logged loss is a sum over micro-batches, of which there are 4 and not 1 later",
        {"batch_size": 4, "logged_loss": "sum", "accumulation_later": (200, 4), "train_images": 80},
    ),
    Fault(
        "partial-window",
        "epochs of 13 micro-batches in windows of 4: the last window has one and is divided by 4",
        {"gradient_accumulation_steps": 4, "batch_size": 4, "divide_by": "K", "train_images": 52},
    ),
    Fault("validation-leaked", "every second training image is a validation image", {"leaked": 0.5, "eval_images": 16}),
    Fault(
        "resumed",
        "killed and resumed from the last checkpoint, as it should be; no fault",
        {"killed_at": 230, "save_steps": 100},
    ),
)

CAUSAL_LM: tuple[Fault, ...] = (
    Fault("no-mask", "labels are a copy of the input: the loss counts the prompt too", {"mask_prompt": False}),
    Fault(
        "accumulation-times-k",
        "an own compute_loss ignores num_items_in_batch: the loss is logged 16 times too large",
        {"own_loss": True},
    ),
    Fault("lr-zero", "a schedule made for half of the steps: the learning rate is 0 after it", {"schedule_steps": 90}),
    Fault(
        "schedule-not-restored",
        "killed and resumed without scheduler.pt: the warm-up begins again",
        {"killed_at": 130, "keep_schedule": False, "warmup_steps": 20},
    ),
    Fault("resumed", "killed and resumed from the last checkpoint, as it should be", {"killed_at": 130}),
    Fault(
        "hidden-nan",
        "an own loss in fp16 overflows once the logits have grown; logging_nan_inf_filter shows NaN as 0",
        {"loss_in_half": True, "learning_rate": 2.5e-3},
    ),
    Fault(
        "accumulation-changed",
        "an own compute_loss, and resumed with 4 accumulation steps instead of 16",
        {"own_loss": True, "killed_at": 95, "accumulation_after": 4},
    ),
    Fault(
        "partial-window",
        "an own compute_loss, and epochs of 10 windows and a quarter: each last one is logged too small",
        {"own_loss": True, "train_rows": 328},
    ),
    Fault(
        "overfitting",
        "a training set of 64 dialogues, at a rate at which they are learnt by heart",
        {"train_rows": 64, "learning_rate": 4e-3, "weight_decay": 0.0},
    ),
    Fault(
        "validation-leak",
        "each of 8 dialogues of the evaluation set stands 80 times in the training data",
        {"eval_rows": 8, "leaked_copies": 80, "learning_rate": 4e-3, "weight_decay": 0.0},
    ),
)

SOFTCE: tuple[Fault, ...] = (
    Fault(
        "no-gate",
        "the gate has weight 0, and the targets get 64 times as wide: flatter predictions leave the coordinates",
        {"gate_weight": 0.0, "sigma_grows": 64.0},
    ),
    Fault("no-w1", "W1 has weight 0, which is no fault: the run to compare with", {"w1_weight": 0.0}),
    Fault(
        "sharp",
        "the sharper settings of the comparison, which are no fault",
        {"temperature": 0.9, "target_sigma": 1.5, "target_truncate": 8.0},
    ),
    Fault("sigma-grows", "the targets get 64 times as wide over the run", {"sigma_grows": 64.0}),
    Fault("temperature-too-high", "predictions are made at a temperature of 10", {"temperature": 10.0}),
    Fault(
        "accumulation-times-k",
        "the logged loss is the sum over 4 micro-batches and not their mean",
        {"logged_loss": "sum"},
    ),
    Fault(
        "accumulation-divided",
        "the logged loss is divided by the 4 accumulation steps once more",
        {"logged_loss": "mean / K"},
    ),
    Fault("w1-dropped", "W1 has a weight, and is never added to the total", {"w1_in_total": False}),
    Fault("nan-fp16", "the gate is computed as log(sum(exp)) in fp16, which overflows", {"gate_in_half": True}),
    Fault(
        "lr-too-high",
        "a learning rate 30 times too high, reached by a warm-up over half of the run",
        {"learning_rate": 0.1, "warmup_ratio": 0.5},
    ),
    Fault("lr-zero", "a schedule made for half of the steps: the learning rate is 0 after it", {"schedule_steps": 300}),
    Fault(
        "schedule-not-restored",
        "killed and resumed from a checkpoint; the schedule begins again with its warm-up",
        {"killed_at": 390, "save_steps": 100, "restore_schedule": False, "warmup_ratio": 0.1},
    ),
    Fault("overfitting", "a training set of 64 images", {"train_rows": 64}),
)

FAULTS: Mapping[str, tuple[Fault, ...]] = {
    "article": ARTICLE,
    "spatial": SPATIAL,
    "eos": EOS,
    "causal_lm": CAUSAL_LM,
    "softce": SOFTCE,
}
"""Every fault, by type."""


def find(kind: str, name: str) -> Fault:
    """The fault of a type; `healthy` is the one that changes nothing.

    Raises:
        UnknownFaultError: the type has no such fault.
    """
    if name == HEALTHY:
        return Fault(HEALTHY, "nothing is wrong", {})
    for fault in FAULTS[kind]:
        if fault.name == name:
            return fault
    known = ", ".join(fault.name for fault in FAULTS[kind]) or "none"
    raise UnknownFaultError(f"{kind} has no fault {name!r}; it has {known}")
