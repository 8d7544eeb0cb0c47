"""JSON for programs, schema version 1: adding keys is allowed, changing them is not."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from trainvitals import __version__
from trainvitals.diagnostics.render.sanitise import json_text, setting_value, without_secrets
from trainvitals.diagnostics.report import Finding, Report, Setting

SCHEMA = 1
_WHOLE = frozenset({"first_step", "last_step", "step_start", "step_end", "factor"})
"""Numbers that are whole for nearly every log, and then are written so."""


def render(reports: Iterable[Report]) -> str:
    """One line of ASCII, valid for every JSON reader. Non-finite numbers are "NaN", "Infinity" and "-Infinity"."""
    document = {"schema": SCHEMA, "tool": f"trainvitals {__version__}", "runs": [to_data(r) for r in reports]}
    return inert(json.dumps(document, allow_nan=False)) + "\n"


def inert(text: str) -> str:
    """JSON that no build server obeys: `##[` begins a command to one, and can be written so that it is none."""
    return text.replace("##", "#\\u0023")


def to_data(report: Report | Finding) -> dict[str, Any]:
    """A report, or a part of it, as what JSON can hold: dictionaries, lists, text, finite numbers, None."""
    data = plain(report)
    assert isinstance(data, dict)
    if isinstance(report, Report):
        data["findings"] = [row for finding in data["findings"] for row in _told(finding)]
    return data


def _told(finding: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A finding with the codes of its consequences, then each of those with the code of its cause.

    So the list is flat, and a script finds every code without knowing what explains what.
    """
    after = finding["consequences"]
    yield {**finding, "cause": "", "consequences": [one["code"] for one in after]}
    yield from ({**one, "cause": finding["code"]} for one in after)


def plain(value: Any, name: str = "") -> Any:
    """Frozen data as what JSON can hold, without what looks like an access token; `name` is that of its field."""
    if isinstance(value, str):
        return json_text(without_secrets(value))
    if isinstance(value, float):
        return _number(value, whole=name in _WHOLE)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {json_text(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, Setting):
        value = dataclasses.replace(value, value=setting_value(value.name, value.value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name), f.name) for f in dataclasses.fields(value)}
    return value


def _number(value: float, *, whole: bool) -> float | int | str:
    if not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return int(value) if whole and value == int(value) and abs(value) < 2**53 else float(value)
