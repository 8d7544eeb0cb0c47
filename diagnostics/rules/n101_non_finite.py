"""N101: NaN or infinity in a loss or gradient series."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import label, learning_rate, scaler_at_work, stretches, window
from trainvitals.diagnostics.report import Evidence, Finding, NotRun, Pass, Severity
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Bools, Series

CODE, NAME = "N101", "non-finite"

LOSS_WORDS = frozenset({"loss", "losses", "nll", "ce", "bce", "xent", "mse", "mae", "elbo"})
GRADIENT_WORDS = frozenset({"grad", "gradient", "gnorm", "gradnorm"})
OTHER_WORDS = frozenset(
    {"best", "min", "lowest", "scale", "scaler", "weight", "cos", "cosine", "num", "number", "count"}
)
"""Words that make a name with `loss` in it something else: a sentinel `best_loss = inf`, a loss scale, a counter."""

REMEDY = (
    "resume from a checkpoint before this step with a lower learning rate or tighter gradient clipping; in fp16 try "
    "bf16; look for empty or corrupt batches, log(0) and division by zero"
)


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """The non-finite points of one series."""

    series: Series
    bad: Bools
    severity: Severity
    hollow: bool

    @property
    def first(self) -> int:
        """Index of the first non-finite value."""
        return int(self.bad.argmax())

    @property
    def last(self) -> int:
        """Index of the last non-finite value."""
        return int(self.bad.size - 1 - self.bad[::-1].argmax())


def check(case: Case, *, recovered_after: int = 5, skipped_share: float = 0.2) -> Result:
    """A loss or a gradient norm is NaN or infinite.

    What it checks: every series of a loss (train and held-out, total and parts) and of a gradient norm, for NaN and
    infinities. It names the first step, what came before it, and whether the run came back. Perplexities, accuracies
    and averages of precision may be undefined in places and are not looked at.

    Why it matters: one NaN in the loss makes the gradient NaN, and one step with it destroys all weights. If the values
    come back, a batch was skipped or lost, and the cause is still there.

    What to try: resume from a checkpoint before the step with a lower learning rate or tighter clipping; use bf16
    instead of fp16; find the batch (empty, corrupt, log of zero) by its step; where parts of the loss are logged, the
    part that broke first names the head.

    How it decides: a series fails when it has a non-finite value and fewer than `recovered_after` (5) finite values
    after the last of them; otherwise it is a warning. A part that is undefined in scattered rows while the total stays
    finite is a mean over nothing, and a warning. Gradient norms are excused where a loss scaler is at work, the loss
    stays finite, the norm comes back and no more than `skipped_share` (20 %) of the rows are hit: the scaler skips
    those steps by design. Source: IEEE 754, and the log lines of torch.amp, Apex and fairseq.

    Blind spots: trainers that replace a NaN before they log it (Hugging Face's `logging_nan_inf_filter`, on by
    default) or leave the field out (Megatron-LM); N102 looks for those. A running mean stays NaN for ever after one
    NaN, so that a run looks worse than it is.
    """
    judged = [s for s in case.run.series if is_judged(s.metric, case) and len(s)]
    if not judged:
        return NotRun(CODE, "no loss and no gradient norm is logged")
    found = [_fault(case, s, ~np.isfinite(s.value), recovered_after) for s in judged if not np.isfinite(s.value).all()]
    excused = [f for f in found if _skipped_by_scaler(case, f, skipped_share)]
    faults = [f for f in found if f not in excused]
    if not faults:
        note = f"; {sum(int(f.bad.sum()) for f in excused)} steps skipped by the loss scaler" if excused else ""
        return Pass(CODE, f"{len(judged)} loss and gradient series are finite{note}")
    groups = [[f for f in faults if f.severity == severity] for severity in ("fail", "warn")]
    return tuple(_finding(case, sorted(group, key=_position)) for group in groups if group)


def is_judged(metric: str, case: Case) -> bool:
    """Whether a metric is a loss, a part of one, or a gradient norm."""
    words = set(re.split(r"[^a-z]+", metric.lower()))
    if words & OTHER_WORDS:
        return False
    parts = {case.loss_type.main, *(p for s in case.loss_type.sums for p in (s.total, *s.weights))}
    return bool(words & LOSS_WORDS or words & GRADIENT_WORDS or metric in parts or metric.endswith("loss"))


def _is_gradient(series: Series) -> bool:
    return bool(set(re.split(r"[^a-z]+", series.metric.lower())) & GRADIENT_WORDS)


def _position(fault: Fault) -> tuple[float, float]:
    step = fault.series.step[fault.first]
    return (float(step) if step == step else np.inf, float(fault.series.line[fault.first]))


def _fault(case: Case, series: Series, bad: Bools, recovered_after: int) -> Fault:
    after = int(bad[::-1].argmax())
    hollow = _hollow(case, series, bad)
    return Fault(series, bad, "warn" if after >= recovered_after or hollow else "fail", hollow)


def _hollow(case: Case, series: Series, bad: Bools) -> bool:
    """Whether a part is undefined here and there, or always, while the total of the same rows is finite."""
    total = case.get(case.loss_type.main, series.split) or case.get("loss", series.split)
    if total is None or total is series or _is_gradient(series):
        return False
    scattered = len(stretches(bad)) > 1 or bool(bad.all())
    broken = total.step[~np.isfinite(total.value)]
    return scattered and bool(np.isfinite(total.value).any()) and not np.isin(series.step[bad], broken).any()


def _skipped_by_scaler(case: Case, fault: Fault, share: float) -> bool:
    if not (_is_gradient(fault.series) and fault.severity == "warn" and scaler_at_work(case)):
        return False
    loss = case.loss
    broken = loss.step[~np.isfinite(loss.value)] if loss is not None else np.array([])
    return bool(fault.bad.mean() <= share) and not np.isin(fault.series.step[fault.bad], broken).any()


def _finding(case: Case, faults: list[Fault]) -> Finding:
    fault = faults[0]
    series, first, last = fault.series, fault.first, fault.last
    start, end = float(series.step[first]), float(series.step[last])
    kind = "NaN" if np.isnan(series.value[first]) else "infinite"
    count = int(fault.bad.sum())
    others = sorted({label(f.series) for f in faults[1:]} - {label(series)})
    message = (
        f"{label(series)} is {kind}{window(start, start)}: {count} of {len(series)} values are not finite, "
        f"{_afterwards(fault)}{_also(others)}{_before(case, series, first)}"
    )
    return Finding(
        CODE,
        NAME,
        fault.severity,
        tuple(dict.fromkeys(f.series.metric for f in faults)),
        message,
        REMEDY,
        start,
        end,
        _cited(case, series, first, last),
        how=f"not finite; {len(series) - 1 - last} finite values after the last one; the first of {len(faults)} series",
    )


def _afterwards(fault: Fault) -> str:
    after = len(fault.series) - 1 - fault.last
    if fault.hollow:
        return "while the total stays finite (a mean over nothing?)"
    if fault.severity == "warn":
        return f"and the last {after} are finite again"
    return f"only {after} finite after the last of them" if after else "and it does not come back"


def _also(others: list[str]) -> str:
    if not others:
        return ""
    more = f" and {len(others) - 4} more" if len(others) > 4 else ""
    return f"; also {', '.join(others[:4])}{more}"


def _before(case: Case, series: Series, first: int) -> str:
    """What the log shows before the first non-finite value: last finite one, gradient norm, overflows, rate."""
    step = series.step[first]
    parts = []
    good = np.flatnonzero(np.isfinite(series.value[:first]))
    if good.size:
        parts.append(f"last finite value {series.value[good[-1]]:.6g}{window(*[float(series.step[good[-1]])] * 2)}")
    parts += [text for text in (_gradient(case, step), _overflows(case, step), _rate(case, step)) if text]
    return f". Before it: {', '.join(parts)}" if parts else ""


def _gradient(case: Case, step: float) -> str:
    norm = case.get("grad_norm")
    if norm is None:
        return ""
    before = norm.value[(norm.step < step) & np.isfinite(norm.value)]
    if before.size < 4:
        return ""
    usual, late = median(before[-100:-2]), float(before[-2:].max())
    if usual > 0 and late > 2 * usual:
        return f"grad_norm up from {usual:.3g} (median) to {late:.3g}"
    return f"grad_norm steady at {usual:.3g}"


def _overflows(case: Case, step: float) -> str:
    count = sum(n.kind == "overflow" and not n.step > step for n in case.run.notes)
    return f"{count} gradient overflows noted" if count else ""


def _rate(case: Case, step: float) -> str:
    rate = learning_rate(case, np.array([step])) if step == step else None
    return f"learning rate {rate[0]:.3g}" if rate is not None else ""


def _cited(case: Case, series: Series, first: int, last: int) -> tuple[Evidence, ...]:
    good = np.flatnonzero(np.isfinite(series.value[:first]))
    wanted = [*good[-1:].tolist(), first, last, len(series) - 1]
    return tuple(evidence(case, series, i) for i in sorted(set(wanted)))


RULE = Rule(CODE, NAME, "fail", check)
