"""G101: a gradient norm that grows tenfold and stays there, or passes the limit of its loss type."""

import numpy as np
import pytest
from article_runs import kind
from curves import noisy, power_law
from hypothesis import given, settings
from hypothesis import strategies as st
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.g101_gradient_growth import check


def judge(norm, loss=None, *, loss_type=None, **more):
    norm = np.asarray(norm, float)
    series = {"loss": power_law(norm.size) if loss is None else loss, "grad_norm": norm, **more}
    return check(case(series, **({"loss_type": kind(loss_type)} if loss_type else {})))


def found(result):
    return result if isinstance(result, tuple) else ()


def steady(n, factor):
    return np.exp(np.linspace(0, 1, n) * np.log(factor))


def late(n, factor):
    return np.where(np.linspace(0, 1, n) > 0.9, factor, 1.0)


@pytest.mark.parametrize(("n", "noise"), [(24, 0.1), (100, 0.3), (2000, 0.3), (50_000, 0.6)])
@pytest.mark.parametrize(("factor", "severity"), [(40, "warn"), (2000, "fail")])
@pytest.mark.parametrize("shape", [steady, late])
def test_growth_is_found(shape, factor, severity, n, noise):
    (one,) = found(judge(noisy(shape(n, factor), noise, np.random.default_rng(n))))
    assert one.severity == severity or (shape is late and factor == 2000)
    assert one.step_end == n


def test_growth_before_a_nan_fails():
    norm, loss = np.ones(60), power_law(60)
    norm[52:57] = np.geomspace(2, 1000, 5)
    norm[57:] = loss[57:] = np.nan
    (one,) = found(judge(norm, loss))
    assert one.severity == "fail"
    assert "before step 58, where the run broke" in one.message


def test_a_head_above_the_limit_of_its_loss_is_found():
    series = {"x_head_grad_norm": np.geomspace(100, 3000, 12), "y_head_grad_norm": np.full(12, 200.0)}
    (one,) = check(case({"loss": power_law(12), **series}, loss_type=kind("spatial")))
    assert one.metrics == ("x_head_grad_norm",)
    assert "10 -> 5" in one.remedy


def heavy_tailed(n, rng):
    return 0.3 * np.exp(0.5 * rng.standard_t(4, n))


def falls_a_hundredfold(n, rng):
    return noisy(30 * np.exp(-4.6 * np.linspace(0, 1, n)), 0.3, rng)


def falls_then_comes_back_a_little(n, rng):
    t = np.linspace(0, 1, n)
    return noisy(np.exp(-4 * np.minimum(t / 0.3, 1)) * (1 + 4 * np.maximum(0, t - 0.7)), 0.3, rng)


def huge_first(n, rng):
    return noisy(1 + 1e4 * (np.arange(n) < 2), 0.3, rng)


def breakthrough(n, rng):
    """A plateau for half of the run, then the loss falls: the norm rises by a thousand times and comes down again."""
    t = np.linspace(0, 1, n)
    return noisy(1e-3 + 3 * np.exp(-(((t - 0.5) / 0.12) ** 2)) + 0.03 * (t > 0.5), 0.3, rng)


def one_recovered_spike(n, rng):
    norm = noisy(np.ones(n), 0.2, rng)
    norm[n // 2 : n // 2 + max(1, n // 100)] *= 500
    return norm


def scaled_for_fp16(n, rng):
    return noisy(np.full(n, 3e4), 0.3, rng)


def grows_with_the_loss_of_a_fine_tuning(n, rng):
    return noisy(0.3 * (1 + 3 * np.linspace(0, 1, n)), 0.3, rng)


def last_row_is_a_spike(n, rng):
    norm = noisy(np.ones(n), 0.2, rng)
    norm[-1] = 1e3
    return norm


@pytest.mark.parametrize("n", [24, 60, 200, 2000])
@pytest.mark.parametrize(
    "shape",
    [
        heavy_tailed,
        falls_a_hundredfold,
        falls_then_comes_back_a_little,
        huge_first,
        breakthrough,
        one_recovered_spike,
        scaled_for_fp16,
        grows_with_the_loss_of_a_fine_tuning,
        last_row_is_a_spike,
    ],
)
def test_healthy_norms_pass(shape, n):
    for seed in range(10):
        assert isinstance(judge(shape(n, np.random.default_rng(seed))), Pass)


def test_a_norm_that_doubles_with_its_loss_scale_passes():
    scale = 2.0 ** np.repeat(np.arange(10), 20)
    assert isinstance(judge(noisy(scale, 0.2, np.random.default_rng(0)), loss_scale=scale), Pass)


def test_norms_of_many_single_layers_are_not_judged():
    layers = {f"grad_norm/layer_{i}": steady(200, 60) for i in range(12)}
    assert isinstance(judge(np.ones(200), **layers), Pass)


def test_norms_follow_the_rewards():
    made = {"grad_norm": steady(200, 60), "loss": np.ones(200), "reward": np.arange(200.0)}
    assert isinstance(check(case(made)), Pass)


@given(scale=st.floats(1e-4, 1e4), every=st.sampled_from([1, 2, 5]), shape=st.sampled_from([steady, late]))
@settings(max_examples=20, deadline=None)
def test_the_verdict_depends_on_neither_units_nor_density(scale, every, shape):
    norm = scale * noisy(shape(4000, 4000), 0.3, np.random.default_rng(0))
    assert found(judge(norm[::every]))[0].severity == "fail"


def test_too_little_is_not_run():
    assert isinstance(judge(np.geomspace(1, 1000, 8)), NotRun)
    absent = check(case({"loss": power_law(50), "grad_cos/a_b": np.ones(50)}))
    assert isinstance(absent, NotRun)
    assert not absent.applicable


def test_a_finding_names_both_levels():
    (one,) = found(judge(late(200, 50.0)))
    assert one.message == "grad_norm grew 50 times: 1 in the first third, 50 at the end"
    assert isinstance(one, Finding)
    assert one.step_start == 181


@pytest.mark.parametrize(("planned", "judged"), [(100, True), (300, True), (1000, False)])
def test_a_head_that_begins_to_learn_is_no_growth_yet(planned, judged):
    """Gradients of a new head grow by hundreds in the first steps of healthy runs."""
    series = {"loss": power_law(120), "grad_norm": noisy(steady(120, 2000), 0.2, np.random.default_rng(0))}
    result = check(case(series, config={"max_steps": planned}))
    assert bool(found(result)) == judged
    assert judged or result.reason == "inconclusive: 12 % of the planned run"
