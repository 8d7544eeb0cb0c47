"""The spine: every rule is asked, a crash of one costs only that one, and silence is never health."""

import json
import pickle

import make
import numpy as np
import pytest

from trainvitals.diagnostics import diagnosis
from trainvitals.diagnostics.diagnosis import STRICT, diagnose, thin
from trainvitals.diagnostics.normalisation import normalise
from trainvitals.diagnostics.render.json import render
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Rule
from trainvitals.diagnostics.rules import RULES
from trainvitals.diagnostics.settings import Settings

FALLING = 2.0 * np.exp(-np.arange(400) / 150) + 0.5 + np.random.default_rng(1).normal(0, 0.02, 400)
BROKEN = np.where(np.arange(400) < 300, FALLING, np.nan)


def only(*rules, monkeypatch):
    monkeypatch.setattr(diagnosis, "RULES", rules)


def test_every_rule_answers_for_every_run():
    report = diagnose(make.run({"loss": FALLING}))
    answered = {f.code for f in report.findings} | {p.code for p in report.passed} | {n.code for n in report.not_run}
    assert answered == {rule.code for rule in RULES if rule.code[0] != diagnosis.COMPARING_FAMILY}
    assert report.verdict == "pass"


def test_rules_about_baselines_answer_where_there_are_some():
    one = normalise(make.run({"loss": FALLING}))
    report = diagnosis.judge(one, baselines=(diagnosis.case_of(one, Settings()),))
    answered = {f.code for f in report.findings} | {p.code for p in report.passed} | {n.code for n in report.not_run}
    assert answered == {rule.code for rule in RULES}


def test_a_run_whose_loss_becomes_nan_fails_and_cites_the_line():
    report = diagnose(make.run({"loss": BROKEN}))
    assert report.verdict == "fail"
    assert report.findings[0].code == "N101"
    assert report.findings[0].step_start == 301
    assert report.findings[0].evidence[0].path == make.PATH


def test_too_little_is_unknown_and_not_healthy():
    assert diagnose(make.run({"loss": [2.0, 1.9]})).verdict == "unknown"
    assert diagnose(make.run({})).verdict == "unknown"


def crash(case):
    """Always crashes."""
    raise ZeroDivisionError("by hand")


def test_a_rule_that_crashes_becomes_not_run_and_costs_nothing_else(monkeypatch):
    monkeypatch.delenv(STRICT)
    only(Rule("X901", "crashes", "fail", crash), *RULES, monkeypatch=monkeypatch)
    report = diagnose(make.run({"loss": BROKEN}))
    assert NotRun("X901", "crashed: ZeroDivisionError: by hand") in report.not_run
    assert report.findings[0].code == "N101"


def test_a_rule_that_crashes_raises_under_test(monkeypatch):
    only(Rule("X901", "crashes", "fail", crash), monkeypatch=monkeypatch)
    with pytest.raises(ZeroDivisionError):
        diagnose(make.run({"loss": FALLING}))


def finding(case, *, level: float = 1.0):
    """Finds what it is told to."""
    return Finding("X902", "found", "warn", ("loss",), f"level {level:g}")


def test_evaluations_alone_are_no_sign_of_health():
    hovering = 0.01 * (-1.0) ** np.arange(60)
    report = diagnose(make.run({"loss": hovering, "eval/accuracy": [0.1, 0.1, 0.2]}), Settings(select=("V",)))
    assert "V104" in {p.code for p in report.passed}
    assert report.verdict == "unknown"


def test_gradients_alone_are_no_sign_of_health_where_the_loss_is_not_judged():
    norm = 1 + 0.1 * (-1.0) ** np.arange(200)
    report = diagnose(make.run({"loss": 0.001 * np.arange(200.0), "reward": np.linspace(0, 1, 200), "grad_norm": norm}))
    assert "G101" in {p.code for p in report.passed}
    assert report.verdict == "unknown"


def test_settings_choose_rules_thresholds_and_severities(monkeypatch):
    only(Rule("X902", "found", "warn", finding), *RULES, monkeypatch=monkeypatch)
    settings = Settings(select=("X",), thresholds={"X902": {"level": 3.0}}, severities={"X902": "fail"})
    report = diagnose(make.run({"loss": FALLING}), settings)
    assert [(f.code, f.severity, f.message) for f in report.findings] == [("X902", "fail", "level 3")]
    assert report.passed == ()
    assert diagnose(make.run({"loss": FALLING, "eval/loss": FALLING}), Settings(ignore=("X",))).findings == ()


def test_the_worst_finding_comes_first(monkeypatch):
    def severe(case):
        """Finds something worse."""
        return (Finding("X903", "worse", "fail", ("loss",), "worse"), Finding("X903", "mild", "info", (), "mild"))

    only(Rule("X902", "found", "warn", finding), Rule("X903", "worse", "fail", severe), monkeypatch=monkeypatch)
    report = diagnose(make.run({"loss": FALLING}))
    assert [f.severity for f in report.findings] == ["fail", "warn", "info"]
    assert report.verdict == "fail"


def test_info_alone_is_no_warning(monkeypatch):
    def mild(case):
        """Mentions something."""
        return Finding("L902", "mild", "info", (), "mild")

    def fine(case):
        """Passes."""
        return Pass("L903")

    only(Rule("L902", "mild", "info", mild), Rule("L903", "fine", "fail", fine), monkeypatch=monkeypatch)
    assert diagnose(make.run({"loss": FALLING})).verdict == "pass"


def test_a_report_survives_pickling_and_json():
    report = diagnose(make.run({"loss": BROKEN, "grad_norm": FALLING}))
    copy = pickle.loads(pickle.dumps(report))
    assert render([copy]) == render([report])
    assert json.loads(render([report]))["runs"][0]["verdict"] == "fail"


def test_a_sparkline_keeps_the_one_value_that_is_not_finite():
    values = FALLING.copy()
    values[217] = np.inf
    series = make.run({"loss": values}).series[0]
    assert np.isinf(thin(series)).sum() == 1
    assert thin(series).size == diagnosis.SPARK_POINTS
