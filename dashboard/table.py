"""The table of runs: its columns, and what stands in their cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import streamlit as st

from trainvitals.diagnostics.catalogue import Row
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.diagnostics.render.status import meaning

if TYPE_CHECKING:
    from streamlit.elements.lib.column_types import ColumnConfig

ICONS = {"fail": "\u2716 fail", "warn": "\u26a0 warn", "unknown": "? unknown", "pass": "\u2714 pass"}
COLOURS = {"fail": "red", "warn": "orange", "unknown": "gray", "pass": "green"}
BANDS = {"fail": "\u2716 ", "warn": "\u26a0 ", "good": "\u2714 ", "": ""}
MOST_CELLS = 300
"""Characters of a finding."""

HUGE = 3e38
"""What a curve of half the digits cannot hold; NaN is not below it either."""


def columns(shown: Sequence[Row]) -> dict[str, ColumnConfig]:
    """How each column is shown."""
    of = st.column_config
    units = {row.pace_unit for row in shown if row.pace}
    return {
        "verdict": of.MultiselectColumn(
            "verdict", options=list(ICONS.values()), color=list(COLOURS.values()), width=100
        ),
        "run": of.TextColumn("run", width=210),
        "finding": of.TextColumn("what was found", width=420),
        "since": of.NumberColumn("since", format="%d", width=70, help="Step from which the worst finding speaks"),
        "loss type": of.TextColumn("loss type", width=90),
        "steps": of.NumberColumn("steps", format="localized", width=80),
        "last loss": _number("last loss"),
        "curve": of.LineChartColumn("loss curve", width=110, color="blue"),
        "best": _number("best eval"),
        "ratio": of.NumberColumn("ratio", format="%.2f", width=60),
        "band": of.TextColumn("band", width=140),
        "pace": of.NumberColumn(units.pop() if len(units) == 1 else "pace", format="%.4g", width=80),
        "unit": of.TextColumn("unit", width=80),
        "age": of.DatetimeColumn("age", format="distance", width=110, help="When its log was last written to"),
    }


def _number(label: str) -> ColumnConfig:
    return st.column_config.NumberColumn(label, format="%.4g", width=80)


def arrow(shown: Sequence[Row]) -> pa.Table:
    """The table that is drawn; all text of logs in it is inert, as cells are plain text."""
    several = len({row.pace_unit for row in shown if row.pace}) > 1
    columns: dict[str, pa.Array] = {
        "verdict": pa.array([[ICONS[row.verdict]] for row in shown]),
        "run": pa.array([_label(row.name) for row in shown]),
        "finding": pa.array([terminal(f"{row.code} {row.finding}".strip(), MOST_CELLS) for row in shown]),
        "since": _numbers(row.since for row in shown),
        "curve": pa.array([[v for v in row.spark if abs(v) < HUGE] for row in shown], pa.list_(pa.float32())),
        # A cell with NaN is flagged, as it should be; elsewhere it would only be in the way.
        "last loss": pa.array([row.loss for row in shown], pa.float64()),
        "best": _numbers(row.best for row in shown),
        "ratio": _numbers(row.ratio for row in shown),
        "band": pa.array([_band(row.band) for row in shown]),
        "loss type": pa.array([terminal(row.loss_type) for row in shown]),
        "steps": _numbers(row.steps for row in shown),
        "pace": _numbers(row.pace for row in shown),
        "unit": pa.array([row.pace_unit if row.pace else "" for row in shown]),
        "age": pa.array([round(row.modified * 1000) for row in shown], pa.timestamp("ms", "UTC")),
    }
    unwanted = {name for name, values in columns.items() if name not in ("verdict", "run") and _is_empty(values)}
    return pa.table({k: v for k, v in columns.items() if k not in unwanted and (several or k != "unit")})


def _label(name: str) -> str:
    """A name as the label of a button, which reads icons at its beginning, and lists."""
    shown = terminal(name)
    return f"./{shown}" if shown.lstrip().startswith((":", "[")) else shown


def _numbers(values: Iterable[float | None]) -> pa.Array:
    """What is not finite is left empty."""
    return pa.array([v if v is not None and math.isfinite(v) else None for v in values], pa.float64())


def _band(status: str) -> str:
    said = status.partition(": ")[2] if status.startswith(("fail:", "warn:")) else status
    return BANDS[meaning(status)] + terminal(said)


def _is_empty(values: pa.Array) -> bool:
    return all(value in (None, "", []) for value in values.to_pylist())
