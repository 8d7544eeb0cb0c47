"""The specification of curves, as data: valid, inert, and nothing left unsaid."""

import json
import math
from dataclasses import replace

import altair as alt
import numpy as np
import pytest
from make import case

from trainvitals.diagnostics.charts import panels, spec, styles
from trainvitals.diagnostics.charts.columns import rows
from trainvitals.diagnostics.charts.traces import Window, drawn, smoothed, trace
from trainvitals.diagnostics.report import Finding

NAN = math.nan
HOSTILE = "a.b[0]:Q </script><img src=x onerror=alert(1)> ![x](http://evil)"
FIELDS = {
    "x",
    "x1",
    "x2",
    "y",
    "y2",
    "s",
    "run",
    "shape",
    "edge",
    "severity",
    "code",
    "message",
    "label",
    "told",
    "row",
    "a",
    "b",
}


def runs():
    smooth = {"loss": np.linspace(5, 1, 300), "eval/loss": (np.arange(30, 301, 30.0), np.linspace(5, 2, 10))}
    broken = np.linspace(4, 2, 300)
    broken[100], broken[200] = NAN, 400.0
    return {"first": case({**smooth, HOSTILE: np.linspace(1, 2, 300)}), HOSTILE: case({"loss": broken})}


def charted(metrics=("loss", HOSTILE), window=None, *, weight=0.6, log=False, trim=True, findings=()):
    window, found, look = window or Window(), runs(), styles(runs())
    made = []
    for metric in metrics:
        inks = []
        for name, one in found.items():
            for series in one.run.series:
                if series.metric == metric:
                    traced = trace(one, series, "step")
                    lines = smoothed(traced, window, 500, weight, "time") if weight else None
                    inks.append(panels.Ink(name, look[name], traced, drawn(traced, window, 500, log=log), lines))
        marks = panels.marks(found["first"], findings, metric, "step")
        made.append(panels.panel(metric, inks, window, log=log, trim=trim, marks=marks))
    shown = panels.frame([ink.trace for one in made for ink in one.inks], "step", window, ["step"])
    return made, spec.chart(made, shown, panels.summary(made, shown), brush=True)


def everything(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from everything(inner, (*path, key))
    elif isinstance(value, list):
        for inner in value:
            yield from everything(inner, path)
    else:
        yield path, value


FAULT = Finding("V101", HOSTILE, "fail", ("loss",), f"{HOSTILE} rose", step_start=100.0, step_end=250.0)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("weight", [0.0, 0.6])
@pytest.mark.parametrize("findings", [(), (FAULT,)])
def test_it_is_vega_lite(log, weight, findings):
    _, chart = charted(log=log, weight=weight, findings=findings)
    alt.VConcatChart.from_dict(chart.spec)
    json.dumps(chart.spec, allow_nan=False)


def test_names_of_logs_are_titles_and_values_and_nothing_else():
    _, chart = charted(findings=(FAULT,))
    named = {path[-2:] for path, value in everything(chart.spec) if isinstance(value, str) and "evil" in value}
    assert named == {("title", "text"), ("tooltip", "title"), ("scale", "domain")}
    fields = {value for path, value in everything(chart.spec) if path[-1] == "field"}
    assert all(field in FIELDS or field[1:].isdigit() for field in fields)
    expressions = {value for path, value in everything(chart.spec) if path[-1] in ("expr", "signal", "test", "filter")}
    assert expressions == {"datum.align", "datum.dx"}
    assert not any(path[-1] in ("href", "url", "usermeta") for path, _ in everything(chart.spec))


def test_every_layer_finds_its_data_and_every_set_is_of_one_length():
    _, chart = charted(findings=(FAULT,))
    asked = {value for path, value in everything(chart.spec) if path[-2:] == ("data", "name")}
    assert asked == set(chart.data)
    assert all(len({len(column) for column in columns.values()}) == 1 for columns in chart.data.values())


def test_the_theme_decides_the_colours_of_text():
    _, chart = charted(findings=(FAULT,))
    colours = {v for p, v in everything(chart.spec) if p[-1] in ("color", "labelColor", "titleColor") and "mark" in p}
    assert colours == {"gray"}, "grey is read on white and on black"


def test_all_panels_have_one_cursor_and_the_same_colours():
    _, chart = charted()
    (hover,) = chart.spec["params"]
    assert hover["views"] == ["h0", "h1"]
    assert chart.brushes == ("brush0", "brush1")
    domains = [v for p, v in everything(chart.spec) if p[-3:] == ("color", "scale", "domain")]
    assert domains == ["first", HOSTILE] * (len(domains) // 2)


def test_the_raw_line_is_faint_behind_a_smoothed_one_and_full_alone():
    marks = {
        weight: {
            layer["data"]["name"]: layer["mark"]
            for layer in charted(("loss",), weight=weight)[1].spec["vconcat"][1]["layer"]
            if "mark" in layer
        }
        for weight in (0.0, 0.6)
    }
    assert marks[0.6]["raw0"]["opacity"] < 0.5 < marks[0.0]["raw0"]["opacity"]
    assert "smooth0" in marks[0.6]
    assert "smooth0" not in marks[0.0]


def test_nan_is_a_mark_and_an_outlier_a_triangle_and_both_are_counted():
    (one,), chart = charted(("loss",), weight=0)
    assert chart.data["broken0"]["x"].tolist() == [101]
    away = chart.data["away0"]
    assert (away["x"].tolist(), away["y"].tolist(), away["shape"].tolist()) == ([201], [400], ["triangle-up"])
    assert one.notes == (
        "1 point outside the range shown, marked by triangles at its edge",
        "1 value is not finite, marked by ticks below the curve",
    )


def test_without_leaving_outliers_out_all_of_them_are_inside():
    (one,), chart = charted(("loss",), trim=False)
    assert one.low < 1
    assert one.high > 400
    assert "away0" not in chart.data


def test_a_finding_stands_where_it_begins_and_reaches_as_far_as_the_window():
    _, chart = charted(("loss",), Window(50, 200), findings=(FAULT,))
    found = chart.data["find0"]
    assert (found["x"].tolist(), found["x2"].tolist()) == ([100], [200])
    assert (found["label"].tolist(), found["severity"].tolist()) == (["V101"], ["fail"])
    assert "find0" not in charted(("loss",), Window(260, 290), findings=(FAULT,))[1].data


def test_findings_at_one_place_share_a_label():
    other = Finding("W101", "name", "info", ("loss",), "says", step_start=101.0, step_end=120.0)
    late = Finding("L104", "name", "warn", ("loss",), "says", step_start=299.0)
    found = charted(("loss",), findings=(FAULT, other, late))[1].data["find0"]
    assert found["label"].tolist() == ["V101 W101", "", "L104"]
    assert found["align"].tolist() == ["left", "left", "right"]


def test_what_is_worth_knowing_of_the_whole_run_has_no_place_on_its_axis():
    whole = Finding("V104", "name", "info", ("loss",), "says", step_start=1.0, step_end=300.0)
    assert "find0" not in charted(("loss",), findings=(whole,))[1].data
    assert "find0" in charted(("loss",), findings=(whole.at("warn"),))[1].data


def test_the_cursor_tells_raw_and_smoothed_values_of_every_series():
    _, chart = charted(("loss",))
    grid = chart.data["grid0"]
    assert len(grid["x"]) <= 300
    assert all("raw" in text for text in grid["c0"].tolist())
    assert grid["c1"][0] == "-", "before the first evaluation there is no value"
    first = chart.spec["vconcat"][1]["layer"][-1]["encoding"]["tooltip"]
    assert [tip["title"] for tip in first] == ["step", "first", "first (eval)", HOSTILE]


def test_the_words_for_those_who_do_not_see_it():
    assert "loss: first from 5 to 1; first (eval) from 5 to 2" in charted(("loss",), trim=False)[1].alt


def test_the_table_holds_the_points_that_are_drawn():
    made, _ = charted(("loss",))
    found = rows(made, panels.frame([ink.trace for ink in made[0].inks], "step", Window(), ["step"]))
    assert len(found["value"]) == 300 + 10 + 299
    assert np.isfinite(found["value"]).all()


def test_many_lines_share_the_points_that_a_browser_can_bear():
    assert panels.columns(1) == 1000
    assert 60 * 3 * panels.columns(60) <= panels.POINTS


def test_one_value_has_room_around_it():
    one = case({"loss": [2.0]})
    traced = trace(one, one.run.series[0], "step")
    ink = panels.Ink("run", styles(["run"])["run"], traced, drawn(traced, Window(), 100, log=False))
    found = panels.panel("loss", [ink], Window(), log=False, trim=True)
    shown = panels.frame([traced], "step", Window(), ["step"])
    assert found.low < 2 < found.high
    assert shown.low < 1 < shown.high
    assert spec.chart([found], shown, "").data["dot0"]["x"].tolist() == [1]


def test_a_logarithmic_axis_of_steps_says_what_it_has_no_place_for():
    one = case({"loss": ([0, 1, 2], [3.0, 2.0, 1.0])})
    traced, window = trace(one, one.run.series[0], "step"), Window(log=True)
    ink = panels.Ink("run", styles(["run"])["run"], traced, drawn(traced, window, 100, log=False))
    found = panels.panel("loss", [ink], window, log=False, trim=False)
    assert found.notes == ("1 point at 0 or before left out: a logarithmic axis has no such place",)
    assert panels.frame([traced], "step", window, ["step"]).low == 1


def test_times_of_day_are_round_and_told_in_utc():
    one = case({"loss": [3.0, 2.0, 1.0]})
    times = replace(one.run.series[0], time=1_700_000_000 + np.array([0.0, 60, 600]))
    one = replace(one, run=replace(one.run, series=(times,)))
    traced = trace(one, times, "clock")
    ink = panels.Ink("run", styles(["run"])["run"], traced, drawn(traced, Window(), 100, log=False))
    found = panels.panel("loss", [ink], Window(), log=False, trim=False)
    shown = panels.frame([traced], "clock", Window())
    chart = spec.chart([found], shown, "")
    alt.VConcatChart.from_dict(chart.spec)
    axis = chart.spec["vconcat"][1]["layer"][0]["encoding"]["x"]["axis"]
    assert axis["values"] == [1_700_000_100_000, 1_700_000_400_000]
    assert axis["labelExpr"] == "utcFormat(datum.value, '%H:%M')"
    assert chart.data["grid0"]["t"].tolist() == ["2023-11-14 22:13:20", "2023-11-14 22:14:20", "2023-11-14 22:23:20"]
    assert rows([found], shown)["UTC"][0] == "2023-11-14 22:13:20"


@pytest.mark.parametrize(
    ("values", "can"), [([1.0, 2], True), ([-1.0, 0], False), ([NAN, -1], False), ([-1.0, 5], True)]
)
def test_a_logarithmic_axis_needs_something_positive(values, can):
    one = case({"loss": values})
    assert panels.is_log([trace(one, one.run.series[0], "step")], Window()) is can


def test_a_long_name_keeps_its_beginning_and_its_end_in_the_legend():
    names = [f"{'sweep/lr-' * 12}{end}" for end in ("first", "second")]
    look = styles(names)
    traces = [trace(case({"loss": [3.0, 2.0]}), case({"loss": [3.0, 2.0]}).run.series[0], "step") for _ in names]
    inks = [panels.Ink(n, look[n], t, drawn(t, Window(), 9, log=False)) for n, t in zip(names, traces, strict=True)]
    one = panels.panel("loss", inks, Window(), log=False, trim=False)
    data = spec.chart([one], panels.frame(traces, "step", Window(), ["step"]), "").data["legend"]
    assert data["run"].tolist() == names, "runs are told apart by all of their names"
    assert [told[-6:] for told in data["told"]] == ["-first", "second"]
    assert all(told.startswith("sweep/lr-") and len(told) < 40 for told in data["told"])


def test_outliers_ask_for_a_logarithmic_axis_only_where_they_are_shown():
    one = case({"loss": np.where(np.arange(300) == 100, 900.0, np.linspace(2.5, 0.5, 300))})
    found = trace(one, one.run.series[0], "step")

    def shown(*ends):
        return [drawn(found, Window(*ends), 100, log=True)]

    assert panels.is_wide(shown())
    assert not panels.is_wide(shown(), trim=True)
    assert not panels.is_wide(shown(150, 200))
    assert not panels.is_wide([])
