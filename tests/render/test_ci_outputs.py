"""What pipelines read: JUnit, SARIF, GitLab and GitHub, each checked by a reader that is not ours."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from junitparser import Error, Failure, JUnitXml, Skipped
from reports import HEALTHY, HOSTILE, LOG, SICK, few, reports

from trainvitals.diagnostics.render import github, gitlab, jsonl, junit, sarif
from trainvitals.diagnostics.render.fingerprint import fingerprint
from trainvitals.diagnostics.render.sanitise import github_data, github_property, xml
from trainvitals.diagnostics.report import Finding, Report
from trainvitals.diagnostics.rules import RULES

SARIF = jsonschema.Draft7Validator(
    json.loads((Path(__file__).parent / "sarif-2.1.0.schema.json").read_text()),
    format_checker=jsonschema.FormatChecker(),
)
GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string"},
            "check_name": {"type": "string"},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string"},
                    "lines": {"type": "object", "required": ["begin"], "properties": {"begin": {"minimum": 1}}},
                },
            },
        },
    },
}
"""The fields that GitLab's documentation of the code quality report requires."""

many = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
COMMAND = re.compile(r"^::(error|warning|notice) [^\n]*$")


def finding(severity: str, number: int = 0) -> Finding:
    return Finding("L103", "divergence", severity, ("loss",), f"claim {number}", step_start=float(number))  # type: ignore[arg-type]


def sick(*findings: Finding) -> Report:
    return Report("runs/a", "fail", "generic", (), (), (), (), findings, (), ())


# --- JUnit


def cases(text: str) -> dict[str, list]:
    document = JUnitXml.fromstring(text.encode())
    return {suite.name: list(suite) for suite in document}


def test_junit_has_a_suite_for_each_run_and_a_case_for_each_rule_that_spoke():
    suites = cases(junit.render((SICK, HEALTHY)))
    assert list(suites) == [SICK.run, HEALTHY.run]
    results = [(case.name, type(case.result[0]).__name__ if case.result else "passed") for case in suites[SICK.run]]
    failing = [f for f in SICK.findings if f.severity == "fail"]
    assert [kind for _, kind in results].count("Failure") == len(failing) > 0
    assert ("read runs/lora/x.log", "Error") in results
    assert [kind for _, kind in results].count("Skipped") == sum(rule.applicable for rule in SICK.not_run)
    assert not any(isinstance(r, Failure | Error) for case in suites[HEALTHY.run] for r in case.result)


@pytest.mark.parametrize(("fail_on", "failures"), [("fail", 1), ("warn", 2)])
def test_junit_counts_as_failure_what_fails_the_check(fail_on, failures):
    document = JUnitXml.fromstring(junit.render((sick(finding("fail"), finding("warn")),), fail_on).encode())
    assert (document.tests, document.failures, document.errors, document.skipped) == (2, failures, 0, 0)


@many
@given(few(reports, 2))
def test_junit_is_well_formed_whatever_the_log_holds(hostile):
    document = JUnitXml.fromstring(junit.render(hostile).encode("utf-8"))
    assert len(list(document)) == len(hostile)
    found = [result for suite in document for case in suite for result in case.result]
    assert sum(isinstance(r, Skipped) for r in found) == sum(rule.applicable for r in hostile for rule in r.not_run)


# --- SARIF


@pytest.mark.parametrize("given_reports", [(), (HEALTHY,), (SICK, HEALTHY)], ids=["nothing", "healthy", "sick"])
def test_sarif_follows_its_schema(given_reports):
    SARIF.validate(json.loads(sarif.render(given_reports, RULES)))


def test_sarif_says_level_place_rule_and_what_could_not_be_read():
    (run,) = json.loads(sarif.render((SICK,), RULES))["runs"]
    assert [(r["ruleId"], r["level"]) for r in run["results"]] == [
        ("N101", "error"),
        ("V101", "warning"),
        ("B103", "note"),
    ]
    first = run["results"][0]
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == "N101"
    place = first["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == (LOG, 380)
    assert run["invocations"][0]["executionSuccessful"] is False
    assert "runs/lora/x.log" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


@many
@given(few(reports, 2))
def test_sarif_follows_its_schema_whatever_the_log_holds(hostile):
    SARIF.validate(json.loads(sarif.render(hostile, RULES)))


def test_sarif_keeps_within_the_limits_of_code_scanning():
    (run,) = json.loads(sarif.render((sick(*(finding("warn", i) for i in range(6000))),), RULES))["runs"]
    assert len(run["results"]) == 5000


# --- GitLab


@many
@given(few(reports, 2))
def test_gitlab_issues_have_all_required_fields(hostile):
    issues = json.loads(gitlab.render(hostile))
    jsonschema.validate(issues, GITLAB)
    assert len(issues) == sum(len(report.findings) for report in hostile)


# --- GitHub


def test_github_shows_the_most_severe_first_and_says_what_it_leaves_out():
    shown = github.render((sick(*(finding("warn", i) for i in range(12)), finding("fail")),)).splitlines()
    assert [line.partition(" ")[0] for line in shown[:11]] == ["::error", *["::warning"] * 10]
    assert shown[11] == "and 2 more of level warning: see the job summary or the text report"
    assert shown[-1] == "1 run, 0 series, 0 points, 13 findings"


def test_github_names_file_line_and_rule():
    first = github.render((SICK,)).splitlines()[0]
    assert first.startswith(f"::error file={LOG},line=380,title=N101 non-finite%3A runs/lora::loss is NaN")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_of_a_log_ends_a_workflow_command_or_begins_one(hostile):
    assert not set(github_property(hostile)) & set(":,\r\n")
    assert not set(github_data(hostile)) & set("\r\n")


@many
@given(few(reports, 2))
def test_github_emits_its_own_commands_only(hostile):
    for line in github.render(hostile).splitlines():
        assert "##[" not in line
        assert COMMAND.match(line) or "::" not in line.lstrip()[:2]


# --- all


def test_json_lines_are_complete_each_by_itself():
    first, second = map(json.loads, jsonl.render((SICK, HEALTHY)).splitlines())
    assert (first["run"], second["run"]) == (SICK.run, HEALTHY.run)
    assert first["schema"] == second["schema"] == 1


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_for_xml_has_no_markup_and_no_character_that_xml_lacks(hostile):
    assert not set(xml(hostile)) & set("<>\"'\x00\x1b\ud800")


def test_a_fingerprint_stays_when_numbers_move_and_differs_between_runs_rules_and_metrics():
    base = finding("warn", 1000)
    moved = Finding("L103", "divergence", "fail", ("loss",), "other words", step_start=1010.0)
    assert fingerprint(sick(), base) == fingerprint(sick(), moved)
    others = (finding("warn", 5000), Finding("L104", "", "warn", ("loss",), "", step_start=1000.0), base)
    renamed = Report("runs/b", "fail", "generic", (), (), (), (), (), (), ())
    prints = {fingerprint(sick(), one) for one in others} | {fingerprint(renamed, base)}
    assert len(prints) == 4
