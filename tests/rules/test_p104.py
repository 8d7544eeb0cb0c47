"""P104: the checkpoint with the best loss is not the one with the best pixel error."""

import numpy as np
import pytest
from article_runs import kind
from curves import noisy
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.p104_selection_hazard import check, drops


def judge(loss, error, name="eval/pixel_error_mean", loss_type="spatial"):
    return check(case({"eval/loss": loss, name: error}, **({"loss_type": kind(loss_type)} if loss_type else {})))


def test_the_finding_names_the_better_checkpoint():
    found = judge([0.5, 0.1, 0.0030, 0.0160, 0.0100], [60.0, 30.0, 10.1, 4.2, 6.1])
    assert isinstance(found, Finding)
    assert found.severity == "warn"
    assert "0.003 at step 3" in found.message
    assert "step 4 has 4.2 px" in found.message
    assert "drops from 0.025 to 0.0025 at 9.6 px" in found.message
    assert "step 4 is better" in found.remedy


def test_the_loss_falls_at_two_places_as_the_error_grows():
    spatial = kind("spatial")
    (only,) = drops(spatial.stages, spatial.pixels_per_unit)
    assert (only.pixels, only.above) == (pytest.approx(9.6), pytest.approx(0.0025))


@pytest.mark.parametrize(
    "error", [np.geomspace(80, 3, 40), np.concatenate([np.geomspace(80, 4, 20), np.full(20, 4.0)])]
)
def test_a_loss_that_falls_with_the_error_passes(error):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert isinstance(judge(noisy(error / 100, 0.03, rng), noisy(error, 0.03, rng), loss_type=None), Pass)


def test_noise_of_the_error_is_no_better_checkpoint():
    rng = np.random.default_rng(2)
    error = noisy(np.full(60, 5.0), 0.15, rng)
    assert isinstance(judge(noisy(np.full(60, 0.02), 0.01, rng), error), Pass)


def test_what_is_absent_is_said():
    missing = check(case({"eval/loss": [0.1] * 9}, loss_type=kind("spatial")))
    assert isinstance(missing, NotRun)
    assert missing.applicable
    assert isinstance(judge([0.1, 0.2], [3.0, 4.0]), NotRun)
    assert not check(case({"loss": [1.0]})).applicable
