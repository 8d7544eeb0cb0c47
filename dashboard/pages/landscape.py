"""The shape of a loss, with sliders for what it depends on, and the loss around the weights of a run."""

from __future__ import annotations

import streamlit as st

from trainvitals.dashboard import runs
from trainvitals.dashboard.choosers import RUN, one_run
from trainvitals.dashboard.inert import inert
from trainvitals.dashboard.landscape import pictures, weights
from trainvitals.dashboard.landscape.controls import CONTROLS, OF_RUN, TITLES
from trainvitals.diagnostics.pipeline import Examined
from trainvitals.parsers.errors import TrainvitalsError

KIND = "type"


def show() -> None:
    """Draw the landscape of the loss that the URL names, or of the loss of its run."""
    one = _chosen_run()
    name = one.report.loss_type if one and one.report.loss_type in CONTROLS else next(iter(CONTROLS))
    kind = st.segmented_control(
        "Loss", list(CONTROLS), default=name, required=True, key=KIND, bind="query-params", label_visibility="collapsed"
    )
    kind = kind or name
    st.markdown(f"### {TITLES[kind][0].upper()}{TITLES[kind][1:]}")
    controls, drawn = st.columns([2, 3], gap="large")
    with controls, st.container(border=True):
        try:
            found = CONTROLS[kind](one.normalised.run if one else None)
        except (ValueError, TrainvitalsError) as error:
            st.warning(inert(str(error)), icon=":material/warning:")
            return
    with controls:
        pictures.words(found)
    with drawn:
        pictures.draw(found, kind)
    if one:
        weights.draw(one.normalised.run)


def _chosen_run() -> Examined | None:
    name = one_run("No run: the loss alone. Choose one for its weight and its trajectory", _forget_kind)
    return runs.named(name) if name else None


def _forget_kind() -> None:
    """A run has a loss: it is shown, whichever was chosen before, at the weight of this run."""
    for key in OF_RUN:
        st.session_state.pop(key, None)
    one = runs.named(st.session_state.get(RUN) or "")
    if one and one.report.loss_type in CONTROLS:
        st.session_state[KIND] = one.report.loss_type
