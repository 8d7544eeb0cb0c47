"""The training loop that the reference trainings share: settings, steps, log rows, evaluations, checkpoints.

Every fault that lies in a loop is a setting of this one: it happens in the training and not in a log afterwards.
"""

from __future__ import annotations

import copy
import dataclasses
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from tqdm import tqdm

from trainvitals.parsers.errors import TrainvitalsError
from trainvitals.sample_logs.trainer import seeds
from trainvitals.sample_logs.trainer.writers import Writer

Batch = tuple[Tensor, ...]
Metrics = dict[str, float]
CHECKPOINT = "checkpoint.pt"


def switch(default: Any) -> Any:
    """A setting that a real trainer has in its code and not among its options: it is not written to `args.json`."""
    return field(default=default, metadata={"switch": True})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What all trainings have; each type adds its own and may choose other defaults."""

    seed: int = 0
    max_steps: int = 400  # optimizer steps: enough log rows for rules that decide on 16 blocks
    batch_size: int = 16  # examples in a micro-batch
    gradient_accumulation_steps: int = 1
    learning_rate: float = 1e-3  # small models bear ten times what large ones do
    warmup_ratio: float = 0.05
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    final_ratio: float = 0.05  # the last learning rate as a part of the first: never 0 while steps are taken
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"  # auto: bf16 on CUDA, fp32 elsewhere
    logging_steps: int = 1
    eval_steps: int = 10  # 40 evaluations: rules on validation ask for 20 at least
    save_steps: int = 50

    shuffle: bool = switch(True)
    count_from: int = switch(1)  # the number that the first step has in the log
    schedule_steps: int = switch(0)  # steps that the schedule is made for; 0: all
    restore_schedule: bool = switch(True)  # a resume that does not starts with the warm-up again
    killed_at: int = switch(0)  # the step after which the process dies once, to go on from the last checkpoint
    accumulation_later: tuple[int, int] = switch((0, 0))  # (step, K): from that step on K micro-batches are summed
    divide_by: Literal["window", "K"] = switch("window")  # a short last window divided by K counts for too little
    logged_loss: Literal["mean", "sum", "mean / K"] = switch("mean")  # over the micro-batches of a step
    log_nan_as_zero: bool = switch(False)  # the filter that many trainers have on by default
    blind_loss_scale: float = switch(0.0)  # fp16 with a scale that doubles every 40 steps and never looks at infinities
    stale_eval: bool = switch(False)  # evaluates a copy of the model that was made at the start
    unguarded_ranks: bool = switch(False)  # each micro-batch is a rank of its own, and each of them logs
    slow_from: int = switch(0)  # the step from which the data loader is slow; 0: never
    slow_seconds: float = switch(0.0)  # what it takes longer for each step


@dataclass(frozen=True, slots=True)
class Job:
    """What a task hands to the loop.

    Attributes:
        model: on the CPU; the loop moves it.
        rows: number of training examples.
        batch: numbers of examples -> tensors on the CPU.
        loss: (model, batch) -> (total to be minimised, its parts and other metrics as scalars without gradient).
        evaluate: model -> metrics of the validation set.
        gradients: (model, batch, steps done before) -> metrics of the gradients that lie in `.grad`, before clipping;
            the batch is the last micro-batch.
        finish: model -> metrics that are logged once, at the end, in the `eval` row of the last step.
        fresh: whether each epoch has examples of its own, whose numbers go on from those of the epoch before.
    """

    model: nn.Module
    rows: int
    batch: Callable[[Sequence[int]], Batch]
    loss: Callable[[nn.Module, Batch], tuple[Tensor, dict[str, Tensor]]]
    evaluate: Callable[[nn.Module], Metrics]
    gradients: Callable[[nn.Module, Batch, int], Metrics] | None = None
    finish: Callable[[nn.Module], Metrics] | None = None
    fresh: bool = False


@dataclass(slots=True)
class State:
    """What a checkpoint holds: where a run is."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    step: int = 0  # optimizer steps done
    epoch: int = 0
    micro: int = 0  # micro-batches done in this epoch
    schedule_from: int = 0  # the step at which the schedule began
    waited: float = 0.0  # seconds for a slow data loader


def options(settings: Settings) -> dict[str, Any]:
    """The settings that a trainer would write beside its log."""
    fields = dataclasses.fields(settings)
    return {one.name: getattr(settings, one.name) for one in fields if not one.metadata.get("switch")}


def learning_rate(step: int, settings: Settings) -> float:
    """The rate of a step counted from 0: linear warm-up, then a decay to `final_ratio`, 0 beyond a schedule's end."""
    total = settings.schedule_steps or settings.max_steps
    warm = max(1, round(settings.warmup_ratio * total))
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    if step >= total:
        return 0.0
    done = (step - warm) / max(1, total - warm)
    left = {"cosine": (1 + math.cos(math.pi * done)) / 2, "linear": 1 - done, "constant": 1.0}[settings.schedule]
    return settings.learning_rate * (settings.final_ratio + (1 - settings.final_ratio) * left)


def window(state: State, settings: Settings, rows: int, *, fresh: bool = False) -> list[list[int]]:
    """The examples of the micro-batches of the next step; fewer at the end of an epoch. Moves the state on."""
    later, more = settings.accumulation_later
    count = more if later and state.step >= later else settings.gradient_accumulation_steps
    in_epoch = max(1, rows // settings.batch_size)
    if state.micro >= in_epoch:
        state.epoch, state.micro = state.epoch + 1, 0
    first, last = state.micro, min(state.micro + count, in_epoch)
    state.micro = last
    offset = state.epoch * rows if fresh else 0
    numbers = [offset + n for n in seeds.order(settings.seed, state.epoch, rows, settings.shuffle)]
    size = settings.batch_size
    return [numbers[i * size : (i + 1) * size] for i in range(first, last)]


class NoCheckpointError(TrainvitalsError):
    """A run is to be resumed that has not saved anything."""


class Killed(Exception):  # noqa: N818 (it is an event of the run and no error)
    """The process died, as `killed_at` says."""


def train(
    job: Job, settings: Settings, out: Path, writers: Sequence[Writer], *, resume: bool = False, weights: int = 0
) -> None:
    """Run the job to its last step, from the beginning or from the checkpoint in `out`.

    `weights` snapshots of the weights alone are kept, at equal distances. Ctrl-C leaves whole rows, and the
    last checkpoint to go on from: a step that was cut off is in neither.
    """
    state = _start(job, settings)
    try:
        if resume:
            _load(state, out / CHECKPOINT, settings)
        try:
            _steps(job, settings, state, out, writers, weights)
        except Killed:
            _load(state, out / CHECKPOINT, settings)
            _steps(job, dataclasses.replace(settings, killed_at=0), state, out, writers, weights)
    finally:
        for writer in writers:
            writer.close()


def _start(job: Job, settings: Settings) -> State:
    model = job.model.to(seeds.device())
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    scaled = settings.precision == "fp16" and not settings.blind_loss_scale
    # The scale may grow every 50 steps, not every 2000: these runs are short, and it should find its level.
    scaler = torch.amp.GradScaler(seeds.device().type if scaled else "cpu", enabled=scaled, growth_interval=50)
    return State(model, optimizer, scaler)


def _steps(job: Job, settings: Settings, state: State, out: Path, writers: Sequence[Writer], weights: int) -> None:
    # Compiling pays where kernels are launched one by one from slow Python; on a CPU it costs more than such a run.
    forward = cast(nn.Module, torch.compile(state.model)) if seeds.device().type == "cuda" else state.model
    judged = copy.deepcopy(state.model) if settings.stale_eval else state.model
    spent, last = 0.0, settings.max_steps
    with tqdm(total=last, initial=state.step, disable=None, leave=False) as bar:
        while state.step < last:
            begin = _clock(state)
            rows = _step(job, settings, state, forward)
            spent += _clock(state) - begin  # evaluations and checkpoints are not counted
            state.step += 1
            number = state.step - 1 + settings.count_from
            epoch = state.epoch + state.micro / max(1, job.rows // settings.batch_size)
            if state.step % settings.logging_steps == 0:
                for row in rows:
                    _write(writers, {**row, "time": spent / settings.logging_steps}, number, epoch, "train")
                spent = 0.0
                bar.set_postfix_str(" | ".join(f"{name}: {value:.4g}" for name, value in list(rows[-1].items())[:4]))
            bar.update()
            if state.step % settings.eval_steps == 0 or state.step == last:
                metrics = _evaluate(job, settings, judged, last=state.step == last)
                _write(writers, metrics, number, epoch, "eval")
            _keep(state, settings, out, weights)
            if state.step == settings.killed_at:
                raise Killed


def _clock(state: State) -> float:
    """Seconds so far; on a CPU those of computing and of waiting for data, as what else runs there is not the run's."""
    return time.perf_counter() if seeds.device().type != "cpu" else time.process_time() + state.waited


def _keep(state: State, settings: Settings, out: Path, weights: int) -> None:
    if settings.save_steps and state.step % settings.save_steps == 0:
        _save(state, out / CHECKPOINT)
    if weights and state.step % max(1, settings.max_steps // weights) == 0:
        torch.save(state.model.state_dict(), out / f"weights-{state.step}.pt")


def _step(job: Job, settings: Settings, state: State, forward: nn.Module) -> list[Metrics]:
    """One optimizer step; the rows to be logged: one, or one for each rank that does not hold back."""
    state.model.train()
    state.optimizer.zero_grad(set_to_none=True)
    micros = window(state, settings, job.rows, fresh=job.fresh)
    if settings.slow_from and state.step >= settings.slow_from:
        time.sleep(settings.slow_seconds)
        state.waited += settings.slow_seconds
    divisor = len(micros) if settings.divide_by == "window" else settings.gradient_accumulation_steps
    parts: list[Metrics] = []
    batch: Batch = ()
    for numbers in micros:
        batch = tuple(tensor.to(seeds.device()) for tensor in job.batch(numbers))
        with _autocast(settings):
            total, metrics = job.loss(forward, batch)
        _backward(state, settings, total / divisor)
        parts.append({"loss": float(total.detach()), **{name: float(value) for name, value in metrics.items()}})
    more = _update(job, settings, state, batch)
    if settings.unguarded_ranks:
        return [{**part, **more} for part in parts]
    return [{**_logged(parts, divisor, settings), **more}]


def _logged(parts: Sequence[Metrics], divisor: int, settings: Settings) -> Metrics:
    """The metrics of a step from those of its micro-batches: means, but for what is wrong with the logged loss."""
    row = {name: sum(part[name] for part in parts) / divisor for name in parts[0]}
    scale = {"mean": 1.0, "sum": divisor, "mean / K": 1 / divisor}[settings.logged_loss]
    row["loss"] *= scale
    if settings.log_nan_as_zero and not math.isfinite(row["loss"]):
        row = {name: value if math.isfinite(value) else 0.0 for name, value in row.items()}
    return row


def _autocast(settings: Settings) -> AbstractContextManager[Any]:
    place = seeds.device().type
    chosen = settings.precision if settings.precision != "auto" else {"cuda": "bf16"}.get(place, "fp32")
    if chosen == "fp32":
        return nullcontext()
    return torch.autocast(place, torch.bfloat16 if chosen == "bf16" else torch.float16)


def _backward(state: State, settings: Settings, loss: Tensor) -> None:
    scaled = loss * _blind_scale(state, settings) if settings.blind_loss_scale else state.scaler.scale(loss)
    scaled.backward()  # type: ignore[no-untyped-call]


def _blind_scale(state: State, settings: Settings) -> float:
    return float(settings.blind_loss_scale * 2.0 ** (state.step // 40))


def _update(job: Job, settings: Settings, state: State, batch: Batch) -> Metrics:
    """Clip and step; the metrics of the gradients and of the optimizer."""
    rate = learning_rate(state.step - state.schedule_from, settings)
    if settings.blind_loss_scale:
        for parameter in state.model.parameters():
            if parameter.grad is not None:
                parameter.grad /= _blind_scale(state, settings)
    else:
        state.scaler.unscale_(state.optimizer)
    metrics = job.gradients(state.model, batch, state.step) if job.gradients else {}
    norm = nn.utils.clip_grad_norm_(state.model.parameters(), settings.max_grad_norm)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    state.scaler.step(state.optimizer)
    state.scaler.update()
    metrics = {"grad_norm": float(norm), "lr": rate, **metrics}
    return {**metrics, "loss_scale": state.scaler.get_scale()} if state.scaler.is_enabled() else metrics


def _evaluate(job: Job, settings: Settings, model: nn.Module, *, last: bool) -> Metrics:
    model.eval()
    with torch.no_grad(), _autocast(settings):
        metrics = job.evaluate(model)
        return {**metrics, **job.finish(model)} if last and job.finish else metrics


def _write(writers: Sequence[Writer], row: Mapping[str, float], step: int, epoch: float, split: str) -> None:
    for writer in writers:
        writer.write(row, step=step, epoch=epoch, split=split)


def _save(state: State, path: Path) -> None:
    held = {
        "model": state.model.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "scaler": state.scaler.state_dict(),
        "place": [state.step, state.epoch, state.micro, state.schedule_from],
        "random": torch.get_rng_state(),
    }
    beside = path.with_suffix(".part")
    torch.save(held, beside)
    os.replace(beside, path)


def _load(state: State, path: Path, settings: Settings) -> None:
    """Put a state back to that of a checkpoint, as far as the settings let it.

    Raises:
        NoCheckpointError: there is none at this path.
    """
    if not path.is_file():
        raise NoCheckpointError(f"{path}: no checkpoint to go on from")
    held = torch.load(path, map_location=seeds.device(), weights_only=True)
    state.model.load_state_dict(held["model"])
    state.optimizer.load_state_dict(held["optimizer"])
    state.scaler.load_state_dict(held["scaler"])
    state.step, state.epoch, state.micro, state.schedule_from = held["place"]
    torch.set_rng_state(held["random"].cpu())
    if not settings.restore_schedule:
        state.schedule_from = state.step
