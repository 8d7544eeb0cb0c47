"""The report for a terminal: the verdict first, then why; narrow, aligned, and inert."""

import dataclasses
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reports import EMPTY, HEALTHY, NAN, SICK, few, reports

from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.page import ASCII, UNICODE, Page
from trainvitals.diagnostics.render.sanitise import FORBIDDEN, cells
from trainvitals.diagnostics.render.text import render
from trainvitals.diagnostics.report import Finding, Report

SGR = re.compile(r"\x1b\[[0-9;]*m")
COMMAND = re.compile(r"^\s*::|##\w*\[")

SICK_TEXT = """\
✗ FAIL  runs/lora
        loss is NaN at 621 of 1000 points (since step 380); and 1 more finding

✗ FAIL  N101 non-finite  since step 380 · loss
  loss is NaN at 621 of 1000 points; the gradient norm was 812 before.
  → lower the learning rate
  runs/lora/logging.jsonl:380  step 380: loss = nan
  runs/lora/logging.jsonl:381  step 381: loss = nan
  runs/lora/logging.jsonl:382  step 382: loss = nan
  and 2 more places
  how: any value that is not finite

! WARN  V101 overfitting  steps 500 to 700 · loss
  validation rises

i INFO  B103 unread-lines
  1 of 1000 lines was not understood.

Ratio
  step  ratio  status
   100   0.45  learning
   500    NaN  -
   900      -  stuck

Series, read as softce
  metric       curve   first → last  points  steps
  loss         █▄▂▁××  2 → NaN         1000  1..1000
  loss [eval]  █▃▁     2 → 1.25          10  100..1000
  grad_norm    ▁▁█     1 → 812         1370  1..1000

Corrections
  loss: divided by 8 (grad accum, high confidence)
    as logged 16 → NaN, normalised 2 → NaN
    because gradient_accumulation_steps=8 in runs/lora/args.json:3
  grad_norm: left as logged, factor 8 suspected (grad accum, medium confidence)
    because the same factor is likely

Not judged
  R101 R102: no ratio is known for softce
  P101: no pixel errors
  not meant for this run: E101

Passed
  S104

Sources
  runs/lora/logging.jsonl: jsonl, 1 000 lines, 2 380 points, 1 line not
    understood
    line 17: {'loss': oops
  runs/lora/x.log  cannot be read
    is no log in a format that is known

Settings
  learning_rate=0.0001 and 2 more

1 run, 3 series, 2 380 points, 3 findings
"""


def test_a_sick_run_tells_what_since_when_why_and_what_to_do() -> None:
    assert render([SICK]) == SICK_TEXT


def test_several_runs_begin_with_one_line_each_worst_first_and_detail_only_the_sick() -> None:
    lines = render([HEALTHY, EMPTY, SICK]).splitlines()
    assert lines[:3] == [
        "✗ FAIL     runs/lora       loss is NaN at 621 of 1000 points (since step 380); …",
        "? UNKNOWN  runs/empty.log  cannot tell: no usable series (the file is empty)",
        "✓ PASS     runs/good       nothing wrong in 1 series, 10 points",
    ]
    assert sum("runs/good" in line for line in lines) == 1
    assert sum(line.startswith("✗ FAIL  runs/lora") for line in lines) == 1
    assert lines[-1] == "3 runs, 4 series, 2 390 points, 3 findings"


def test_verbose_details_every_run_and_leaves_nothing_out() -> None:
    text = render([HEALTHY, SICK], Page(verbose=True))
    assert "✓ PASS  runs/good" in text
    assert "runs/lora/logging.jsonl:384" in text
    assert "seed=42" in text
    assert "S104: perplexity is exp(loss)" in text
    assert "hf_abc" not in text


def test_nothing_at_all_is_said_too() -> None:
    assert render([]).strip() == "0 runs, 0 series, 0 points, 0 findings"


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit_the_width_and_ascii_is_ascii(width: int, glyphs: object) -> None:
    text = render([SICK, HEALTHY, EMPTY], Page(width, glyphs=glyphs, verbose=True))
    assert max(map(cells, text.splitlines())) <= width
    assert text.isascii() == (glyphs is ASCII)


def test_colour_adds_nothing_but_colour() -> None:
    coloured = render([SICK, HEALTHY], Page(colour=True))
    assert "\x1b[1;31m✗ FAIL\x1b[0m" in coloured
    assert SGR.sub("", coloured) == render([SICK, HEALTHY])


def test_a_name_that_forges_our_words_is_quoted() -> None:
    forged = Report("OK  all checks passed", "fail", "generic", findings=SICK.findings[1:2])
    assert render([forged]).startswith('✗ FAIL  "OK  all checks passed"\n')


@pytest.mark.parametrize(
    ("start", "end", "window"),
    [(5, 5, "at step 5"), (5, 9, "steps 5 to 9"), (5, 1000, "since step 5"), (NAN, NAN, ""), (5, NAN, "at step 5")],
)
def test_the_window_of_a_finding_is_put_in_words(start: float, end: float, window: str) -> None:
    finding = Finding("L103", "divergence", "fail", ("grad_norm",), "it rises", step_start=start, step_end=end)
    text = render([Report("r", "fail", "generic", series=SICK.series, findings=(finding,))])
    assert f"L103 divergence{f'  {window}' if window else ''}" in text
    assert (f"it rises ({window})" if window else "it rises\n") in text


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(few(reports, 2), st.booleans(), st.booleans())
def test_whatever_a_log_says_the_terminal_obeys_only_us(shown: tuple[Report, ...], colour: bool, verbose: bool) -> None:
    text = SGR.sub("", render(shown, Page(colour=colour, verbose=verbose))) if colour else render(shown, Page())
    text.encode("utf-8")
    for line in text.split("\n"):
        assert not FORBIDDEN.search(line)
        assert not COMMAND.search(line)


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ((), ""),
        ((1.0,), "▁"),
        ((0.0, 1.0), "▁█"),
        ((1.0, 1.0, 1.0), "▁▁▁"),
        ((0.0, NAN, 1.0), "▁×█"),
        ((NAN, float("inf")), "××"),
        ((1000.0, 100.0, 10.0, 1.0), "█▆▃▁"),
        ((-1e308, 1e308), "▁█"),
        ((0.0, 5e-324), "▁▁"),
    ],
)
def test_sparklines_show_shape_and_what_is_not_finite(values: tuple[float, ...], drawn: str) -> None:
    assert Page().spark(values) == drawn


def test_one_spike_and_one_nan_among_many_points_are_drawn() -> None:
    spike = [1.0] * 1000
    spike[501] = 5.0
    assert Page().spark(spike, 10) == "▁▁▁▁▁█▁▁▁▁"
    spike[501] = NAN
    assert Page().spark(spike, 10) == "▁▁▁▁▁×▁▁▁▁"


def test_wrapping_breaks_at_spaces_only() -> None:
    page = Page(width=20)
    assert page.wrap("one two three four five", "- ") == ["- one two three four", "  five"]
    assert page.wrap("a " + "x" * 30 + " b") == ["a", "x" * 30, "b"]
    assert page.wrap("損失損失損失 損失損失損失") == ["損失損失損失", "損失損失損失"]


def test_the_widest_column_gives_way_and_numbers_stay_whole() -> None:
    rows = [("a" * 12 + "m" * 30 + "zz", "123456"), ("b", "7")]
    assert Page(width=30).columns(rows, right=(1,)) == [
        "  aaaaaaaaaa…mmmmmmmzz  123456",
        "  b                          7",
    ]


def test_the_headline_names_what_a_cause_led_to() -> None:
    nan = Finding("N101", "non-finite", "fail", ("loss",), "loss is NaN", step_start=380)
    spike = Finding("L104", "spike", "info", ("loss",), "one spike", step_start=370)
    cause = Finding("G101", "gradient-growth", "fail", ("grad_norm",), "the gradient norm grew", step_start=360)
    report = dataclasses.replace(SICK, findings=(dataclasses.replace(cause, consequences=(spike, nan)),))
    assert words.headline(report) == "the gradient norm grew (at step 360), then non-finite (N101)"


def test_a_table_is_parted_where_it_is_too_wide_and_nothing_of_it_is_cut_off():
    head = ("step", "article_loss", "status")
    rows = [("2", "6.242", "balanced"), ("300", "1.047", "fail: overfitting to the weighted class")]
    assert Page(width=40).table(head, rows, right=(0, 1)) == [
        ["  step  article_  status", "            loss"],
        ["     2     6.242  balanced"],
        ["   300     1.047  fail: overfitting to", "                  the weighted class"],
    ]
    assert Page(width=80).table(head, rows, right=(0, 1))[0] == ["  step  article_loss  status"]


def test_a_table_without_rows_or_with_words_wider_than_the_page_has_its_lines():
    assert Page().table(("a", "b"), []) == [["  a  b"]]
    (_, (line,)) = Page(width=30).table(("name", "x"), [("n" * 300, "")])
    assert line == f"  {'n' * 12}…{'n' * 11}"
