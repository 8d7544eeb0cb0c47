"""The bands of a ratio as fields: where each ends, and what values in it mean; all of it stands in the URL."""

from __future__ import annotations

from typing import cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from trainvitals.dashboard.inert import inert
from trainvitals.diagnostics import trial_ratio
from trainvitals.diagnostics.loss_type import Band, Ratio, Reading
from trainvitals.diagnostics.report import Severity
from trainvitals.diagnostics.trial_ratio import Meaning

STEP = 0.05
"""By how much a bound is moved at once; a tenth of it where that is less."""
FINE = "fine"
SEVERITIES = (FINE, "info", "warn", "fail")
"""How bad a band is, as it is chosen."""


def edited(ratio: Ratio, key: str) -> Ratio:
    """The ratio with what stands in the fields; with its own where that makes no bands."""
    fields = st.container(horizontal=True, vertical_alignment="bottom")
    with st.expander("Words and severities of the bands"):
        meanings, places = _meanings(ratio, key)
    worded = _or_own(ratio, trial_ratio.with_meanings(ratio, meanings), "words")
    with fields:
        bounds = _bounds(worded, key)
    moved = _or_own(worded, trial_ratio.with_bounds(worded, bounds), "bounds")
    for place, band in zip(places, moved.bands, strict=True):
        place.markdown(f"**{trial_ratio.span(band)}**")
    return moved


def _or_own(own: Ratio, changed: Ratio | str, what: str) -> Ratio:
    if isinstance(changed, Ratio):
        return changed
    st.warning(f"{changed}: the {what} that were there are shown.", icon=":material/warning:")
    return own


def _bounds(ratio: Ratio, key: str) -> list[float]:
    return [
        float(
            st.number_input(
                f"{_status(ratio, bound)} below",
                value=bound,
                step=STEP if bound > 4 * STEP else bound / 10,
                format="%.3g",
                key=f"{key}_{number}",
                bind="query-params",
                width=150,
            )
        )
        for number, bound in enumerate(trial_ratio.bounds(ratio))
    ]


def _status(ratio: Ratio, bound: float) -> str:
    return next((inert(band.falling.status) for band in ratio.bands if band.high == bound), "nothing said")


def _meanings(ratio: Ratio, key: str) -> tuple[list[Meaning], list[DeltaGenerator]]:
    """What stands in the fields, and a place in each row where its band is named."""
    stuck = inert(ratio.reference)
    st.caption(f"The second word holds while {stuck} is stuck; where it is empty, the first one holds then, too.")
    meanings, places = [], []
    for number, band in enumerate(ratio.bands):
        place, *fields = st.columns([2, 3, 2, 3, 2], vertical_alignment="bottom")
        places.append(place.empty())
        meanings.append(_row(band, fields, number + 1, key))
    return meanings, places


def _row(band: Band, fields: list[DeltaGenerator], number: int, key: str) -> Meaning:
    same = band.stuck == band.falling
    falling = _reading(band.falling, fields[0], fields[1], f"band {number}", f"{key}_band{number}")
    later = Reading("") if same else band.stuck
    stuck = _reading(later, fields[2], fields[3], f"band {number} while stuck", f"{key}_stuck{number}")
    return falling, stuck


def _reading(one: Reading, left: DeltaGenerator, right: DeltaGenerator, what: str, key: str) -> Reading:
    word = left.text_input(
        f"Word, {what}", one.status, key=f"{key}_word", bind="query-params", max_chars=trial_ratio.LONGEST
    )
    chosen = right.selectbox(
        f"Severity, {what}",
        SEVERITIES,
        index=SEVERITIES.index(one.severity or FINE),
        key=f"{key}_severity",
        bind="query-params",
    )
    return Reading(word, None if chosen == FINE else cast("Severity", chosen))
