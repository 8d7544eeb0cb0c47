"""S108: a loss that is the mean since the beginning of the epoch."""

import numpy as np
import pytest
from curves import epoch_stairs, noisy, power_law
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.s108_running_mean import check


def of(loss, per_epoch):
    rows = np.arange(1.0, loss.size + 1)
    return check(case({"loss": (rows, loss, rows / per_epoch)}))


def steps(n, noise):
    return noisy(power_law(n, 5, 1, 0.2), noise, np.random.default_rng(n))


@pytest.mark.parametrize(("n", "per_epoch", "noise"), [(200, 50, 0.2), (600, 200, 0.1), (5000, 500, 0.3)])
def test_a_mean_since_the_beginning_of_the_epoch_is_told_with_its_last_rows(n, per_epoch, noise):
    values = steps(n, noise)
    means = np.concatenate([np.cumsum(v) / np.arange(1, v.size + 1) for v in np.split(values, n // per_epoch)])
    finding = of(means, per_epoch)
    assert isinstance(finding, Finding)
    assert finding.severity == "info"
    late = float(np.median(values[-max(3, per_epoch // 5) :]))
    assert f"at {late:.4g}" in finding.message, "the rows that the mean was made of are recovered"


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.3])
def test_losses_of_single_rows_pass(noise):
    assert isinstance(of(steps(600, noise), 200), Pass)
    assert isinstance(of(epoch_stairs(800, noise, np.random.default_rng(0))["loss"], 200), Pass)


def test_without_epochs_or_with_one_it_is_left_open():
    assert "does not say" in check(case({"loss": steps(100, 0.1)})).reason
    assert isinstance(of(steps(100, 0.1), 100), NotRun)


@pytest.mark.parametrize(("n", "per_epoch"), [(100, 20), (1000, 250), (30_000, 10_000)])
@pytest.mark.parametrize("digits", [3, 4])
def test_few_rows_and_few_digits_are_enough(n, per_epoch, digits):
    values = steps(n, 0.1)
    means = np.concatenate([np.cumsum(v) / np.arange(1, v.size + 1) for v in np.split(values, n // per_epoch)])
    assert isinstance(of(means.round(digits), per_epoch), Finding)


def test_epochs_may_begin_at_whole_numbers():
    values = steps(300, 0.1)
    means = np.concatenate([np.cumsum(v) / np.arange(1, v.size + 1) for v in np.split(values, 6)])
    rows = np.arange(0.0, 300)
    assert isinstance(check(case({"loss": (rows, means, rows / 50)})), Finding)
