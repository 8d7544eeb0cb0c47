"""From a `Run` to a `Report`: normalise, judge, render.

from trainvitals.diagnostics import diagnose, normalise
from trainvitals.parsers import read

report = diagnose(read("runs/mine"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainvitals.diagnostics.diagnosis import diagnose
    from trainvitals.diagnostics.normalisation import normalise

__all__ = ["diagnose", "normalise"]


def __getattr__(name: str) -> Any:
    # Late, because the command line must set up numpy's threads, and answer `--help`, before numpy is imported.
    if name == "diagnose":
        from trainvitals.diagnostics.diagnosis import diagnose

        return diagnose
    if name == "normalise":
        from trainvitals.diagnostics.normalisation import normalise

        return normalise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
