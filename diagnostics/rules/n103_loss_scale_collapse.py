"""N103: the loss scale of fp16 training collapses."""

from __future__ import annotations

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import SCALES, window
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.parsers.model import Floats, Series

CODE, NAME = "N103", "loss-scale-collapse"

REMEDY = (
    "train in bf16, or lower the learning rate and clip the gradient; look for the first layer with inf or NaN in its "
    "activations (attention logits and norms overflow first in fp16)"
)


def check(case: Case, *, halvings: int = 3, within: float = 0.01, lowest: float = 1.0, rows: int = 8) -> Result:
    """The loss scale of mixed precision falls again and again: gradients overflow at every scale.

    What it checks: a logged loss scale (`loss_scale`, `grad_scale`, `scale`, `amp_scale`) for several halvings in close
    succession after its start, and for a stay at its minimum.

    Why it matters: every halving is a step that was skipped because its gradient was not finite. A scaler that cannot
    find a scale means that the gradient itself is infinite or NaN; the run goes on without learning.

    What to try: bf16; a lower learning rate; clipping; find the layer that overflows first; a larger epsilon in norms.

    How it decides: by counting. A fall by a factor of 2 ** `halvings` (3) within `within` (1 %) of the steps, or within
    3 rows, that is not the first descent from the initial scale; or `rows` (8) rows, and the last one, at `lowest` (1)
    or below, after having been 8 times as high. Source: the update rule of torch.amp.GradScaler, Apex and Megatron-LM:
    halve at an overflow, double after 1000 to 2000 steps without one.

    Blind spots: scales that are not logged, of which only the skipped steps are seen (N101); a static loss scale never
    changes.
    """
    scales = [s for s in case.run.series if s.metric.replace(" ", "_") in SCALES and len(s)]
    moving = [s for s in scales if np.nanmax(s.value, initial=0.0) > 1]
    if not moving:
        return NotRun(CODE, "no loss scale is logged", applicable=False)
    series = moving[0].take(np.isfinite(moving[0].value) & (moving[0].value > 0))
    if len(series) < rows:
        return NotRun(CODE, f"inconclusive: {len(series)} values of the loss scale, {rows} are needed")
    fall = _collapse(series, halvings, within)
    if fall is not None:
        start, end = fall
        lost = series.value[start] / series.value[end]
        return _finding(case, series, start, end, f"falls by a factor of {lost:.4g}, one overflow after the other")
    low = series.value <= lowest
    # The rows at its end: a scale that recovered is at work again.
    stay = int((~low[::-1]).argmax()) if not low.all() else 0
    if stay >= rows and series.value[: len(series) - stay].max() >= 8 * lowest:
        start = len(series) - stay
        return _finding(case, series, start, len(series) - 1, f"sits at its minimum for {stay} rows")
    return Pass(CODE, f"the loss scale ends at {series.value[-1]:.6g} of at most {series.value.max():.6g}")


def _collapse(series: Series, halvings: int, within: float) -> tuple[int, int] | None:
    """First and last row of a fall that is not the descent from the initial scale."""
    u = np.log2(series.value)
    settled = _settled(u)
    reach = np.maximum(_rows_within(series, within), 3)
    # The highest row of a collapse lies on an edge, after a rise and before a fall.
    falls = np.flatnonzero((u[1:] < u[:-1]) & np.append(True, u[1:-1] >= u[:-2]))
    for start in falls[falls >= settled].tolist():
        end = min(u.size, start + int(reach[start]) + 1)
        lowest = start + int(u[start:end].argmin())
        if u[start] - u[lowest] >= halvings - 0.01:
            return start + int(np.flatnonzero(u[start:lowest] == u[start])[-1]), lowest
    return None


def _settled(u: Floats) -> int:
    """Index of the row at which the first descent is over: the scale does not fall from this row to the next ones."""
    falls = np.flatnonzero(np.diff(u) < 0)
    if not falls.size or falls[0] > 2:
        return 0
    holds = np.diff(u) >= 0
    calm = np.flatnonzero(holds[1:-2] & holds[2:-1] & holds[3:])
    return 1 + int(calm[0]) if calm.size else u.size


def _rows_within(series: Series, share: float) -> Floats:
    """For every row, how many rows follow within this share of the steps."""
    step = series.step if np.isfinite(series.step).all() else np.arange(len(series), dtype=np.float64)
    reach = share * (step[-1] - step[0])
    return np.asarray(np.searchsorted(step, step + reach, side="right") - 1 - np.arange(step.size), dtype=np.float64)


def _finding(case: Case, series: Series, start: int, end: int, what: str) -> Finding:
    steps = (float(series.step[start]), float(series.step[end]))
    return Finding(
        CODE,
        NAME,
        "warn",
        (series.metric,),
        f"the loss scale {what}{window(*steps)}: gradients overflow at every scale",
        REMEDY,
        *steps,
        tuple(evidence(case, series, i) for i in sorted({start, end, len(series) - 1})),
        f"from {series.value[start]:.6g} to {series.value[end]:.6g} in {end - start} rows",
    )


RULE = Rule(CODE, NAME, "warn", check)
