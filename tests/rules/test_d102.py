import numpy as np
import pytest
from article_runs import kind
from make import case

from trainvitals.diagnostics.report import NotRun, Pass
from trainvitals.diagnostics.rules.d102_diffusion import check

N = 120
T = np.arange(N) / N
FALLS = 4 * np.exp(-T)
COLLAPSES = 0.3 * np.exp(-1.5 * T)


def noisy(values, scale=0.02, seed=0):
    return values * np.exp(scale * np.random.default_rng(seed).standard_normal(values.size))


def judge(p, ce, split="eval", **more):
    series = {f"{split}/p_gt_mean": p, f"{split}/soft_ce": ce, **more}
    return check(case(series, loss_type=kind("softce")))


@pytest.mark.parametrize("ce", [np.full(N, 4.0), 4 + T], ids=["flat", "rising"])
@pytest.mark.parametrize("split", ["train", "eval"])
def test_a_collapse_without_improvement_is_found(ce, split):
    found = judge(noisy(COLLAPSES), noisy(ce, 0.005), split)
    assert found.severity == "warn"
    assert "temperature (0.9)" in found.remedy
    assert found.message.startswith("p_gt_mean fell by 7")


def test_a_collapse_after_a_rise_is_found():
    p = np.concatenate([np.linspace(0.1, 0.4, N // 3), 0.4 * np.exp(-2 * np.arange(2 * N // 3) / N)])
    ce = np.concatenate([np.linspace(5, 4, N // 3), np.full(2 * N // 3, 4.0)])
    assert judge(noisy(p), noisy(ce, 0.005)).severity == "warn"


@pytest.mark.parametrize(
    ("p", "ce"),
    [(COLLAPSES, FALLS), (np.full(N, 0.3), np.full(N, 4.0)), (0.3 + 0.1 * T, FALLS), (0.3 * (1 - 0.15 * T), 0 * T + 4)],
    ids=["falls while soft_ce improves", "flat", "rises", "falls a little"],
)
def test_healthy_runs_pass(p, ce):
    assert isinstance(judge(noisy(p), noisy(ce, 0.005)), Pass)


def test_a_falling_accuracy_beside_a_falling_soft_ce_is_never_a_finding():
    more = {"eval/coord_token_acc": noisy(COLLAPSES), "eval/acc_top5": noisy(COLLAPSES)}
    assert isinstance(judge(noisy(np.full(N, 0.3)), noisy(FALLS), **more), Pass)


@pytest.mark.parametrize(("p", "ce"), [([0.1, 0.05], [4.0, 4.0]), ([], []), ([np.nan] * 60, [4.0] * 60)])
def test_too_little_is_not_run(p, ce):
    assert isinstance(judge(p, ce), NotRun)


def test_absent_metrics_are_not_run():
    assert isinstance(check(case({"soft_ce": [1.0]})), NotRun)


def test_few_evaluations_leave_the_question_to_the_training_rows():
    n = 200
    late = np.clip((np.arange(n) / n - 0.3) / 0.7, 0, 1)
    few = np.arange(9, n, 20)
    truth, main = 0.12 * np.exp(-2 * late), np.full(n, 4.6) + 0.03 * np.random.default_rng(0).standard_normal(n)
    series = {"p_gt_mean": truth, "soft_ce": main}
    series |= {f"eval/{name}": (few + 1.0, values[few]) for name, values in series.items()}
    found = check(case(series, loss_type=kind("softce")))
    assert found.code == "D102"
    assert found.evidence[0].text.split(" = ")[0].endswith("p_gt_mean")


def test_training_rows_tell_of_a_collapse_that_few_evaluations_cannot():
    t = np.linspace(0, 1, 200)
    p, ce = 0.02 * np.exp(-4 * np.abs(t - 0.45)), 4 + 2 * np.abs(t - 0.45)
    few = slice(4, None, 5)
    evaluations = {"p_gt_mean": noisy(p[few]), "soft_ce": noisy(ce[few], 0.005)}
    assert isinstance(judge(evaluations["p_gt_mean"], evaluations["soft_ce"]), NotRun)
    rows = {f"train/{name}": noisy(value, 0.01) for name, value in (("p_gt_mean", p), ("soft_ce", ce))}
    held_out = {f"eval/{name}": value for name, value in evaluations.items()}
    assert check(case(rows | held_out, loss_type=kind("softce"))).severity == "warn"


def test_the_fall_is_measured_from_where_it_begins_and_not_from_the_first_best_value():
    level = np.where(T < 0.3, 0.0, (T - 0.3) / 0.7)
    truth = noisy(0.12 * np.exp(-2 * level), 0.01)
    main = noisy(4.6 + 1.9 * np.exp(-20 * T), 0.002)
    found = judge(truth, main)
    assert found.code == "D102"
    assert found.step_start > 0.25 * N
