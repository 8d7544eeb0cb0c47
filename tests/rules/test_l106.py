import math

import numpy as np
import pytest
from article_runs import BAD, GOOD, article, kind
from make import case

from trainvitals.diagnostics.report import Correction, NotRun, Pass
from trainvitals.diagnostics.rules.l106_level_band import check


def lm(*losses, config=None, steps=None, **more):
    steps = steps or list(range(100, 100 * len(losses) + 1, 100))
    return check(case({"loss": (steps, list(losses))}, loss_type=kind("causal_lm"), config=config, **more))


@pytest.mark.parametrize(
    ("loss", "severity", "status"),
    [
        (5.5, "warn", "not a pretrained model on its own data"),
        (4.0, "info", "not learnt yet"),
        (2.0, None, "learning"),
        (0.81, None, "good"),
        (0.6, None, "strong"),
        (0.2, "info", "very strong"),
        (0.0005, "info", "very strong"),
    ],
)
def test_bands_of_fine_tuning(loss, severity, status):
    result = lm(loss, loss, config={"model_name_or_path": "some/model"})
    if severity is None:
        assert isinstance(result, Pass)
        assert result.summary.endswith(status)
    else:
        assert (result[0].severity, status in result[0].message) == (severity, True)


def test_the_start_of_a_run_is_not_read_as_not_learnt():
    assert isinstance(lm(7.4, 6.0, 4.0, steps=[1, 2, 3], config={"lora_rank": 8}), Pass)


def test_one_early_point_is_read():
    assert lm(0.81, steps=[1]) == Pass("L106", "loss 0.81: good")


@pytest.mark.parametrize("vocabulary", [512, 50257, 150_000])
def test_a_start_from_scratch_has_no_bands(vocabulary):
    """ln V is what a random model loses: 11.9 for 150 000 tokens."""
    result = lm(math.log(vocabulary), 4.0, config={"vocab_size": vocabulary, "model_name_or_path": "x"})
    assert isinstance(result, Pass)
    assert result.summary.startswith("from scratch: starts at")


def test_an_undetermined_start_is_not_run():
    result = lm(7.9, 0.3)
    assert isinstance(result, NotRun)
    assert "neither the start (7.9) nor the configuration" in result.reason


def test_a_loss_of_undetermined_scale_is_not_read():
    doubt = Correction("grad_accum", "loss", 8.0, "medium", "two pairs", applied=False)
    assert isinstance(lm(0.2, 0.2, corrections=(doubt,)), NotRun)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_good_is_never_found(count):
    assert isinstance(check(article(GOOD, count)), Pass)


def test_an_other_loss_above_8_after_1000_steps():
    (found,) = check(article(BAD))
    assert (found.severity, found.remedy) == ("warn", "lower the article weight to 3")
    assert isinstance(check(article(BAD, 2)), Pass)


def test_a_perplexity_above_15_is_withheld_while_it_falls():
    def judge(values):
        series = {"perplexity": (np.linspace(100, 2000, 20), values)}
        return check(case(series, loss_type=kind("article")))

    assert isinstance(judge(np.geomspace(2000, 20, 20)), Pass)
    assert judge(np.linspace(20, 30, 20))[0].message == "perplexity is 30: perplexity too high"


def test_articles_are_not_held_to_bands_that_are_not_logged():
    result = check(case({"article_loss": [1.0]}, loss_type=kind("article")))
    assert isinstance(result, NotRun)
    assert result.reason == "no other_loss is logged; no perplexity is logged"


@pytest.mark.parametrize(
    ("epoch", "value", "severity"),
    [(0, 1.9, None), (0, 2.5, "info"), (4, 0.9, None), (5, 0.9, "info"), (10, 0.15, "warn"), (10, 0.12, None),
     (12, 0.1, None), (15, 0.06, "warn"), (15, 0.03, None), (15, 0.001, None)],
)  # fmt: skip
def test_the_validation_loss_of_the_distance_loss_by_epoch(epoch, value, severity):
    series = {"eval/loss": ([epoch], [value], [epoch])}
    result = check(case(series, loss_type=kind("spatial")))
    assert (None if isinstance(result, Pass) else result[0].severity) == severity


@pytest.mark.parametrize("values", [[math.nan], [], [math.inf, math.nan]])
def test_without_a_finite_value_it_is_not_run(values):
    assert isinstance(check(case({"loss": values}, loss_type=kind("causal_lm"))), NotRun)


def test_generic_runs_have_no_bands():
    assert isinstance(check(case({"loss": [9.0]})), NotRun)
