"""One vocabulary: what trainers call their metrics, and what we call them."""

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
