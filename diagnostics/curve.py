"""What the rules about curves share: the usable part of a loss, whether its shape may be judged, how far the run is."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.statistics import (
    MAD_TO_SD,
    MIN_NOISE,
    Local,
    block_count,
    finite,
    local_noise,
    median,
    quantile,
)
from trainvitals.parsers.model import Bools, Floats, Ints, Series

SHORT = 200
"""Points below which windows for the local noise are as long as the bends of the curve itself."""

REWARD_WORDS = frozenset(
    {
        *("reward", "rewards", "rew", "return", "returns", "episodic", "advantage", "advantages"),
        *("pg", "policy", "actor", "critic", "td", "qf"),
    }
)
"""Words in metric names of reinforcement and preference training, whose loss says nothing about progress."""

ADVERSARIAL = (
    ("d_loss", "g_loss"),
    ("loss_d", "loss_g"),
    ("d_real", "d_fake"),
    ("g_gan", "d_real"),
    ("loss_gen", "loss_disc"),
    ("gen_loss", "disc_loss"),
)
"""Pairs of metrics of adversarial training, where two losses hold each other up."""

HALF = ("fp16", "mixed_precision", "precision")
"""Hyperparameters that say whether a loss scaler is used."""

SCALES = frozenset({"loss_scale", "grad_scale", "scale", "amp_scale"})
"""Metrics that hold the factor of a loss scaler; a constant 1 is none."""

RLHF_TYPES = frozenset({"grpo", "ppo", "dpo", "kto", "orpo", "cpo", "simpo", "rloo", "gkd", "online_dpo", "reinforce"})


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The finite points of a positive series at growing steps, each step once.

    Attributes:
        series: the points, so that an index can be cited.
        x: their steps, or their order where the log has no steps.
        u: ln of their values; zeros count as half of the smallest positive value.
    """

    series: Series
    x: Floats
    u: Floats

    def __len__(self) -> int:
        return int(self.x.size)

    @property
    def noise(self) -> Local:
        """Scale and memory of the noise of `u`, which is measured when it is first asked for."""
        return _noise(self)

    @property
    def memory(self) -> float:
        """Points per independent point; 1 for short curves, as their bend is all that their autocorrelation shows."""
        return self.noise.tau if len(self) >= SHORT else 1.0

    def blocks(self, least: int = 6) -> int:
        """How many near-independent blocks there are; `least` for a short curve of at least 3 times as many points."""
        count = block_count(len(self), self.noise.tau)
        return max(count, least) if 3 * least <= len(self) < SHORT else count

    def scatter(self, caution: float = 1.0) -> float:
        """Noise of one point; for short curves from second differences, which a bend does not inflate.

        White noise of standard deviation s has second differences of sqrt(6) * s; their median deviation is not moved
        by a single jump. `caution` multiplies that estimate, as noise with memory has smaller ones.
        """
        if len(self) >= SHORT or len(self) < 5:
            return self.noise.sd
        bends = np.diff(self.u, 2)
        bends = bends - median(bends)
        spread = MAD_TO_SD * median(np.abs(bends)) if bends.size >= 12 else np.sqrt(np.mean(bends**2))
        rough = float(spread / np.sqrt(6))
        return min(self.noise.sd, max(MIN_NOISE, caution * rough))

    @property
    def wander(self) -> float:
        """How far a short smoothed curve strays by chance; 0 below 50 points, where no window is straight."""
        if not 50 <= len(self) < SHORT or self.noise.lag1 <= 0.5:
            return 0.0
        return 4 * (self.noise if len(self) >= SHORT / 2 else local_noise(self.u, pieces=4, shortest=12)).sd

    def step(self, index: int) -> float:
        """The logged step of a point, NaN where the log has none."""
        return float(self.series.step[index])


# Every rule about curves asks for the same few; a series is equal to itself alone.
@lru_cache(maxsize=8)
def curve(series: Series) -> Curve:
    """The part of a series that can be judged; of several values of one step the last one written."""
    good = np.isfinite(series.value)
    kept = series if good.all() else series.take(good)
    if len(kept) and np.isfinite(kept.step).all():
        if not (np.diff(kept.step) > 0).all():
            last_first = kept.step[::-1]
            kept = kept.take(len(kept) - 1 - np.unique(last_first, return_index=True)[1])
        x = kept.step
    else:
        x = np.arange(len(kept), dtype=np.float64)
    positive = kept.value[kept.value > 0]
    floor = max(float(positive.min()) / 2, np.finfo(np.float64).tiny) if positive.size else 1.0
    u = np.log(np.maximum(kept.value, floor))
    return Curve(kept, x, u)


@lru_cache(maxsize=8)
def _noise(c: Curve) -> Local:
    return local_noise(c.u)


# A dozen rules ask for it; a case is equal to itself alone.
@lru_cache(maxsize=2)
def other_aim(case: Case) -> str:
    """The kind of training whose loss is no measure of progress, in words; empty for any other."""
    names = {s.metric for s in case.run.series if np.isfinite(s.value).any()}
    rewards = sorted(n for n in names if REWARD_WORDS & set(re.split(r"[^a-z]+", n.lower())))
    if rewards:
        return f"reinforcement or preference training ({rewards[0]} is logged): the loss is no measure of progress"
    kind = str(case.config("rlhf_type") or "").lower()
    if kind in RLHF_TYPES:
        return f"rlhf_type is {kind}: the loss is no measure of progress"
    pair = next((p for p in ADVERSARIAL if set(p) <= names), None)
    if pair:
        return f"adversarial training ({pair[0]} and {pair[1]} are logged): neither loss need fall"
    return ""


# Every rule about a curve asks; cases and series are equal to themselves alone.
@lru_cache(maxsize=4)
def unfit(case: Case, series: Series) -> str:
    """Why the course of a loss says nothing about health; empty where it does."""
    reason = other_aim(case)
    if reason:
        return reason
    values = finite(series.value)
    if values.size and values.min() < 0:
        return f"{series.logged_as} takes negative values (lowest {values.min():.6g}): relative changes mean nothing"
    if values.size and values.max() == 0:
        return f"{series.logged_as} is 0 throughout"
    return "" if values.size else f"{series.logged_as} has no finite value"


def setting(case: Case, *names: str) -> float:
    """A hyperparameter as a positive finite number, NaN where it is absent or no such number."""
    value: Any = case.config(*names)
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return found if 0 < found < 1e15 and not isinstance(value, bool) else math.nan


@lru_cache(maxsize=4)
def share_done(case: Case, series: Series) -> float:
    """How much of the planned run a series reaches, 0 to 1; NaN where the plan is unknown or in other units."""
    last_epoch = _last(series.epoch)
    pairs = [(last_epoch, setting(case, "num_train_epochs"))]
    pairs.insert(
        0, (_last(series.step), setting(case, "max_steps" if case.step_unit == "step" else "num_train_epochs"))
    )
    shares = [done / plan for done, plan in pairs if done == done and plan == plan and done <= 1.02 * plan]
    return min(1.0, max(shares)) if shares else math.nan


def _last(column: Floats) -> float:
    known = finite(column)
    return float(known.max()) if known.size else math.nan


def learning_rate(case: Case, x: Floats) -> Floats | None:
    """Learning rates at these steps (the latest logged before each), or None where none are logged."""
    series = case.get("learning_rate")
    if series is None:
        return None
    good = np.isfinite(series.step) & np.isfinite(series.value)
    if good.sum() < 2:
        return None
    step, value = (series.step, series.value) if good.all() else (series.step[good], series.value[good])
    grows = step[1:] > step[:-1]
    if grows.all() and np.array_equal(step, x):
        return value
    order = np.argsort(step, kind="stable")
    step, value = step[order], value[order]
    return np.asarray(value[np.clip(np.searchsorted(step, x, side="right") - 1, 0, None)])


def warming_up(case: Case, x: Floats) -> bool:
    """Whether the learning rate still rises at the last of these steps."""
    rate = learning_rate(case, x)
    if rate is None or rate.size < 3:
        return False
    before = rate[-max(2, rate.size // 10)]
    return bool(rate[-1] >= rate.max() and rate[-1] > 1.001 * before and rate[-1] > 1.05 * rate[0])


def restarted(case: Case, x: Floats, since: int) -> bool:
    """Whether the learning rate is back at 3 or more times its value at index `since`, within what it had before."""
    rate = learning_rate(case, x)
    if rate is None or since < 1:
        return False
    return bool(rate[-1] >= 3 * rate[since] and rate[-1] <= 1.05 * rate[: since + 1].max())


def label(series: Series) -> str:
    """A series as the log calls it, with its split where the name does not say it."""
    known = series.split in ("train", "") or re.match(r"(eval|val|test|dev)", series.logged_as, re.IGNORECASE)
    return series.logged_as if known else f"{series.split} {series.logged_as}"


def window(start: float, end: float) -> str:
    """A step window in words; empty where the log has no steps."""
    if start != start or end != end:
        return ""
    return f" at step {start:.9g}" if start == end else f" between steps {start:.9g} and {end:.9g}"


def percent(log_change: float) -> str:
    """A change in ln units as a signed percentage, or as a factor when it is more than a doubling."""
    if log_change > math.log(2):
        return f"x{math.exp(min(log_change, 700)):.3g}"
    return f"{math.expm1(log_change):+.1%}".replace("%", " %")


def level(u: float) -> float:
    """The value of which `u` is the natural logarithm, as far as a double reaches."""
    return math.exp(min(u, 709.0))


def stretches(mask: Bools) -> list[tuple[int, int]]:
    """First and last index of every run of true values."""
    if not mask.any():
        return []
    edges = np.diff(np.concatenate([[0], mask.view(np.int8), [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True))


def hidden_zeros(values: Floats, shortest: int = 3, quanta: float = 10.0) -> list[tuple[int, int]]:
    """First and last index of every stretch of zeros in a series without negative values that is no rounded value."""
    runs = [(a, b) for a, b in stretches(values == 0) if b - a + 1 >= shortest]
    if not runs or np.nanmin(values) < 0:
        return []
    small = rounded(values, [a for a, _ in runs], quanta)
    return [run for run, excused in zip(runs, small, strict=True) if not excused]


@lru_cache(maxsize=4)
def sound(series: Series) -> Series:
    """A loss without the zeros that N102 reports: they are no level that it fell to."""
    kept = np.ones(len(series), bool)
    for a, b in hidden_zeros(series.value):
        kept[a : b + 1] = False
    return series if kept.all() or not kept.any() else series.take(kept)


def rounded(values: Floats, starts: Sequence[int], quanta: float, rows: int = 5) -> list[bool]:
    """For each place of a zero, whether the values before it had come down to the last decimals that the log keeps.

    The last of them, the median of `rows`, or a quarter of four times as many: single batches cost much to the end.
    """
    good = np.flatnonzero(np.isfinite(values) & (values > 0))
    unit = quantum(values[good])
    limit = quanta * unit if good.size else 0.0
    # A single 1.0 is no small number, though it has no decimals; a single 0.0002 is one.
    last = limit if unit <= 1e-3 else min(limit, 0.1 * float(values[good].max(initial=0.0)))
    recent = (values[good[max(0, end - 4 * rows) : end]] for end in np.searchsorted(good, starts).tolist())
    return [before.size > 0 and (before[-1] <= last or _come_down(before, limit, rows)) for before in recent]


def _come_down(before: Floats, limit: float, rows: int) -> bool:
    return before.size >= rows and min(median(before[-rows:]), quantile(before, 0.25)) <= limit


def quantum(values: Floats, most: int = 8) -> float:
    """The unit of the last decimal place in which values are written; 0 where they have more than `most` places."""
    sample = np.clip(values[:: max(1, values.size // 1000)], -1e12, 1e12)
    # Most series have more places, which one value tells.
    if abs(round(float(sample[0]), most) - sample[0]) > 1e-12 if sample.size else False:
        return 0.0
    for places in range(most + 1):
        if np.abs(np.round(sample, places) - sample).max(initial=0.0) <= 1e-12:
            return float(10.0**-places)
    return 0.0


@lru_cache(maxsize=2)
def scaler_at_work(case: Case) -> bool:
    """Whether the log shows a loss scaler: it skips the steps whose gradient overflows, which is no fault by itself."""
    half = any(str(case.config(name)).lower() in ("true", "fp16", "float16", "16-mixed", "16") for name in HALF)
    scaled = any(s.metric.replace(" ", "_") in SCALES and np.nanmax(s.value, initial=0) > 1 for s in case.run.series)
    return half or scaled or any(n.kind == "overflow" for n in case.run.notes)


@lru_cache(maxsize=4)
def epoch_starts(c: Curve) -> Ints | None:
    """Index of the first row of every epoch after the first; None where the log does not say where epochs end."""
    epoch = c.series.epoch
    if epoch.size < 2 or not np.isfinite(epoch).all():
        return None
    # A row at exactly 1.0 is the last of the first epoch.
    return np.flatnonzero(np.diff(np.ceil(np.maximum(epoch, 1e-9) - 1e-9)) > 0) + 1
