"""Whatever is logged under the names that rules look for, every rule answers for every loss type, by its own code."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make import case, note

from trainvitals.diagnostics.loss_type import GENERIC
from trainvitals.diagnostics.loss_type_toml import builtin
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules import RULES

NAMES = (
    *("loss", "grad_norm", "x_head_grad_norm", "learning_rate", "learning_rate/group_1", "grad_clip_fraction"),
    *("grad_cos/ce_coords", "step_time", "tokens_per_second", "time", "global_batch_size", "loss_scale", "perplexity"),
    *("loss_ce", "loss_coords", "loss_ce_0", "loss_coords_0", "pck", "eos_recall", "pred_length", "target_length"),
    *("soft_ce", "w1", "gate", "base_ce", "p_gt_mean", "coord_vocab_mass", "error_mean", "error_argmax"),
    *("coord_entropy", "article_loss", "other_loss", "loss_x", "loss_y", "pixel_error_mean", "pixel_error_median"),
    *("within_5px", "within_8px", "within_10px", "accuracy"),
)
CONFIG = ("max_steps", "num_train_epochs", "max_grad_norm", "mixup", "eos_weight", "w1_weight", "vocab_size", "fp16")
KINDS = (GENERIC, *builtin())

VALUES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-1, 10),
    st.sampled_from([0.0, -0.0, 5e-324, 1.7e308, float("nan"), float("inf")]),
)


@st.composite
def columns(draw):
    values = np.repeat(np.array(draw(st.lists(VALUES, max_size=30)), float), draw(st.sampled_from([1, 1, 7])))
    steps = np.arange(1.0, values.size + 1)
    if draw(st.booleans()):
        steps = np.array(draw(st.lists(st.integers(0, 50), min_size=values.size, max_size=values.size)), float)
    return steps, values, draw(st.sampled_from([0.0, 0.1])) * steps


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@given(
    made=st.dictionaries(
        st.tuples(st.sampled_from(["", "eval/"]), st.sampled_from(NAMES)), columns(), min_size=1, max_size=12
    ),
    config=st.dictionaries(st.sampled_from(CONFIG), st.sampled_from([0, -1, "x", 1e300, True, 100, 0.5]), max_size=3),
    without_steps=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_every_rule_answers(kind, made, config, without_steps):
    series = {split + name: values for (split, name), values in made.items()}
    one = case(series, config=config, loss_type=kind, notes=[note("max_len", "reached max_len without EOS")])
    if without_steps:
        for s in one.run.series:
            s.step[:] = np.nan
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        for rule in RULES:
            result = rule.check(one)
            for found in result if isinstance(result, tuple) else (result,):
                assert isinstance(found, Finding | NotRun | Pass)
                assert found.code == rule.code
                assert not isinstance(found, Finding) or (found.message and found.evidence and found.how)
