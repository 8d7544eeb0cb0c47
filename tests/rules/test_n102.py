"""N102: signs of a NaN that the trainer did not log as one."""

import numpy as np
import pytest
from make import case, note

from trainvitals.diagnostics.curve import quantum
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.n102_hidden_nan import check

NAN = float("nan")
FALL = np.linspace(3, 1, 40)


def single(result) -> Finding:
    assert isinstance(result, tuple)
    (finding,) = result
    assert finding.severity == "fail"
    return finding


def with_zeros(start, count):
    values = FALL.copy()
    values[start : start + count] = 0.0
    return values


@pytest.mark.parametrize(("start", "count"), [(0, 40), (0, 3), (20, 3), (30, 10)])
def test_three_zeros_in_a_row_are_a_filtered_nan(start, count):
    finding = single(check(case({"loss": with_zeros(start, count)})))
    assert f"exactly 0 for {count} rows" in finding.message
    assert (finding.step_start, finding.step_end) == (start + 1, start + count)


def test_two_zeros_are_none():
    assert isinstance(check(case({"loss": with_zeros(20, 2)})), Pass)


def test_a_validation_loss_of_zero_is_found_too():
    finding = single(check(case({"loss": FALL, "eval/loss": [1.0, 0.0, 0.0, 0.0]})))
    assert "eval/loss is exactly 0" in finding.message


def test_a_memorised_set_whose_loss_is_rounded_to_zero_is_none():
    loss = np.round(3 * np.exp(-np.linspace(0, 14, 200)), 4)
    assert (loss[-20:] == 0).all()
    assert isinstance(check(case({"loss": loss})), Pass)


@pytest.mark.parametrize(("values", "expected"), [([0.1234, 2.5], 1e-4), ([1.0, 2.0], 1.0), ([1 / 3], 0.0)])
def test_the_unit_of_the_last_decimal(values, expected):
    assert quantum(np.array(values)) == pytest.approx(expected)


@pytest.mark.parametrize("value", [NAN, 0.0])
def test_a_dead_gradient_under_a_finite_loss(value):
    norm = np.full(40, 1.5)
    norm[25:] = value
    frozen = np.where(np.arange(40) < 25, FALL, 1.7)
    finding = single(check(case({"loss": frozen, "grad_norm": norm, "learning_rate": np.full(40, 1e-4)})))
    assert (finding.step_start, finding.step_end) == (26, 40)
    assert "nothing is learnt" in finding.message


@pytest.mark.parametrize(
    ("why", "series", "more"),
    [
        ("the learning rate is 0", {"learning_rate": np.r_[np.full(30, 1e-4), np.zeros(10)]}, {}),
        ("the norm is not computed", {"grad_norm": np.zeros(40)}, {}),
        ("the scaler skips steps", {"grad_norm": np.r_[[NAN] * 4, np.ones(36)]}, {"config": {"fp16": "true"}}),
        ("the scaler skips steps", {"grad_norm": np.r_[[0.0] * 3, np.ones(37)]}, {"notes": [note("overflow", "skip")]}),
    ],
)
def test_a_gradient_of_zero_has_other_reasons(why, series, more):
    made = case({"loss": FALL, "grad_norm": np.r_[np.ones(30), np.zeros(10)], **series}, **more)
    assert isinstance(check(made), Pass), why


def test_the_loss_field_is_missing_where_the_gradient_is_nan():
    """As in a Megatron-LM log: two rows without a loss, a NaN norm, then a frozen loss and a norm of 0."""
    steps = np.arange(1.0, 16)
    made = case({"loss": (steps[2:], np.full(13, 10.40111)), "grad_norm": (steps, np.r_[NAN, np.zeros(14)])})
    messages = [f.message for f in check(made)]
    assert any("13 rows" in m and "exactly 0" in m for m in messages)
    assert any(m.startswith("2 of 15 rows with a grad_norm have no loss") for m in messages)


def test_the_loss_field_disappears_while_other_metrics_go_on():
    made = case({"loss": FALL[:30], "learning_rate": np.full(40, 1e-4)})
    finding = single(check(made))
    assert finding.message.startswith("10 of 40 rows with a learning_rate have no loss between steps 31 and 40")


@pytest.mark.parametrize("every", [2, 10])
def test_a_loss_that_is_logged_less_often_is_not_missing(every):
    steps = np.arange(1.0, 101)
    made = case({"loss": (steps[::every], np.linspace(3, 1, 100)[::every]), "grad_norm": (steps, np.ones(100))})
    assert isinstance(check(made), Pass)


def test_a_summary_row_without_loss_is_not_missing():
    assert isinstance(check(case({"loss": FALL, "learning_rate": np.full(41, 1e-4)})), Pass)


def test_zero_advantages_give_zero_gradients_in_policy_gradient_training():
    made = case({"loss": np.zeros(20), "grad_norm": np.zeros(20), "rewards/mean": np.ones(20)})
    assert isinstance(check(made), NotRun)


def test_without_a_loss_there_is_nothing_to_say():
    assert isinstance(check(case({"grad_norm": np.zeros(9)})), NotRun)


@pytest.mark.parametrize(
    "before",
    [[0.7, 0.0002], [0.7, 0.04, 0.0006, 0.001, 0.0002, 0.03, 0.0007, 0.116]],
    ids=["two evaluations", "a batch with a mistake at last"],
)
def test_a_small_number_that_was_rounded_is_no_zero(before):
    assert not isinstance(check(case({"loss": [*before, 0.0, 0.0, 0.0, 0.0]})), Finding)
    assert isinstance(check(case({"loss": [*(10 * np.array(before) + 0.1), 0.0, 0.0, 0.0, 0.0]})), tuple)
