"""B101: steps that go back, with the corrections that the normaliser makes of them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from make import case, run

from trainvitals.diagnostics.diagnosis import diagnose
from trainvitals.diagnostics.normalisation.resume import deduplicate
from trainvitals.diagnostics.report import Finding, Pass
from trainvitals.diagnostics.rules.b101_resume_overlap import check
from trainvitals.parsers import read


def resumed(first, second):
    """A case whose log holds two attempts, each as (steps, values)."""
    steps, values = np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])
    raw = run({"loss": (np.arange(1.0, steps.size + 1), values)})
    raw = replace(raw, series=(replace(raw.series[0], step=np.asarray(steps, float)),))
    series, corrections = deduplicate(raw.series)
    made = case({"loss": [1.0]}, corrections=corrections, raw=raw)
    return replace(made, run=replace(raw, series=series))


STEPS = np.arange(1.0, 101)
LOSS = np.linspace(3, 1, 100)


def single(result) -> Finding:
    assert isinstance(result, tuple)
    (finding,) = result
    return finding


def test_an_overlap_that_agrees_is_for_information():
    finding = single(check(resumed((STEPS, LOSS), (STEPS[80:], LOSS[80:]))))
    assert finding.severity == "info"
    assert "20 earlier points of loss dropped" in finding.message
    assert (finding.step_start, finding.step_end) == (81, 100)
    assert [e.line for e in finding.evidence] == [100, 101]


@pytest.mark.parametrize(("difference", "severity"), [(1e-5, "info"), (0.05, "warn")])
def test_an_overlap_that_differs_is_a_warning(difference, severity):
    finding = single(check(resumed((STEPS, LOSS), (STEPS[80:], LOSS[80:] * (1 + difference)))))
    assert finding.severity == severity


def test_a_resume_that_repeats_no_logged_step_is_for_information():
    finding = single(check(resumed((np.array([10.0, 20, 30]), LOSS[:3]), (np.array([25.0, 35, 45]), LOSS[3:6]))))
    assert finding.severity == "info"


def test_growing_steps_pass():
    assert isinstance(check(case({"loss": LOSS})), Pass)


def test_a_first_step_logged_twice_is_no_step_back():
    made = resumed((STEPS[:1], LOSS[:1]), (STEPS, LOSS + 0.2))
    assert isinstance(check(made), Pass)


def test_a_second_write_within_the_noise_of_the_batches_is_for_information():
    noise = np.random.default_rng(0).standard_normal((2, 100))
    first, second = (LOSS * (1 + 0.05 * one) for one in noise)
    finding = single(check(resumed((STEPS, first), (STEPS[80:], second[80:]))))
    assert finding.severity == "info"
    assert "where the noise explains" in finding.how


def test_a_second_write_on_another_level_is_a_warning_in_spite_of_noise():
    noise = np.random.default_rng(0).standard_normal((2, 100))
    first, second = (LOSS * (1 + 0.02 * one) for one in noise)
    assert single(check(resumed((STEPS, first), (STEPS[80:], 1.2 * second[80:])))).severity == "warn"


def test_a_copy_of_the_log_beside_a_checkpoint_is_no_resume(tmp_path):
    rows = [{"step": s, "loss": round(3 - 0.01 * s, 3)} for s in range(10, 210, 10)]
    for folder, kept in (("out", rows), ("out/checkpoint-100", rows[:10]), ("out/checkpoint-200", rows)):
        (tmp_path / folder).mkdir()
        state = {"log_history": kept, "global_step": kept[-1]["step"], "max_steps": 200}
        (tmp_path / folder / "trainer_state.json").write_text(json.dumps(state))
    report = diagnose(read(str(tmp_path / "out")))
    assert "B101" not in [f.code for f in report.findings]
    assert report.series[0].points == 20
