"""Every log of the corpus, and every log that is typed from a field note's quotes, gets the verdict beside it."""

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from trainvitals.diagnostics.cli import main
from trainvitals.diagnostics.rules import RULES

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "sample_logs"
PLACES = (SAMPLES, ROOT / "tests" / "quoted")
CASES = sorted(path.parent for place in PLACES for path in place.rglob("expected.toml"))


def case_name(case: Path) -> str:
    return case.relative_to(ROOT).as_posix()


def expectation(case: Path) -> dict:
    return tomllib.loads((case / "expected.toml").read_text("utf-8"))


def report(case: Path) -> dict:
    ran = CliRunner().invoke(main, ["report", str(case), "--format", "json", "--isolated"])
    (run,) = json.loads(ran.stdout)["runs"]
    return run


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_a_sample_gets_its_verdict(case):
    expected = expectation(case)
    run = report(case)
    codes = {finding["code"] for finding in run["findings"]}
    assert run["verdict"] == expected["verdict"], codes
    assert set(expected["must"]) <= codes
    assert codes & set(expected["must_not"]) == set()
    assert run["loss_type"] == expected["loss_type"]
    assert [source["unread_lines"] for source in run["sources"]] == [0] * len(run["sources"])


def test_every_sample_has_its_expectation_and_its_place_in_the_list():
    logs = {path.parent for place in PLACES for path in place.rglob("*") if path.suffix in (".log", ".jsonl")}
    assert logs == set(CASES)
    listed = (SAMPLES / "README.md").read_text("utf-8")
    mine = [case.relative_to(SAMPLES).as_posix() for case in CASES if case.is_relative_to(SAMPLES)]
    assert [name for name in mine if f"| `{name}` |" not in listed] == []


def test_what_must_and_must_not_fire_are_codes_of_rules():
    named = {code for case in CASES for key in ("must", "must_not") for code in expectation(case)[key]}
    assert named <= {rule.code for rule in RULES}
