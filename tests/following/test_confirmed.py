"""When a watch acts: at once on what has happened, on a trend when it has held while the log grew."""

from dataclasses import replace

import pytest
from make import run

from trainvitals.diagnostics import diagnose
from trainvitals.diagnostics.report import Finding
from trainvitals.diagnostics.watching.confirmed import Failures
from trainvitals.diagnostics.watching.news import Found, Gone, Told


def found(code: str, severity: str = "fail") -> Found:
    return Found("made", Finding(code, code.lower(), severity, ("loss",), "claim"), 100.0)  # type: ignore[arg-type]


def reports(rows: int, *standing: Found):
    """The run after so many rows, with these findings."""
    report = diagnose(run({"loss": [1.0] * rows}))
    return (replace(report, findings=tuple(one.finding for one in standing)),)


@pytest.mark.parametrize("code", ["N101", "N102", "B105", "T102"])
def test_what_has_happened_is_sure_at_once(code):
    failures = Failures(("fail",))
    failures.take([Told("back", "is there"), found(code)], reports(100))
    sure = failures.sure(reports(100))
    assert sure is not None
    assert sure.finding.code == code


def test_a_trend_has_to_stand_until_the_log_is_a_tenth_longer():
    failures = Failures(("fail",))
    trend = found("L103")
    failures.take([trend], reports(100, trend))
    assert failures.sure(reports(100, trend)) is None
    assert failures.sure(reports(109, trend)) is None
    assert failures.sure(reports(110, trend)) == trend


def test_a_failure_that_is_only_a_warning_by_then_is_none():
    failures = Failures(("fail",))
    failures.take([found("L104")], reports(100))
    assert failures.sure(reports(200, found("L104", "warn"))) is None


def test_a_trend_that_is_taken_back_is_forgotten_and_begins_anew():
    failures = Failures(("fail",))
    failures.take([found("G101")], reports(100))
    failures.take([Gone("made", found("G101").finding, 105.0)], reports(105))
    assert failures.sure(reports(200), last=True) is None
    failures.take([found("G101")], reports(200))
    assert failures.sure(reports(210, found("G101"))) is None
    assert failures.sure(reports(220, found("G101"))) is not None


def test_at_the_end_what_still_stands_is_sure():
    failures = Failures(("fail",))
    failures.take([found("R102")], reports(100))
    assert failures.sure(reports(101, found("R102"))) is None
    assert failures.sure(reports(101, found("R102")), last=True) is not None


def test_warnings_count_where_they_fail_the_run():
    for counted, acted in ((("fail",), False), (("fail", "warn"), True)):
        failures = Failures(counted)  # type: ignore[arg-type]
        failures.take([found("N101", "warn")], reports(10))
        assert (failures.sure(reports(10)) is not None) == acted
