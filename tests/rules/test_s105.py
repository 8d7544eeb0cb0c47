import numpy as np
import pytest
from article_runs import kind
from make import case

from trainvitals.diagnostics.report import NotRun, Pass
from trainvitals.diagnostics.rules.s105_total_not_sum import check

N = 30
CE, XY = 0.9 * np.exp(-np.arange(N) / 20) + 0.1, 1.4 * np.exp(-np.arange(N) / 35) + 0.3
LAYERS = {f"loss_ce_{i}": CE * (1.1 + i / 10) for i in range(5)} | {
    f"loss_coords_{i}": XY * (1.2 + i / 9) for i in range(5)
}
MAIN = {"loss_ce": CE, "loss_coords": XY}
AUX = sum(LAYERS[f"loss_ce_{i}"] + 5 * LAYERS[f"loss_coords_{i}"] for i in range(5))
FULL = CE + 5 * XY + AUX


def judge(total, series=None, **more):
    columns = {"loss": total, **(MAIN | LAYERS if series is None else series)}
    return check(case(columns, loss_type=kind("eos"), **more))


def test_the_weighted_sum_with_its_layers_passes():
    assert isinstance(judge(FULL), Pass)
    assert isinstance(judge(CE + 5 * XY, MAIN), Pass)


@pytest.mark.parametrize(
    ("total", "named"),
    [
        (CE + 5 * XY, "without the auxiliary layers"),
        (FULL - CE - sum(LAYERS[f"loss_ce_{i}"] for i in range(5)), "without loss_ce"),
        (CE + XY + sum(LAYERS.values()), "with weight 1 for loss_coords instead of 5"),
        (CE, "without loss_coords, and without the auxiliary layers"),
        (0.2 * FULL, "it is 0.2 times that sum"),
    ],
)
def test_what_is_missing_is_named(total, named):
    (found,) = judge(total)
    assert found.severity == "warn"
    assert named in found.message


def test_other_weights_are_named():
    (found,) = judge(2 * CE + 3 * XY, MAIN)
    assert "2*loss_ce + 3*loss_coords: other weights are in effect" in found.message


def test_weights_of_the_configuration_go_first():
    assert isinstance(judge(CE + 2 * XY, MAIN, config={"coords_loss_coef": 2.0}), Pass)


def test_layers_that_are_not_in_the_log_are_a_note():
    (found,) = judge(FULL, MAIN)
    assert found.severity == "info"
    assert "not in the log" in found.message


def test_window_medians_need_not_add_up_exactly():
    rng = np.random.default_rng(0)
    noisy = {name: values * np.exp(0.05 * rng.standard_normal(N)) for name, values in (MAIN | LAYERS).items()}
    assert isinstance(judge(FULL, noisy), Pass)


def test_held_out_totals_are_judged_too():
    series = {f"eval/{name}": values for name, values in MAIN.items()}
    (found,) = check(case({"eval/loss": CE + XY, **series}, loss_type=kind("eos")))
    assert "with weight 1 for loss_coords" in found.message


SOFT = {
    "base_ce": 0.5 + np.exp(-np.arange(N) / 9),
    "soft_ce": 2 + np.exp(-np.arange(N) / 20),
    "w1": 0.2 + 0.1 * np.sin(np.arange(N)),
    "gate": 0.01 * (1 + np.cos(np.arange(N) / 3)),
}
SOFT_TOTAL = SOFT["base_ce"] + SOFT["soft_ce"] + 0.25 * SOFT["w1"] + 2 * SOFT["gate"]


def soft(total, config=None, series=SOFT):
    return check(case({"loss": total, **series}, loss_type=kind("softce"), config=config))


def test_unknown_weights_of_a_soft_cross_entropy_are_fitted():
    result = soft(SOFT_TOTAL)
    assert isinstance(result, Pass)
    assert "0.25*w1 + 2*gate" in result.summary


def test_known_weights_of_a_soft_cross_entropy_are_held_to():
    assert isinstance(soft(SOFT_TOTAL, {"w1_weight": 0.25, "gate_weight": 2}), Pass)
    (found,) = soft(SOFT_TOTAL - 2 * SOFT["gate"] - SOFT["base_ce"], {"w1_weight": 0.25, "gate_weight": 0})
    assert "without base_ce" in found.message


def test_weights_that_cannot_be_told_are_not_run():
    two = {name: values[:2] for name, values in SOFT.items()}
    result = soft(SOFT_TOTAL[:2], series=two)
    assert isinstance(result, NotRun)
    assert "weight of w1 and gate is unknown" in result.reason


def test_a_detection_log_is_not_judged():
    made = case({"loss": CE, "loss_ce": CE, "loss_bbox": XY, "loss_giou": XY})
    assert isinstance(check(made), NotRun)


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        ({"loss_ce": [1.0], "loss_coords": [1.0]}, "no train loss is logged"),
        ({"loss": [1.0], "loss_ce": [1.0]}, "no train loss_coords is logged"),
        ({"loss": [0.0], "loss_ce": [1.0], "loss_coords": [1.0]}, "0 throughout"),
        ({"loss": [np.nan], "loss_ce": [1.0], "loss_coords": [1.0]}, "share no step"),
    ],
)
def test_what_is_absent_is_named(series, reason):
    result = check(case(series, loss_type=kind("eos")))
    assert isinstance(result, NotRun)
    assert reason in result.reason


def test_a_small_part_that_shrinks_faster_than_the_others_is_missed_all_the_same():
    w1 = 0.3 * np.exp(-np.arange(N) / 3) + 0.006
    series = {"base_ce": CE, "soft_ce": XY, "w1": w1}
    config = {"w1_weight": 4.0}
    softce = {"loss_type": kind("softce"), "config": config}
    assert isinstance(check(case({"loss": CE + XY + 4 * w1, **series}, **softce)), Pass)
    (found,) = check(case({"loss": CE + XY, **series}, **softce))
    assert "it equals the sum without w1" in found.message
    noisy = (CE + XY) * np.random.default_rng(0).normal(1.0, 0.01, N)
    assert isinstance(check(case({"loss": noisy, **series}, **softce)), Pass), "nothing equals it exactly"
