"""The loss types as data: recognised from metric names, complete, and open for a user's own."""

import pickle
import tomllib

import pytest
from article_runs import kind
from make import run

from trainvitals.diagnostics.loss_type import recognise
from trainvitals.diagnostics.loss_type_toml import LossTypeError, builtin, parse
from trainvitals.diagnostics.normalisation.names import canonical

HF = ("loss", "grad_norm", "learning_rate")


def recognised(*names, config=None, types=None):
    series = {}
    for name in names:
        metric, split = canonical(name, "")
        series[metric if split == "train" else f"{split}/{metric}"] = [1.0, 0.9]
    return recognise(run(series, config=config), types or builtin()).name


def test_five_types_are_built_in_and_survive_pickling():
    assert [t.name for t in builtin()] == ["article", "causal_lm", "eos", "softce", "spatial"]
    assert pickle.loads(pickle.dumps(builtin())) == builtin()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("loss", "ppl", "a_loss", "o_loss", "lr", "grad"), "article"),
        (("Article Loss", "Other Loss", "Ratio"), "article"),
        (("train_loss", "train_loss_ce", "train_loss_ce_0", "train_loss_coords", "test_loss_ce"), "eos"),
        (("loss_ce", "loss_coords"), "eos"),
        (("train_loss", "train_loss_ce", "train_loss_bbox", "train_loss_giou", "train_class_error"), "generic"),
        ((*HF, "base_ce/loss", "coord_softce_w1/soft_ce", "coord_softce_w1/gate", "token_acc"), "softce"),
        (("train_loss", "val_loss", "val_loss_x", "val_loss_y", "val_loss_spatial"), "spatial"),
        (HF, "causal_lm"),
        ((*HF, "eval_loss", "eval_runtime", "eval_samples_per_second"), "causal_lm"),
        ((*HF, "token_acc", "memory(GiB)", "train_speed(iter/s)"), "causal_lm"),
        ((*HF, "mean_token_accuracy", "num_tokens", "entropy"), "causal_lm"),
        (("loss", "lr"), "generic"),
        ((*HF, "eval_accuracy"), "generic"),
        ((*HF, "eval_f1", "eval_loss"), "generic"),
        (("loss", "accuracy", "val_loss", "val_accuracy"), "generic"),
        ((*HF, "rewards/chosen", "rewards/margins", "logps/chosen"), "generic"),
        ((*HF, "token_acc", "rewards/chosen"), "generic"),
        ((*HF, "reward", "kl", "completions/mean_length"), "generic"),
        (("loss", "lr", "loss_cls", "loss_bbox"), "generic"),
        (("train/box_loss", "train/cls_loss", "val/box_loss"), "generic"),
        (("loss",), "generic"),
        ((), "generic"),
    ],
)
def test_a_type_is_recognised_from_metric_names(names, expected):
    assert recognised(*names) == expected


@pytest.mark.parametrize(
    "config", [{"architectures": "['BertForSequenceClassification']"}, {"rlhf_type": "dpo"}, {"task_type": "SEQ_CLS"}]
)
def test_the_configuration_can_rule_a_language_model_out(config):
    assert recognised(*HF) == "causal_lm"
    assert recognised(*HF, config=config) == "generic"


def test_a_none_in_the_configuration_rules_nothing_out():
    assert recognised(*HF, config={"rlhf_type": None, "architectures": ["LlamaForCausalLM"]}) == "causal_lm"


OWN = """
title = "two towers"
recognise = [["loss_left", "loss_right"]]
[[ratios]]
numerator = "loss_left"
denominator = "loss_right"
bands = [
  { high = 0.5, falling = { status = "left is easy", severity = "warn" } },
  { low = 0.5, falling = { status = "fine" } },
]
"""


def test_a_sixth_type_comes_from_the_same_schema_and_goes_first():
    own = parse("towers", tomllib.loads(OWN))
    ratio = own.ratios[0]
    assert (ratio.name, ratio.reference, ratio.weighted) == ("loss_left / loss_right", "loss_right", "loss_left")
    assert ratio.bands[0].stuck == ratio.bands[0].falling
    assert recognised("loss_left", "loss_right", *HF, "token_acc", types=(own, *builtin())) == "towers"
    same = parse("mine", {"title": "x", "recognise": [["article_loss", "other_loss"]]})
    assert recognised("a_loss", "o_loss", types=(same, *builtin())) == "mine"


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({}, "KeyError: 'title'"),
        ({"title": "x", "unknown": 1}, "unknown"),
        ({"title": "x", "ratios": [{"numerator": "a"}]}, "denominator"),
        ({"title": "x", "levels": [{"metric": "loss", "status": "s", "severity": "fatal"}]}, "severity must be one of"),
        ({"title": "x", "recognise": [[1]]}, "names must be text"),
        ({"title": "x", "sums": [{"total": "loss", "weights": {"a": "heavy"}}]}, "heavy"),
        ({"title": "x", "weight": {"name": "w"}}, "settings"),
    ],
)
def test_a_wrong_type_is_an_error_that_names_it(table, problem):
    with pytest.raises(LossTypeError, match="loss type 'mine'") as caught:
        parse("mine", table)
    assert problem in str(caught.value)


def test_the_bands_of_the_article_ratio_leave_no_hole():
    bands = kind("article").ratios[0].bands
    assert bands[0].low == float("-inf")
    assert bands[-1].high == float("inf")
    assert [b.high for b in bands[:-1]] == [b.low for b in bands[1:]]


def test_the_share_of_a_class_divides_by_the_sum_of_weights():
    """17 COORD and 1 EOS: 17/18 and 1/18 at weight 1, 17/37 and 20/37 at weight 20."""
    weight = kind("eos").weight
    assert weight.shares(1) == pytest.approx({"COORD": 17 / 18, "SEP": 0, "EOS": 1 / 18})
    assert weight.shares(20) == pytest.approx({"COORD": 0.459, "SEP": 0, "EOS": 0.541}, abs=5e-4)


def test_weights_worth_trying():
    article, eos = kind("article").weight, kind("eos").weight
    assert (article.lower(5), article.higher(5), article.lower(3), article.higher(10)) == (3, 10, 2, 20)
    assert (eos.higher(10), eos.higher(20), eos.higher(30), eos.lower(10)) == (20, 30, 60, 5)
