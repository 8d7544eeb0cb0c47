"""The analyser as a specification: losses whose faults are known, and where it finds them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainvitals.diagnostics.landscape.analysis import analyse
from trainvitals.diagnostics.landscape.expression import compiled
from trainvitals.diagnostics.landscape.words import sentences

STAGED = "where(d < 0.05, 10 * d**2, where(d < 0.1, d**2, 0.2 * d + 0.01))"


def places(found):
    return [round(one.at, 6) for one in found]


def test_the_three_stage_loss_jumps_at_both_ends_of_its_middle_stage():
    first, second = analyse(compiled(STAGED), 0.0, 0.2).jumps
    assert (first.at, first.before, first.after) == pytest.approx((0.05, 0.025, 0.0025), abs=1e-6)
    assert (first.slope_before, first.slope_after) == pytest.approx((1.0, 0.1), abs=1e-6)
    assert (second.at, second.before, second.after) == pytest.approx((0.1, 0.01, 0.03), abs=1e-6)
    assert (second.slope_before, second.slope_after) == pytest.approx((0.2, 0.2), abs=1e-6)


def test_the_three_stage_loss_is_cheaper_beyond_9_6_px():
    (fall,) = analyse(compiled(STAGED), 0.0, 0.2).falls
    assert (fall.start * 192, fall.end * 192, fall.equal * 192) == pytest.approx((9.6, 19.2, 3.0357866), abs=1e-6)
    assert (fall.peak, fall.low) == pytest.approx((0.025, 0.0025), abs=1e-6)


@pytest.mark.parametrize(
    "loss",
    [
        lambda e: np.where(e < 0.37, e, 2 * e - 0.37),
        lambda e: e if e < 0.37 else 2 * e - 0.37,  # an array has no truth value
        lambda e: max(e, 2 * e - 0.37),
        lambda e: float(np.mean([e, e])) + max(e - 0.37, 0.0),
    ],
    ids=["array", "branch", "max", "mean"],
)
def test_any_function_of_one_error_is_taken(loss):
    found = analyse(loss, 0.0, 1.0)
    assert places(found.kinks) == [0.37]
    assert (found.kinks[0].slope_before, found.kinks[0].slope_after) == pytest.approx((1.0, 2.0), abs=1e-5)
    assert found.jumps == found.falls == found.flat == found.steep == ()


def test_a_loss_that_raises_where_it_is_undefined_is_not_finite_there():
    found = analyse(lambda e: -math.log(e), 0.0, 1.0)
    assert found.broken == ((0.0, pytest.approx(0.0, abs=1e-12)),)


@given(st.floats(0.02, 0.98), st.floats(0.01, 2.0), st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_jump_is_found_wherever_it_is(at, size, down):
    step = -size if down else size
    found = analyse(lambda e: e**2 + np.where(e < at, 0.0, step), 0.0, 1.0)
    assert [j.at for j in found.jumps] == [pytest.approx(at, abs=1e-6)]
    assert found.jumps[0].after - found.jumps[0].before == pytest.approx(step, abs=1e-6)
    assert bool(found.falls) is down
    assert found.kinks == found.steep == ()


@given(st.floats(-0.9, 0.9), st.floats(0.05, 3.0))
@settings(max_examples=30, deadline=None)
def test_a_kink_is_found_wherever_it_is(at, bend):
    found = analyse(lambda e: e**2 + bend * np.abs(e - at), -1.0, 1.0)
    assert [k.at for k in found.kinks] == [pytest.approx(at, abs=1e-6)]
    assert found.kinks[0].slope_after - found.kinks[0].slope_before == pytest.approx(2 * bend, rel=1e-3)
    assert found.jumps == ()


@pytest.mark.parametrize(
    "text", ["e**2", "log(cosh(3*e))", "sqrt(1 + e**2)", "where(abs(e) < 1, e**2 / 2, abs(e) - 0.5)", "log1p(e**2)"]
)
def test_a_good_loss_has_nothing_to_tell(text):
    found = analyse(compiled(text), -3.0, 3.0)
    assert sentences(found) == ("between -3 and 3 the loss is smooth, and a larger error always costs more",)


@pytest.mark.parametrize(
    ("text", "low", "high", "told"),
    [
        ("1 - exp(-e**2 / 0.02)", 0.0, 1.0, ["flat from 0.4"]),
        ("sqrt(e)", 0.0, 1.0, ["exploding: the gradient grows without bound towards 0"]),
        ("e + 0.01 * sqrt(e)", 0.0, 1.0, ["exploding: the gradient grows without bound towards 0"]),
        ("e - 0.1 * sqrt(1 - e)", 0.0, 1.0, ["exploding: the gradient grows without bound towards 1"]),
        ("log(e)", 0.0, 1.0, ["exploding: the gradient grows without bound towards 0", "not finite at 0"]),
        ("exp(e)", 0.0, 20.0, ["steep from 19.3 to 20: the gradient reaches 4.8"]),
        ("where(e < 0.3, e, e - 1e-5)", 0.0, 1.0, ["jump at 0.3: the loss falls by 1e-05, from 0.3000"]),
        ("sin(e)", 0.0, 3.2, ["not monotone: beyond 1.571 the loss falls from 1.0000 to "]),
        ("where(e < 1000.5, e, e - 0.2)", 1000.0, 1001.0, ["jump at 1000.5: the loss falls by 0.2", "not monotone: "]),
        ("where(e < 0.5, e, inf)", 0.0, 1.0, ["not finite from 0.5 to 1"]),
        ("0 * e + 2", 0.0, 1.0, ["between 0 and 1 the loss is constant"]),
        ("where(e < 0.25, log(-1), e)", 0.0, 1.0, ["not finite from 0 to 0.25"]),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, low, high, told):
    found = sentences(analyse(compiled(text), low, high))
    assert len(found) == len(told)
    assert [(said, start) for said, start in zip(found, told, strict=True) if not said.startswith(start)] == []


def test_a_fall_left_of_zero_is_told_outwards():
    found = analyse(compiled("where(e < -0.5, abs(e) - 0.2, abs(e))"), -1.0, 1.0)
    (fall,) = found.falls
    assert (fall.start, fall.end, fall.equal) == pytest.approx((-0.5, -0.7, -0.3), abs=1e-6)
    assert (fall.peak, fall.low) == pytest.approx((0.5, 0.3), abs=1e-6)


def test_rounding_to_single_precision_is_no_jump():
    assert sentences(analyse(lambda e: np.float32(e) ** 2, 0.0, 1.0))[0].startswith(
        "between 0 and 1 the loss is smooth"
    )


def test_a_loss_with_jumps_everywhere_is_told_in_few_sentences():
    found = analyse(lambda e: np.floor(e * 1000) % 7, 0.0, 1.0)
    told = sentences(found)
    assert len(found.jumps) > 900
    assert f"and {len(found.jumps) - 6} more jumps" in told
    assert len(told) < 30


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (0.0, math.inf), (math.nan, 1.0)])
def test_a_range_without_errors_is_refused(low, high):
    with pytest.raises(ValueError, match="no range"):
        analyse(abs, low, high)


def test_a_loss_without_a_value_is_refused():
    with pytest.raises(ValueError, match="no finite value"):
        analyse(lambda e: math.nan, 0.0, 1.0)
