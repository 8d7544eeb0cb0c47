"""Runs side by side: settings first, then curves at matched places, then differences with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from trainvitals.dashboard import drawing, runs
from trainvitals.dashboard.choosers import MOST_COMPARED, several_runs
from trainvitals.dashboard.drawing import Shown
from trainvitals.dashboard.inert import inert
from trainvitals.dashboard.run import take_away
from trainvitals.dashboard.run.tables import draw_table
from trainvitals.diagnostics.charts.groups import differences, group_curves
from trainvitals.diagnostics.companions import sound_one
from trainvitals.diagnostics.compare.comparing import compare
from trainvitals.diagnostics.compare.context import NOT_TOLD
from trainvitals.diagnostics.compare.metrics import label
from trainvitals.diagnostics.compare.model import Comparison, Difference, Pair
from trainvitals.diagnostics.render import (
    comparison_html,
    comparison_json,
    comparison_markdown,
    comparison_rows,
    words,
)
from trainvitals.diagnostics.render.sanitise import for_terminal, terminal
from trainvitals.parsers.model import Split

FIRST, BY, LAST, GROUPS, METRICS = "first", "by", "last", "groups", "metrics"
MOST_PATTERN = 200
WAYS = {"": "automatic", "tokens": "tokens", "steps": "steps", "time": "time"}
HELP = "Runs whose paths differ only in a seed (seed0, s1, -seed-3) make one group."
AT_FIRST = 3
"""Metrics whose curves are drawn before any is chosen."""
DESCRIBED = (
    "Nothing is smoothed. Each difference is that of levels over the end of the common range, and its sentence says "
    "how much the evidence can mean: two runs of one seed tell of these runs, not of their methods."
)


def show() -> None:
    """Choose two or more runs; the first is what the others are held against."""
    names = list(runs.catalogue())
    chosen = several_runs(_sick_and_sound(), MOST_COMPARED, "Choose two or more runs", HELP)
    if len(chosen) < 2:
        st.info(
            "Choose two runs or more above; the others are held against the baseline."
            if len(names) > 1
            else "There is only one run below this folder: a comparison needs two.",
            icon=":material/compare_arrows:",
        )
        return
    base, by, last, patterns = _controls(chosen)
    shown = drawing.load([base, *(name for name in chosen if name != base)])
    empty = [name for name, one in shown.items() if not one.case.run.points]
    shown = {name: one for name, one in shown.items() if name not in empty}
    if empty:
        st.warning(f"No usable series in {inert(', '.join(empty))}: left out.", icon=":material/warning:")
    if len(shown) < 2:
        st.info("A comparison needs two runs that can be read.", icon=":material/compare_arrows:")
        return
    found, _ = _compared(tuple(id(one.case.run.series) for one in shown.values()), patterns, by, last, shown)
    _draw(found, shown, tuple(names))


def _sick_and_sound() -> list[str]:
    """What is compared before anybody chooses: the worst run, with one like it that is well, if there is any."""
    drawn = [row for row in runs.rows() if row.spark]
    sound = sound_one(drawn[0], drawn) if drawn else None
    return [sound, drawn[0].name] if sound else [row.name for row in drawn[:2]]


def _controls(chosen: Sequence[str]) -> tuple[str, str, float, tuple[str, ...]]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = st.selectbox("Baseline", chosen, key=FIRST, bind="query-params", format_func=terminal, width=280)
        by = st.segmented_control(
            "Matched by",
            list(WAYS),
            default="",
            required=True,
            key=BY,
            bind="query-params",
            format_func=WAYS.__getitem__,
        )
        last = st.slider(
            "Last part of the common range", 5, 100, 30, 5, "%d %%", key=LAST, bind="query-params", width=260
        )
        text = st.text_input(
            "Groups",
            key=GROUPS,
            bind="query-params",
            max_chars=MOST_PATTERN,
            placeholder="base-* new-*",
            width=220,
            help="Patterns of names, with spaces between: runs that one of them matches are one group.",
        )
    return str(first), by, last / 100, tuple(text.split()[:MOST_COMPARED])


@st.cache_resource(show_spinner="Comparing", max_entries=32)
def _compared(
    key: tuple[int, ...], patterns: tuple[str, ...], by: str, last: float, _shown: dict[str, Shown]
) -> tuple[Comparison, dict[str, Shown]]:
    del key  # the identity of the series, which the value keeps alive
    return compare([one.case for one in _shown.values()], patterns, by, last), _shown


def _draw(found: Comparison, shown: dict[str, Shown], names: tuple[str, ...]) -> None:
    inert_found = for_terminal(found)
    st.markdown(f"**{inert(comparison_rows.headline(inert_found))}**")
    sides = (
        f"{'other' if n else 'first'}: {inert(comparison_rows.group(g))}" for n, g in enumerate(inert_found.groups)
    )
    st.caption("  \n".join(sides))
    if not found.rows:
        st.info(_why_nothing(found), icon=":material/compare_arrows:")
    _settings(inert_found)
    if not found.rows:
        return
    _curves(found, shown, names)
    for table in inert_found.tables:
        st.markdown(f"**{inert(table.title)}**")
        draw_table(table)
    for number, (pair, told) in enumerate(zip(found.pairs, inert_found.pairs, strict=True)):
        _pair(pair, told, found.axis, number)
    st.caption(DESCRIBED)
    _report(found, shown)


def _report(found: Comparison, shown: dict[str, Shown]) -> None:
    """Buttons for the whole comparison as a file."""
    losses = [(name, loss) for name, one in shown.items() if (loss := one.case.loss) is not None]
    with st.container(horizontal=True):
        take_away.button("Report as HTML", "comparison.html", lambda: comparison_html.render(found, losses), "compared")
        take_away.button("Markdown", "comparison.md", lambda: comparison_markdown.render(found), "compared")
        take_away.button("JSON", "comparison.json", lambda: comparison_json.render(found), "compared")


def _why_nothing(found: Comparison) -> str:
    if len(found.groups) < 2:
        return (
            "All of these runs are one group: there is nothing to compare it with. Choose another run, or name groups."
        )
    if not found.axis:
        return "These runs have no axis in common: match them by something else."
    return "These runs share no metric over a common range."


def _settings(found: Comparison) -> None:
    if not found.differences:
        st.caption("No setting that the logs tell differs.")
        return
    both = [one for one in found.differences if NOT_TOLD not in one.values]
    partly = found.differences[len(both) :]
    if both:
        st.markdown(f"**Settings that differ** ({len(both)})")
        _differences(both, found, "Settings that are not the same everywhere")
    if partly:
        st.caption(f"{words.count(len(partly), 'more setting')} stand in the logs of some only")
        with st.expander("Settings that not all logs tell"):
            _differences(partly, found, "Settings that not all logs tell")


def _differences(shown: Sequence[Difference], found: Comparison, alt: str) -> None:
    columns = {"setting": [d.name for d in shown]}
    for number, group in enumerate(found.groups):
        # Two groups can have names that are cut alike.
        name = group.name if group.name not in columns else f"{group.name} ({number + 1})"
        columns[name] = [d.values[number] for d in shown]
    st.dataframe(pd.DataFrame(columns), hide_index=True, alt=alt)


@st.fragment
def _curves(found: Comparison, shown: dict[str, Shown], names: tuple[str, ...]) -> None:
    keys: dict[str, tuple[str, Split]] = {}
    for pair in found.pairs:
        for row in pair.rows:
            keys.setdefault(label(row.metric, row.split), (row.metric, row.split))  # type: ignore[arg-type]
    chosen = st.multiselect(
        "Curves of",
        list(keys),
        default=list(keys)[:AT_FIRST],
        key=METRICS,
        bind="query-params",
        format_func=terminal,
        max_selections=6,
    )
    if chosen:
        cases = {one.case.run.name: one.case for one in shown.values()}
        chart = group_curves(found, cases, drawing.run_styles(names, cases), [keys[name] for name in chosen])
        drawing.draw(chart, "group-curves")
        take_away.picture(chart, "compare")
        if any(len(group.runs) > 1 for group in found.groups):
            st.caption(
                "Groups: the line is the mean of n runs, the area reaches from the lowest to the highest of them."
            )


def _pair(pair: Pair, told: Pair, axis: str, number: int) -> None:
    with st.container(border=True):
        st.subheader(inert(comparison_rows.pair_title(told)), anchor=False)
        st.caption(inert(told.evidence))
        for warning in told.warnings:
            st.warning(inert(warning), icon=":material/warning:")
        st.markdown("\n".join(f"- {inert(sentence)}" for sentence in comparison_rows.verdicts(told)))
        for one in told.savings:
            st.markdown(f"- {inert(comparison_rows.saving(one, told, axis))}")
        if chart := differences(pair):
            drawing.draw(chart, f"differences-{number}")
            st.caption("Points with 95 % intervals; inside the grey band (±0.5 %) there is no practical difference.")
        if told.rows:
            cells = [comparison_rows.cells(row) for row in told.rows]
            st.dataframe(
                pd.DataFrame(cells, columns=list(comparison_rows.HEAD)), hide_index=True, alt="Differences by metric"
            )
            st.caption(f"How it was decided: {inert(comparison_rows.how(told, axis))}")
        if told.absent:
            st.caption(f"Only one side logs: {inert(', '.join(told.absent))}")
