"""The table of runs: its columns, and what stands in their cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import streamlit as st

from trainvitals.dashboard import cells
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

NARROWEST, WIDEST = 140, 380
"""Pixels of the column of names."""

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
        "run": of.TextColumn("run", width=name_width(shown)),
        "finding": of.TextColumn("what was found", width=520),
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


def name_width(shown: Sequence[Row]) -> int:
    """Pixels for the names: they are what runs are told apart by."""
    longest = max((len(terminal(row.name)) for row in shown), default=0)
    return min(max(40 + 7 * longest, NARROWEST), WIDEST)


def _number(label: str) -> ColumnConfig:
    return st.column_config.NumberColumn(label, format="%.4g", width=80)


def arrow(shown: Sequence[Row]) -> pa.Table:
    """The table that is drawn; all text of logs in it is inert, as cells are plain text."""
    several = len({row.pace_unit for row in shown if row.pace}) > 1
    columns: dict[str, pa.Array] = {
        "verdict": cells.tags([[ICONS[row.verdict]] for row in shown]),
        "run": cells.texts([_label(row.name) for row in shown]),
        "finding": cells.texts([terminal(f"{row.code} {row.finding}".strip(), MOST_CELLS) for row in shown]),
        "since": cells.numbers(row.since for row in shown),
        "curve": cells.curves([[v for v in row.spark if abs(v) < HUGE] for row in shown]),
        # A cell with NaN is flagged, as it should be; elsewhere it would only be in the way.
        "last loss": cells.marked(row.loss for row in shown),
        "best": cells.numbers(row.best for row in shown),
        "ratio": cells.numbers(row.ratio for row in shown),
        "band": cells.texts([_band(row.band) for row in shown]),
        "loss type": cells.texts([terminal(row.loss_type) for row in shown]),
        "steps": cells.numbers(row.steps for row in shown),
        "pace": cells.numbers(row.pace for row in shown),
        "unit": cells.texts([row.pace_unit if row.pace else "" for row in shown]),
        "age": cells.moments([row.modified for row in shown]),
    }
    unwanted = {name for name, column in columns.items() if name not in ("verdict", "run") and not cells.filled(column)}
    return pa.table({k: v for k, v in columns.items() if k not in unwanted and (several or k != "unit")})


def _label(name: str) -> str:
    """A name as the label of a button, which reads icons at its beginning, and lists."""
    shown = terminal(name)
    return f"./{shown}" if shown.lstrip().startswith((":", "[")) else shown


def _band(status: str) -> str:
    said = status.partition(": ")[2] if status.startswith(("fail:", "warn:")) else status
    return BANDS[meaning(status)] + terminal(said)
