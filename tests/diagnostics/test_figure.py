"""A chart as a picture to take away: the same lines, bands and words, in a file that needs nothing else."""

import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from make import case

from trainvitals.diagnostics.charts import panels, spec, styles
from trainvitals.diagnostics.charts.panels import Aimed, Painted, Panel, Span
from trainvitals.diagnostics.charts.traces import Window, drawn, smoothed, trace
from trainvitals.diagnostics.render import figure
from trainvitals.diagnostics.render.landscape import html, json, png, svg
from trainvitals.diagnostics.report import Finding

NAN = math.nan
HOSTILE = "</svg><script>alert(1)</script> & ]]>"


def charted(runs, metrics, *, weight=0.0, window=None, log=False, axis="step", findings=()):
    window, look = window or Window(), styles(runs)
    made = []
    for metric in metrics:
        traces = {
            (name, s.split): trace(c, s, axis) for name, c in runs.items() for s in c.run.series if s.metric == metric
        }
        inks = [
            panels.Ink(
                name,
                look[name],
                one,
                drawn(one, window, 400, log=log),
                smoothed(one, window, 400, weight, "time") if weight else None,
            )
            for (name, _), one in traces.items()
        ]
        marks = [m for c in runs.values() for m in panels.marks(c, findings, metric, axis)]
        made.append(panels.panel(metric, inks, window, log=log, trim=False, marks=marks))
    frame = panels.frame([i.trace for one in made for i in one.inks], axis, window, ["step"])
    return spec.chart(made, frame, panels.summary(made, frame))


def test_several_runs_and_metrics_are_panels_with_the_colours_that_they_have_on_the_page():
    runs = {
        "a": case({"loss": [3, 2, 1], "grad_norm": [1, 1, 2]}),
        HOSTILE: case({"loss": [4, 3, 2], "eval/loss": [4, 3]}),
    }
    chart = charted(runs, ["loss", "grad_norm"])
    one = figure.figure(figure.title(chart), chart)
    assert one.title == f"loss, grad_norm: a, {HOSTILE}"
    assert [p.title for p in one.panels] == ["loss", "grad_norm"]
    first = one.panels[0]
    assert [(c.name, c.weight) for c in first.curves] == [
        ("a", "line"),
        (HOSTILE, "line"),
        (f"{HOSTILE} (eval)", "thin"),
    ]
    assert first.curves[0].colour != first.curves[1].colour == first.curves[2].colour
    assert first.curves[0].y.tolist() == [3, 2, 1]
    assert (first.x.low, first.x.high, first.x.label) == (1, 3, "step")
    texts = " ".join(ET.fromstring(svg.render(one)).itertext())
    assert HOSTILE in texts
    assert "<script" not in svg.render(one) + html.render(one)
    assert png.render(one).startswith(b"\x89PNG")
    assert "http" not in html.render(one).replace("http-equiv", "")
    json.render(one)


def test_a_smoothed_curve_lies_over_the_values_as_they_are():
    one = figure.figure("", charted({"a": case({"loss": np.linspace(9, 1, 50)})}, ["loss"], weight=0.9))
    faint, smooth = one.panels[0].curves
    assert (faint.name, faint.weight, smooth.name, smooth.weight) == ("", "faint", "a", "line")
    assert "faint" in svg.render(one)


def test_what_was_found_and_what_is_not_drawn_is_told():
    values = [3.0, 2.0, NAN, NAN, -1.0]
    finding = Finding("N101", "non-finite", "fail", ("loss",), "loss is NaN", step_start=3, step_end=4)
    one = figure.figure("", charted({"a": case({"loss": values})}, ["loss"], log=True, findings=[finding]))
    (plot,) = one.panels
    assert plot.y.log
    assert [(m.x, m.text) for m in plot.marks] == [(3, "N101"), (3, "a: NaN and 1 more")]
    assert [s.partition(": ")[2] for s in one.sentences] == [
        "loss is NaN",
        "2 values are not finite; 1 value is 0 or less",
    ]


def test_a_part_of_an_axis_stays_a_part():
    one = figure.figure("", charted({"a": case({"loss": np.linspace(9, 1, 50)})}, ["loss"], window=Window(10, 20)))
    assert (one.panels[0].x.low, one.panels[0].x.high) == (10, 20)


def test_times_of_day_are_counted_from_the_first():
    frame = panels.Frame("", 1_700_000_000.0, 1_700_007_200.0, 1000.0, is_date=True)
    inks = charted({"a": case({"loss": [1, 2]})}, ["loss"]).panels[0].inks
    chart = spec.Chart({}, {}, "", (), (Panel("loss", inks, 0.0, 1.0, log=False),), frame)
    x = figure.figure("", chart).panels[0].x
    assert (x.label, x.low, x.high) == ("hours since 2023-11-14 22:13:20 UTC", 0, 2)


def test_bands_targets_and_ranges_are_kept():
    inks = charted({"a": case({"loss": [1, 2, 3]})}, ["loss"]).panels[0].inks
    one = Panel(
        "ratio",
        inks,
        0.0,
        4.0,
        log=False,
        painted=(Painted(1, 3, 0.0, 2.0, "good", "fine"), Painted(1, 2, 0.0, 4.0, "none", "compared")),
        aimed=(Aimed(2, 1.0, 1.5, "target"),),
        spans=(Span("a", np.array([1.0, 3.0]), np.array([0.5, 1.0]), np.array([1.5, 3.5])),),
    )
    made = figure.figure("", spec.Chart({}, {}, "", (), (one,), panels.Frame("step", 1, 3)))
    low, whole = made.panels[0].bands
    assert (low.name, low.low, low.high) == ("fine", 0.0, 2.0)
    assert (whole.low, whole.high) == (None, None)
    assert [c.y.tolist() for c in made.panels[0].curves[1:]] == [[0.5, 1.0], [1.5, 3.5], [1.0, 1.5]]
    assert svg.render(made).count('<rect class="band') == 2
    assert png.render(made).startswith(b"\x89PNG")


@pytest.mark.parametrize("weight", ["dashed", "dotted", "dashdot"])
def test_every_dash_is_seen_in_both_kinds_of_picture(weight):
    from trainvitals.diagnostics.landscape.picture import Curve, Landscape, Plot, Scale

    def made(kind):
        curve = Curve("a", np.array([0.0, 1.0]), np.array([0.0, 1.0]), 0, kind)
        return Landscape("", "", (), (Plot("", Scale("x"), Scale("y"), (curve,)),))

    assert f'class="{weight} c0"' in svg.render(made(weight))
    assert f".{weight}{{" in svg.STYLE
    assert png.render(made(weight)) != png.render(made("line"))
