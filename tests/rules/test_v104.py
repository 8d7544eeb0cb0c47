"""V104: nothing tells how the model does on data that it has not seen; a note, never an alarm."""

import pytest
from curves import power_law
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.v104_validation_missing import check

LOSS = power_law(40)


@pytest.mark.parametrize(
    ("held_out", "words"),
    [
        ({}, "no held-out metric is logged beside 40 training losses"),
        ({"eval/loss": [2.0, 1.9]}, "has 2 values"),
        ({"eval/loss": [2.0] * 5}, "is 2 at all of its 5 evaluations"),
        ({"eval/samples_per_second": [100.0] * 9}, "no held-out metric"),
    ],
)
def test_missing_validation_is_noted(held_out, words):
    found = check(case({"loss": LOSS, **held_out}))
    assert isinstance(found, Finding)
    assert found.severity == "info"
    assert words in found.message


@pytest.mark.parametrize("held_out", [{"eval/loss": [2.0, 1.9, 1.8]}, {"test/accuracy": [0.1, 0.2, 0.2]}])
def test_any_held_out_metric_counts(held_out):
    assert isinstance(check(case({"loss": LOSS, **held_out})), Pass)


def test_what_is_not_judged():
    assert isinstance(check(case({"loss": power_law(5)})), NotRun)
    assert not check(case({"loss": LOSS, "reward": LOSS})).applicable
