"""Which silences are news: a subject that this kind of run does not have, against evidence that it should have."""

import numpy as np
import pytest
from make import case

from trainvitals.diagnostics.report import NotRun
from trainvitals.diagnostics.rules import RULES

PLAIN = case({"loss": np.geomspace(4.0, 2.0, 40)})
ABSENT = (
    *("S104", "S105", "S106", "S107", "R101", "R102", "R103", "L106"),
    *("G101", "G102", "G103", "G104", "O101", "O102", "O103", "O104", "V102", "V103", "T101", "T102"),
    *("D101", "D102", "D103", "D104", "E101", "E102", "E103", "E104", "M101", "P101", "P102", "P103", "P104"),
)
LACKS = ["V101"]


def result(code, of):
    return next(rule for rule in RULES if rule.code == code).check(of)


@pytest.mark.parametrize("code", ABSENT)
def test_a_rule_about_another_kind_of_run_does_not_apply(code):
    found = result(code, PLAIN)
    assert isinstance(found, NotRun)
    assert not found.applicable


@pytest.mark.parametrize("code", LACKS)
def test_what_a_run_of_this_kind_should_have_applies(code):
    found = result(code, PLAIN)
    assert isinstance(found, NotRun)
    assert found.applicable


@pytest.mark.parametrize(
    ("code", "series"),
    [
        ("L101", {"loss": [2.0, 1.9, 1.8]}),
        ("V101", {"loss": np.geomspace(4, 2, 40), "eval/loss": [2.0, 1.9]}),
        ("G101", {"loss": np.geomspace(4, 2, 40), "grad_norm": [1.0, 1.0]}),
        ("O101", {"loss": np.geomspace(4, 2, 40), "learning_rate": [1.0, 0.0]}),
        ("V103", {"loss": np.geomspace(4, 2, 40), "eval/loss": ([40.0], [0.1])}),
        ("T101", {"loss": np.geomspace(4, 2, 40), "step_time": np.ones(10)}),
        ("D101", {"loss": np.geomspace(4, 2, 40), "coord_vocab_mass": [0.99, 0.99]}),
        ("D102", {"loss": np.geomspace(4, 2, 40), "p_gt_mean": [0.1, 0.1]}),
        ("P103", {"loss": np.geomspace(4, 2, 40), "eval/loss_x": [0.1, 0.1], "eval/loss_y": [0.1, 0.1]}),
    ],
)
def test_too_little_evidence_applies(code, series):
    found = result(code, case(series))
    assert isinstance(found, NotRun)
    assert found.applicable
