"""The loss around the weights of a run, where a surface was measured and lies beside its logs."""

from __future__ import annotations

import os

import streamlit as st

from trainvitals.dashboard.inert import inert
from trainvitals.dashboard.landscape import pictures
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.diagnostics.weights import SurfaceError, find_surfaces, read_surface
from trainvitals.diagnostics.weights.picture import landscape
from trainvitals.parsers.model import Run


def files(run: Run) -> dict[str, str]:
    """Paths of the surfaces beside the logs of a run, by their names."""
    folders = dict.fromkeys(os.path.dirname(source.path) or os.curdir for source in run.sources)
    return {os.path.basename(path): path for folder in folders for path in find_surfaces(folder)}


def draw(run: Run) -> None:
    """Contours, the way of the training, uncertainty and slices of the chosen surface; nothing where there is none."""
    known = files(run)
    if not known:
        return
    st.markdown("### Loss around the weights")
    name = st.selectbox("Surface", list(known), key="surface", bind="query-params", format_func=terminal)
    try:
        found = landscape(read_surface(known[name or next(iter(known))]))
    except SurfaceError as error:
        st.error(inert(str(error)))
        return
    told, drawn = st.columns([2, 3], gap="large")
    with told:
        pictures.words(found)
    with drawn:
        pictures.draw(found, "weights")
