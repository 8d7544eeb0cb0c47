"""Every sample log gets the verdict that stands beside it."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[1] / "sample_logs"
CASES = sorted(path.parent for path in SAMPLES.rglob("expected.toml"))


def case_name(case: Path) -> str:
    return case.relative_to(SAMPLES).as_posix()


def report(case: Path) -> dict:
    program = "from trainvitals.diagnostics.cli import main; main()"
    arguments = ["report", str(case), "--format", "json", "--isolated"]
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    (run,) = json.loads(ran.stdout)["runs"]
    return run


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_a_sample_gets_its_verdict(case):
    expected = tomllib.loads((case / "expected.toml").read_text("utf-8"))
    run = report(case)
    codes = {finding["code"] for finding in run["findings"]}
    assert run["verdict"] == expected["verdict"], codes
    assert set(expected["must"]) <= codes
    assert codes & set(expected["must_not"]) == set()
    assert run["loss_type"] == expected["loss_type"]
    assert [source["unread_lines"] for source in run["sources"]] == [0] * len(run["sources"])


def test_every_sample_has_its_expectation_and_its_place_in_the_list():
    logs = {path.parent for path in SAMPLES.rglob("*") if path.suffix in (".log", ".jsonl")}
    assert logs == set(CASES)
    listed = (SAMPLES / "README.md").read_text("utf-8")
    assert [case_name(case) for case in CASES if f"| `{case_name(case)}` |" not in listed] == []


def test_what_must_and_must_not_fire_are_codes_of_rules():
    from trainvitals.diagnostics.rules import RULES

    named = {
        code
        for case in CASES
        for key in ("must", "must_not")
        for code in tomllib.loads((case / "expected.toml").read_text("utf-8"))[key]
    }
    assert named <= {rule.code for rule in RULES}
