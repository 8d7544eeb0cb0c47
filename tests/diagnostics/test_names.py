"""One vocabulary: what trainers call their metrics, and what we call them."""

from dataclasses import replace

import make
import pytest

from trainvitals.diagnostics.normalisation import hyperparameters, names
from trainvitals.parsers.model import ConfigValue


@pytest.mark.parametrize(
    ("logged", "metric", "split"),
    [
        ("loss", "loss", "train"),
        ("train/loss", "loss", "train"),
        ("train_loss", "loss", "train"),
        ("Training Loss", "loss", "train"),
        ("eval_loss", "loss", "eval"),
        ("eval/loss", "loss", "eval"),
        ("val_loss", "loss", "eval"),
        ("Validation Loss", "loss", "eval"),
        ("valid_loss", "loss", "eval"),
        ("test_loss", "loss", "test"),
        ("test_loss_ce_4_unscaled", "loss_ce_4_unscaled", "test"),
        ("val_loss_x", "loss_x", "eval"),
        ("loss_val", "loss", "eval"),
        ("loss_train", "loss", "train"),
        ("acc_test", "acc", "test"),
        ("Loss Validation", "loss", "eval"),
        ("train_loss_val", "loss_val", "train"),
        ("loss_std_dev", "loss_std_dev", "train"),
        ("hits_test", "hits_test", "train"),
        ("total_loss", "loss", "train"),
        ("lm loss", "loss", "train"),
        ("Article Loss", "article_loss", "train"),
        ("o_loss", "other_loss", "train"),
        ("PPL", "perplexity", "train"),
        ("lr", "learning_rate", "train"),
        ("train_lr", "learning_rate", "train"),
        ("gnorm", "grad_norm", "train"),
        ("grad_2.0_norm_total", "grad_norm", "train"),
        ("clip", "grad_clip_fraction", "train"),
        ("elapsed time per iteration (ms)", "step_time", "train"),
        ("dt", "step_time", "train"),
        ("tok/sec", "tokens_per_second", "train"),
        ("train/samples_per_sec", "samples_per_second", "train"),
        ("ups", "steps_per_second", "train"),
        ("eval_mean_predicted_length", "pred_length", "eval"),
        ("eval/decode_error/argmax", "error_argmax", "eval"),
        ("val_pck@0.2", "pck", "eval"),
        ("eval_coord_softce_w1/soft_ce", "soft_ce", "eval"),
        ("eval/coord_softce_w1/coord_vocab_mass", "coord_vocab_mass", "eval"),
        ("train/base_ce/loss", "base_ce", "train"),
        ("loss_metrics/global_avg_loss", "loss", "train"),
        ("train_loss_step", "loss", "train"),
        ("train/train_speed(iter/s)", "speed(iter/s)", "train"),
        ("train_speed(iter/s)", "speed(iter/s)", "train"),
        ("train/eval_loss", "eval_loss", "train"),
        ("trainable", "trainable", "train"),
        ("evaluation", "evaluation", "train"),
        ("validity", "validity", "train"),
        ("avr_loss", "loss", "train"),
        ("training's l2", "l2", "train"),
        ("valid_1's binary_logloss", "binary_logloss", "eval"),
        ("val_2d_loss", "2d_loss", "eval"),
        ("step_loss", "loss", "train"),
        ("avg_train_loss", "loss", "train"),
        ("average validation loss", "loss", "eval"),
        ("train_avg_loss", "loss", "train"),
        ("Avg. Loss", "loss", "train"),
        ("mean_policy_loss", "mean_policy_loss", "train"),
        ("trainLoss", "loss", "train"),
        ("valAcc", "acc", "eval"),
        ("testloss", "loss", "test"),
        ("te_loss", "te_loss", "train"),
    ],
)
def test_a_name_as_logged_is_a_metric_and_a_split(logged, metric, split):
    assert names.canonical(logged, "") == (metric, split)


def test_a_split_that_the_format_knows_is_kept():
    assert names.canonical("loss", "eval") == ("loss", "eval")


def test_two_names_of_one_metric_stay_apart_and_the_plain_one_keeps_it():
    run = make.run({"total_loss": [3.0, 2.0], "loss": [1.0, 0.5]})
    renamed = {s.logged_as: s.metric for s in names.rename(run.series)}
    assert renamed == {"total_loss": "total_loss", "loss": "loss"}


def test_lightning_step_values_are_the_loss_and_epoch_means_keep_their_name():
    run = make.run({"train_loss_epoch": [3.0, 2.0], "train_loss_step": [1.0, 0.5]})
    renamed = {s.logged_as: s.metric for s in names.rename(run.series)}
    assert renamed == {"train_loss_epoch": "loss_epoch", "train_loss_step": "loss"}


def test_hyperparameters_have_one_name_each_and_none_counts_as_absent():
    found = {
        "update_freq": ConfigValue(4, "a"),
        "gradient_accumulation_steps": ConfigValue(None, "a"),
        "optimizer.lr": ConfigValue(1e-3, "a"),
    }
    config = hyperparameters.canonical(found)
    assert config["gradient_accumulation_steps"].value == 4
    assert config["learning_rate"].value == 1e-3


SHORT = [
    ({"tr_loss": "train/loss", "te_loss": "test/loss", "te_acc": "test/acc"}, "both sides in short"),
    ({"t_loss": "train/loss", "v_loss": "eval/loss"}, "letters for both sides"),
    ({"t_loss": "train/t_loss", "loss": "train/loss"}, "a letter for one side"),
    ({"te_loss": "train/te_loss", "loss": "train/loss"}, "the text encoder's beside the loss"),
    ({"loss_tr": "train/loss", "loss_te": "test/loss"}, "behind the name"),
    ({"Train": "train/loss", "Val": "eval/loss"}, "nothing but the split"),
    ({"loss": "train/loss", "val": "eval/loss"}, "one beside a loss"),
]


@pytest.mark.parametrize("expected", [names for names, _ in SHORT], ids=[why for _, why in SHORT])
def test_what_a_short_name_says_follows_from_those_beside_it(expected):
    logged = [replace(s, split="") for s in make.run({name: [3.0, 2.0, 1.5, 1.2] for name in expected}).series]
    assert {s.logged_as: f"{s.split}/{s.metric}" for s in names.rename(logged)} == expected


def test_splits_whose_values_rise_or_lie_apart_are_no_losses():
    rising = make.run({"Train": [0.1, 0.4, 0.6, 0.7], "Val": [0.1, 0.3, 0.5, 0.6]})
    assert {s.metric for s in names.rename(rising.series)} == {"train", "val"}
    apart = make.run({"loss": [3.0, 2.0, 1.5, 1.2], "val": [71.0, 70.0, 68.0, 65.0]})
    assert {s.metric for s in names.rename(apart.series)} == {"loss", "val"}


@pytest.mark.parametrize(
    ("series", "loss"),
    [
        ({"mse": [3.0, 2.0], "eval/mse": [3.0, 2.5]}, "mse"),
        ({"cost": [3.0, 2.0], "accuracy": [0.1, 0.2]}, "cost"),
        ({"loss": [3.0, 2.0], "mse": [9.0, 4.0]}, "loss"),
        ({"mse": [9.0, 4.0], "mae": [3.0, 2.0]}, None),
        ({"l2": [3.0, 2.0], "eval/l2": [3.0, 2.5]}, "l2"),
        ({"l2": [3.0, 4.0], "accuracy": [0.1, 0.2]}, None),
        ({"mse": [9.0, 4.0], "eval/loss": [3.0, 2.0]}, None),
    ],
)
def test_another_name_is_the_loss_where_it_is_the_only_one(series, loss):
    judged = make.case(series)
    assert (judged.loss.metric if judged.loss else None) == loss
    assert judged.validation is None or judged.validation.metric in ("loss", loss)
