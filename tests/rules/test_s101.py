"""S101: what is said about a training loss logged times the gradient accumulation."""

import inspect

import make
import numpy as np
import pytest

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.loss_type import GENERIC
from trainvitals.diagnostics.normalisation.grad_accum import correct
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.s101_grad_accum_scale import RULE

STEPS, EVALS = np.arange(5.0, 241, 5), np.arange(20.0, 241, 20)


def level(steps):
    return 1.1 + 1.5 * np.exp(-steps / 80)


def checked(factor, k, *, family=True, evals=EVALS, batch=None, **more):
    """The verdict on a run whose train loss is `factor` times its level; the accumulation in its arguments is `k`."""
    config = {"logging_nan_inf_filter": True} if family else {}
    config |= {} if k is None else {"gradient_accumulation_steps": k}
    config |= {} if batch is None else {"per_device_train_batch_size": batch}
    series = {"loss": (STEPS, level(STEPS) * factor), "grad_norm": (STEPS, np.ones(STEPS.size))}
    series |= {"eval/loss": (evals, level(evals))} if len(evals) else {}
    raw = make.run(series, config=config, **more)
    run, corrections = correct(raw)
    return RULE.check(Case(run, raw, GENERIC, corrections))


@pytest.mark.parametrize("k", [4, 8, 16])
def test_a_scaled_loss_is_a_warning_that_names_factor_and_gradient(k):
    finding = checked(k, k)
    assert isinstance(finding, Finding)
    assert (finding.code, finding.severity) == ("S101", "warn")
    assert finding.message == (
        f"train loss is logged {k} times its level (gradient accumulation {k}); divided by {k} here"
    )
    assert finding.metrics == ("loss", "grad_norm")
    assert "upgrade transformers" in finding.remedy
    assert "max_grad_norm" in finding.remedy
    assert (finding.step_start, finding.step_end) == (5, 240)


def test_the_evidence_cites_the_values_as_logged():
    finding = checked(8, 8)
    assert finding.evidence[0].text == f"step 5: loss = {level(5.0) * 8:.6g}"
    assert finding.evidence[2].text == f"step 20: eval/loss = {level(20.0):.6g}"
    assert "12 matched pairs" in finding.how


def test_a_loss_at_one_kth_has_another_remedy():
    finding = checked(1 / 8, 8)
    assert "at 1/8 of its level" in finding.message
    assert "multiplied by 8 here" in finding.message
    assert "one place only" in finding.remedy


@pytest.mark.parametrize("k", [4, 16])
def test_a_loop_of_an_unknown_kind_at_one_kth_is_a_warning_and_stays_as_logged(k):
    finding = checked(1 / k, k, family=False)
    assert isinstance(finding, Finding)
    assert finding.severity == "warn"
    assert "left as logged here" in finding.message
    assert "an eval loss that is too large would look the same" in finding.how


@pytest.mark.parametrize(("factor", "k"), [(0.5, 2), (0.4, 4)])
def test_a_loop_of_an_unknown_kind_with_another_ratio_stays_open(factor, k):
    assert isinstance(checked(factor, k, family=False), NotRun)


@pytest.mark.parametrize("k", [2, 4, 8, None])
def test_an_unscaled_loss_passes_with_what_was_compared(k):
    result = checked(1, k)
    assert isinstance(result, Pass)
    assert "12 matched pairs" in result.summary


def test_a_suspicion_is_an_info_and_says_what_to_look_up():
    finding = checked(8, None)
    assert finding.severity == "info"
    assert "looks logged 8 times its level; left as logged" in finding.message
    assert "gradient_accumulation_steps" in finding.remedy


def test_a_computed_accumulation_is_a_warning_without_a_change():
    rates = {"train_samples_per_second": 32.0, "train_steps_per_second": 2.0}
    finding = checked(8, None, batch=2, summary=rates)
    assert finding.severity == "warn"
    assert finding.message == "train loss is logged 8 times its level; left as logged here"
    assert "computed from the rates" in finding.how


@pytest.mark.parametrize(
    ("factor", "k", "evals"),
    [(2, 2, EVALS), (3, 3, EVALS), (8, 8, EVALS[3:5]), (4.5, 16, EVALS)],
    ids=["accumulation of 2", "accumulation of 3", "two pairs", "neither 1 nor K"],
)
def test_what_the_evidence_leaves_open_is_undetermined(factor, k, evals):
    result = checked(factor, k, evals=evals)
    assert isinstance(result, NotRun)
    assert result.reason.startswith("undetermined: ")


@pytest.mark.parametrize(
    ("k", "more", "reason"),
    [
        (8, {"evals": np.array([])}, "no eval loss"),
        (1, {}, "accumulation is 1"),
        (None, {"family": False}, "not in any file"),
    ],
)
def test_where_there_is_nothing_to_compare_it_says_why(k, more, reason):
    result = checked(8, k, **more)
    assert isinstance(result, NotRun)
    assert reason in result.reason
    assert not result.reason.startswith("undetermined")


def test_a_run_without_a_training_loss_is_not_judged():
    run = make.run({"eval/accuracy": [0.1, 0.2, 0.3]})
    assert RULE.check(Case(run, run, GENERIC)) == NotRun("S101", "there is no training loss")


def test_the_rule_documents_itself():
    text = inspect.getdoc(RULE.check)
    for heading in ("What it checks:", "Why it matters:", "What to try:", "How it decides:", "Blind spots:"):
        assert heading in text
