"""L101: a loss that has not improved since the start, where the log can tell it from a converged one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.l101_not_learning import check
from trainvitals.parsers.model import Source


def flat(n, level=10.82, noise=0.01, seed=0):
    return level * np.exp(noise * np.random.default_rng(seed).standard_normal(n))


@pytest.mark.parametrize(
    ("n", "noise"), [(30, 0.002), (30, 0.01), (50, 0.01), (200, 0.05), (2000, 0.05), (2000, 0.2), (100_000, 0.2)]
)
@pytest.mark.parametrize("level", [10.82, 2.303, 0.6931])
def test_a_loss_that_stays_at_guessing_fails(n, noise, level):
    finding = check(case({"loss": flat(n, level, noise, seed=n)}))
    assert isinstance(finding, Finding)
    assert finding.severity == "fail"
    assert (finding.step_start, finding.step_end) == (1, n)
    assert "would have shown" in finding.message


@pytest.mark.parametrize(
    ("n", "noise", "reason"),
    [(4, 0.01, "finite points"), (12, 0.01, "blocks"), (40, 0.2, "noise"), (200, 0.2, "noise")],
)
def test_too_little_evidence_is_inconclusive(n, noise, reason):
    result = check(case({"loss": flat(n, noise=noise)}))
    assert isinstance(result, NotRun)
    assert "inconclusive" in result.reason or reason in result.reason
    assert reason in result.reason


@pytest.mark.parametrize(
    ("reason", "series", "config"),
    [
        ("cannot tell", {"loss": flat(200, 1.2, 0.1)}, {}),
        ("validation loss falls", {"loss": flat(200, 3.4), "eval/loss": [3.5, 3.4, 3.3, 3.25]}, {}),
        ("middle of a run", {"loss": (np.arange(5000.0, 7000, 10), flat(200, 3.4))}, {}),
        ("middle of a run", {"loss": (np.arange(200.0), flat(200, 3.4), np.linspace(2, 3, 200))}, {}),
        ("of guessing", {"loss": flat(200, 3.4, 0.05)}, {"vocab_size": 150_000}),
        ("accuracy", {"loss": flat(200, 3.4), "token_acc": np.full(200, 0.8)}, {}),
        ("30%", {"loss": flat(200)}, {"max_steps": 1000}),
        ("warming up", {"loss": flat(200), "learning_rate": np.linspace(0, 1e-4, 200)}, {}),
    ],
)
def test_where_the_log_cannot_tell_it_says_so(reason, series, config):
    result = check(case(series, config=config))
    assert isinstance(result, NotRun)
    assert reason in result.reason


@pytest.mark.parametrize(
    ("series", "config"),
    [
        ({"loss": flat(200, 2.3026)}, {"num_labels": 10}),
        ({"loss": flat(200, 1.386)}, {"num_classes": 4}),
        ({"loss": flat(200)}, {"max_steps": 500}),
        ({"loss": flat(200), "token_acc": np.full(200, 0.01)}, {}),
        ({"loss": flat(200, 4000.0)}, {}),
    ],
)
def test_what_the_log_says_of_guessing_is_used(series, config):
    assert isinstance(check(case(series, config=config)), Finding)


@pytest.mark.parametrize("level", [0.2, 1.2, 2.6])
def test_a_loss_that_is_surely_flat_at_any_level_is_a_warning(level):
    finding = check(case({"loss": flat(1000, level, 0.02), "eval/loss": flat(8, level, 0.001)}))
    assert isinstance(finding, Finding)
    assert finding.severity == "warn"
    assert "nothing left to learn" in finding.message


@pytest.mark.parametrize("noise", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("n", [60, 200, 1000, 5000])
def test_a_converged_model_that_gains_two_percent_is_no_fault(n, noise):
    loss = flat(n, 1.2, noise, seed=n) * np.linspace(1, 0.98, n)
    assert not isinstance(check(case({"loss": loss})), Finding)


def test_a_learning_rate_of_zero_fails_at_any_level():
    finding = check(case({"loss": flat(200, 1.2, 0.05), "learning_rate": np.zeros(200)}))
    assert isinstance(finding, Finding)
    assert finding.severity == "fail"
    assert "learning rate is 0" in finding.message


@pytest.mark.parametrize("fall", [0.03, 0.1, 0.5])
@pytest.mark.parametrize("n", [300, 3000])
def test_a_slow_fall_is_learning(n, fall):
    loss = flat(n, 3.0, 0.02) * np.linspace(1, 1 - fall, n)
    assert isinstance(check(case({"loss": loss})), Pass)


def test_a_fall_within_the_first_rows_is_learning():
    loss = flat(3000, 3.5, 0.1)
    loss[:4] = [10.9, 8.1, 6.0, 4.5]
    assert isinstance(check(case({"loss": loss})), Pass)


@given(
    scale=st.floats(1e-3, 1e3),
    unit=st.sampled_from([0.5, 3.0, 1000.0]),
    change=st.sampled_from(["none", "twice", "half"]),
)
@settings(max_examples=25, deadline=None)
def test_learning_is_seen_in_any_unit_and_at_any_density(scale, unit, change):
    """The opposite verdict needs the level (a flat 10.8 is guessing, a flat 0.3 is not), so that it has a unit."""
    n = 4000
    steps, loss = unit * np.arange(n), scale * flat(n, 3.0, 0.05) * np.linspace(1, 0.7, n)
    assert isinstance(check(case({"loss": reshaped(steps, loss, change)})), Pass)


@pytest.mark.parametrize("change", ["none", "twice", "half"])
@pytest.mark.parametrize(("scale", "unit"), [(1.0, 1.0), (300.0, 50.0), (0.5, 0.1)])
def test_a_flat_loss_above_the_bar_fails_in_any_unit_and_at_any_density(scale, unit, change):
    steps, loss = unit * np.arange(4000.0), scale * flat(4000)
    assert isinstance(check(case({"loss": reshaped(steps, loss, change)})), Finding)


def reshaped(steps, values, change):
    if change == "twice":
        return np.repeat(steps, 2), np.repeat(values, 2)
    return (steps[::2], values[::2]) if change == "half" else (steps, values)


@pytest.mark.parametrize(("config", "severity"), [({}, "warn"), ({"model_name_or_path": "gpt2"}, "info")])
def test_a_pretrained_model_may_have_known_it_all(config, severity):
    assert check(case({"loss": flat(2000, 1.8)}, config=config)).severity == severity


@pytest.mark.parametrize(("accuracy", "answer"), [(0.52, Finding), (0.9, NotRun)])
def test_a_coin_is_right_half_of_the_time(accuracy, answer):
    series = {"loss": flat(400, 0.6931), "accuracy": np.full(400, accuracy)}
    assert isinstance(check(case(series)), answer)


def test_a_flat_loss_below_any_guess_is_for_information_unless_an_evaluation_confirms_it():
    """Flat noise from the first row on is what the adapter of a diffusion model looks like."""
    alone = check(case({"loss": flat(1000, 0.2, 0.02)}))
    assert isinstance(alone, Finding)
    assert alone.severity == "info"
    above = check(case({"loss": flat(1000, 1.4, 0.02)}))
    assert isinstance(above, Finding)
    assert above.severity == "warn"


@pytest.mark.parametrize("epochs", [np.arange(1.0, 61), np.arange(60.0)], ids=["from 1", "from 0"])
def test_a_log_of_epochs_begins_at_the_first_one(epochs):
    found = check(case({"loss": (epochs, flat(60, 2.303, 1e-3), epochs)}))
    assert isinstance(found, Finding)
    assert found.severity == "fail"
    resumed = check(case({"loss": (epochs + 8, flat(60, 2.303, 1e-3), epochs + 8)}))
    assert "middle of a run" in resumed.reason


def test_a_loss_in_bits_is_judged_in_nats():
    """3.6 bits are 2.5 nats: no level at which a flat loss is one of guessing beyond doubt."""
    bits, nats = (case({"loss": flat(200, 3.6)}, sources=(Source("train.log", name),)) for name in ("fairseq", "jsonl"))
    assert check(nats).severity == "fail"
    assert check(bits).severity == "warn"
