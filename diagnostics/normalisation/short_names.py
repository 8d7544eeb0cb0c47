"""Names that say their split in short, or nothing but their split: `tr_loss`, `te_acc`, `Train: 0.41 | Val: 0.45`.

What such a name means follows from those beside it: `te_loss` is of a test beside `tr_loss`, and of a text encoder
beside others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from trainvitals.parsers.model import SPLIT_WORDS, Floats, Series

_TRAIN = ("tr", "trn", "t")
_HELD_OUT = {"te": "test", "ts": "test", "tst": "test", "vl": "val", "va": "val", "v": "val"}
_OUTCOME = r"loss|acc|accuracy|err|error|f1|auc|ppl|perplexity|mse|mae|rmse|nll|ce"
_SHORT = r"(?P<split>" + "|".join((*_TRAIN, *_HELD_OUT)) + r")"
_BEFORE = re.compile(rf"{_SHORT}[/_. -](?P<rest>{_OUTCOME})", re.IGNORECASE)
_BEHIND = re.compile(rf"(?P<rest>{_OUTCOME})[/_. -]{_SHORT}", re.IGNORECASE)
_LOSS = re.compile(r"(train(ing)?[/_. -])?loss([/_. -]train(ing)?)?", re.IGNORECASE)
_BARE_TRAIN = ("train", "training", "learn")


def spelled_out(series: Sequence[Series]) -> Mapping[str, str]:
    """The full name of each name of a run, as logged, that is short; all others are left out."""
    return {**_of_splits([one.logged_as for one in series]), **_of_losses(series)}


def _of_splits(names: Sequence[str]) -> dict[str, str]:
    """`train_loss` for `tr_loss`; the one letter, and what is held out, only where both sides are there."""
    short = {name: m for name in names if (m := _BEFORE.fullmatch(name) or _BEHIND.fullmatch(name))}
    said = {name: m["split"].lower() for name, m in short.items()}
    held_out = any(split in _HELD_OUT for split in said.values())
    train = [split for split in said.values() if split in _TRAIN and (split != "t" or held_out)]
    if not train:
        return {}
    letters = "t" in train
    return {
        name: f"{_HELD_OUT.get(split, 'train')}_{short[name]['rest']}"
        for name, split in said.items()
        if len(split) > 1 or letters
    }


def _of_losses(series: Sequence[Series]) -> dict[str, str]:
    """`val_loss` for `Val` beside `Train`, or beside a loss of that size, where the values fall as losses do."""
    bare = {one.logged_as: one for one in series if one.logged_as.lower() in (*SPLIT_WORDS, *_BARE_TRAIN)}
    if not bare or any(len([s for s in series if s.logged_as == name]) > 1 for name in bare):
        return {}
    train = next((one for name, one in bare.items() if name.lower() in _BARE_TRAIN), None)
    loss = next((one for one in series if _LOSS.fullmatch(one.logged_as) and one.split in ("", "train")), None)
    against = loss if loss is not None else train
    if against is None or not _falls(against.value) or (train is not None and loss is not None):
        return {}
    named = {name: one for name, one in bare.items() if one is against or _alike(one, against)}
    return {name: f"{'train' if one is train else name}_loss" for name, one in named.items()}


def _falls(values: Floats) -> bool:
    good = values[np.isfinite(values)]
    quarter = good.size // 4
    return quarter > 0 and bool(0 < np.median(good[-quarter:]) < np.median(good[:quarter]))


def _alike(one: Series, other: Series, factor: float = 3.0) -> bool:
    """Whether two series begin at one level, as the losses of two splits do."""
    first = [float(s.value[0]) for s in (one, other)]
    return min(first) > 0 and max(first) < factor * min(first)
