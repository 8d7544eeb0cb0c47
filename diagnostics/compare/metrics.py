"""Which metrics of runs are compared, and in which direction they are better."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.parsers.model import Series, Split

Key = tuple[str, Split]
"""A metric and its split."""

PACE = ("steps_per_second", "step_time", "tokens_per_second", "samples_per_second")

LOWER_IS_BETTER = frozenset(
    {"loss", "error", "ce", "nll", "perplexity", "ppl", "w1", "gate", "mae", "mse", "rmse", "wer"}
)
HIGHER_IS_BETTER = frozenset(
    {"acc", "accuracy", "recall", "precision", "f1", "auc", "map", "iou", "pck", "bleu", "margin", "mass", "top5", "p"}
)
"""Words in names of metrics."""


def better(metric: str) -> int:
    """-1 where lower is better, 1 where higher is, 0 where the name does not say."""
    words = set(re.split(r"[^a-z0-9]+", metric.lower()))
    if words & LOWER_IS_BETTER:
        return -1
    if words & HIGHER_IS_BETTER or metric.startswith("within_"):
        return 1
    return 0


def compared(cases: Sequence[Case], asked: Sequence[str] = ()) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
    """(metrics that all runs have, metrics that only some have), the main loss first, or those asked for, in order."""
    keys = (key for name in asked for key in named(cases, name)) if asked else _wanted(cases)
    wanted = tuple(dict.fromkeys(keys))
    has = {key: sum(_has(case, key) for case in cases) for key in wanted}
    return tuple(k for k in wanted if has[k] == len(cases)), tuple(k for k in wanted if 0 < has[k] < len(cases))


def named(cases: Sequence[Case], name: str) -> tuple[Key, ...]:
    """The metrics of any run that a name or pattern means: as shown (`eval loss`), else as logged, or on any split."""
    series = [one for case in cases for one in case.run.series if len(one)]
    ways: tuple[Callable[[Series], str], ...] = (
        lambda one: label(one.metric, one.split),
        lambda one: one.logged_as,
        lambda one: one.metric,
    )
    found = ([(one.metric, one.split) for one in series if fnmatchcase(way(one), name)] for way in ways)
    return tuple(dict.fromkeys(next((keys for keys in found if keys), [])))


def quality(case: Case) -> tuple[Key, ...]:
    """The losses of a run on all splits, and what tells quality on held-out data: its direction is known."""
    parts = (name for ratio in case.loss_type.ratios for name in (ratio.numerator, ratio.denominator))
    main = tuple(dict.fromkeys((case.loss_type.main, "loss", *parts)))
    losses: list[Key] = [(name, split) for split in ("train", *HELD_OUT) for name in main if case.get(name, split)]
    others: list[Key] = [(s.metric, s.split) for s in case.run.series if s.split in HELD_OUT and better(s.metric)]
    return tuple(dict.fromkeys((*losses, *others)))


def label(metric: str, split: str) -> str:
    """A metric with its split, where that is not training."""
    return metric if split in ("train", "") else f"{split} {metric}"


def _wanted(cases: Iterable[Case]) -> Iterator[Key]:
    kinds = list({case.loss_type.name: case.loss_type for case in cases}.values())
    splits: tuple[Split, ...] = ("train", *HELD_OUT)
    for kind in kinds:
        yield from ((name, split) for split in splits for name in (kind.main, "loss"))
    for kind in kinds:
        parts = (name for ratio in kind.ratios for name in (ratio.numerator, ratio.denominator))
        yield from ((name, split) for name in (*parts, *kind.watched) for split in splits)
    yield from ((name, "train") for name in PACE)


def _has(case: Case, key: Key) -> bool:
    series = case.get(*key)
    return series is not None and len(series) > 0
