"""Losses logged times the gradient accumulation: made curves with a known factor, and every shared run with one."""

import dataclasses
import math

import make
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_logs import ACCUM, REAL, index, needs_shared

from trainvitals.diagnostics.normalisation import normalise
from trainvitals.diagnostics.normalisation.grad_accum import KIND, SUSPECTED, UNDETERMINED, correct, judge, versions
from trainvitals.diagnostics.normalisation.grad_accum.pairs import compare
from trainvitals.diagnostics.normalisation.grad_accum.witnesses import least_loss, most_loss
from trainvitals.parsers.discover import discover
from trainvitals.parsers.model import ConfigValue
from trainvitals.parsers.reading import read, read_all

STEPS = np.arange(5.0, 241, 5)
EVALS = np.arange(20.0, 241, 20)
TRAINER = {"logging_nan_inf_filter": True}


def curve(steps, start=2.6, end=1.1):
    """A fine-tuning loss that falls and flattens, of a model with a large vocabulary."""
    return end + (start - end) * np.exp(-np.asarray(steps) / 80)


def logged(
    factor=1.0,
    *,
    k=8,
    eval_factor=1.0,
    config=None,
    summary=None,
    evals=EVALS,
    seed=0,
    noise=0.02,
    steps=STEPS,
    more=None,
):
    """A run whose train loss is logged `factor` times its level, with `k` accumulation steps in its arguments."""
    rng = np.random.default_rng(seed)
    train = curve(steps) * np.exp(rng.normal(0, noise, steps.size)) * factor
    held_out = curve(evals) * np.exp(rng.normal(0, noise / 4, evals.size)) * eval_factor
    given = {**TRAINER, **({} if k is None else {"gradient_accumulation_steps": k}), **(config or {})}
    series = {
        "loss": (steps, train, steps / 240),
        "eval/loss": (evals, held_out, evals / 240),
        "grad_norm": (steps, np.full(steps.size, 1.5)),
        **(more or {}),
    }
    return make.run(series, config=given, summary=summary)


def one_correction(run):
    corrections = correct(run)[1]
    assert [c.kind for c in corrections] == [KIND]
    return corrections[0]


# What the ratio proves, what it leaves open


@pytest.mark.parametrize("k", [4, 5, 6, 7, 8, 12, 16, 24, 32])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_loss_logged_k_times_is_divided_by_k(k, seed):
    run = logged(k, k=k, seed=seed)
    corrected, (correction,) = correct(run)
    assert (correction.factor, correction.applied) == (k, True)
    np.testing.assert_allclose(corrected.get("loss").value * k, run.get("loss").value)
    assert corrected.get("loss", "eval") is run.get("loss", "eval")
    assert corrected.get("grad_norm") is run.get("grad_norm")


@pytest.mark.parametrize("k", [4, 8, 16])
def test_a_loss_logged_at_one_kth_is_multiplied_back(k):
    corrected, (correction,) = correct(logged(1 / k, k=k))
    assert (correction.factor, correction.applied) == (1 / k, True)
    assert corrected.get("loss").value[0] == pytest.approx(curve(5), rel=0.1)


@pytest.mark.parametrize("k", [2, 3, 4, 8, 16, 32])
@pytest.mark.parametrize("version", ["4.45.2", "4.48.0", "4.52.4", "5.23.0", None])
def test_an_unscaled_loss_is_left_alone_whatever_the_release(k, version):
    config = {"transformers_version": version, "model_type": "llama"} if version else {}
    run = logged(1, k=k, config=config)
    assert correct(run) == (run, ())
    assert judge(run).kind == "unscaled"


def test_the_evidence_names_ratio_pairs_accumulation_release_and_gradient():
    evidence = one_correction(logged(8, config={"transformers_version": "4.48.0", "model_type": "qwen2"})).evidence
    for words in (
        "8.0",
        "times the eval loss",
        "12 matched pairs",
        "gradient accumulation is 8 (made.jsonl)",
        "4.48.0",
    ):
        assert words in evidence
    for words in ("grad_norm", "max_grad_norm", "DeepSpeed", "4.48.3", "train_loss of the summary"):
        assert words in evidence


@pytest.mark.parametrize("k", [2, 3])
def test_a_small_factor_needs_a_second_witness(k):
    alone = one_correction(logged(k, k=k))
    assert alone.evidence.startswith(UNDETERMINED)
    assert not alone.applied
    known = one_correction(logged(k, k=k, config={"transformers_version": "4.48.0", "model_type": "llama"}))
    assert (known.factor, known.applied) == (k, True)


def test_two_pairs_need_a_second_witness():
    two = one_correction(logged(8, evals=np.array([80.0, 160.0])))
    assert two.evidence.startswith(UNDETERMINED)
    assert "too few pairs" in two.evidence
    known = logged(8, evals=np.array([80.0, 160.0]), config={"transformers_version": "4.48.0", "model_type": "llama"})
    assert one_correction(known).applied


def test_memorised_data_are_undetermined():
    """Every eval comes after the tenth epoch, and the ratio passes through all values."""
    train = curve(STEPS, 2.6, 0.001) * 8
    series = {"loss": (STEPS, train, STEPS), "eval/loss": (EVALS, np.full(EVALS.size, 2.5), EVALS)}
    correction = one_correction(make.run(series, config={**TRAINER, "gradient_accumulation_steps": 8}))
    assert correction.evidence.startswith(UNDETERMINED)
    assert not correction.applied


def test_memorised_data_of_an_unscaled_run_do_not_look_like_one_kth():
    train = np.maximum(curve(STEPS, 2.6, 0.0), 0.32)
    run = make.run(
        {"loss": (STEPS, train, STEPS), "eval/loss": (EVALS, np.full(EVALS.size, 2.56), EVALS)},
        config={**TRAINER, "gradient_accumulation_steps": 8},
    )
    assert correct(run)[0] is run
    assert judge(run).kind != "scaled"


def test_a_release_not_known_for_it_is_a_doubt_and_never_enough_against_the_first_loss():
    doubted = one_correction(logged(8, config={"transformers_version": "4.45.2", "model_type": "llama"}))
    assert doubted.evidence.startswith(UNDETERMINED)


def test_the_release_alone_never_rescales():
    run = logged(1.6, config={"transformers_version": "4.48.0", "model_type": "llama"})
    assert correct(run)[0] is run


def test_a_scale_that_changes_within_the_run_is_not_divided_away():
    run = logged(1)
    loss = run.get("loss")
    value = np.where(loss.step > 160, loss.value * 8, loss.value)
    mixed = dataclasses.replace(
        run, series=tuple(dataclasses.replace(s, value=value) if s is loss else s for s in run.series)
    )
    assert correct(mixed)[0] is mixed
    late = dataclasses.replace(mixed, series=(*(s for s in mixed.series if s.split == "train"),))
    assert correct(late)[0] is late


# What is not known


@pytest.mark.parametrize("factor", [4, 8, 16, 1 / 8])
def test_without_an_accumulation_it_is_at_most_a_suspicion(factor):
    correction = one_correction(logged(factor, k=None))
    assert correction.evidence.startswith(SUSPECTED)
    assert (correction.factor, correction.applied) == (factor, False)


@pytest.mark.parametrize("factor", [1.44, 1.7, 3.1, 12])
def test_other_ratios_raise_no_suspicion(factor):
    assert correct(logged(factor, k=None))[1] == ()


def test_logs_of_other_trainers_raise_no_suspicion():
    run = dataclasses.replace(logged(8, k=None), config={})
    assert judge(run).kind == "silent"


RATES = {"train_samples_per_second": 256.0, "train_steps_per_second": 16.0}


def test_an_accumulation_computed_from_the_rates_finds_the_factor_but_divides_nothing():
    run = logged(8, k=None, config={"per_device_train_batch_size": 2}, summary=RATES)
    correction = one_correction(run)
    assert (correction.factor, correction.applied) == (8, False)
    assert not correction.evidence.startswith((SUSPECTED, UNDETERMINED))
    assert correct(run)[0] is run


def test_rates_that_give_no_whole_number_are_not_used():
    odd = {"train_samples_per_second": 256.0, "train_steps_per_second": 17.93}
    assert one_correction(
        logged(8, k=None, config={"per_device_train_batch_size": 2}, summary=odd)
    ).evidence.startswith(SUSPECTED)


def test_an_accumulation_of_one_leaves_nothing_to_say():
    run = logged(3.1, k=1, config={"world_size": 1, "transformers_version": "5.13.0"})
    assert judge(run).kind == "silent"
    assert "accumulation is 1" in judge(run).reason


# Several processes

AVERAGED = {"average_tokens_across_devices": True, "transformers_version": "4.57.6", "model_type": "llama"}


def test_with_several_processes_averaged_the_ratio_cannot_tell_k_from_k_times_w():
    correction = one_correction(logged(8, k=4, eval_factor=2, config={**AVERAGED, "world_size": 2}))
    assert correction.evidence.startswith(UNDETERMINED)
    assert "2 processes" in correction.evidence


def test_one_process_leaves_no_such_doubt():
    correction = one_correction(logged(4, k=4, config={**AVERAGED, "world_size": 1}))
    assert (correction.factor, correction.applied) == (4, True)


def test_the_processes_come_from_the_rates_too():
    rates = {"train_samples_per_second": 128.0, "train_steps_per_second": 16.0}
    run = logged(8, k=4, eval_factor=2, config={**AVERAGED, "per_device_train_batch_size": 1}, summary=rates)
    assert "2 processes" in one_correction(run).evidence


def test_an_eval_loss_above_uniform_guessing_shows_that_it_carries_the_processes():
    """As measured with 2 processes, accumulation 4 and a forward that ignores num_items: train x8, eval x2."""
    start, vocabulary = math.log(512), 512
    train, held_out = curve(STEPS, start, 3.0) * 8, curve(EVALS, start, 3.0) * 2
    run = make.run(
        {"loss": (STEPS, train), "eval/loss": (EVALS, held_out)},
        config={**TRAINER, **AVERAGED, "gradient_accumulation_steps": 4, "world_size": 2, "vocab_size": vocabulary},
    )
    corrected, (correction,) = correct(run)
    assert (correction.factor, correction.applied) == (8, True)
    assert "eval loss is 2 times too large" in correction.evidence
    assert corrected.get("loss", "eval") is run.get("loss", "eval")


def test_an_eval_loss_times_w_is_not_a_train_loss_over_k():
    run = logged(1, k=8, eval_factor=8, config={**AVERAGED, "world_size": 8})
    correction = one_correction(run)
    assert correction.evidence.startswith(UNDETERMINED)
    assert "8 processes" in correction.evidence


# Other causes of a ratio


@pytest.mark.parametrize("factor", [1 / math.log(2), math.log(2), 1.6, 1.69, 3.1, 0.24, 2.5])
@pytest.mark.parametrize("k", [2, 8, 16])
def test_other_constant_ratios_are_never_rescaled(factor, k):
    run = logged(factor, k=k)
    assert correct(run)[0] is run


def test_a_constant_difference_is_not_a_factor():
    run = logged(1)
    loss = run.get("loss")
    shifted = tuple(dataclasses.replace(s, value=s.value + 9.5) if s is loss else s for s in run.series)
    run = dataclasses.replace(run, series=shifted)
    assert correct(run)[0] is run
    assert "difference" in judge(run).reason


@pytest.mark.parametrize("bad", [0.0, -0.3])
def test_a_loss_that_reaches_zero_is_never_rescaled(bad):
    run = logged(8)
    loss = run.get("loss")
    value = loss.value.copy()
    value[7] = bad
    run = dataclasses.replace(
        run, series=tuple(dataclasses.replace(s, value=value) if s is loss else s for s in run.series)
    )
    assert correct(run) == (run, ())


REWARDS = {"rewards/chosen": (STEPS, np.linspace(-0.1, 0.2, STEPS.size))}


@pytest.mark.parametrize("evals", [EVALS, np.array([1000.0])], ids=["by its eval loss", "by its nll"])
def test_a_preference_loss_is_never_rescaled_even_where_its_factor_is_plain(evals):
    run = logged(8, more={**REWARDS, "nll_loss": (STEPS, curve(STEPS) * 0.99)}, evals=evals)
    assert correct(run)[0] is run
    assert (one_correction(run).factor, one_correction(run).applied) == (8, False)


@pytest.mark.parametrize("factor", [1, 1 / 8, 3])
def test_other_ratios_of_a_preference_loss_are_not_mentioned(factor):
    run = logged(factor, more=REWARDS)
    assert correct(run) == (run, ())


def test_nan_values_are_kept_and_do_not_disturb():
    run = logged(8)
    loss = run.get("loss")
    value = loss.value.copy()
    value[20:23] = np.nan
    run = dataclasses.replace(
        run, series=tuple(dataclasses.replace(s, value=value) if s is loss else s for s in run.series)
    )
    corrected, (correction,) = correct(run)
    assert correction.applied
    assert np.isnan(corrected.get("loss").value[20:23]).all()


# Witnesses that need no eval loss


def from_scratch(factor, k, *, vocabulary=512, held_out=True, version="4.52.4"):
    evals = {"eval/loss": (EVALS, curve(EVALS, math.log(vocabulary), 3.0))} if held_out else {}
    return make.run(
        {"loss": (STEPS, curve(STEPS, math.log(vocabulary), 3.0) * factor), **evals},
        config={
            **TRAINER,
            "gradient_accumulation_steps": k,
            "world_size": 1,
            "vocab_size": vocabulary,
            "transformers_version": version,
        },
    )


@pytest.mark.parametrize("k", [2, 3, 4, 8, 32])
def test_the_first_loss_of_an_untrained_model_confirms_even_small_factors(k):
    assert one_correction(from_scratch(k, k)).factor == k
    assert one_correction(from_scratch(k, k)).applied
    assert correct(from_scratch(1, k))[1] == ()


@pytest.mark.parametrize("k", [4, 8, 16])
def test_without_an_eval_loss_the_start_of_an_untrained_model_suffices(k):
    correction = one_correction(from_scratch(k, k, held_out=False))
    assert (correction.factor, correction.applied) == (k, True)
    assert judge(from_scratch(1, k, held_out=False)).kind == "silent"


def test_one_high_first_row_proves_nothing():
    """As in a healthy run with accumulation 16: 20.5 at the first step, 1.7 times uniform guessing."""
    value = np.concatenate([[20.5], curve(STEPS[1:])])
    run = make.run(
        {"loss": (STEPS, value)}, config={**TRAINER, "gradient_accumulation_steps": 16, "vocab_size": 248320}
    )
    assert correct(run) == (run, ())


@pytest.mark.parametrize("k", [8, 16])
def test_the_token_accuracy_alone_can_exclude_the_loss_as_logged(k):
    accuracy = np.linspace(0.55, 0.7, STEPS.size)
    series = {"token_acc": (STEPS, accuracy)}
    loss = 0.3 * most_loss(accuracy, 32000)
    made = {"loss": (STEPS, loss * k), **series}
    config = {**TRAINER, "gradient_accumulation_steps": k, "vocab_size": 32000, "world_size": 1}
    assert one_correction(make.run(made, config=config)).applied
    assert correct(make.run({"loss": (STEPS, loss), **series}, config=config))[1] == ()


@given(st.lists(st.floats(-8, 8), min_size=3, max_size=40))
def test_the_accuracy_bounds_hold_for_any_calibrated_model(logits):
    """Oracle: accuracy and cross-entropy of a softmax whose labels follow it."""
    p = np.exp(np.array(logits) - max(logits))
    p /= p.sum()
    accuracy, entropy = p.max(), -(p * np.log(p)).sum()
    if 0.01 <= accuracy <= 0.99:
        assert entropy <= most_loss(np.array([accuracy]), p.size)[0] + 1e-9
        assert entropy >= least_loss(np.array([accuracy]))[0] - 1e-9


def test_a_sum_of_terms_has_no_such_bounds():
    """Soft cross-entropy, W1 and a gate may add up to more than ln V."""
    parts = {"soft_ce": (STEPS, np.full(STEPS.size, 6.0)), "gate": (STEPS, np.full(STEPS.size, 9.0))}
    series = {"loss": (STEPS, np.full(STEPS.size, 4 * math.log(512)) + 0.0), **parts}
    run = make.run(series, config={**TRAINER, "gradient_accumulation_steps": 4, "vocab_size": 512, "world_size": 1})
    assert correct(run) == (run, ())


# Properties


@given(
    factor=st.sampled_from([1.0, 1.6, 2.0, 4.0, 8.0, 1 / 8]),
    k=st.sampled_from([2, 4, 8, None]),
    constant=st.floats(1e-3, 1e3),
    seed=st.integers(0, 5),
)
@settings(max_examples=40, deadline=None)
def test_a_common_constant_changes_nothing_where_no_absolute_witness_speaks(factor, k, constant, seed):
    one = judge(logged(factor, k=k, seed=seed))
    other = judge(logged(factor * constant, k=k, eval_factor=constant, seed=seed))
    assert (one.kind, one.factor, one.applied) == (other.kind, other.factor, other.applied)


@given(
    k=st.integers(2, 32),
    scaled=st.booleans(),
    seed=st.integers(0, 1000),
    noise=st.floats(0, 0.1),
    every=st.sampled_from([1, 2, 5, 10]),
    eval_every=st.sampled_from([20, 30, 40, 60]),
)
@settings(max_examples=60, deadline=None)
def test_no_setting_of_a_run_leads_to_a_wrong_factor(k, scaled, seed, noise, every, eval_every):
    factor = k if scaled else 1
    steps, evals = np.arange(every, 241.0, every), np.arange(eval_every, 241.0, eval_every)
    run = logged(factor, k=k, seed=seed, noise=noise, steps=steps, evals=evals)
    verdict = judge(run)
    assert verdict.kind in ({"scaled", "undetermined"} if scaled else {"unscaled"})
    assert verdict.kind != "scaled" or verdict.factor == k


@given(k=st.sampled_from([4, 8, 16, 1 / 8]), seed=st.integers(0, 20))
@settings(max_examples=20, deadline=None)
def test_correcting_twice_changes_nothing_more(k, seed):
    once, _ = correct(logged(k, k=round(max(k, 1 / k)), seed=seed))
    assert correct(once) == (once, ())


NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
SETTINGS = st.one_of(st.none(), st.integers(-(10**400), 10**400), st.floats(), st.booleans(), st.just("auto"))


@given(
    train=st.lists(st.one_of(NUMBERS, st.floats(1e-300, 1e300)), min_size=1, max_size=30),
    held_out=st.lists(st.one_of(NUMBERS, st.floats(1e-300, 1e300)), min_size=1, max_size=10),
    given=st.lists(SETTINGS, min_size=6, max_size=6),
)
@settings(max_examples=200, deadline=None)
def test_no_numbers_crash_it_and_none_is_changed_but_by_a_possible_factor(train, held_out, given):
    names = ("gradient_accumulation_steps", "world_size", "vocab_size", "per_device_train_batch_size")
    rates = dict(zip(("train_samples_per_second", "train_steps_per_second"), given[4:], strict=True))
    series = {"loss": train, "eval/loss": held_out, "token_acc": np.clip(train, 0, 1), "nll_loss": train}
    run = make.run(series, config={**TRAINER, **dict(zip(names, given, strict=False))}, summary=rates)
    corrected, corrections = correct(run)
    applied = [c.factor for c in corrections if c.applied]
    np.testing.assert_array_equal(corrected.get("loss").value, np.array(train, float) / (applied or [1])[0])


def test_a_train_row_far_before_its_eval_is_no_match():
    run = make.run({"loss": (np.arange(1.0, 21), np.ones(20)), "eval/loss": (np.array([200.0]), np.ones(1))})
    assert compare(run.get("loss"), run.get("loss", "eval")) is None


# The table of releases


@pytest.mark.parametrize(
    ("version", "standard", "others", "smoothing"),
    [
        ("4.45.2", "never", "never", "never"),
        ("4.46.1", "possible", "possible", "scaled"),
        ("4.46.3", "possible", "possible", "scaled"),
        ("4.47.0", "scaled", "possible", "scaled"),
        ("4.47.1", "possible", "possible", "scaled"),
        ("4.48.0", "scaled", "possible", "scaled"),
        ("4.48.0.dev0", "scaled", "possible", "scaled"),
        ("4.48.1", "possible", "possible", "scaled"),
        ("5.9.0", "possible", "possible", "scaled"),
        ("5.23.0", "possible", "possible", "possible"),
        ("nonsense", "unknown", "unknown", "unknown"),
    ],
)
def test_what_each_release_is_known_for(version, standard, others, smoothing):
    at = versions.parse(version)
    assert versions.opinion(at, standard=True, smoothing=False, swift=False) == standard
    assert versions.opinion(at, standard=False, smoothing=False, swift=False) == others
    assert versions.opinion(at, standard=True, smoothing=True, swift=False) == smoothing


def test_the_eras_stand_in_order():
    starts = [era.since for era in versions.ERAS]
    assert starts == sorted(starts)
    assert starts[0] == (0,)


# The shared runs: the factor of each is known


@needs_shared
@pytest.mark.parametrize("row", index(ACCUM), ids=lambda row: row["run"])
def test_every_shared_run_gets_its_true_factor(row):
    """Unscaled runs get none; factors of 2 and 3 may stay open; all others are found and divided away."""
    true = float(row["true factor of the logged train loss"])
    result = normalise(read(str(ACCUM / row["run"])))
    made = [c for c in result.corrections if c.kind == KIND]
    applied = [c.factor for c in made if c.applied]
    if true == 1:
        assert made == []
    elif max(true, 1 / true) >= 4:
        assert applied == [true]
    else:
        assert applied in ([true], [])
    loss = result.run.get("loss").value[0] * (applied or [1])[0]
    assert loss == pytest.approx(float(row["first logged loss"]), rel=1e-3)
    assert correct(result.run)[0] is result.run


def real_runs():
    files = discover([str(REAL)]) if REAL.is_dir() else ()
    return [pytest.param(one, id=one.name) for one in files]


@needs_shared
@pytest.mark.parametrize("files", real_runs())
def test_no_real_log_is_called_scaled_whatever_its_accumulation_is_supposed_to_be(files):
    for run in read_all(files):
        for supposed in (None, 2, 4, 8, 16):
            made = correction_of(run, supposed)
            assert made is None or made.evidence.startswith(UNDETERMINED)
            assert made is None or supposed is not None


def correction_of(run, supposed):
    name = "gradient_accumulation_steps"
    config = dict(run.config) if supposed is None else {**run.config, name: ConfigValue(supposed, "supposed")}
    made = normalise(dataclasses.replace(run, config=config)).corrections
    return next((c for c in made if c.kind == KIND), None)
