"""From a `Run` as read to one that rules can judge: one vocabulary, one series per metric, growing steps, true scale.

Every change of values or points is a `Correction`; nothing is changed silently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trainvitals.diagnostics.normalisation import grad_accum, hyperparameters, merge, names, repeats, resume, steps
from trainvitals.diagnostics.report import Correction
from trainvitals.parsers.model import ConfigValue, Run, Series

SUMMARY_TAGS = frozenset(
    f"train/{name}"
    for name in (
        "train_loss",
        "train_runtime",
        "train_samples_per_second",
        "train_steps_per_second",
        "total_flos",
    )
)
"""Scalars that the Hugging Face Trainer writes once, at the end, about the whole run: they are no series points."""


@dataclass(frozen=True, slots=True, eq=False)
class Normalised:
    """A run that rules can judge, the same run as logged (with names and steps, no value changed), and corrections.

    `step_unit` is `step`, or `epoch` or `row` where the log has no steps.
    """

    run: Run
    raw: Run
    corrections: tuple[Correction, ...]
    step_unit: str


def normalise(run: Run) -> Normalised:
    """Bring a run as read into the form that rules judge."""
    plain, summary = _without_summary(run.series, run.summary, run)
    named = names.rename(plain)
    stepped, unit = steps.fill(steps.with_epochs(named))
    joined = merge.by_format(stepped, run.sources)
    config = hyperparameters.canonical(run.config)
    raw = replace(run, series=joined, config=config, summary=summary)
    unique, dropped = resume.deduplicate(repeats.once(raw).series)
    merged, apart = merge.merge(unique, run.sources)
    rescaled, scaled = grad_accum.correct(replace(raw, series=merged))
    return Normalised(rescaled, raw, (*scaled, *dropped, *apart), unit)


def _without_summary(
    series: Sequence[Series], summary: Mapping[str, ConfigValue], run: Run
) -> tuple[tuple[Series, ...], dict[str, ConfigValue]]:
    found = dict(summary)
    for one in series:
        if one.logged_as in SUMMARY_TAGS and len(one):
            path = run.sources[int(one.source[-1])].path
            value = ConfigValue(float(one.value[-1]), path, int(one.line[-1]))
            found.setdefault(one.logged_as.removeprefix("train/"), value)
    return tuple(s for s in series if s.logged_as not in SUMMARY_TAGS and len(s)), found
