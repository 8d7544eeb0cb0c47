"""Robust z against the window before, against its definition."""

import numpy as np
import pytest

from trainvitals.diagnostics.statistics import noise
from trainvitals.diagnostics.trailing import trailing, trailing_z


def brute_trailing(u, width):
    """The definition, point by point, for a series without spikes."""
    floor = 0.1 * noise(u)
    z = np.full(u.size, np.nan)
    for t in range(width, u.size):
        window = u[t - width : t]
        sloped = window - np.polyval(np.polyfit(np.arange(width), window, 1), np.arange(width))
        mad = min(np.median(np.abs(window - np.median(window))), np.median(np.abs(sloped)))
        z[t] = (u[t] - np.median(window)) / (1.4826 * max(mad, floor))
    return z


def test_trailing_z_is_its_definition():
    u = 0.1 * np.random.default_rng(2).standard_normal(300)
    z = trailing_z(u, spike=1e9)
    assert np.allclose(z, brute_trailing(u, 32), equal_nan=True)


def test_a_spike_stands_out_and_does_not_hide_the_next():
    u = 0.05 * np.random.default_rng(2).standard_normal(400) - np.linspace(0, 1, 400)
    u[200:215] += 2
    u[220] += 2
    z = trailing_z(u)
    assert (z[200:215] > 8).all()
    assert z[220] > 8
    assert np.nanmax(np.abs(np.delete(z, [*range(200, 215), 220]))) < 8


@pytest.mark.parametrize("n", [400, 7001, 30_000])
def test_a_second_pass_is_a_first_one_without_the_spikes(n):
    u = 0.05 * np.random.default_rng(n).standard_normal(n)
    u[n // 2 : n // 2 + 20] += 3
    first = trailing(u, passes=1)
    wild = np.flatnonzero(np.abs(first.z) > 8)
    without = u.copy()
    without[wild] = first.level(wild)
    expected = trailing(without, passes=1).levels
    assert np.array_equal(trailing(u).levels, expected)
    assert not np.array_equal(first.levels, expected)


def test_trailing_z_of_a_long_series_shares_windows_and_keeps_its_length():
    u = np.random.default_rng(0).standard_normal(50_001)
    z = trailing_z(u)
    assert z.shape == u.shape
    assert np.isfinite(z[256:]).all()


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [3.0] * 50])
def test_nothing_breaks_on_short_or_constant_series(values):
    assert trailing_z(np.array(values)).size == len(values)
