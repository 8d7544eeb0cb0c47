"""P102: a validation loss that stands still with errors of the size of a cell of the features."""

import numpy as np
import pytest
from article_runs import kind
from curves import noisy
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.p102_resolution_limit import check

N = 30
T = np.linspace(0, 1, N)
STANDS = noisy(0.09 + 1.5 * np.exp(-20 * T), 0.003, np.random.default_rng(0))
FALLS = noisy(1.5 * np.exp(-3 * T), 0.01, np.random.default_rng(1))


def judge(loss, **pixels):
    series = {"eval/loss": loss, **{f"eval/{name}": value for name, value in pixels.items()}}
    return check(case(series, loss_type=kind("spatial")))


def test_errors_between_8_and_10_px_on_a_plateau_warn():
    found = judge(STANDS, within_8px=np.linspace(0, 0.3, N), within_10px=np.linspace(0, 0.85, N))
    assert isinstance(found, Finding)
    assert "55 % of the errors lie between 8 and 10 px" in found.message
    assert "384 -> 512" in found.remedy
    assert isinstance(judge(STANDS, pixel_error_median=np.full(N, 9.1)), Finding)


@pytest.mark.parametrize(
    ("loss", "pixels"),
    [
        (FALLS, {"pixel_error_median": np.full(N, 9.1)}),
        (STANDS, {"pixel_error_median": np.linspace(60, 4, N)}),
        (STANDS, {"pixel_error_median": np.linspace(12, 8, N)}),
        (STANDS, {"within_8px": np.full(N, 90.0), "within_10px": np.full(N, 95.0)}),
    ],
    ids=["still falls", "small errors", "passing through", "within 8 px"],
)
def test_other_runs_pass(loss, pixels):
    assert isinstance(judge(loss, **pixels), Pass)


def test_what_is_absent_is_said():
    assert "pixel_error_median" in judge(STANDS).reason
    assert "of 8 needed" in judge(STANDS[:5], pixel_error_median=np.full(5, 9.0)).reason
    none = check(case({"loss": STANDS, "eval/loss": STANDS}))
    assert isinstance(none, NotRun)
    assert not none.applicable
