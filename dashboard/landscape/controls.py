"""Sliders for what each loss depends on; they stand in the URL, so that a view can be sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import streamlit as st

from trainvitals.dashboard.inert import inert
from trainvitals.diagnostics.landscape import article, causal_lm, eos, generic, softce, spatial
from trainvitals.diagnostics.landscape.of_run import configured_weight, trajectory
from trainvitals.diagnostics.landscape.picture import Landscape
from trainvitals.diagnostics.loss_type import LossType
from trainvitals.diagnostics.loss_type_toml import builtin
from trainvitals.parsers.model import Run

OWN = "own"
"""The loss that the reader writes."""


def _slider(label: str, key: str, low: float, high: float, value: float, step: float, help_text: str = "") -> float:
    return float(
        st.slider(
            label, low, high, float(value), step, key=key, bind="query-params", help=help_text or None, format="%.4g"
        )
    )


def _spatial(run: Run | None) -> Landscape:
    del run
    kind = _kind("spatial")
    first, second = (stage.below for stage in kind.stages if math.isfinite(stage.below))
    near, middle = (stage.square for stage in kind.stages if stage.square)
    last = kind.stages[-1]
    px = kind.pixels_per_unit
    ends = (
        _slider("End of the close stage, in d", "end1", 0.005, 0.3, first, 0.005, f"1 is {px:g} px"),
        _slider("End of the medium stage, in d", "end2", 0.01, 0.6, second, 0.005),
    )
    factors = (
        _slider("Multiplier of d\u00b2, close", "factor1", 0.5, 30.0, near, 0.5),
        _slider("Multiplier of d\u00b2, medium", "factor2", 0.1, 10.0, middle, 0.1),
    )
    slope = _slider("Slope, far", "slope", 0.0, 2.0, last.linear, 0.01)
    constant = _slider("Constant, far", "constant", -0.1, 0.2, last.constant, 0.001)
    logged = st.text_input(
        "A logged loss to look up", key="logged", max_chars=20, placeholder="0.05", bind="query-params"
    )
    stages = spatial.changed(kind.stages, ends, factors, slope, constant)
    return spatial.landscape(spatial.Options(stages, px, (logged or "").strip()))


def _eos(run: Run | None) -> Landscape:
    kind = _kind("eos")
    usual = kind.weight
    assert usual is not None
    configured = configured_weight(run, kind) if run else None
    weight = _slider(
        f"Weight of {usual.weighted}", "eos", 1.0, 60.0, _within(configured or usual.usual, 1.0, 60.0), 0.5
    )
    counts = {
        name: float(
            st.number_input(
                f"Tokens of {name} in a sequence", 0, 10_000, int(count), 1, key=f"n_{name}", bind="query-params"
            )
        )
        for name, count in usual.counts.items()
    }
    return eos.landscape(counts, usual.weighted, weight)


def _article(run: Run | None) -> Landscape:
    kind = _kind("article")
    assert kind.weight is not None
    configured = configured_weight(run, kind) if run else None
    start = _within(configured or kind.weight.usual, 1.0, 20.0)
    weight = _slider("Weight of the articles", "articles", 1.0, 20.0, start, 0.5)
    share = _slider("Articles among the tokens, in %", "share", 1.0, 30.0, 6.0, 0.5)
    known = (kind.shares[0].low, kind.shares[0].high)
    bounds = tuple(band.low for band in kind.ratios[0].bands if band.low > 0)
    return article.landscape(article.Options(weight, share / 100, known, bounds), _way(run, kind))


def _way(run: Run | None, kind: LossType) -> article.Trajectory:
    if run is None:
        return article.NOTE
    try:
        return trajectory(run, kind)
    except ValueError as error:
        st.caption(f"Without the way of this run: {inert(str(error))}.")
        return article.NOTE


def _softce(run: Run | None) -> Landscape:
    del run
    sigma = _slider("Sigma of the target, in bins", "sigma", 0.5, 8.0, 2.0, 0.1)
    truncate = _slider("Truncation, in bins (0 for none)", "truncate", 0.0, 30.0, 8.0, 1.0)
    temperature = _slider("Temperature", "temperature", 0.5, 2.0, 1.0, 0.05)
    return softce.landscape(softce.Options(sigma, truncate or None, temperature))


def _causal_lm(run: Run | None) -> Landscape:
    del run
    smoothing = _slider("Label smoothing", "smoothing", 0.0, 0.5, 0.1, 0.01)
    vocabulary = st.number_input(
        "Words of the vocabulary", 2, 10_000_000, 150_000, 1000, key="vocabulary", bind="query-params"
    )
    return causal_lm.landscape(int(vocabulary), smoothing)


def _own(run: Run | None) -> Landscape:
    del run
    text = st.text_input("Loss as a function of e", "where(e < 1, e**2 / 2, e - 0.5)", key="expression", max_chars=300)
    low, high = st.slider("Errors", -10.0, 10.0, (0.0, 3.0), 0.1, key="errors", bind="query-params")
    return generic.landscape(generic.Definition(text, low, high))


CONTROLS: Mapping[str, Callable[[Run | None], Landscape]] = {
    "spatial": _spatial,
    "eos": _eos,
    "article": _article,
    "softce": _softce,
    "causal_lm": _causal_lm,
    OWN: _own,
}
"""What draws the sliders of a loss and returns its landscape; each raises ValueError for what cannot be computed."""

OF_RUN = ("eos", "articles")
"""Keys of the sliders that begin where a run stands."""

TITLES = {**{kind.name: kind.title for kind in builtin()}, OWN: "a loss of your own"}


def _kind(name: str) -> LossType:
    return next(kind for kind in builtin() if kind.name == name)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
