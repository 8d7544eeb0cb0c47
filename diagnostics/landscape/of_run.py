"""What a run contributes to the landscape of its loss: its way over the surface, and the weight in effect."""

from __future__ import annotations

import os

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.landscape.article import Trajectory
from trainvitals.diagnostics.loss_type import LossType
from trainvitals.diagnostics.ratio import matched
from trainvitals.diagnostics.remedies import class_weight
from trainvitals.parsers.model import Run


def trajectory(run: Run, kind: LossType) -> Trajectory:
    """Total, class and other loss of a normalised run at the steps that they share.

    Raises:
        ValueError: one of the three is not logged.
    """
    names = (kind.shares[0].total, kind.shares[0].part, kind.shares[0].rest)
    series = [run.get(name) for name in names]
    absent = [name for name, one in zip(names, series, strict=True) if one is None]
    if absent:
        raise ValueError(f"no {' or '.join(absent)} is logged")
    points = matched(*(one for one in series if one is not None))
    return Trajectory(os.path.basename(os.path.normpath(run.name)) or run.name, points.step, *points.values)


def configured_weight(run: Run, kind: LossType) -> float | None:
    """The class weight in the configuration of a normalised run, or None."""
    return class_weight(Case(run, run, kind))
