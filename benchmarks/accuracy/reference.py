"""The other two corpora: the reference logs of the repository, and real logs of other people where they are at hand."""

from __future__ import annotations

import csv
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from score import alarms, markdown, share
from tools import Finding, ours

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "sample_logs"
SHARED = Path(os.environ.get("TRAINVITALS_SHARED", ROOT.parent / "shared"))
INDEX = SHARED / "real_logs" / "INDEX.tsv"


def reference_logs() -> str:
    """One row per loss type: sick cases of which all promised codes are named, healthy cases with an alarm."""
    cases = list(_cases())
    rows = []
    for kind in sorted({name for name, *_ in cases}):
        mine = [(expected, found) for name, expected, found in cases if name == kind]
        sick = [(expected, found) for expected, found in mine if expected["must"]]
        well = [(expected, found) for expected, found in mine if expected["verdict"] == "pass"]
        named = sum({*expected["must"]} <= {f.check for f in found} for expected, found in sick)
        false = sum(alarms(found) for _, found in well)
        rows.append((kind, share(named, len(sick)), share(false, len(well))))
    return markdown(("loss type", "sick runs named", "false alarms on healthy runs"), rows)


def _cases() -> Iterator[tuple[str, Mapping[str, list[str]], tuple[Finding, ...]]]:
    """Loss type, expectation and findings of each reference log."""
    for kind in sorted({path.parents[1] for path in SAMPLES.glob("*/*/expected.toml")}):
        found = ours(kind)
        for path in sorted(kind.glob("*/expected.toml")):
            yield kind.name, tomllib.loads(path.read_text("utf-8")), found[path.parent.name]


def real_logs() -> str:
    """Every alarm on the real logs, beside what their index says, read by eye; for a person to judge."""
    if not INDEX.exists():
        return "not here: they belong to other people and are not part of the repository\n"
    said = {line["file"]: line["what is in it, read by eye"] for line in csv.DictReader(INDEX.open(), delimiter="\t")}
    rows = []
    for path in sorted(INDEX.parent.rglob("*")):
        name = path.relative_to(INDEX.parent).as_posix()
        if name in said and path.suffix not in (".json", ".yaml"):
            rows += [(name, f.check, f.text, said[name][:120]) for f in _findings(path) if f.alarm]
    return markdown(("log", "rule", "finding", "index"), [tuple(c.replace("|", "/") for c in row) for row in rows])


def _findings(path: Path) -> tuple[Finding, ...]:
    return tuple(finding for found in ours(path, whole=False).values() for finding in found)
