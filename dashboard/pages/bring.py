"""A log from elsewhere, uploaded or pasted: the report that it would have below the folder."""

from __future__ import annotations

import os
from collections.abc import Mapping

import streamlit as st

from trainvitals.dashboard import runs
from trainvitals.dashboard.inert import inert
from trainvitals.dashboard.run.page import draw
from trainvitals.diagnostics import brought
from trainvitals.diagnostics.pipeline import Examined
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.parsers.errors import TrainvitalsError

MOST_PASTED = 2_000_000
"""Characters of a pasted log."""

_BROUGHT = "what was brought"
Brought = tuple[object, tuple[Examined, ...]]


def show() -> None:
    """Take files or text, and show the report of the run in them."""
    st.markdown("### Bring a log")
    st.caption("It is read on this machine, sent nowhere, and not kept: another log, or closing this page, forgets it.")
    files = _files()
    if not files:
        st.info(
            "Upload what the training wrote, or paste a part of it. Files of one run may come together: "
            "`metrics.jsonl` with `args.json`, or console output with event files. "
            "`trainvitals formats` lists what can be read.",
            icon=":material/lightbulb:",
        )
        return
    try:
        found = _examined(files)
    except (TrainvitalsError, brought.TooMuchError) as error:
        st.error(inert(f"This cannot be read: {error}"), icon=":material/error:")
        return
    if not found:
        st.warning(
            "None of these files looks like a training log. Console output, JSON lines, CSV and event files do; "
            "weights, pickles and archives are not opened.",
            icon=":material/search_off:",
        )
        return
    draw(_chosen(found), files)


def _files() -> dict[str, bytes]:
    """Contents by safe names."""
    uploaded = st.file_uploader(
        f"Files of one run or of several, {brought.MOST_BYTES >> 20} MiB together",
        accept_multiple_files=True,
        max_upload_size=brought.MOST_BYTES >> 20,
        key="uploaded",
    )
    with st.expander("Or paste a log", expanded=False):
        pasted = st.text_area(
            "Text of a log",
            key="pasted",
            max_chars=MOST_PASTED,
            height=220,
            placeholder="{'loss': 2.13, 'grad_norm': 1.4, 'learning_rate': 5e-05, 'epoch': 0.12}",
        )
    names = brought.safe_names([one.name for one in uploaded])
    files = {name: one.getvalue() for name, one in zip(names, uploaded, strict=True)}
    if pasted and pasted.strip():
        files[brought.PASTED if brought.PASTED not in files else f"2-{brought.PASTED}"] = pasted.encode()
    return files


def _examined(files: Mapping[str, bytes]) -> tuple[Examined, ...]:
    """The runs, read once for as long as the files stay the same."""
    key = tuple((name, len(data), hash(data)) for name, data in files.items())
    kept: Brought | None = st.session_state.get(_BROUGHT)
    if kept is None or kept[0] != key:
        with st.spinner("Reading"):
            kept = key, brought.examine_files(files, runs.settings())
        st.session_state[_BROUGHT] = kept
    return kept[1]


def _chosen(found: tuple[Examined, ...]) -> Examined:
    """The run to show: the sickest, unless another is asked for."""
    ordered = sorted(found, key=lambda one: runs.ORDER.index(one.report.verdict))
    if len(ordered) == 1:
        return ordered[0]
    place = st.selectbox(
        f"{len(ordered)} runs were found",
        range(len(ordered)),
        format_func=lambda i: terminal(f"{ordered[i].report.verdict}: {os.path.basename(ordered[i].report.run)}"),
        key="brought_run",
    )
    return ordered[place or 0]
