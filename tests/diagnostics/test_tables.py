"""Status tables: the numbers of the worked examples."""

import math

import numpy as np
import pytest
from article_runs import BAD, GOOD, article, dense, kind
from make import case

from trainvitals.diagnostics.pixels import pixel_errors, stage_loss
from trainvitals.diagnostics.tables import MOST_ROWS, status_tables


def column(table, name):
    return [row[table.columns.index(name)] for row in table.rows]


def test_the_article_table_reads_the_trajectory():
    (good,) = status_tables(article(GOOD))
    assert column(good, "step") == [100, 500, 1000, 2000]
    assert column(good, "ratio") == ["0.45", "0.49", "0.72", "0.87"]
    assert column(good, "status") == ["learning", "learning", "balanced", "balanced"]
    (bad,) = status_tables(article(BAD))
    assert column(bad, "status") == ["learning", "fail: overfitting", "fail: overfitting"]
    assert column(bad, "losses") == ["-", "other_loss stuck", "other_loss stuck"]


def test_a_small_ratio_keeps_digits_that_mean_something():
    (table,) = status_tables(article(((100, 500, 1000), (4.5, 0.05, 0.0), (10.1, 9.8, 9.5))))
    assert column(table, "ratio") == ["0.45", "0.0051", "0.00"]


def test_targets_stand_in_the_table_where_the_log_has_epochs():
    (table,) = status_tables(article((*GOOD, [1.0, 2.0, 3.0, 5.0])))
    assert column(table, "target")[0] == "0.45-0.60"
    assert column(table, "target")[-1] == "0.60-0.80"


def test_a_long_log_gives_a_short_table():
    (table,) = status_tables(article(dense(GOOD, noise=0.02)))
    assert len(table.rows) == MOST_ROWS
    assert column(table, "step")[0] == 100


def eos(**more):
    at = [1.0, 2.0]
    series = {"loss_ce": (at, [0.906, 0.607], at), "loss_coords": (at, [1.373, 1.408], at)}
    return status_tables(case(series, loss_type=kind("eos"), step_unit="epoch", **more))


def test_the_two_epochs_of_the_eos_note():
    course, _ = eos()
    assert course.rows[1] == (2, 0.607, "-33.0 %", 1.408, "+2.5 % (stable)", "healthy")


@pytest.mark.parametrize("config", [None, {"eos_weight": 20}, {"eos_weight": "20.0"}])
def test_the_share_of_the_classes_at_weight_20(config):
    _, shares = eos(config=config)
    assert ("from the configuration" in shares.title) == (config is not None)
    assert shares.rows == (
        ("COORD", 17, 1.0, "94.4 %", "45.9 %", "x0.49", "x1"),
        ("EOS", 1, 20.0, "5.6 %", "54.1 %", "x9.73", "x20"),
    )


def test_shares_follow_the_weight():
    _, shares = eos(config={"eos_weight": 10})
    assert column(shares, "share at 10") == ["63.0 %", "37.0 %"]


def test_the_levels_of_a_language_model():
    (table,) = status_tables(case({"loss": [2.7, 1.9, 1.1, 0.7]}, loss_type=kind("causal_lm")))
    assert column(table, "status") == ["learning", "learning", "good", "strong"]


def test_the_validation_loss_by_epoch_with_the_error_that_would_produce_it():
    at = [0.0, 5.0, 10.0, 15.0]
    series = {"eval/loss": (at, [1.8, 0.6, 0.1, 0.05], at), "loss_x": [1.0], "loss_y": [1.0]}
    (table,) = status_tables(case(series, loss_type=kind("spatial"), step_unit="epoch"))
    assert column(table, "status")[0] == "within the target"
    assert column(table, "status")[1].startswith("above the target of epoch 5")
    assert column(table, "as constant error")[-1] == "38.4 px"


def test_the_signals_of_a_soft_cross_entropy():
    series = {
        "soft_ce": np.linspace(4, 3, 50),
        "coord_vocab_mass": [0.99] * 50,
        "coord_token_acc": np.linspace(0.5, 0.3, 50),
    }
    (table,) = status_tables(case(series, loss_type=kind("softce")))
    status = dict(zip(column(table, "signal"), column(table, "status"), strict=True))
    assert status["soft_ce"] == "healthy: the main signal falls"
    assert status["coord_token_acc"] == "may fall: the optimum is not a peak"


@pytest.mark.parametrize(
    ("loss", "errors"), [(0.05, [38.4]), (0.0068, [5.007, 15.83]), (0.025, []), (0.0025, [3.036, 9.6]), (0.0, [0.0])]
)
def test_the_constant_errors_that_produce_a_distance_loss(loss, errors):
    """From the definition: 10 d^2 below 0.05, d^2 below 0.1, 0.2 d + 0.01 above; 192 px per unit."""
    kinds = kind("spatial")
    found = pixel_errors(kinds.stages, kinds.pixels_per_unit, loss)
    assert found == pytest.approx(errors, abs=5e-3)
    assert [stage_loss(kinds.stages, e / 192 + 1e-12) for e in found] == pytest.approx([loss] * len(errors), rel=1e-6)


@pytest.mark.parametrize("name", ["article", "eos", "causal_lm", "softce", "spatial"])
@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -1.0])
def test_hostile_values_give_tables_and_no_crash(name, value):
    names = sorted({n for names in kind(name).recognise for n in names if "!" not in n and "(" not in n} | {"loss"})
    series = {metric: [value, value] for metric in names} | {f"eval/{metric}": [value] for metric in names}
    with np.errstate(all="ignore"):
        assert all(
            len(row) == len(t.columns) for t in status_tables(case(series, loss_type=kind(name))) for row in t.rows
        )


def test_a_generic_run_has_no_table():
    assert status_tables(case({"loss": [1.0, 0.5]})) == ()
