"""L106: the level of a loss, read against the bands of its loss type."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.loss_type import Level
from trainvitals.diagnostics.ratio import fall, recent
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.parsers.model import Floats, Series

CODE, NAME = "L106", "level-band"

PRETRAINED = (
    "model_name_or_path", "base_model_name_or_path", "model_id_or_path", "pretrained_model_name_or_path", "tuner_type",
    "train_type", "tuner_backend", "finetuning_type", "lora_rank", "lora_r", "adapter_name_or_path", "adapters",
)  # fmt: skip
"""Hyperparameters that only a run on a pretrained model has."""

FROM_SCRATCH = {"train_from_scratch": "true", "init_from": "scratch", "from_scratch": "true"}
"""Hyperparameters that say that a run starts from scratch, and their values."""


def check(
    case: Case,
    *,
    scratch_share: float = 0.9,
    pretrained_share: float = 0.75,
    plausible_start: float = 5.0,
    still_falling: float = 0.05,
) -> Result:
    """The level of a loss lies in a band that asks for attention.

    What it checks: the present level of the losses for which the loss type has bands: fine-tuned language models (above
    5, 3-5, 1.5-3, 0.8-1.5, 0.5-0.8, below 0.5), the other loss and the perplexity of weighted articles, the validation
    loss of the three-stage distance loss by epoch.

    Why it matters: a pretrained model above 5 does not see its own kind of text (tokenizer, template, labels); below
    0.5 it may have memorised, or have seen the answers.

    What to try: what the band says.

    How it decides: the last of a few values, or the median of the last 5 % of many. Bands of fine-tuning are used only
    where a pretrained model is plausible: the configuration says so, or the first loss is below `pretrained_share`
    (0.75) of ln(vocabulary), or, with an unknown vocabulary, below `plausible_start` (5). A first loss above
    `scratch_share` (0.9) of ln(vocabulary) is a start from scratch, where no band applies. Bands that wait for a loss
    to come down are withheld while it still falls by `still_falling` (5 %) over the last half. Source: bands of the
    loss types. The field note calls 3-5 random guessing; random is ln(vocabulary), 11.9 for 150 000 tokens, and a wrong
    token does not cost infinity either: with 0.80 on another token it costs at least -ln(0.20) = 1.61. The spatial note
    reads a validation loss below 0.05 as an error below 5 px; a constant error of 38 px has that loss.

    Blind spots: languages and tasks on which a good model ends above 3; a loss whose scale is undetermined is not read.
    """
    if not case.loss_type.levels:
        return NotRun(CODE, f"the loss type {case.loss_type.name} has no bands", applicable=False)
    doubt = _scale_doubt(case)
    groups = dict.fromkeys((b.metric, b.split) for b in case.loss_type.levels)
    findings: list[Finding] = []
    seen: list[str] = []
    reasons: list[str] = []
    for metric, split in groups:
        series = case.get(metric, split)
        bands = [b for b in case.loss_type.levels if (b.metric, b.split) == (metric, split)]
        if series is None or not np.isfinite(series.value).any():
            reasons.append(f"no {'' if split == 'train' else f'{split} '}{metric} is logged")
            continue
        if bands[0].finetuning and case.nats(series) != 1:
            reasons.append(f"{series.logged_as} is in bits, and the bands are in nats")
            continue
        if bands[0].finetuning:
            start = _start(case, series, scratch_share, pretrained_share, plausible_start)
            if doubt or start != "pretrained":
                (seen if start.startswith("from scratch") and not doubt else reasons).append(doubt or start)
                continue
        band, value = _band(series, bands, still_falling)
        if band is not None and band.reading.severity:
            findings.append(_finding(case, series, band, value))
        else:
            seen.append(f"{series.logged_as} {value:.3g}" + (f": {band.reading.status}" if band else ""))
    if findings:
        return tuple(findings)
    return Pass(CODE, "; ".join(seen)) if seen else NotRun(CODE, "; ".join(reasons))


def _scale_doubt(case: Case) -> str:
    open_question = any(c.kind == "grad_accum" and c.metric == "loss" and not c.applied for c in case.corrections)
    return "the scale of the logged loss is undetermined" if open_question else ""


def _start(case: Case, series: Series, scratch: float, pretrained: float, plausible: float) -> str:
    """'pretrained', or why the bands of fine-tuning do not apply."""
    first = float(series.value[np.isfinite(series.value)][0])
    vocabulary = case.number("vocab_size")
    if any(str(case.config(name)).lower() == value for name, value in FROM_SCRATCH.items()):
        return "from scratch, as the configuration says: bands of fine-tuning do not apply"
    if vocabulary and vocabulary > 1:
        random = math.log(vocabulary)
        if first >= scratch * random:
            return f"from scratch: starts at {first:.3g}, ln({vocabulary:.0f}) is {random:.3g}"
        if first < pretrained * random:
            return "pretrained"
    if any(case.config(name) for name in PRETRAINED):
        return "pretrained"
    if not vocabulary and first < plausible:
        return "pretrained"
    return f"neither the start ({first:.3g}) nor the configuration tells a pretrained model from one from scratch"


def _band(series: Series, bands: list[Level], still_falling: float) -> tuple[Level | None, float]:
    """The last band that is due and holds the present value."""
    good = np.isfinite(series.value)
    values = series.value[good]
    value, step, epoch = recent(values), float(series.step[good][-1]), float(series.epoch[good][-1])
    for band in reversed(bands):
        timed = (band.after_epoch, epoch), (band.after_step, step)
        due = all(math.isinf(after) or now >= after for after, now in timed)
        if due and band.low <= value < band.high and not (band.unless_falling and _falls(values, still_falling)):
            return band, value
    return None, value


def _falls(values: Floats, by: float) -> bool:
    return fall(values[-max(2, (values.size + 1) // 2) :]) >= by


def _finding(case: Case, series: Series, band: Level, value: float) -> Finding:
    assert band.reading.severity
    last = int(np.flatnonzero(np.isfinite(series.value))[-1])
    high = f" and below {band.high:g}" if math.isfinite(band.high) else ""
    return Finding(
        CODE,
        NAME,
        band.reading.severity,
        (series.metric,),
        f"{series.logged_as} is {value:.4g}: {band.reading.status}",
        band.remedy,
        float(series.step[last]),
        float(series.step[last]),
        (evidence(case, series, last),),
        f"band from {band.low:g}{high}",
    )


RULE = Rule(CODE, NAME, "info", check)
