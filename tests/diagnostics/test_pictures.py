"""Which curves belong into one picture, what was read at a line, and the picture to take away."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import make
import pytest

from trainvitals.diagnostics import pictures
from trainvitals.diagnostics.charts.single import metric_chart, picture_chart
from trainvitals.diagnostics.loss_type_toml import builtin
from trainvitals.diagnostics.normalisation import Normalised
from trainvitals.diagnostics.places import read_from
from trainvitals.diagnostics.render.figure import figure
from trainvitals.diagnostics.render.landscape import png, svg
from trainvitals.diagnostics.render.status import GOOD, meaning
from trainvitals.diagnostics.report import Correction, Finding
from trainvitals.diagnostics.rules import RULES

NAN = float("nan")


def normalised(series, corrections=(), raw=None):
    run = make.run(series)
    return Normalised(run, raw or run, corrections, "step")


def test_a_finding_is_shown_with_all_splits_of_each_metric_it_speaks_of():
    run = normalised({"loss": [3, 2, 1], "eval/loss": [3, 2, 2], "grad_norm": [1, 1, 9], "lr": [1, 1, 1]})
    finding = Finding("V101", "overfitting", "fail", ("grad_norm", "loss", "absent"), "")
    found = list(pictures.of_finding(finding, run))
    assert [(p.metric, [s.split for s in p.series]) for p in found] == [
        ("grad_norm", ["train"]),
        ("loss", ["train", "eval"]),
    ]


def test_the_curve_as_logged_is_beside_one_that_was_changed():
    raw = make.run({"loss": [24, 16, 8]})
    scaled = Correction("grad_accum", "loss", 8, "high", "")
    assert pictures.picture("loss", normalised({"loss": [3, 2, 1]}, (scaled,), raw)).raw is raw.series[0]
    assert pictures.picture("loss", normalised({"loss": [3, 2, 1]}, (replace(scaled, applied=False),), raw)).raw is None


@pytest.mark.parametrize(
    ("values", "wide"), [([0.01, 1], True), ([0.1, 1], False), ([0, 100], False), ([NAN, 5], False)]
)
def test_only_positive_values_of_many_sizes_need_a_logarithmic_axis(values, wide):
    chart = picture_chart(pictures.picture("loss", normalised({"loss": values})), "step")
    assert chart.panels[0].log is wide


def test_a_finding_about_a_ratio_names_it_by_its_two_metrics():
    kind = next(kind for kind in builtin() if kind.name == "article")
    both = ("article_loss", "other_loss")
    assert pictures.ratio_of(Finding("R102", "ratio-overfit", "fail", both, ""), kind) is kind.ratios[0]
    assert pictures.ratio_of(Finding("N101", "non-finite", "fail", both, ""), kind) is None
    assert pictures.ratio_of(Finding("R102", "ratio-overfit", "fail", both[:1], ""), kind) is None


def test_before_and_after_shows_only_what_a_correction_changed():
    raw = make.run({"loss": [24, 16, 8], "eval/loss": [3, 2, NAN]})
    run = normalised({"loss": [3, 2, 1], "eval/loss": [3, 2, NAN]}, raw=raw)
    after, before = pictures.before_and_after("loss", run)
    assert [s.split for s in after] == ["train", "eval"]
    assert before == (raw.series[0],)


def test_what_was_read_from_a_line_is_told_with_the_name_that_stands_there():
    run = make.run({"loss": [3, 2, 1], "grad_norm": [5, 6, 7]})
    assert [(r.line, r.name, r.step, r.value) for r in read_from(run, make.PATH, 2, 2)] == [
        (2, "loss", 2, 2),
        (2, "grad_norm", 2, 6),
    ]
    assert read_from(run, "other.log", 2, 2) == ()


def test_the_picture_to_take_away_names_the_finding_and_shades_its_window():
    run = normalised({"loss": [3, 2, 1, NAN, NAN]})
    finding = Finding("N101", "non-finite", "fail", ("loss",), "NaN & <b>", step_start=4, step_end=5)
    one = figure("</text><script>: loss", picture_chart(pictures.picture("loss", run), "step", [finding]))
    (plot,) = one.panels
    assert [(b.start, b.end) for b in plot.bands] == [(4, 5)]
    assert [(m.x, m.text) for m in plot.marks] == [(4, "N101"), (4, "train loss: NaN and 1 more")]
    assert (plot.x.low, plot.x.high) == (1, 5)
    drawn = svg.render(one)
    texts = " ".join(ET.fromstring(drawn).itertext())
    assert "NaN & <b>" in texts
    assert "</text><script>: loss" in texts
    assert "<script" not in drawn
    assert png.render(one).startswith(b"\x89PNG")


def test_lines_are_told_apart_by_split_and_name_and_by_number_where_both_are_the_same():
    raw = make.run({"loss": [24, 16, 8]}).series[0]
    run = normalised({"loss": [3, 2, 1], "eval/loss": [3, 2, 2]}).run.series
    twice = (*run, replace(run[1], logged_as="eval_loss"), run[0])
    labels = [ink.label for ink in metric_chart("loss", twice, (raw,), "step").panels[0].inks]
    assert labels == ["train loss", "eval/loss", "eval_loss", "train loss 2", "train loss (as logged)"]


def test_only_windows_that_say_where_to_look_are_shaded():
    shown = pictures.picture("loss", normalised({"loss": [3, 2, 1, 1]}))
    note = Finding("V104", "validation-missing", "info", ("loss",), "", step_start=1, step_end=4)
    whole = picture_chart(shown, "step", [note]).panels[0]
    assert (whole.marks, whole.painted) == ((), ())
    part = picture_chart(shown, "step", [replace(note, step_start=2)])
    assert [(area.x, area.x2, area.meaning) for area in part.panels[0].painted] == [(2, 4, "info")]
    assert "shaded where V104 was found" in part.alt
    assert len(picture_chart(shown, "step", [replace(note, severity="warn")]).panels[0].painted) == 1


def test_every_status_word_of_a_severe_reading_reads_as_severe():
    bands = [band for kind in builtin() for ratio in kind.ratios for band in ratio.bands]
    readings = [r for band in bands for r in (band.falling, band.stuck) if r is not None]
    assert readings
    assert all(meaning(f"{r.severity}: {r.status}") == r.severity for r in readings if r.severity)
    assert meaning("learning") == ""
    words = " ".join(r.status for r in readings) + " good strong healthy reached"
    assert [word for word in GOOD if not re.search(rf"\b{word}\b", words)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_explanation_of_a_rule_can_be_told_by_its_parts(rule):
    wanted = {"What it checks", "Why it matters", "What to try", "How it decides", "Blind spots"}
    assert wanted <= rule.sections.keys()
    assert all("\n" not in text and text for text in rule.sections.values())
