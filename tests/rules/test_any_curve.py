"""Whatever a log holds, the rules that know no loss type answer: never a crash, never a warning of numpy."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules import (
    b101_resume_overlap,
    b103_unread_lines,
    b105_crash,
    l101_not_learning,
    l103_divergence,
    n101_non_finite,
    n102_hidden_nan,
    v101_overfitting,
)

RULES = (
    n101_non_finite,
    n102_hidden_nan,
    l101_not_learning,
    l103_divergence,
    v101_overfitting,
    b101_resume_overlap,
    b103_unread_lines,
    b105_crash,
)

VALUES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(0, 10),
    st.sampled_from([0.0, -0.0, 5e-324, 1.7e308, float("nan"), float("inf")]),
)


@st.composite
def series(draw):
    values = draw(st.lists(VALUES, max_size=60))
    repeat = draw(st.sampled_from([1, 1, 7]))
    column = np.repeat(np.array(values, float), repeat)
    steps = (
        draw(st.lists(st.integers(0, 50), min_size=column.size, max_size=column.size)) if draw(st.booleans()) else None
    )
    return (np.arange(1.0, column.size + 1) if steps is None else np.array(steps, float)), column


@given(
    series(),
    series(),
    series(),
    st.dictionaries(
        st.sampled_from(["max_steps", "vocab_size", "fp16"]), st.sampled_from([0, -1, "x", 1e300, True, 100])
    ),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_every_rule_answers(loss, validation, norm, config, without_steps):
    made = case({"loss": loss, "eval/loss": validation, "grad_norm": norm, "loss_scale": norm}, config=config)
    if without_steps:
        for one in made.run.series:
            one.step[:] = np.nan
    for rule in RULES:
        result = rule.check(made)
        for one in result if isinstance(result, tuple) else (result,):
            assert isinstance(one, Finding | NotRun | Pass)
            assert one.code == rule.CODE
