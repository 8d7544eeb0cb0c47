"""Jumps of a curve, made and found again."""

import numpy as np
import pytest

from trainvitals.diagnostics import jumps


def autoregressive(rng, n, phi=0.8):
    """Stationary noise that keeps a share `phi` of the row before, of standard deviation 1."""
    noise = rng.standard_normal(n)
    for i in range(1, n):
        noise[i] = phi * noise[i - 1] + np.sqrt(1 - phi**2) * noise[i]
    return noise


@pytest.mark.parametrize(
    ("n", "at", "size", "sd"), [(40, 20, 0.7, 0.01), (400, 90, -1.4, 0.1), (20_000, 15_001, 2, 0.2)]
)
def test_a_jump_is_found_at_its_row_with_its_size(n, at, size, sd):
    rng = np.random.default_rng(n)
    u = np.linspace(0, -0.5, n) + np.where(np.arange(n) >= at, size, 0) + sd * rng.standard_normal(n)
    (step,) = jumps.steps(u, smallest=0.6)
    assert step.index == at
    assert step.size == pytest.approx(size, abs=4 * step.error)
    assert step.error < 0.12
    assert step.before == pytest.approx(sd, rel=0.5)


def test_the_standard_error_of_a_jump_knows_the_memory_of_the_noise():
    rng = np.random.default_rng(5)
    fits = [jumps.step_fit(autoregressive(rng, 600), 300) for _ in range(200)]
    z = np.array([f.size / f.error for f in fits])
    assert 0.6 < z.std() < 1.6
    assert np.std([f.size for f in fits]) > 0.4, "white noise would give 0.25"


def test_noise_and_slopes_have_no_jumps():
    rng = np.random.default_rng(8)
    assert jumps.steps(0.1 * rng.standard_normal(5000), smallest=0.6) == []
    assert jumps.steps(np.linspace(5, 0, 100), smallest=0.6) == []
    assert jumps.steps(np.zeros(3), smallest=0.6) == []
