"""JSON: the documented schema, for any reader, without loss."""

import dataclasses
import json
import math
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from reports import EMPTY, HEALTHY, SICK, reports

from trainvitals.diagnostics.render.json import render
from trainvitals.diagnostics.render.sanitise import setting_value, without_secrets
from trainvitals.diagnostics.report import Report, Setting

SCHEMA = jsonschema.Draft202012Validator(json.loads((Path(__file__).parent / "report.schema.json").read_text("utf-8")))


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def parsed(*shown: Report) -> Any:
    return json.loads(render(shown), parse_constant=refuse)


def expected(value: Any) -> Any:
    """What a part of a report should read back as, by another way than the renderer's: through `asdict`."""
    if isinstance(value, dict):
        return {key: expected(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [expected(item) for item in value]
    if isinstance(value, str):
        return without_secrets(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[repr(value)]
    return value


def told(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every cause followed by its consequences, each with the codes that link them."""
    rows = []
    for finding in findings:
        after = finding["consequences"]
        rows.append(finding | {"cause": "", "consequences": [one["code"] for one in after]})
        rows += [one | {"cause": finding["code"]} for one in after]
    return rows


def without_hidden(report: Report) -> Report:
    shown = tuple(Setting(s.name, setting_value(s.name, s.value), s.path, s.line) for s in report.settings)
    return dataclasses.replace(report, settings=shown)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(reports)
def test_a_report_comes_back_without_loss_and_fits_the_schema(report: Report) -> None:
    document = parsed(report)
    SCHEMA.validate(document)
    whole = expected(dataclasses.asdict(without_hidden(report)))
    assert document["runs"] == [whole | {"findings": told(whole["findings"])}]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(reports)
def test_the_text_is_one_line_of_ascii_that_no_build_server_obeys(report: Report) -> None:
    written = render([report])
    assert written.isascii()
    assert written.count("\n") == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f]|##", written)


def test_the_documented_keys_are_there() -> None:
    document = parsed(SICK, HEALTHY, EMPTY)
    SCHEMA.validate(document)
    assert document["schema"] == 1
    assert re.fullmatch(r"trainvitals \d+\.\d+\.\d+", document["tool"])
    run = document["runs"][0]
    assert [r["verdict"] for r in document["runs"]] == ["fail", "pass", "unknown"]
    assert run["series"][0]["last"] == "NaN"
    assert run["series"][0]["last_step"] == 1000
    assert run["corrections"][0]["factor"] == 8
    assert run["findings"][0]["step_start"] == "NaN"
    assert run["findings"][1]["evidence"][0] == {
        "path": "runs/lora/logging.jsonl",
        "line": 380,
        "text": "step 380: loss = nan",
    }
    assert run["tables"][0]["rows"] == [[100, 0.45, "learning"], [500, "NaN", "-"], [900, None, "stuck"]]
    assert "hf_abc" not in render([SICK])


def test_whole_steps_are_written_without_a_fraction() -> None:
    assert '"step_start": 380, "step_end": 1000' in render([SICK])


@pytest.mark.parametrize("key", ["run", "verdict", "loss_type", "findings", "not_run"])
def test_the_schema_notices_what_is_missing(key: str) -> None:
    document = parsed(SICK)
    del document["runs"][0][key]
    with pytest.raises(jsonschema.ValidationError):
        SCHEMA.validate(document)
