"""The log itself at a cited line, beside what was read from it; the place stands in the URL.

A file is opened only if it is one of the run's own: what the URL says is looked up among their names and never opened.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Literal

import pandas as pd
import streamlit as st
from streamlit.errors import StreamlitAPIException

from trainvitals.dashboard.inert import inert
from trainvitals.diagnostics.pipeline import Examined
from trainvitals.diagnostics.places import Read, read_from
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.excerpt import quote, text
from trainvitals.diagnostics.render.sanitise import terminal, without_secrets
from trainvitals.diagnostics.report import Evidence, Report, told
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.excerpt import Excerpt, excerpt

TAB, FILE, LINE, AROUND = "view", "file", "line", "around"
"""Names in the URL: the open tab, and the place in the log."""
TITLE = "Log"
STRETCHES = (10, 50, 200)
FARTHEST = 10**12
MOST_JUMPS = 8
QUOTED_BYTES = 32 << 20
"""Size of a file whose lines are quoted without being asked for."""
MOST_ROWS = 40
"""Rows that are seen at once; more are scrolled."""


def files(report: Report) -> dict[str, str]:
    """The paths of the run's own files by the names under which they are shown: as short as tells them apart."""
    paths = list(dict.fromkeys([*(s.path for s in report.sources), *(s.path for s in report.settings)]))
    common = os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in paths]) if paths else ""
    return {os.path.relpath(os.path.abspath(path), common): path for path in paths}


def link(cited: Evidence, report: Report, key: str) -> None:
    """A cited place as a button that opens the log there; plain text where it is in no file of the run."""
    name = next((name for name, path in files(report).items() if path == cited.path), None)
    place = f"{name or cited.path}:{cited.line}" if cited.line else name or cited.path
    label = f"`{_code(place)}` {inert(cited.text)}"
    if name is None:
        st.markdown(label)
        return
    st.button(
        label, key=key, icon=":material/article:", type="tertiary", wrap=True, on_click=_open, args=(name, cited.line)
    )


def _code(text: str) -> str:
    """Text inside a code span of a label, which nothing in it can end."""
    return terminal(text).replace("`", "'")


def quoted(cited: Sequence[Evidence], report: Report, contents: Mapping[str, bytes] | None) -> str:
    """The cited lines as they stand in the files of the run; without those of large files and of binary ones."""
    names = {path: name for name, path in files(report).items()}
    rows = []
    for one in cited:
        # A line at the end of a large file is found by reading all of it: that waits until it is asked for.
        if one.line and one.path in names and (contents is not None or _size(one.path) <= QUOTED_BYTES):
            with suppress(ReadError):
                found = excerpt(one.path, one.line, 0, None if contents is None else contents.get(one.path, b""))
                rows += [quote(f"{names[one.path]}:{one.line}", line) for line in found.lines]
    return "\n".join(dict.fromkeys(rows))


def _size(path: str) -> float:
    try:
        return os.path.getsize(path)
    except (OSError, ValueError):
        return math.inf


def _open(name: str, line: int) -> None:
    st.session_state[TAB] = TITLE
    for key, value in ((FILE, name), (LINE, max(1, line))):
        st.session_state[key] = value
        # Streamlit writes the state of a widget into the URL itself, but not while the widget is yet to be drawn.
        with suppress(StreamlitAPIException):
            st.query_params[key] = str(value)


def draw(one: Examined, contents: Mapping[str, bytes] | None) -> None:
    """Choosers of file and line, the lines around it, and the values that were read from it."""
    report = one.report
    known = files(report)
    if not known:
        st.info("This run has no file.")
        return
    chooser, number, stretch, wrapping = st.columns([3, 1, 1, 1], vertical_alignment="bottom")
    name = chooser.selectbox("File", list(known), key=FILE, bind="query-params", format_func=terminal)
    line = number.number_input("Line", min_value=1, max_value=FARTHEST, step=1, key=LINE, bind="query-params")
    around = stretch.segmented_control(
        "Lines around it", STRETCHES, default=STRETCHES[0], required=True, key=AROUND, bind="query-params"
    )
    wrap = wrapping.toggle("Wrap lines", key="wrap", bind="query-params")
    path = known.get(name or "", next(iter(known.values())))
    _jumps(report, path, name or "")
    _show(
        one,
        path,
        int(line),
        int(around or STRETCHES[0]),
        None if contents is None else contents.get(path, b""),
        wrap=wrap,
    )


def _jumps(report: Report, path: str, name: str) -> None:
    """The lines of this file that findings cite."""
    cited: dict[int, str] = {}
    for finding in told(report.findings):
        for each in finding.evidence:
            if each.path == path and each.line:
                cited.setdefault(each.line, finding.code)
    if not cited:
        return
    with st.container(horizontal=True, gap="small"):
        for line, code in sorted(cited.items())[:MOST_JUMPS]:
            st.button(f"{inert(code)}: line {line}", key=f"jump-{line}", on_click=_open, args=(name, line))


def _show(one: Examined, path: str, line: int, around: int, data: bytes | None, *, wrap: bool) -> None:
    try:
        found = excerpt(path, line, around, data)
    except ReadError as error:
        st.info(inert(without_secrets(error.reason)))
        _values(read_from(one.normalised.raw, path, line - around, line + around), line, "record")
        return
    if not found.lines:
        st.info(f"The file ends at line {found.last or 0}: choose an earlier one.")
        return
    st.code(text(found, line), language=None, wrap_lines=wrap, height=_height(found, wrap=wrap))
    if found.last is not None:
        st.caption(f"The file ends at line {found.last}.")
    _values(read_from(one.normalised.raw, path, line, line), line, "line")


def _height(found: Excerpt, *, wrap: bool) -> Literal["content"] | int:
    return "content" if wrap or len(found.lines) < MOST_ROWS else 22 * MOST_ROWS


def _values(found: Sequence[Read], line: int, unit: str) -> None:
    if not found:
        st.caption(f"No value was read from this {unit}.")
        return
    st.markdown(f"**Read from {unit} {line}**" if unit == "line" else f"**Read from the {unit}s around {line}**")
    rows = [
        {unit: r.line, "metric": terminal(r.name), "split": r.split, "step": r.step, "value": words.number(r.value)}
        for r in found
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="content", alt=f"Values read from this {unit}")
