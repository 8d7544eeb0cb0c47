"""N101: NaN and infinities in losses and gradients."""

import math

import numpy as np
import pytest
from make import case, note

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.n101_non_finite import check

NAN, INF = float("nan"), float("inf")


def loss(n=100, **at):
    values = np.linspace(3, 1, n)
    for place, value in at.items():
        values[int(place[1:])] = value
    return values


def single(result) -> Finding:
    assert isinstance(result, tuple)
    (finding,) = result
    return finding


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_a_loss_that_does_not_come_back_fails(bad):
    values = loss()
    values[60:] = bad
    finding = single(check(case({"loss": values})))
    assert finding.severity == "fail"
    assert (finding.step_start, finding.step_end) == (61, 100)
    assert "40 of 100 values are not finite" in finding.message
    assert "does not come back" in finding.message
    assert "last finite value 1.80808 at step 60" in finding.message
    assert [e.line for e in finding.evidence] == [60, 61, 100]


@pytest.mark.parametrize(("after", "severity"), [(0, "fail"), (4, "fail"), (5, "warn"), (50, "warn")])
def test_it_has_recovered_after_five_finite_values(after, severity):
    values = loss(60)
    values[59 - after] = NAN
    assert single(check(case({"loss": values}))).severity == severity


@pytest.mark.parametrize(
    "metric", ["loss_ce_0", "eval/loss", "val_loss_x", "grad_norm", "nll_loss", "x_head_grad_norm", "base_ce"]
)
def test_losses_parts_and_gradients_of_every_split_are_looked_at(metric):
    values = loss()
    values[80:] = NAN
    assert single(check(case({"loss": loss(), metric: values}))).severity == "fail"


@pytest.mark.parametrize(
    "metric", ["ap", "accuracy", "perplexity", "loss_scale", "best_loss", "grad_cos/ce_coords", "learning_rate"]
)
def test_metrics_that_may_be_undefined_are_not_meant(metric):
    values = loss()
    values[::7] = NAN
    values[-1] = INF
    assert isinstance(check(case({"loss": loss(), metric: values})), Pass)


def test_the_part_that_broke_first_is_named_and_what_came_before_it():
    total, part, mask = loss(), loss(), loss()
    part[70:], total[72:] = NAN, NAN
    norm = np.full(100, 2.0)
    norm[68:70] = 90
    norm[70:] = NAN
    notes = [note("overflow", "Gradient overflow", step=float(s)) for s in (66, 68)]
    finding = single(
        check(
            case(
                {
                    "loss": total,
                    "loss_classifier": part,
                    "loss_mask": mask,
                    "grad_norm": norm,
                    "learning_rate": np.full(100, 0.02),
                },
                notes=notes,
            )
        )
    )
    assert finding.message.startswith("loss_classifier is NaN at step 71: 30 of 100 values")
    assert "also grad_norm, loss" in finding.message
    assert "grad_norm up from 2 (median) to 90" in finding.message
    assert "2 gradient overflows noted" in finding.message
    assert "learning rate 0.02" in finding.message
    assert set(finding.metrics) == {"loss", "loss_classifier", "grad_norm"}


@pytest.mark.parametrize(
    "scaler",
    [
        {"notes": [note("overflow", "loss scaler reducing loss scale to 32768", step=2.0)]},
        {"config": {"fp16": True}},
    ],
)
def test_a_gradient_that_the_loss_scaler_skipped_is_no_failure(scaler):
    norm = np.full(100, 2.0)
    norm[[0, 1, 50]] = INF
    result = check(case({"loss": loss(), "grad_norm": norm}, **scaler))
    assert isinstance(result, Pass)
    assert "3 steps skipped by the loss scaler" in result.summary


def test_the_scaler_excuses_neither_a_loss_nor_a_gradient_that_stays_infinite():
    norm = np.full(100, 2.0)
    norm[70:] = INF
    assert single(check(case({"loss": loss(), "grad_norm": norm}, config={"fp16": True}))).severity == "fail"
    broken = loss(c50=NAN)
    norm = np.where(np.isnan(broken), NAN, 2.0)
    assert single(check(case({"loss": broken, "grad_norm": norm}, config={"fp16": True}))).severity == "warn"


def test_without_a_scaler_one_infinite_gradient_is_a_warning():
    norm = np.full(100, 2.0)
    norm[0] = INF
    assert single(check(case({"loss": loss(), "grad_norm": norm}, config={"bf16": True}))).severity == "warn"


def test_a_part_without_members_in_some_batches_is_a_warning():
    part = loss()
    part[::9] = NAN
    part[-1] = NAN
    finding = single(check(case({"loss": loss(), "article_loss": part})))
    assert finding.severity == "warn"
    assert "a mean over nothing" in finding.message


def test_failures_and_recovered_faults_are_told_apart():
    eval_loss = loss(20)
    eval_loss[-1] = NAN
    result = check(case({"loss": loss(c10=NAN), "eval/loss": (np.arange(5.0, 101, 5), eval_loss)}))
    assert [(f.severity, f.metrics) for f in result] == [("fail", ("loss",)), ("warn", ("loss",))]
    assert "eval" in result[0].message


def test_a_log_without_steps_is_judged_too():
    made = case({"loss": loss(c99=NAN)})
    series = made.run.series[0]
    series.step[:] = NAN
    finding = single(check(made))
    assert finding.severity == "fail"
    assert math.isnan(finding.step_start)


def test_nothing_to_look_at():
    assert isinstance(check(case({"accuracy": [0.1, 0.2]})), NotRun)
