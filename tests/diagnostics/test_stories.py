"""One event is told once: its cause, and under it what followed."""

import dataclasses

import make
import numpy as np
import pytest
from curves import noisy, power_law
from hypothesis import given
from hypothesis import strategies as st

from trainvitals.diagnostics.diagnosis import diagnose
from trainvitals.diagnostics.report import Finding, told
from trainvitals.diagnostics.rules import RULES
from trainvitals.diagnostics.stories import LINKS, tell

NAN = float("nan")


def finding(code, severity="fail", start=100.0, end=1000.0):
    return Finding(code, code.lower(), severity, ("loss",), "something", step_start=start, step_end=end)


def shape(findings):
    return [(f.code, f.severity, [c.code for c in f.consequences]) for f in tell(findings)]


def test_an_explosion_a_divergence_and_a_nan_are_one_story():
    told_of = shape([finding("N101", start=300), finding("L103", start=220), finding("G101", "warn", start=200)])
    assert told_of == [("G101", "fail", ["L103", "N101"])]


def test_an_artefact_does_not_lend_its_severity_to_its_cause():
    assert shape([finding("L103"), finding("B102", "warn")]) == [("B102", "warn", ["L103"])]
    assert shape([finding("L104", "warn"), finding("S102"), finding("L103", start=50)]) == [
        ("S102", "fail", ["L103", "L104"])
    ]


def test_what_ended_before_the_cause_began_stands_for_itself():
    early = finding("L104", "warn", start=10, end=50)
    assert shape([early, finding("S102", start=500)]) == [("S102", "fail", []), ("L104", "warn", [])]


def test_the_earlier_of_a_nan_and_a_divergence_is_the_cause():
    assert shape([finding("N101", start=100), finding("L103", start=400)]) == [("N101", "fail", ["L103"])]
    assert shape([finding("N101", start=400), finding("L103", start=100)]) == [("L103", "fail", ["N101"])]
    both = [finding("N101", start=100), finding("L103", start=100)]
    assert len(tell(both)) == 1


def test_a_spike_for_information_explains_nothing():
    assert len(shape([finding("L104", "info"), finding("L103", start=50)])) == 2


def test_without_steps_the_codes_decide():
    assert shape([finding("L103", start=NAN, end=NAN), finding("S102", start=NAN, end=NAN)]) == [
        ("S102", "fail", ["L103"])
    ]


def test_the_most_severe_comes_first_then_the_earliest():
    ranked = tell([finding("X1", "warn", start=5), finding("X2", start=NAN), finding("X3", start=9), finding("X4")])
    assert [f.code for f in ranked] == ["X3", "X4", "X2", "X1"]


def test_the_links_name_rules_of_the_catalogue_and_no_rule_explains_itself():
    assert all(link.cause not in link.effects for link in LINKS)
    named = {link.cause for link in LINKS} | {code for link in LINKS for code in link.effects}
    assert named - {rule.code for rule in RULES} == set()


codes = st.sampled_from(sorted({link.cause for link in LINKS} | {code for link in LINKS for code in link.effects}))
numbers = st.one_of(st.just(NAN), st.integers(0, 100).map(float))


@given(st.lists(st.builds(finding, codes, st.sampled_from(["fail", "warn", "info"]), numbers, numbers), max_size=12))
def test_nothing_is_lost_or_told_twice(findings):
    ranked = tell(findings)
    flat = told(ranked)
    assert sorted(f.code for f in flat) == sorted(f.code for f in findings)
    assert all(not c.consequences for f in ranked for c in f.consequences)
    assert bool(findings) == bool(ranked)
    plain = {(f.code, f.step_start, f.step_end) for f in findings}
    assert all((f.code, f.step_start, f.step_end) in plain for f in flat if f.step_start == f.step_start)


def test_a_change_of_unit_is_told_without_the_divergence_that_it_looks_like():
    loss = noisy(power_law(1000), 0.02, np.random.default_rng(0))
    loss[600:] *= 8
    report = diagnose(make.run({"loss": loss}))
    assert report.verdict == "fail"
    (story,) = [f for f in report.findings if f.severity == "fail"]
    assert story.code == "S102"
    assert "L103" in [c.code for c in story.consequences]


@pytest.mark.parametrize("kind", ["divergence", "spike"])
def test_a_nan_after_a_rise_is_its_consequence(kind):
    rng = np.random.default_rng(0)
    loss = noisy(power_law(1000), 0.02, rng)
    loss[600:] *= 1 + np.arange(400) / 40 if kind == "divergence" else 3.3
    loss[900:] = NAN
    report = diagnose(make.run({"loss": loss}))
    fails = [f for f in report.findings if f.severity == "fail"]
    assert len(fails) == 1
    assert "N101" in [c.code for c in fails[0].consequences]
    assert dataclasses.asdict(report)["findings"][0]["consequences"]
