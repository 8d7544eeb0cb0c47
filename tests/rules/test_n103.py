"""N103: the loss scale of fp16 training collapses."""

import numpy as np
import pytest
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.n103_loss_scale_collapse import check

LOSS = np.linspace(3, 2, 1000)


def of(scale, name="loss_scale"):
    return check(case({"loss": LOSS[: len(scale)], name: np.asarray(scale, float)}))


def healthy(n=1000):
    """First descent from 2**32, then doubled every 200 rows and halved once in between."""
    start = 2.0 ** np.arange(32, 15, -1)
    rest = np.full(n - start.size, 2.0**16)
    for at in range(150, rest.size, 200):
        rest[at : at + 50] /= 2
    return np.concatenate([start, rest])


@pytest.mark.parametrize("name", ["loss_scale", "loss scale", "grad_scale"])
def test_a_fall_of_several_halvings_is_a_warning(name):
    scale = healthy()
    scale[700:] = np.maximum(1.0, 2.0 ** (16.0 - np.arange(300)))
    finding = of(scale, name)
    assert isinstance(finding, Finding)
    assert finding.severity == "warn"
    assert 700 <= finding.step_start <= 701


def test_a_scale_at_its_minimum_is_a_warning():
    scale = np.concatenate([healthy(400), np.geomspace(2.0**15, 1, 500), np.ones(100)])
    assert "minimum for 1" in of(np.where(scale < 1.5, 1.0, scale)).message


@pytest.mark.parametrize("scale", [healthy(), np.full(1000, 128.0), np.repeat([65536.0, 32768.0, 65536.0], 300)])
def test_the_first_descent_and_single_halvings_are_usual(scale):
    assert isinstance(of(scale), Pass)


def test_a_log_without_a_moving_scale_is_not_judged():
    assert not of(np.ones(100)).applicable
    assert isinstance(of([4.0, 2.0, 1.0]), NotRun)
