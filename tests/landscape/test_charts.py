"""Panels of landscapes as charts: the data of the panels, names as values only."""

import json

import numpy as np
import pytest

from trainvitals.diagnostics.charts.landscape import panel_chart
from trainvitals.diagnostics.charts.ticks import decades
from trainvitals.diagnostics.landscape import article, causal_lm, eos, softce, spatial
from trainvitals.diagnostics.landscape.picture import Band, Curve, Mark, Plot, Scale, Surface
from trainvitals.diagnostics.loss_type_toml import builtin

STAGES = next(kind.stages for kind in builtin() if kind.name == "spatial")
LANDSCAPES = (
    spatial.landscape(spatial.Options(STAGES, 192.0)),
    eos.landscape({"COORD": 17, "EOS": 1}, "EOS", 20),
    article.landscape(article.Options(5, 0.06, (0.05, 0.09), (0.5, 1.0))),
    softce.landscape(softce.Options()),
    causal_lm.landscape(1000),
)
HOSTILE = "a.b[0]:Q </script><script>alert(1)</script> datum.x"
X = np.array([0.0, 1.0, 2.0])


def fields(spec):
    """Every field and data name that a specification refers to."""
    if isinstance(spec, dict):
        own = [spec["field"]] if isinstance(spec.get("field"), str) else []
        return own + [f for value in spec.values() for f in fields(value)]
    return [f for value in spec for f in fields(value)] if isinstance(spec, list) else []


@pytest.mark.parametrize("landscape", LANDSCAPES, ids=lambda one: one.name)
def test_every_panel_of_every_loss_is_a_chart_of_its_own_data(landscape):
    for panel in landscape.panels:
        chart = panel_chart(panel, "what it shows")
        json.dumps(chart.spec)
        assert chart.alt == f"{panel.title}. what it shows"
        for layer in chart.spec["layer"]:
            columns = chart.data[layer["data"]["name"]]
            assert set(fields(layer)) <= columns.keys()
            assert len({len(column) for column in columns.values()}) == 1


def test_the_drop_of_the_staged_loss_is_a_gap_in_its_line_and_none_in_that_of_the_repair():
    plot = LANDSCAPES[0].panels[0]
    points = panel_chart(plot).data["curves"]
    gaps = {name: np.isnan(points["y"][points["curve"] == name]).sum() for name in ("loss", "repaired")}
    assert gaps["loss"] >= 2
    assert gaps["repaired"] == 0


def test_names_are_values_and_curves_of_one_name_stay_apart():
    curves = (Curve(HOSTILE, X, X), Curve(HOSTILE, X, 2 * X, 1), Curve("", X, X, 2))
    panel = Plot(
        HOSTILE, Scale("x"), Scale("y"), curves, (Mark(1, HOSTILE), Mark(1, HOSTILE, 1)), (Band(0, 1, HOSTILE),)
    )
    chart = panel_chart(panel)
    assert not any("script" in field or "[" in field for field in fields(chart.spec))
    assert "expr" not in json.dumps(chart.spec)
    assert set(chart.data["curves"]["curve"]) == {HOSTILE, HOSTILE + " (2)"}
    assert len(chart.data["others"]["x"]) == 3


def test_a_surface_covers_its_plane_and_leaves_out_what_is_not_finite():
    z = np.array([[1.0, 2.0, np.inf], [3.0, np.nan, 4.0]])
    surface = Surface("s", Scale("a"), Scale("b"), "loss", X, np.array([0.0, 1.0]), z, square=True)
    chart = panel_chart(surface)
    cells = chart.data["cells"]
    assert np.isfinite(cells["z"]).tolist() == [True, True, False, True, False, True]
    (layer,) = chart.spec["layer"]
    assert layer["encoding"]["x"]["scale"]["domain"] == [-0.5, 2.5]
    assert layer["encoding"]["y"]["scale"]["domain"] == [-0.5, 1.5]
    assert chart.spec["width"] == chart.spec["height"]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.004, 30.0, [0.01, 0.1, 1.0, 10.0]),
        (1.0, 1e12, [1.0, 100.0, 1e4, 1e6, 1e8, 1e10, 1e12]),
        (1.0, 50.0, None),
        (0.0, 50.0, None),
    ],
)
def test_a_logarithmic_axis_has_a_few_powers_of_ten(low, high, ticks):
    assert decades(low, high).get("values") == ticks
