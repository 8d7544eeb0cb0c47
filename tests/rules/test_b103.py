"""B103: the share of metric-looking lines that gave no number."""

import numpy as np
import pytest
from make import PATH, case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.b103_unread_lines import check
from trainvitals.parsers.model import Source, UnreadLine


def source(unread, **more):
    examples = tuple(UnreadLine(7 + i, "loss: 1.2.3") for i in range(min(unread, 5)))
    return Source(PATH, "console", lines=1000, unread_lines=unread, unread_examples=examples, **more)


def made(read, *sources):
    values = np.linspace(3, 1, read)
    return case({"loss": values, "grad_norm": values}, sources=sources)


@pytest.mark.parametrize(
    ("read", "unread", "found"), [(99, 1, False), (98, 2, True), (500, 5, False), (500, 6, True), (0, 8, True)]
)
def test_more_than_one_percent_is_a_warning(read, unread, found):
    result = check(made(read, source(unread)))
    assert isinstance(result, tuple if found else Pass)


def test_the_examples_are_quoted_with_file_and_line():
    (finding,) = check(made(10, source(10)))
    assert isinstance(finding, Finding)
    assert finding.severity == "warn"
    assert finding.message.startswith(
        "10 of 20 lines that look like metrics were not understood (50.0 %) in made.jsonl"
    )
    assert "50.0 %" in finding.message
    assert [(e.path, e.line, e.text) for e in finding.evidence] == [(PATH, 7 + i, "loss: 1.2.3") for i in range(4)]


def test_a_line_with_several_metrics_counts_once():
    assert isinstance(check(made(120, source(1))), Pass)
    assert isinstance(check(made(60, source(1))), tuple)


def test_a_torn_last_line_is_not_counted():
    torn = Source(
        PATH, "jsonl", lines=21, unread_lines=1, unread_examples=(UnreadLine(21, '{"loss": 1.'),), truncated=True
    )
    assert isinstance(check(made(20, torn)), Pass)


def test_a_file_that_could_not_be_read_is_not_judged():
    assert isinstance(check(made(0, source(0, error="not a log"))), NotRun)
