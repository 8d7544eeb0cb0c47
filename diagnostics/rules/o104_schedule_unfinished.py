"""O104: the run ended in the middle of its learning-rate schedule."""

from __future__ import annotations

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import share_done
from trainvitals.diagnostics.optimiser import Rates, jumps, rates
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence

CODE, NAME = "O104", "schedule-unfinished"

REMEDY = (
    "finish the schedule, or decay the rate to 0 over the last 10 to 20 % of the steps, before you compare this run"
)


def check(
    case: Case, *, high: float = 0.5, decayed: float = 0.98, points_needed: int = 10, whole: float = 0.98
) -> Result:
    """The run ended while the learning rate was still above half of its peak.

    What it checks: the last learning rate against the highest one, where the rate follows a decay.

    Why it matters: most of the loss is gained at the end of the decay: a run that ends before it is worse than it
    could be, and is not comparable with one that finished.

    What to try: let it finish, or give it a short decay to 0 from its last checkpoint.

    How it decides: the last rate lies below `decayed` (98 %) of the peak, so that there is a
    decay, and above `high` (50 %) of it. It is no matter where the configuration says that the run is complete
    (`whole` 98 % of its plan) or where the rate is restarted. At least `points_needed` (10) points. Source:
    warmup-stable-decay schedules (Hu et al. 2024) gain as much in their last tenth.

    Blind spots: a run that goes on while its log is read is unfinished too. A constant rate has no end.
    """
    rate = rates(case)
    if rate is None:
        return NotRun(CODE, "no learning rate is logged", applicable=False)
    if len(rate) < points_needed:
        return NotRun(CODE, f"inconclusive: {len(rate)} learning rates of {points_needed} needed")
    peak, last = float(rate.value.max()), float(rate.value[-1])
    at = int(rate.value.argmax())
    share = f"{last / peak:.0%}".replace("%", " %") if peak > 0 else "0"
    if peak == 0 or not high * peak < last < decayed * peak or last > rate.value[at:].min() * 1.02:
        return Pass(CODE, f"the learning rate ends at {share} of its peak")
    done = share_done(case, rate.series)
    if done >= whole or (jumps(rate, 2.0) > at).any():
        return Pass(CODE, f"the learning rate ends at {share} of its peak, by plan")
    return _finding(case, rate, at, share, done)


def _finding(case: Case, rate: Rates, at: int, share: str, done: float) -> Finding:
    s, last = rate.series, len(rate) - 1
    plan = f", after {done:.0%} of the planned run".replace("%", " %") if done == done else ""
    return Finding(
        CODE,
        NAME,
        "info",
        (s.metric,),
        f"the run ends with {s.logged_as} at {share} of its peak{plan}: the schedule is not finished",
        REMEDY,
        float(s.step[at]),
        float(s.step[last]),
        tuple(evidence(case, s, i) for i in sorted({at, last})),
        f"{rate.value[last]:.3g} of {rate.value[at]:.3g}, {len(rate)} points",
    )


RULE = Rule(CODE, NAME, "info", check)
