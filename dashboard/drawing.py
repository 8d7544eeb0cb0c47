"""Charts on a page: what is drawn of a series is kept, so that a slider moves nothing but what it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import streamlit as st

from trainvitals.dashboard import runs
from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.charts import Style, styles
from trainvitals.diagnostics.charts.axes import Axis
from trainvitals.diagnostics.charts.columns import Columns
from trainvitals.diagnostics.charts.palette import apart
from trainvitals.diagnostics.charts.spec import Chart
from trainvitals.diagnostics.charts.traces import Drawn, Line, Trace, Window, drawn, smoothed, trace
from trainvitals.diagnostics.diagnosis import case_of
from trainvitals.diagnostics.pipeline import Examined
from trainvitals.diagnostics.smoothing import Kind
from trainvitals.parsers.model import Series


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A run on a page."""

    one: Examined
    case: Case


@st.cache_resource(show_spinner=False, max_entries=8)
def _styles(names: tuple[str, ...]) -> Mapping[str, Style]:
    return styles(names)


def run_styles(names: tuple[str, ...], shown: Iterable[str]) -> Mapping[str, Style]:
    """Colours and dashes of the runs that are shown, of all these below the root folder.

    They are the same on every page. Of runs beside each other that share a colour, one takes another, and keeps it for
    as long as the session lasts.
    """
    of_all, kept = _styles(names), st.session_state.setdefault("styles of runs", {})
    found: dict[str, Style] = {}
    for name in shown:
        found[name] = kept[name] = apart(kept.get(name, of_all[name]), {style.colour for style in found.values()})
    return found


def load(names: list[str]) -> dict[str, Shown]:
    """These runs, as far as they are still there; names are those of known runs."""
    found, settings = runs.catalogue(), runs.settings()
    loaded = ((name, found.get(name)) for name in names)
    return {name: Shown(one, case_of(one.normalised, settings)) for name, one in loaded if one is not None}


# Keys hold the identity of a series, which is unique as long as the value keeps the series alive.
@st.cache_resource(show_spinner=False, max_entries=240)
def _trace(key: tuple[int, Axis], _case: Case, _series: Series) -> tuple[Trace, Case, Series]:
    return trace(_case, _series, key[1]), _case, _series


@st.cache_resource(show_spinner=False, max_entries=480)
def _drawn(key: tuple[int, Window, int, bool], _one: Trace) -> tuple[Drawn, Trace]:
    return drawn(_one, key[1], key[2], log=key[3]), _one


@st.cache_resource(show_spinner=False, max_entries=960)
def _smoothed(key: tuple[int, Window, int, float, Kind], _one: Trace) -> tuple[Line, Trace]:
    return smoothed(_one, *key[1:]), _one


def traced(case: Case, series: Series, axis: Axis) -> Trace:
    """The series on an axis."""
    return _trace((id(series), axis), case, series)[0]


def as_drawn(one: Trace, window: Window, columns: int, *, log: bool) -> Drawn:
    """What is drawn of its values."""
    return _drawn((id(one), window, columns, log), one)[0]


def as_smoothed(one: Trace, window: Window, columns: int, weight: float, kind: Kind) -> Line:
    """What is drawn of the smoothed values."""
    return _smoothed((id(one), window, columns, weight, kind), one)[0]


def draw(chart: Chart, key: str, **more: Any) -> None:
    """Put a chart on the page, as wide as there is room."""
    data = {name: table(columns) for name, columns in chart.data.items()}
    st.vega_lite_chart({**chart.spec, "datasets": data}, key=key, alt=chart.alt, width="stretch", **more)


def table(columns: Columns) -> pa.Table:
    """Columns as Arrow, NaN as null: Vega breaks lines there."""
    return pa.table({name: pa.array(column, from_pandas=True) for name, column in columns.items()})
