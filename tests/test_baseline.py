"""Accepted findings: what `check --baseline` passes over, and what it says of entries that nothing matches any more."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from reports import SICK

from trainvitals.diagnostics.baseline import BaselineError, accept, dumps, expired, loads
from trainvitals.diagnostics.cli import main

ROWS = [2.0 * math.exp(-i / 60) + 0.5 for i in range(150)] + [math.nan] * 50


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "train.jsonl"
    path.write_text("".join(f'{{"step": {i}, "loss": {json.dumps(v)}}}\n' for i, v in enumerate(ROWS, 1)))
    return path


def test_all_findings_of_today_can_be_accepted_and_then_fail_nothing(log):
    assert run("check", log.name, "--write-baseline", "accepted.json").exit_code == 1
    result = run("check", log.name, "--baseline", "accepted.json")
    assert result.exit_code == 0
    assert "accepted by the baseline" in result.stdout
    assert "FAIL" not in result.stdout
    assert result.stderr == ""


def test_a_new_finding_fails_in_spite_of_the_baseline(log):
    run("check", log.name, "--write-baseline", "accepted.json", "--ignore", "N101")
    assert run("check", log.name, "--baseline", "accepted.json").exit_code == 1


def test_what_is_mended_is_reported_as_expired(log):
    run("check", log.name, "--write-baseline", "accepted.json")
    log.write_text("".join(f'{{"step": {i}, "loss": {v}}}\n' for i, v in enumerate(ROWS[:150], 1)))
    result = run("check", log.name, "--baseline", "accepted.json")
    assert result.exit_code == 0
    assert "accepted.json: no longer found, take it out: N101 in train.jsonl" in result.stderr


def test_a_baseline_is_sorted_and_reads_back():
    text = dumps([SICK])
    entries = loads(text, "x.json")
    assert [(e.code, e.run) for e in entries] == [("N101", SICK.run), ("V101", SICK.run)]
    assert dumps([accept(SICK, entries)]) == dumps([])
    assert accept(SICK, entries).verdict == "pass"
    assert accept(SICK, ()) is SICK


def test_only_runs_that_were_judged_can_expire():
    entries = loads(dumps([SICK]), "x.json")
    assert expired([replace(SICK, findings=())], entries) == entries
    assert expired([replace(SICK, run="other", findings=())], entries) == ()
    assert expired([SICK], entries) == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is no JSON"),
        ("[]", "is no baseline of schema 1"),
        ('{"schema": 2, "accepted": []}', "is no baseline of schema 1"),
        ('{"schema": 1, "accepted": {}}', "accepted: must be a list"),
        ('{"schema": 1, "accepted": [{"code": "N101"}]}', "accepted[0]: must have the texts"),
    ],
)
def test_a_broken_baseline_is_refused_with_its_place(text, problem):
    with pytest.raises(BaselineError) as caught:
        loads(text, "ci/accepted.json")
    assert str(caught.value).startswith("ci/accepted.json: ")
    assert problem in str(caught.value)


def test_a_missing_baseline_ends_with_2(log):
    result = run("check", log.name, "--baseline", "none.json")
    assert result.exit_code == 2
    assert "none.json: cannot be read" in result.stderr


def test_statistics_count_findings_by_rule(log):
    lines = run("check", log.name, "--statistics", "--select", "N101").stdout.splitlines()
    assert lines == ["1  fail  N101  non-finite  1 run", "1 run, 1 series, 200 points, 1 finding"]


def test_statistics_count_the_runs_of_each_severity():
    """One run fails by R103 and one only warns: each is one run, and not both of them two."""
    samples = Path(__file__).resolve().parents[1] / "sample_logs" / "article"
    ran = run(
        "check", str(samples / "weight-one"), str(samples / "weight-too-high"), "--statistics", "--select", "R103"
    )
    rows = [line.split() for line in ran.stdout.splitlines() if "R103" in line]
    assert sorted((row[0], row[1], row[-2]) for row in rows) == [("1", "fail", "1"), ("1", "warn", "1")]
