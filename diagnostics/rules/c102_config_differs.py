"""C102: a run has other settings than its baselines."""

from __future__ import annotations

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.compare.context import NOT_TOLD, is_incidental, told
from trainvitals.diagnostics.render.words import count
from trainvitals.diagnostics.report import Evidence, Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule

CODE, NAME = "C102", "config-differs"

REMEDY = "if the run is worse than its baselines, begin here; if these were to be equal, they are not"

SEED = "seed"
"""Words of settings that are meant to differ."""


def check(case: Case, *, shown: int = 8) -> Result:
    """Settings that the log tells are not those of any of the baselines.

    What it checks: `trainvitals check RUN --against BASELINE...`: every setting that both the run and a baseline tell.

    Why it matters: it is the first place to look when a run is worse than its baselines, and a comparison is fair only
    where nothing differs but what is compared.

    What to try: read the list; repeat the run with the settings of a baseline, one after the other.

    How it decides: values as text, numbers by their value; a setting differs if no baseline has its value. Seeds,
    names, folders and dates are left out. At most `shown` (8) are named. Source: definition of this tool.

    Blind spots: what no log tells: code, data, versions of libraries.
    """
    if not case.baselines:
        return NotRun(CODE, "no baselines were given (check --against)", applicable=False)
    names = [name for name in sorted(case.run.config) if any(name in b.run.config for b in case.baselines)]
    names = [name for name in names if SEED not in name.lower() and not is_incidental(name, [(case, *case.baselines)])]
    if not names:
        return NotRun(CODE, "the run and its baselines tell no setting in common")
    differing = {name: values for name in names if told(case, name) not in (values := _values(case, name))}
    if not differing:
        return Pass(CODE, f"{count(len(names), 'setting')} as in the baselines")
    differ = count(len(differing), "setting differs", "settings differ")
    return Finding(
        CODE,
        NAME,
        "info",
        (),
        f"{differ} from the baselines: {_listed(case, differing, shown)}",
        REMEDY,
        evidence=tuple(_evidence(case, name) for name in list(differing)[:shown]),
        how=f"{count(len(names), 'setting')} that the run and a baseline tell",
    )


def _values(case: Case, name: str) -> list[str]:
    """The values of a setting in the baselines that tell it."""
    return list(dict.fromkeys(value for b in case.baselines if (value := told(b, name)) != NOT_TOLD))


def _listed(case: Case, differing: dict[str, list[str]], shown: int) -> str:
    parts = [f"{name} {told(case, name)} (theirs {' or '.join(differing[name])})" for name in list(differing)[:shown]]
    return ", ".join(parts) + (f" and {len(differing) - shown} more" if len(differing) > shown else "")


def _evidence(case: Case, name: str) -> Evidence:
    value = case.run.config[name]
    return Evidence(value.path, value.line, f"{name} = {told(case, name)}")


RULE = Rule(CODE, NAME, "info", check)
