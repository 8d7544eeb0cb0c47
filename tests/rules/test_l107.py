"""L107: the first loss against that of an even guess."""

import math

import numpy as np
import pytest
from curves import noisy, power_law
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.l107_initial_loss import check
from trainvitals.parsers.model import Source

VOCABULARY = 50_304
GUESS = math.log(VOCABULARY)
SCRATCH = {"vocab_size": VOCABULARY, "init_from": "scratch"}


def start(first, n=400):
    return {"loss": noisy(power_law(n, first, 3), 0.01, np.random.default_rng(0))}


@pytest.mark.parametrize("ratio", [1.6, 3.0, 8.0])
def test_a_start_worse_than_guessing_is_a_warning(ratio):
    finding = check(case(start(ratio * GUESS), config=SCRATCH))
    assert isinstance(finding, Finding)
    assert finding.severity == "warn"
    assert "even guess among 50304 classes" in finding.message
    assert finding.evidence[0].line == 1


def test_a_start_better_than_guessing_needs_a_run_from_scratch():
    assert isinstance(check(case(start(0.5 * GUESS), config=SCRATCH)), Finding)
    assert isinstance(check(case(start(0.5 * GUESS), config={"vocab_size": VOCABULARY})), Pass)


@pytest.mark.parametrize("ratio", [0.95, 1.0, 1.15])
def test_a_usual_start_passes(ratio):
    assert isinstance(check(case(start(ratio * GUESS), config=SCRATCH)), Pass)


def test_a_start_in_bits_is_held_against_bits():
    bits = start(1.5 * GUESS)
    assert isinstance(check(case(bits, config=SCRATCH, sources=(Source("train.log", "fairseq"),))), Pass)
    assert isinstance(check(case(bits, config=SCRATCH)), Finding)


def test_one_huge_first_row_passes():
    made = start(2.0)
    made["loss"][0] = 30.0
    assert isinstance(check(case(made, config={"vocab_size": VOCABULARY})), Pass)


def test_labels_count_where_an_accuracy_is_logged():
    made = start(6.0) | {"accuracy": np.full(400, 0.1)}
    assert isinstance(check(case(made, config={"num_labels": 10})), Finding)
    assert not check(case(start(6.0), config={"num_labels": 10})).applicable


def test_without_classes_or_first_steps_it_is_not_judged():
    assert not check(case(start(40.0))).applicable
    late = {"loss": (np.arange(500.0, 900), start(40.0)["loss"])}
    assert isinstance(check(case(late, config=SCRATCH)), NotRun)
