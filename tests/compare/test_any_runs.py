"""Whatever is logged, a comparison ends with a verdict for each metric, and every output can hold it."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
from compared_runs import made
from hypothesis import given, settings
from hypothesis import strategies as st

from trainvitals.diagnostics.compare.comparing import compare
from trainvitals.diagnostics.render import comparison_html, comparison_json, comparison_markdown, comparison_text
from trainvitals.diagnostics.rules.c101_worse_than_baseline import check

SCHEMA = json.loads(Path(__file__).with_name("comparison.schema.json").read_text("utf-8"))
VALUES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-1, 10),
    st.sampled_from([0.0, -0.0, 5e-324, 1.7e308, float("nan"), float("inf")]),
)


@st.composite
def series(draw):
    values = np.repeat(np.array(draw(st.lists(VALUES, min_size=1, max_size=25)), float), draw(st.sampled_from([1, 8])))
    steps = np.arange(1.0, values.size + 1)
    if draw(st.booleans()):
        steps = np.array(draw(st.lists(st.integers(0, 50), min_size=values.size, max_size=values.size)), float)
    return steps, values


RUNS = st.lists(
    st.dictionaries(
        st.sampled_from(["loss", "eval/loss", "eval/accuracy", "learning_rate", "num_tokens", "step_time"]),
        series(),
        min_size=1,
        max_size=5,
    ),
    min_size=2,
    max_size=7,
)


@given(runs=RUNS, seeds=st.booleans(), by=st.sampled_from(["", "tokens", "steps", "time"]))
@settings(max_examples=150, deadline=None)
def test_any_runs_can_be_compared(runs, seeds, by):
    names = [f"{'ab'[i % 2]}-s{i // 2}" if seeds else f"run{i}" for i in range(len(runs))]
    cases = [made(name, one) for name, one in zip(names, runs, strict=True)]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        found = compare(cases, by=by)
        jsonschema.validate(json.loads(comparison_json.render(found)), SCHEMA)
        for render in (comparison_text.render, comparison_markdown.render, comparison_html.render):
            assert render(found)
        check(replace(cases[0], baselines=tuple(cases[1:])))
