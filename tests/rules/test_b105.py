"""B105: what the text says of a crash."""

from dataclasses import replace

import numpy as np
import pytest
from make import case, note, run

from trainvitals.diagnostics.report import Finding, Pass
from trainvitals.diagnostics.rules.b105_crash import check

LOSS = np.linspace(3, 1, 30)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", "per-device batch"),
        ("[E ProcessGroupNCCL.cpp] Watchdog caught collective operation timeout", "rank that stopped first"),
        ("slurmstepd: error: *** JOB 1 CANCELLED DUE TO TIME LIMIT ***", "scheduler ended the job"),
        ("/bin/bash: line 1: 4242 Killed python train.py", "host ran out of memory"),
        ("OSError: [Errno 28] No space left on device", "disk space"),
        ("KeyError: 'labels'", "read the error in full"),
    ],
)
def test_a_crash_fails_with_its_line_and_a_remedy(text, remedy):
    finding = check(case({"loss": LOSS}, notes=[note("crash", text, line=31, step=30.0)]))
    assert isinstance(finding, Finding)
    assert finding.severity == "fail"
    assert text in finding.message
    assert remedy in finding.remedy
    assert finding.evidence[0].line == 31


def test_training_that_had_finished_is_said_to_have():
    notes = [note("crash", "RuntimeError: push to hub failed", line=31, step=30.0)]
    finding = check(case({"loss": LOSS}, config={"max_steps": 30}, notes=notes))
    assert isinstance(finding, Finding)
    assert finding.severity == "fail"
    assert "Training itself had finished at step 30" in finding.message


def test_training_that_had_not_finished_names_its_last_step():
    notes = [note("crash", "RuntimeError: x", line=31, step=30.0)]
    finding = check(case({"loss": LOSS}, config={"max_steps": 100}, notes=notes))
    assert isinstance(finding, Finding)
    assert "Last training step logged: 30" in finding.message


def test_the_cause_is_quoted_before_the_last_words_of_the_launcher():
    notes = [
        note("crash", "Traceback (most recent call last):", line=31, step=30.0),
        note("crash", "torch.OutOfMemoryError: CUDA out of memory.", line=35, step=30.0),
        note("crash", "torch.distributed.elastic.multiprocessing.errors.ChildFailedError:", line=52, step=30.0),
    ]
    finding = check(case({"loss": LOSS}, notes=notes))
    assert isinstance(finding, Finding)
    assert '"torch.OutOfMemoryError: CUDA out of memory."' in finding.message
    assert {e.line for e in finding.evidence} == {31, 35, 52}


def test_a_crash_after_which_the_log_goes_on_is_a_warning():
    finding = check(case({"loss": LOSS}, notes=[note("crash", "Traceback", line=10, step=10.0)]))
    assert isinstance(finding, Finding)
    assert finding.severity == "warn"
    assert "goes on" in finding.message


def test_a_trainer_that_says_it_diverged_has_crashed():
    text = "FloatingPointError: Predicted boxes or scores contain Inf/NaN. Training has diverged."
    finding = check(case({"loss": LOSS}, notes=[note("diverged", text, line=31, step=30.0)]))
    assert isinstance(finding, Finding)
    assert finding.severity == "fail"
    assert "learning rate" in finding.remedy


def test_a_run_that_died_before_its_first_step():
    made = case({}, notes=[note("crash", "ModuleNotFoundError: No module named 'x'")])
    finding = check(replace(made, raw=run({})))
    assert isinstance(finding, Finding)
    assert "No training step had been logged" in finding.message


def test_other_notes_are_no_crash():
    notes = [
        note("warning", "this is deprecated"),
        note("max_len", "reached max_len without EOS"),
        note("overflow", "skip"),
    ]
    assert isinstance(check(case({"loss": LOSS}, notes=notes)), Pass)
