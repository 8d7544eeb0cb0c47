"""B106: steps of the train loss at the ends of epochs."""

import numpy as np
import pytest
from curves import noisy, power_law
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.b106_epoch_stairs import check


def run(n, epochs, factor, noise=0.05):
    epoch = epochs * np.arange(1.0, n + 1) / n
    stairs = 2.0 * factor ** np.ceil(epoch - 1e-9)
    loss = noisy(stairs * (1 - 0.02 * (epoch % 1)), noise, np.random.default_rng(n))
    return case({"loss": (np.arange(1.0, n + 1), loss, epoch)})


@pytest.mark.parametrize(("n", "epochs", "noise"), [(120, 3, 0.02), (600, 4, 0.05), (6000, 10, 0.2)])
def test_a_step_at_every_epoch_is_told(n, epochs, noise):
    finding = check(run(n, epochs, 0.8, noise))
    assert isinstance(finding, Finding)
    assert finding.severity == "info"
    assert f"({epochs - 1} times)" in finding.message
    assert finding.step_start == n // epochs + 1


def test_a_smooth_fall_has_no_steps():
    assert isinstance(check(run(600, 4, 1.0)), Pass)
    epoch = 4 * np.arange(1.0, 601) / 600
    loss = noisy(power_law(600), 0.05, np.random.default_rng(1))
    assert isinstance(check(case({"loss": (np.arange(1.0, 601), loss, epoch)})), Pass)


def test_without_epochs_or_with_one_of_them_it_is_left_open():
    assert "does not say" in check(case({"loss": power_law(100)})).reason
    assert "inconclusive" in check(run(100, 1, 0.8)).reason
    assert isinstance(check(run(20, 5, 0.8)), NotRun)
