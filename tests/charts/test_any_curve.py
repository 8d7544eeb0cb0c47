"""Whatever values a log holds and whatever is chosen: a picture with a range, in JSON and in Arrow."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainvitals.dashboard.drawing import table
from trainvitals.diagnostics.charts import panels, spec, styles
from trainvitals.diagnostics.charts.columns import rows
from trainvitals.diagnostics.charts.traces import Trace, Window, drawn, smoothed

VALUES = st.floats() | st.sampled_from([0.0, -1.0, 1e308, -1e308, 5e-324])
PLACES = st.floats(-1e9, 1e9) | st.integers(0, 50).map(float)
RUNS = st.lists(st.lists(st.tuples(PLACES, VALUES), min_size=1, max_size=30), min_size=1, max_size=3)
WINDOWS = st.tuples(st.just(-math.inf) | st.floats(-10, 60), st.just(math.inf) | st.floats(-10, 60))


@pytest.mark.filterwarnings("error")
@settings(max_examples=60, deadline=None)
@given(RUNS, WINDOWS, st.booleans(), st.booleans(), st.booleans(), st.sampled_from([0, 0.3, 0.95]))
def test_it_is_a_picture(runs, ends, log_x, log_y, trim, weight):
    window = Window(*ends, log_x) if ends[0] < ends[1] else Window(log=log_x)
    found = [
        Trace(f"run {i}", "loss", "train", np.sort([x for x, _ in points]), np.array([y for _, y in points]), 0)
        for i, points in enumerate(runs)
    ]
    log, look = log_y and panels.is_log(found, window), styles(one.run for one in found)
    inks = [
        panels.Ink(
            one.run,
            look[one.run],
            one,
            drawn(one, window, 20, log=log),
            smoothed(one, window, 20, weight, "time") if weight else None,
        )
        for one in found
    ]
    made = panels.panel("loss", inks, window, log=log, trim=trim)
    shown = panels.frame(found, "step", window, ["step"])
    chart = spec.chart([made], shown, panels.summary([made], shown))
    assert -math.inf < made.low < made.high < math.inf
    assert shown.low < shown.high
    assert made.low > 0 or not log
    assert shown.low > 0 or not log_x
    json.dumps(chart.spec, allow_nan=False)
    assert all(table(columns).num_rows == len(columns["x"]) for columns in chart.data.values())
    assert np.isfinite(rows([made], shown)["value"]).all()
