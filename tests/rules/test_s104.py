import math

import numpy as np
import pytest
from article_runs import kind
from make import case

from trainvitals.diagnostics.report import NotRun, Pass
from trainvitals.diagnostics.rules.s104_unit_mismatch import check
from trainvitals.parsers.model import Source

FALLING = 1.5 + 2 * np.exp(-np.arange(30) / 10)
EVALS = list(range(3, 31, 3))


def at(loss):
    return (EVALS, [loss[s - 1] for s in EVALS])


@pytest.mark.parametrize(("loss", "perplexity"), [(2.05, 7.78), (2.0543, 7.81)])
def test_the_lines_of_the_note_agree(loss, perplexity):
    result = check(case({"loss": [loss], "perplexity": [perplexity]}, loss_type=kind("article")))
    assert isinstance(result, Pass)
    assert "only if that total is the unweighted mean" in result.summary


def test_the_losses_of_fairseq_are_in_bits():
    series = {"loss": FALLING, "perplexity": 2.0**FALLING}
    assert isinstance(check(case(series, sources=(Source("train.log", "fairseq"),))), Pass)
    assert isinstance(check(case(series)), tuple)


@pytest.mark.parametrize(
    ("perplexity", "named"),
    [
        (2.0**FALLING, "2**loss"),
        (FALLING, "the loss itself"),
        (np.exp(FALLING / math.log(2)), "exp(loss / ln 2)"),
        (100 * np.exp(FALLING), "100 times too large"),
    ],
)
def test_a_perplexity_in_another_unit_is_named(perplexity, named):
    (found,) = check(case({"loss": FALLING, "perplexity": perplexity}))
    assert found.severity == "warn"
    assert named in found.message


def test_a_loss_summed_over_the_accumulation_is_named():
    made = case({"loss": 8 * FALLING, "perplexity": np.exp(FALLING)}, config={"gradient_accumulation_steps": 8})
    assert "exp(loss / 8)" in check(made)[0].message


@pytest.mark.parametrize(
    "series",
    [
        {"loss": FALLING, "perplexity": np.exp(FALLING)},
        {"loss": FALLING, "perplexity": np.exp(FALLING + 0.03)},
        {"loss": FALLING + 0.5, "nll_loss": FALLING / math.log(2), "perplexity": np.exp(FALLING)},
        {"loss": [7.581, 6.623], "nll_loss": [0.0, 0.0], "perplexity": [1.0, 1.0]},
    ],
    ids=["exact", "mean of exponentials", "fairseq in bits", "fairseq without nll"],
)
def test_healthy_perplexities_pass(series):
    assert isinstance(check(case(series)), Pass)


def test_a_constant_offset_is_no_unit():
    result = check(case({"loss": FALLING + 0.6, "perplexity": np.exp(FALLING)}))
    assert isinstance(result, NotRun)
    assert "label smoothing" in result.reason


@pytest.mark.parametrize("split", ["", "eval/"])
def test_the_perplexity_of_the_unweighted_mean_is_recognised(split):
    part, rest = FALLING + 1, FALLING
    series = {"loss": 0.3 * part + 0.7 * rest, "perplexity": np.exp(0.06 * part + 0.94 * rest)}
    series |= {"article_loss": part, "other_loss": rest}
    made = case({split + name: values for name, values in series.items()}, loss_type=kind("article"))
    result = check(made)
    assert isinstance(result, Pass)
    assert "unweighted mean" in result.summary


def test_bits_against_nats_at_all_levels():
    (found,) = check(case({"loss": FALLING / math.log(2), "eval/loss": at(FALLING)}))
    assert "1.4427" in found.message


@pytest.mark.parametrize("factor", [1.0, 1.6, 3.25, 2.3, 0.24, 1.40, 1.5])
def test_other_constant_ratios_are_no_unit(factor):
    result = check(case({"loss": factor * FALLING, "eval/loss": at(FALLING)}))
    assert isinstance(result, Pass | NotRun)


def test_a_ratio_of_bits_that_does_not_last_is_no_unit():
    loss = FALLING * np.linspace(1.0, 1.9, 30)
    assert isinstance(check(case({"loss": loss, "eval/loss": at(FALLING)})), Pass | NotRun)


def test_percent_against_fraction():
    series = {"accuracy": np.linspace(0.3, 0.9, 30), "eval/accuracy": (EVALS, np.linspace(30, 85, len(EVALS)))}
    (found,) = check(case(series))
    assert "fraction against percent" in found.message


@pytest.mark.parametrize(
    ("train", "held_out"), [((0.3, 0.9), (0.3, 0.8)), ((20, 90), (0.1, 0.9)), ((0.01, 0.9), (1, 2))]
)
def test_accuracies_that_only_differ_are_fine(train, held_out):
    series = {"accuracy": np.linspace(*train, 30), "eval/accuracy": (EVALS, np.linspace(*held_out, len(EVALS)))}
    if held_out == (0.1, 0.9):
        assert isinstance(check(case(series)), tuple)
    else:
        assert isinstance(check(case(series)), Pass)


@pytest.mark.parametrize(
    "series", [{}, {"loss": [1.0]}, {"loss": [math.nan], "perplexity": [1.0]}, {"perplexity": [3.0]}]
)
def test_without_material_it_is_not_run(series):
    assert isinstance(check(case(series)), NotRun)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.inf, math.nan])
def test_hostile_perplexities_do_not_crash(bad):
    assert isinstance(check(case({"loss": [2.0, 3.0], "perplexity": [bad, bad]})), NotRun)


@pytest.mark.parametrize("by", [0.8, 1.25, 1.4])
def test_a_fixed_multiple_of_the_loss_in_the_exponent_is_named(by):
    loss = np.linspace(3, 1.5, 40)
    (found,) = check(case({"loss": loss, "perplexity": np.exp(by * loss)}))
    assert f"exp of {by:g} times loss at all steps" in found.message


def test_a_ratio_that_is_only_near_is_no_unit():
    rng = np.random.default_rng(0)
    loss = 1.4500 * FALLING * np.exp(0.001 * rng.standard_normal(FALLING.size))
    assert isinstance(check(case({"loss": loss, "eval/loss": at(FALLING)})), Pass | NotRun)


def test_mixed_labels_put_train_above_validation_by_any_factor():
    made = case({"loss": FALLING / math.log(2), "eval/loss": at(FALLING)}, config={"mixup": 0.8})
    assert isinstance(check(made), Pass | NotRun)
