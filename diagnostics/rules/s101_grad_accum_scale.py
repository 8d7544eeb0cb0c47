"""S101: the training loss is logged times, or divided by, the gradient accumulation."""

from __future__ import annotations

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.normalisation.grad_accum import KIND, SUSPECTED, UNDETERMINED, judge
from trainvitals.diagnostics.report import Correction, Evidence, Finding, NotRun, Pass, Severity
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.parsers.model import Series

CODE, NAME = "S101", "grad-accum-scale"

TOO_LARGE = (
    "upgrade transformers (4.47.1 and 4.48.1 repair standard causal models, 5.15 label smoothing), or divide by "
    "num_items_in_batch (else by the accumulation) in your own compute_loss; set max_grad_norm again afterwards, since "
    "the gradient usually carries the same factor and is clipped that much harder"
)
TOO_SMALL = (
    "divide by the accumulation in one place only: not in compute_loss where the Trainer does it, and log the loss "
    "before it is divided; then look at the learning rate again, since the gradient may be too small as well"
)
UNKNOWN = "look up gradient_accumulation_steps of this run (put args.json or training_args.json beside the log)"


def check(case: Case) -> Result:
    """The training loss is logged K times its level, or 1/K of it, K being the gradient accumulation.

    What it checks: the train loss against the eval loss at the same steps, the gradient accumulation and the number of
    processes, and, where they are logged, token accuracy, nll and the loss of the untrained model. The releases of
    transformers that are known for it are a prior only.

    Why it matters: train and eval cannot be compared, and every band and ratio of the loss is off. It is rarely the log
    alone: the gradient norm usually carries the same factor, so that clipping acts K times harder. (Not under DeepSpeed
    with transformers up to 4.48.3, whose engine divides once more.)

    What to try: upgrade transformers, or divide by `num_items_in_batch` in an own `compute_loss`, or set
    `model_accepts_loss_kwargs = False` on a trainer whose model ignores it; then set `max_grad_norm` again.

    How it decides: the median of train over eval loss in the first epoch, with the train rows before and after each
    eval, has to lie within a quarter of an octave of a possible factor, over at least 3 pairs that agree. Factors below
    4, fewer pairs, or a ratio that drifts need a second witness. The normalised series is divided only where the
    accumulation was read from a file; a ratio that only looks like a power of two is an info. A flat ratio of 1/K from
    the first pair on is a warning and is left as logged, as an eval loss that is K times too large looks the same.
    What stays open is `not run (undetermined)`. Source: measured on 290 runs of 14 releases of transformers with known
    factors.

    Blind spots: an accumulation of 2 or 3 without a second witness, memorised data, an eval set of other difficulty,
    and several processes that multiply train and eval loss alike. A run without eval loss is judged only where its
    token accuracy or its first losses suffice.
    """
    made = next((c for c in case.corrections if c.kind == KIND), None)
    if made is None:
        verdict = judge(case.run)
        return Pass(CODE, verdict.reason) if verdict.kind == "unscaled" else NotRun(CODE, verdict.reason)
    if made.evidence.startswith(UNDETERMINED):
        return NotRun(CODE, made.evidence)
    if made.evidence.startswith(SUSPECTED):
        return _finding(case, made, "info", f"train loss looks logged {_level(made.factor)}; left as logged", UNKNOWN)
    return _finding(case, made, "warn", _claim(case, made), TOO_LARGE if made.factor > 1 else TOO_SMALL)


def _claim(case: Case, made: Correction) -> str:
    k = case.config("gradient_accumulation_steps")
    known = f" (gradient accumulation {k})" if k is not None else ""
    done = f"{_operation(made.factor)} here" if made.applied else "left as logged here"
    return f"train loss is logged {_level(made.factor)}{known}; {done}"


def _level(factor: float) -> str:
    return f"{factor:g} times its level" if factor > 1 else f"at 1/{1 / factor:g} of its level"


def _operation(factor: float) -> str:
    return f"divided by {factor:g}" if factor > 1 else f"multiplied by {1 / factor:g}"


def _finding(case: Case, made: Correction, severity: Severity, message: str, remedy: str) -> Finding:
    logged = case.raw.get("loss") or case.run.get("loss")
    whole = logged is not None and len(logged) > 0
    return Finding(
        CODE,
        NAME,
        severity,
        ("loss", "grad_norm") if case.run.get("grad_norm") is not None else ("loss",),
        message,
        remedy,
        float(logged.step[0]) if logged is not None and whole else float("nan"),
        float(logged.step[-1]) if logged is not None and whole else float("nan"),
        _cited(case, logged) + _cited(case, case.raw.get("loss", "eval")),
        how=made.evidence,
    )


def _cited(case: Case, series: Series | None) -> tuple[Evidence, ...]:
    """The first and the last point, as logged."""
    if series is None or not len(series):
        return ()
    return tuple(evidence(case, series, i) for i in sorted({0, len(series) - 1}))


RULE = Rule(CODE, NAME, "warn", check)
