"""D104: predictions with two modes, so that their mean is none of them."""

import numpy as np
import pytest
from article_runs import kind
from curves import noisy
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.d104_multimodal import check

N = 40


def judge(mean, argmax, entropy=None):
    rng = np.random.default_rng(0)
    series = {
        "eval/error_mean": noisy(np.full(N, mean), 0.1, rng),
        "eval/error_argmax": noisy(np.full(N, argmax), 0.1, rng),
    }
    series |= {"eval/coord_entropy": np.full(N, entropy)} if entropy else {}
    return check(case(series, loss_type=kind("softce")))


@pytest.mark.parametrize("entropy", [None, 4.5])
def test_a_mean_between_two_modes_warns(entropy):
    found = judge(40.0, 12.0, entropy)
    assert isinstance(found, Finding)
    assert found.severity == "warn"
    assert "by argmax" in found.remedy
    assert ("of the highest entropy" in found.message) == (entropy is not None)


@pytest.mark.parametrize(("mean", "argmax", "entropy"), [(9.0, 12.0, None), (13.0, 12.0, 4.5), (40.0, 12.0, 1.0)])
def test_one_mode_passes(mean, argmax, entropy):
    assert isinstance(judge(mean, argmax, entropy), Pass)


def test_too_little_is_not_run():
    few = check(case({"eval/error_mean": [1.0, 2.0], "eval/error_argmax": [1.0, 1.0]}))
    assert isinstance(few, NotRun)
    assert few.applicable
    assert not check(case({"loss": [1.0]})).applicable
