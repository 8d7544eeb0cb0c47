"""The verdicts on gradients, rates, validation and pace are those of the run, not of how it was logged."""

import numpy as np
import pytest
from curves import noisy, power_law
from hypothesis import given, settings
from hypothesis import strategies as st
from make import run

from trainvitals.diagnostics.diagnosis import diagnose
from trainvitals.diagnostics.settings import Settings
from trainvitals.parsers.model import Run

N = 1200
T = np.linspace(0, 1, N)
JUDGED = Settings(select=("G", "O", "V", "T"))


def columns(fault=""):
    """Loss, validation, gradient norm, rate and step time of a run of `N` rows; `fault` names what is wrong with it."""
    rng = np.random.default_rng(5)
    loss, held_out = power_law(N, 8, 2, 0.1), power_law(N, 8.2, 2.1, 0.1)
    norm, rate, time = 1 + 3 * np.exp(-T / 0.05), 3e-4 * 0.5 * (1 + np.cos(np.pi * T)) + 1e-6, np.full(N, 0.5)
    if fault == "G101":
        norm = norm * np.exp(8 * T)
    elif fault == "G102":
        norm = norm * np.exp(-14 * T)
    elif fault == "O101":
        rate = np.where(T > 0.6, 0.0, rate)
    elif fault == "O102":
        rate = np.where(T > 0.5, 12 * rate, rate)
    elif fault == "V102":
        loss, held_out = 8 * np.exp(-2 * T), 8 * np.exp(-2 * np.minimum(T, 0.3))
    elif fault == "V103":
        held_out = 0.1 * held_out
    elif fault == "T101":
        time = np.where(T > 0.7, 3 * time, time)
    return {
        "loss": noisy(loss, 0.02, rng),
        "eval/loss": (np.arange(N)[29::30] + 1.0, noisy(held_out, 0.004, rng)[29::30]),
        "grad_norm": noisy(norm, 0.2, rng),
        "learning_rate": rate,
        "step_time": noisy(time, 0.05, rng),
    }


def verdicts(made: Run):
    return {(f.code, f.severity) for f in diagnose(made, JUDGED).findings if f.severity != "info"}


def changed(made, scale=1.0, twice=False, every=1, shuffled=None):
    """The same run in other units of the loss, with rows written twice, logged less often, or in any order."""
    out = {}
    for name, values in made.items():
        steps, column = values if isinstance(values, tuple) else (np.arange(1.0, N + 1), values)
        column = column * (scale if name.endswith("loss") else 1.0)
        if not isinstance(values, tuple):
            steps, column = steps[::every], column[::every]
        if twice:
            steps, column = np.repeat(steps, 2), np.repeat(column, 2)
        out[name] = (steps, column)
    names = list(out)
    if shuffled is not None:
        np.random.default_rng(shuffled).shuffle(names)
    return run({name: out[name] for name in names})


@pytest.mark.parametrize("fault", ["", "G101", "G102", "O101", "O102", "V102", "V103", "T101"])
@given(
    scale=st.floats(1e-4, 1e4),
    twice=st.booleans(),
    every=st.sampled_from([1, 2, 3]),
    shuffled=st.integers(0, 5),
)
@settings(max_examples=8, deadline=None)
def test_a_run_has_one_verdict_however_it_is_logged(fault, scale, twice, every, shuffled):
    made = columns(fault)
    found = verdicts(changed(made))
    assert {code for code, _ in found} == ({fault} if fault else set())
    assert verdicts(changed(made, scale, twice, every, shuffled)) == found
