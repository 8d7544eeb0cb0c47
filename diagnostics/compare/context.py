"""What must be known before curves are compared: settings that differ, and why a match may not be fair."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.compare.axis import Axis, by_step
from trainvitals.diagnostics.compare.model import Difference
from trainvitals.diagnostics.curve import learning_rate
from trainvitals.diagnostics.normalisation.hyperparameters import ALIASES
from trainvitals.diagnostics.render.sanitise import setting_value

INCIDENTAL = frozenset(
    {
        "output_dir",
        "logging_dir",
        "log_dir",
        "save_dir",
        "run_name",
        "run_id",
        "name",
        "exp_name",
        "experiment_name",
        "hostname",
        "local_rank",
        "date",
        "time",
        "timestamp",
        "start_time",
        "git_hash",
        "wandb_run_id",
    }
)
"""Settings that are of each run alone and change nothing."""

WEIGHTS = ("article_weight", "eos_weight", "w1_weight", "gate_weight", "label_smoothing_factor")
"""Settings that say what a loss is the sum of."""

PHASE = 0.2
"""Learning rates, as shares of their peak, that differ by more are those of different phases of a schedule."""

NOT_TOLD = "-"
_SYNONYMS = {other: name for name, others in ALIASES.items() for other in others}


def differences(sides: Sequence[Sequence[Case]]) -> tuple[Difference, ...]:
    """Settings that are not the same in all groups, by name, those first that all groups tell.

    Several values within a group stand beside each other.
    """
    names = sorted({name for cases in sides for case in cases for name in case.run.config})
    found = []
    for name in names:
        values = tuple(_value(cases, name) for cases in sides)
        if not is_incidental(name, sides) and len(set(values)) > 1:
            found.append(Difference(name, values))
    return tuple(sorted(found, key=lambda one: NOT_TOLD in one.values))


def is_incidental(name: str, sides: Sequence[Sequence[Case]] = ()) -> bool:
    """Whether a setting says nothing about the training, or only repeats one that does."""
    last = name.lower().replace("-", "_").rpartition(".")[2]
    known = _SYNONYMS.get(last, last)
    repeats = known != name and any(known in case.run.config for cases in sides for case in cases)
    return last in INCIDENTAL or repeats


def told(case: Case, name: str) -> str:
    """A setting as text, secrets hidden; numbers that are equal are written alike."""
    if name not in case.run.config:
        return NOT_TOLD
    value = case.run.config[name].value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.12g}"
    return setting_value(name, str(value))


def _value(cases: Sequence[Case], name: str) -> str:
    return ", ".join(dict.fromkeys(told(case, name) for case in cases))


def warnings(named: Mapping[str, Case], axis: Axis, end: float) -> tuple[str, ...]:
    """Why runs that are matched on this axis, up to `end`, may still not be comparable."""
    return tuple(_warnings(named, axis, end))


def _warnings(named: Mapping[str, Case], axis: Axis, end: float) -> Iterator[str]:
    if axis == "rows":
        yield "the logs have no steps: rows are compared, which need not be equally far apart"
    if axis == "steps":
        yield from _step_sizes(named)
    yield from _phases(named, axis, end)
    kinds = {case.loss_type.name for case in named.values()}
    if len(kinds) > 1:
        yield f"the losses are of different types ({', '.join(sorted(kinds))})"
    if weights := reweighted(tuple(named.values())):
        yield f"{', '.join(weights)} is not the same: total losses are of other quantities; compare their parts"
    for name, case in named.items():
        if any(c.kind == "grad_accum" and not c.applied for c in case.corrections):
            yield f"the scale of the train loss of {name} is undetermined (gradient accumulation): compare evaluations"


def reweighted(cases: Sequence[Case]) -> tuple[str, ...]:
    """Weights in the loss that are not the same in all runs that tell them."""
    told_by = {name: {case.number(name) for case in cases if name in case.run.config} for name in WEIGHTS}
    return tuple(name for name, values in told_by.items() if len(values) > 1)


def _step_sizes(named: Mapping[str, Case]) -> Iterator[str]:
    sizes = {name: _batch(case) for name, case in named.items()}
    if len({s for s in sizes.values() if s == s}) > 1:
        each = ", ".join(f"{name} {size:g}" for name, size in sizes.items() if size == size)
        yield f"a step is not the same everywhere (samples per step: {each}), and no log counts tokens"


def _batch(case: Case) -> float:
    total = case.number("global_batch_size", "train_batch_size", "total_batch_size")
    if total is not None:
        return total
    micro = case.number("per_device_train_batch_size", "batch_size")
    if micro is None:
        return math.nan
    return micro * (case.number("gradient_accumulation_steps") or 1) * (case.number("world_size") or 1)


def _phases(named: Mapping[str, Case], axis: Axis, end: float) -> Iterator[str]:
    """A run whose learning rate is still high must not be held against one whose has decayed."""
    phases = {name: phase for name, case in named.items() if (phase := _phase(case, axis, end)) == phase}
    if len(phases) < 2:
        return
    high, low = max(phases, key=phases.__getitem__), min(phases, key=phases.__getitem__)
    if phases[high] - phases[low] > PHASE:
        yield (
            f"not the same phase of the schedule: where the common range ends, the learning rate of {high} is at "
            f"{phases[high]:.0%} of its peak, that of {low} at {phases[low]:.0%}; compare at the end of both decays"
        ).replace("%", " %")


def _phase(case: Case, axis: Axis, end: float) -> float:
    """The learning rate at a place, as a share of its peak; NaN where none is logged."""
    if case.loss is None or not len(case.loss):
        return math.nan
    step = by_step(case, case.loss, axis, end)
    rates = learning_rate(case, np.array([step])) if step == step else None
    series = case.get("learning_rate")
    if rates is None or series is None:
        return math.nan
    peak = float(np.nanmax(series.value[np.isfinite(series.value)], initial=0.0))
    return float(rates[0]) / peak if peak > 0 else math.nan
