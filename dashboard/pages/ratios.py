"""Ratios of two losses over their bands; any bound can be moved, and any two series can be made a ratio."""

from __future__ import annotations

import os

import streamlit as st

from trainvitals.dashboard import bands, drawing, runs
from trainvitals.dashboard.choosers import sickest_or_chosen
from trainvitals.dashboard.drawing import Shown
from trainvitals.dashboard.inert import inert
from trainvitals.dashboard.run import take_away
from trainvitals.dashboard.run.cards import SEVERITIES
from trainvitals.dashboard.run.tables import draw_table
from trainvitals.diagnostics import pictures, save_ratio, trial_ratio
from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.charts.axes import Axis
from trainvitals.diagnostics.charts.ratios import ratio_chart
from trainvitals.diagnostics.loss_type import GENERIC, Ratio
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.diagnostics.settings import SettingsError
from trainvitals.diagnostics.tables import ratio_table
from trainvitals.diagnostics.trial_ratio import State

AXIS, LOG, ABOVE, BELOW, NAME = "x", "logy", "above", "below", "name"
OWN = "own"
"""How keys of the fields for a ratio of the reader's own begin."""
SAVED = "file that a ratio was saved to"
BADGES = {
    "fail": ("red", ":material/error:"),
    "warn": ("orange", ":material/warning:"),
    "info": ("blue", ":material/info:"),
    None: ("green", ":material/check_circle:"),
}
COMMON = ("article_loss", "loss_ce", "loss")
"""What the numerator of a new ratio is at first, if the run has it."""


def show() -> None:
    """The ratios of one run, and a workshop for more."""
    if path := st.session_state.pop(SAVED, ""):
        st.toast(f"Saved to {inert(path)}. All runs are judged by it from now on.", duration="long")
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        name = sickest_or_chosen(_forget_bands)
    shown = drawing.load([name]).get(name)
    if shown is None or not shown.case.run.series:
        st.info("This run has no metric, so there is nothing to divide.", icon=":material/percent:")
        return
    with right.container(horizontal=True, vertical_alignment="bottom"):
        axis = _axis(shown.case)
        log = st.toggle("log y", key=LOG, bind="query-params", help="Of the two series, not of their ratio")
    for number, ratio in enumerate(shown.case.loss_type.ratios):
        _configured(shown, ratio, number, axis, log)
    if not shown.case.loss_type.ratios:
        kind = inert(shown.case.loss_type.name)
        st.info(f"The loss type of this run, {kind}, has no ratio. Make one of any two series below.")
    _workshop(shown, axis, log)


def _forget_bands() -> None:
    """The bands of one ratio are none of another."""
    for key in list(st.session_state):
        if str(key).startswith(f"{OWN}_"):
            del st.session_state[key]


def _axis(case: Case) -> Axis:
    has_epochs = any((s.epoch == s.epoch).any() for s in case.run.series)
    axes: list[Axis] = ["step", "epoch"] if has_epochs and case.step_unit == "step" else ["step"]
    return st.segmented_control("x axis", axes, default="step", required=True, key=AXIS, bind="query-params")


@st.fragment
def _configured(shown: Shown, ratio: Ratio, number: int, axis: Axis, log: bool) -> None:
    with st.container(border=True):
        st.subheader(inert(ratio.name), anchor=False)
        # Ratios of other loss types have fields of their own: a bound of one is none of another.
        moved = bands.edited(ratio, f"{shown.case.loss_type.name}-{number}") if ratio.bands else ratio
        _found(shown, ratio)
        now = _drawn(shown.case, moved, f"ratio-{number}", axis, log)
        if now and moved != ratio:
            _saving(shown.case, moved, f"save-{number}")


def _found(shown: Shown, ratio: Ratio) -> None:
    """What the rules say of this ratio, by the settings as they are: a target can be missed within a fine band."""
    for finding in words.ranked(shown.one.report.findings):
        if pictures.ratio_of(finding, shown.case.loss_type) == ratio:
            st.markdown(f"{SEVERITIES[finding.severity]} **{inert(finding.code)}** {inert(finding.message)}")


@st.fragment
def _workshop(shown: Shown, axis: Axis, log: bool) -> None:
    known = trial_ratio.series(shown.case)
    with st.container(border=True):
        st.subheader("Make a ratio of any two series", anchor=False)
        if len(known) < 2:
            st.caption("This run has one series only.")
            return
        labels = list(known)
        at = next((labels.index(name) for name in COMMON if name in labels), 0)
        left, right, third = st.columns(3)
        above = left.selectbox(
            "Numerator", labels, index=at, key=ABOVE, bind="query-params", format_func=terminal, on_change=_forget_bands
        )
        others = [label for label in labels if label != above]
        below = right.selectbox(
            "Denominator", others, key=BELOW, bind="query-params", format_func=terminal, on_change=_forget_bands
        )
        name = third.text_input(
            "Name", key=NAME, bind="query-params", max_chars=60, placeholder=terminal(f"{above} / {below}")
        )
        pair = known[above], known[below]
        plain = trial_ratio.own(*pair, name.strip(), trial_ratio.level(shown.case, *pair))
        ratio = bands.edited(plain, OWN)
        if _drawn(shown.case, ratio, "ratio-own", axis, log):
            _saving(shown.case, ratio, "save-own")


def _drawn(case: Case, ratio: Ratio, key: str, axis: Axis, log: bool) -> State | None:
    now = trial_ratio.state(case, ratio)
    if isinstance(now, str):
        st.caption(f"It cannot be formed: {inert(now)}.")
        return None
    colour, icon = BADGES[now.severity]
    st.badge(inert(now.says), icon=icon, color=colour)  # type: ignore[arg-type]
    chart = ratio_chart(case, now, axis, log=log)
    if chart.spec:
        drawing.draw(chart, key)
        take_away.picture(chart, key, f"{case.run.name}: {ratio.name}")
    else:
        st.caption(f"No matched point has a place on the axis {axis}.")
    if table := ratio_table(case, ratio):
        draw_table(table)
    return now


def _saving(case: Case, ratio: Ratio, key: str) -> None:
    """A button that keeps the ratio, or the text to copy where no file may be written."""
    where = save_ratio.place(runs.settings(), os.getcwd(), runs.root())
    generic = case.loss_type.name == GENERIC.name
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = "mine"
        if generic:
            kind = st.text_input("Name of a loss type for runs like this one", "mine", key=f"{key}-kind", max_chars=40)
        pressed = bool(where.path) and st.button("Save to the settings", key=key, icon=":material/save:")
    try:
        edit = save_ratio.edit(case.loss_type.name, ratio, where, kind.strip() or "mine")
        if pressed and edit.place.path:
            save_ratio.save(edit)
            st.session_state[SAVED] = edit.place.path
            runs.refresh()
            st.rerun()
    except SettingsError as error:
        st.error(inert(str(error)))
        return
    with st.expander(
        f"What is added to {inert(edit.place.path)}" if edit.place.path else "Text to copy",
        expanded=not edit.place.path,
    ):
        if not edit.place.path:
            st.caption(f"Not saved from here: {inert(edit.place.why)}.")
        st.code(terminal_lines(edit.snippet), language="toml")


def terminal_lines(text: str) -> str:
    """The text line by line, with nothing invisible in it."""
    return "\n".join(terminal(line, 1000) for line in text.split("\n"))
