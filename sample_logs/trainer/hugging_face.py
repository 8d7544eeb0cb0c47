"""Hugging Face's Trainer as the type `causal_lm` needs it: with losses of one's own, schedules, deaths, snapshots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import Trainer, TrainerCallback

from trainvitals.sample_logs.trainer import losses


class Scheduled(Trainer):
    """The Trainer, with a schedule that may be made for another number of steps than it takes."""

    schedule_steps = 0

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """As the Trainer does it, for the number that is wanted."""
        return super().create_scheduler(self.schedule_steps or num_training_steps, optimizer)


class OwnLoss(Scheduled):
    """A loss of one's own, as the documentation shows it: the mean over each micro-batch.

    The Trainer gives `num_items_in_batch` and takes it that it was used, so it does not divide by the accumulation: the
    logged loss, and the gradient, are that many times too large.
    """

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean cross-entropy of the answer tokens of this micro-batch."""
        del num_items_in_batch
        outputs = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"])
        loss = losses.next_token_ce(outputs.logits, inputs["labels"])
        return (loss, {"loss": loss, "logits": outputs.logits}) if return_outputs else loss


class LossInHalf(Scheduled):
    """The cross-entropy as its formula has it, in fp16, where the exponential of 11.1 is infinite."""

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean over the answer tokens of the whole step."""
        outputs = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"])
        labels = inputs["labels"][:, 1:]
        kept = labels != losses.IGNORE
        exponentials = outputs.logits[:, :-1][kept].half().exp()
        right = exponentials.gather(-1, labels[kept].unsqueeze(-1)).squeeze(-1) / exponentials.sum(dim=-1)
        loss = -right.log().float().sum() / (kept.sum() if num_items_in_batch is None else num_items_in_batch)
        return (loss, {"loss": loss, "logits": outputs.logits}) if return_outputs else loss


class Kill(TrainerCallback):
    """The process dies after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 (as it is called)
        """Die before the step is logged."""
        if state.global_step == self.step:
            raise Killed


class KeepWeights(TrainerCallback):
    """Snapshots of the weights alone, at equal distances."""

    def __init__(self, folder: Path, every: int) -> None:
        self.folder, self.every = folder, every

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 (as it is called)
        """Save them where it is their turn."""
        if state.global_step % self.every == 0:
            torch.save(kwargs["model"].state_dict(), self.folder / f"weights-{state.global_step}.pt")


class Killed(Exception):  # noqa: N818 (it is an event of the run and no error)
    """The process died."""
