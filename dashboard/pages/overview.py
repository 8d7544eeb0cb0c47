"""One line a run: what is wrong, since when, and how the loss went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa
import streamlit as st

from trainvitals.dashboard import links, runs, table, ticked
from trainvitals.dashboard.inert import inert
from trainvitals.diagnostics.catalogue import Row, Snapshot
from trainvitals.diagnostics.catalogue.filtering import Wanted, places, settings_that_differ, values_of
from trainvitals.diagnostics.render.sanitise import terminal

if TYPE_CHECKING:
    from streamlit.elements.lib.column_types import ColumnConfig

FIRST_ROWS = 200
"""Rows that are shown while others are still read."""

FILTERS = ("q", "verdict", "loss", "setting", "value")
_KEPT = "filters of the overview"


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """What is the same for everybody who looks at the runs as they are now, whatever the filters."""

    rows: tuple[Row, ...]
    cells: pa.Table
    columns: Mapping[str, ColumnConfig]
    verdicts: Sequence[str]
    kinds: Sequence[str]
    settings: Sequence[str]


@lru_cache(maxsize=1)
def _listing(known: Snapshot) -> Listing:
    """Made once for each state of the runs: with thousands of them, it takes longer than all else."""
    rows = tuple(one.row for one in known.entries.values())
    present = {row.verdict for row in rows}
    return Listing(
        rows,
        table.arrow(rows),
        table.columns(rows),
        [verdict for verdict in runs.ORDER if verdict in present],
        sorted({row.loss_type for row in rows}),
        settings_that_differ(rows),
    )


def show() -> None:
    """Draw the table of runs, worst first; a clicked name opens its run, ticked ones are looked at together."""
    all_runs = _listing(runs.snapshot())
    kept = places(all_runs.rows, _filters(all_runs))
    line = st.container(horizontal=True, vertical_alignment="center")
    with line:
        _summary(all_runs.rows, [all_runs.rows[i] for i in kept])
    if kept:
        _table(all_runs, kept)
        with line:
            ticked.ways_on()
    else:
        st.info("No run fits these filters: take one of them away to see runs again.", icon=":material/filter_alt_off:")
    runs.look_for_new()


def _table(all_runs: Listing, kept: Sequence[int]) -> None:
    cells = all_runs.cells if len(kept) == len(all_runs.rows) else all_runs.cells.take(kept)
    ticked.table([all_runs.rows[i].name for i in kept], cells, all_runs.columns)


def show_progress() -> None:
    """What is read so far, until everything is."""
    if not runs.is_incomplete(runs.snapshot()):
        return
    bar, place, due = st.empty(), st.empty(), 1
    while runs.is_incomplete(known := runs.wait(0.5)):
        bar.progress(known.read / max(known.total, 1), f"Read {known.read:,} of {known.total:,} runs")
        if known.read >= due:
            first = [one.row for one in list(known.entries.values())[:FIRST_ROWS]]
            place.dataframe(
                table.arrow(first), hide_index=True, column_config=table.columns(first), placeholder="", lazy=False
            )
            due = 2 * known.read  # drawing takes its share of the time that is left for reading
    bar.empty()
    place.empty()


def _filters(found: Listing) -> Wanted:
    """The widgets above the table; their values stand in the URL, and those that name nothing here are dropped."""
    kinds, names = found.kinds, found.settings
    _return({"verdict": found.verdicts, "loss": kinds, "setting": names})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Name", key="q", bind="query-params", live=True, type="search", max_chars=200, placeholder="any", width=200
        )
        picked = _verdicts(found.verdicts) if len(found.verdicts) > 1 else []
        types = _several("Loss type", kinds, "loss") if len(kinds) > 1 else []
        setting = _one("Setting", names, "setting", "any") if names else None
        value = _one("Value", values_of(setting, found.rows), "value", "any that is set") if setting else None
        if st.button("Refresh", icon=":material/refresh:", help="Look for new and changed runs"):
            runs.refresh()
            st.rerun()
    st.session_state[_KEPT] = {key: st.session_state.get(key) for key in FILTERS}
    return Wanted(name or "", frozenset(picked), frozenset(types), setting or "", value or "")


def _return(known: Mapping[str, Sequence[str]]) -> None:
    """Open this page with the filters that it was left with, unless the URL says otherwise."""
    if not links.is_back() or any(key in st.query_params for key in FILTERS):
        return
    kept = {key: _still(value, known.get(key)) for key, value in st.session_state.get(_KEPT, {}).items()}
    if any(kept.values()):
        links.go("", **{key: value for key, value in kept.items() if value})


def _still(value: str | list[str] | None, known: Sequence[str] | None) -> str | list[str]:
    """The part of a filter that still names something."""
    if isinstance(value, list):
        return [one for one in value if known is None or one in known]
    return value if value and (known is None or value in known) else ""


def _verdicts(options: Sequence[str]) -> list[str]:
    # The words as they stand in the URL: an icon would have to stand there, too.
    return st.pills("Verdict", options, selection_mode="multi", key="verdict", bind="query-params", width="content")


def _several(label: str, options: Sequence[str], key: str) -> list[str]:
    return st.multiselect(
        label, options, format_func=terminal, key=key, bind="query-params", placeholder="any", width=190
    )


def _one(label: str, options: Sequence[str], key: str, placeholder: str) -> str | None:
    return st.selectbox(
        label,
        options,
        index=None,
        format_func=terminal,
        key=key,
        bind="query-params",
        placeholder=placeholder,
        width=190,
    )


def _summary(found: Sequence[Row], kept: Sequence[Row]) -> None:
    counts = Counter(row.verdict for row in kept)
    parts = [f":{table.COLOURS[v]}[{table.ICONS[v].split()[0]} **{counts[v]:,} {v}**]" for v in runs.ORDER if counts[v]]
    total = f"{len(found):,} run{'s' * (len(found) != 1)}"
    of = f"{len(kept):,} of {total}" if len(kept) < len(found) else total
    st.markdown(" &nbsp; ".join((*parts, f":gray[{of} below {inert(runs.root())}]")), width="content")
