"""One vocabulary for metric names and splits; the name as logged is kept in `Series.logged_as`.

`eval_loss`, `eval/loss`, `val_loss` and `Validation Loss` are all the metric `loss` of split `eval`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from trainvitals.diagnostics.normalisation.short_names import spelled_out
from trainvitals.parsers.model import SPLIT_WORDS, Series, Split

ALIASES = {
    # losses
    "total_loss": "loss",
    "loss_total": "loss",
    "loss/total": "loss",
    "lm_loss": "loss",
    "epoch_loss": "loss",
    "main/loss": "loss",
    "loss_metrics/global_avg_loss": "loss",
    "loss/train/total": "loss",
    "metrics/eval/languagecrossentropy": "loss",
    "reduced_train_loss": "loss",
    "epoch_metrics/loss": "loss",
    "loss_step": "loss",
    "loss_epoch": "loss",
    "loss_running": "loss",
    "step_loss": "loss",
    "batch_loss": "loss",
    "iter_loss": "loss",
    "avr_loss": "loss",
    "crossentropyloss": "loss",
    "avg_loss": "loss",
    "avg._loss": "loss",
    "average_loss": "loss",
    "mean_loss": "loss",
    "running_loss": "loss",
    "loss_avg": "loss",
    "loss_mean": "loss",
    "estimated_loss": "loss",
    "loss/tok": "loss",
    "loss_function": "loss",
    "trl": "loss",
    "tel": "loss",
    # optimisation
    "lr": "learning_rate",
    "learning_rate/lr": "learning_rate",
    "gnorm": "grad_norm",
    "gnorm_epoch": "grad_norm",
    "grad": "grad_norm",
    "gradient_norm": "grad_norm",
    "global_grad_norm": "grad_norm",
    "total_norm": "grad_norm",
    "norm": "grad_norm",
    "grad_norm/total": "grad_norm",
    "grad_norm_total": "grad_norm",
    "total_grad_norm": "grad_norm",
    "grad_norm/global": "grad_norm",
    "l2_norm/grad/global": "grad_norm",
    "grad_2.0_norm_total": "grad_norm",
    "clip": "grad_clip_fraction",
    "clip_rate": "grad_clip_fraction",
    "grad_clip_frac": "grad_clip_fraction",
    "grad_clip_rate": "grad_clip_fraction",
    "grad_clipped": "grad_clip_fraction",
    "clipped_fraction": "grad_clip_fraction",
    # pace
    "time_per_step": "step_time",
    "step_time_s": "step_time",
    "sec_per_step": "step_time",
    "seconds_per_step": "step_time",
    "s/step": "step_time",
    "s/it": "step_time",
    "sec/it": "step_time",
    "iter_time": "step_time",
    "time_per_iter": "step_time",
    "time_per_iteration": "step_time",
    "iteration_time": "step_time",
    "batch_time": "step_time",
    "elapsed_time_per_iteration_(ms)": "step_time",
    "step_ms": "step_time",
    "step_time_ms": "step_time",
    "dt": "step_time",
    "dt_ms": "step_time",
    "tok/s": "tokens_per_second",
    "tok/sec": "tokens_per_second",
    "tokens/s": "tokens_per_second",
    "tokens/sec": "tokens_per_second",
    "tokens_per_sec": "tokens_per_second",
    "tok_per_sec": "tokens_per_second",
    "tps": "tokens_per_second",
    "wps": "tokens_per_second",
    "throughput/tokens_per_sec": "tokens_per_second",
    "samples/s": "samples_per_second",
    "samples/sec": "samples_per_second",
    "samples_per_sec": "samples_per_second",
    "examples_per_second": "samples_per_second",
    "imgs/s": "samples_per_second",
    "images_per_second": "samples_per_second",
    "it/s": "steps_per_second",
    "iter/s": "steps_per_second",
    "steps/s": "steps_per_second",
    "steps_per_sec": "steps_per_second",
    "ups": "steps_per_second",
    # perplexity
    "ppl": "perplexity",
    "lm_loss_ppl": "perplexity",
    # article: a class of tokens with its own weight
    "a_loss": "article_loss",
    "o_loss": "other_loss",
    # spatial and eos: quality beside the loss
    "px_error_mean": "pixel_error_mean",
    "mean_pixel_error": "pixel_error_mean",
    "mean_error_px": "pixel_error_mean",
    "pixel_error/mean": "pixel_error_mean",
    "pixel_error": "pixel_error_mean",
    "px_error_median": "pixel_error_median",
    "median_pixel_error": "pixel_error_median",
    "pixel_error/median": "pixel_error_median",
    "px_error_p95": "pixel_error_p95",
    "p95_pixel_error": "pixel_error_p95",
    "pixel_error/p95": "pixel_error_p95",
    "within_2_px": "within_2px",
    "within_5_px": "within_5px",
    "within_8_px": "within_8px",
    "within_10_px": "within_10px",
    "recall_eos": "eos_recall",
    "eos/recall": "eos_recall",
    "pred_len": "pred_length",
    "predicted_length": "pred_length",
    "mean_pred_length": "pred_length",
    "mean_predicted_length": "pred_length",
    "pred_length_mean": "pred_length",
    "target_len": "target_length",
    "true_length": "target_length",
    "gt_length": "target_length",
    "mean_target_length": "target_length",
    "mean_true_length": "target_length",
    "pck@0.05": "pck",
    "pck@0.1": "pck",
    "pck@0.2": "pck",
    "weighted_ppl": "weighted_perplexity",
    # softce: metrics of the coordinate slice carry their module's name
    "base_ce/loss": "base_ce",
    "base_ce/noncoord_tokens": "noncoord_tokens",
    "coord_softce_w1/soft_ce": "soft_ce",
    "coord_softce_w1/w1": "w1",
    "coord_softce_w1/gate": "gate",
    "coord_softce_w1/p_gt_mean": "p_gt_mean",
    "coord_softce_w1/margin": "margin",
    "coord_softce_w1/coord_vocab_mass": "coord_vocab_mass",
    "coord_softce_w1/acc_top5": "acc_top5",
    "coord_softce_w1/entropy": "coord_entropy",
    "coord_softce_w1/error_argmax": "error_argmax",
    "coord_softce_w1/error_mean": "error_mean",
    "coord_softce_w1/error_median": "error_median",
    "decode_error/argmax": "error_argmax",
    "decode_error/mean": "error_mean",
    "decode_error/median": "error_median",
    "argmax_error": "error_argmax",
    "mean_error": "error_mean",
    "median_error": "error_median",
}
"""Canonical name of a metric, by its lower-case name without split prefix."""

_SUFFIX = re.compile(
    r"(.*(?:loss|acc|accuracy|error|f1|auc|ppl|perplexity))[/_. -](" + "|".join(SPLIT_WORDS) + r")", re.IGNORECASE
)
"""Behind other names the same words may say something else: `std_dev`, `hits_test`."""
_PREFIX = re.compile(
    r"("
    + "|".join(SPLIT_WORDS)
    + r")(?:(?:_\d{1,2}(?=[-']))?(?:'s)?[/_. :-]+(?=.)|(?=(?:loss|acc|accuracy|err|error|ppl)$))",
    re.IGNORECASE,
)
_AVERAGE = re.compile(
    r"(?:avg|average|mean|running)[._ -]+(?=(?:" + "|".join(SPLIT_WORDS) + r")[/_. -]*loss$)", re.IGNORECASE
)
"""A word that says only that a loss is the mean of several batches: `avg_train_loss`."""


# The runs below a folder log the same names.
@lru_cache(maxsize=1024)
def canonical(logged: str, split: Split) -> tuple[str, Split]:
    """(metric, split) of a name as logged; a split that the format already knows is kept.

    >>> canonical("val_loss_x", "")
    ('loss_x', 'eval')
    >>> canonical("train/grad_norm", "")
    ('grad_norm', 'train')
    >>> canonical("Article Loss", "")
    ('article_loss', 'train')
    >>> canonical("loss_val", "")
    ('loss', 'eval')
    >>> canonical("avg_val_loss", "")
    ('loss', 'eval')
    """
    logged = _AVERAGE.sub("", logged)
    prefix = _PREFIX.match(logged)
    if prefix:
        split = split or SPLIT_WORDS[prefix[1].lower()]
    elif suffix := _SUFFIX.fullmatch(logged):
        split = split or SPLIT_WORDS[suffix[2].lower()]
    name = _plain(logged)
    return ALIASES.get(name, name), split or "train"


def rename(series: Iterable[Series]) -> tuple[Series, ...]:
    """All series under canonical names.

    Where two series of one source would get the same name, the one that was logged under it keeps it, then values of
    single steps before means of an epoch; the other keeps its own lower-case name, so that nothing merges by accident.
    """
    every = tuple(series)
    full = spelled_out(every)
    ranked = sorted(enumerate(every), key=lambda item: (_rank(item[1]), item[0]))
    taken: set[tuple[str, Split, int]] = set()
    renamed: dict[int, Series] = {}
    for position, one in ranked:
        origin = int(one.source[0]) if len(one) else -1
        metric, split = canonical(full.get(one.logged_as, one.logged_as), one.split)
        choices = (metric, _plain(one.logged_as), one.logged_as)
        free = next((c for c in choices if (c, split, origin) not in taken), one.logged_as)
        taken.add((free, split, origin))
        renamed[position] = replace(one, metric=free, split=split)
    return tuple(renamed[i] for i in sorted(renamed))


def _rank(one: Series) -> tuple[bool, bool]:
    plain = _plain(one.logged_as)
    return canonical(one.logged_as, "")[0] != plain, plain.endswith("_epoch")


@lru_cache(maxsize=1024)
def _plain(logged: str) -> str:
    """The name without its split, before aliases; trainers say the split twice in `train/train_speed`."""
    prefix = _PREFIX.match(logged)
    if prefix:
        again = _PREFIX.match(logged, prefix.end())
        logged = logged[again.end() if again and again[1].lower() == prefix[1].lower() else prefix.end() :]
    elif suffix := _SUFFIX.fullmatch(logged):
        logged = suffix[1]
    return re.sub(r"\s+", "_", logged.strip().lower())
