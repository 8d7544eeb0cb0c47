"""Logs that are uploaded or pasted: the same report as of a folder, and nothing of their names reaches the disk."""

import json
import os
import tempfile
from pathlib import Path

import pytest

from trainvitals.diagnostics import brought
from trainvitals.diagnostics.brought import TooMuchError, examine_files, safe_names

SAMPLE = Path(__file__).parents[2] / "sample_logs" / "article" / "weight-too-high"


@pytest.fixture
def folders(monkeypatch):
    """Temporary folders that were made."""
    made = []

    class Kept(tempfile.TemporaryDirectory):
        def __enter__(self):
            made.append(super().__enter__())
            return made[-1]

    monkeypatch.setattr(brought.tempfile, "TemporaryDirectory", Kept)
    return made


def test_files_of_one_run_are_one_report(folders):
    (one,) = examine_files({name: (SAMPLE / name).read_bytes() for name in ("train.log", "args.json")})
    assert [f.code for f in one.report.findings] == ["R102", "G103"]
    assert {s.name: s.path for s in one.report.settings}["learning_rate"] == "args.json"
    assert [s.path for s in one.report.sources] == ["train.log"]
    assert one.report.run == "train.log"
    assert folders
    assert folders[0] not in repr(one.report), "nobody is told where it lay"
    assert not os.path.exists(folders[0])


def test_evidence_names_the_file_that_was_brought():
    (one,) = examine_files({"train.log": (SAMPLE / "train.log").read_bytes()})
    assert one.report.run == "train.log"
    assert {e.path for f in one.report.findings for e in f.evidence} == {"train.log"}


def test_files_of_several_runs_are_several_reports():
    log = "".join(json.dumps({"step": i, "loss": 2 * 0.97**i + 0.5}) + "\n" for i in range(100)).encode()
    found = examine_files({"a.jsonl": log, "b.jsonl": log})
    assert sorted(one.report.run for one in found) == ["a", "b"]


def test_what_is_no_log_says_so():
    (one,) = examine_files({"model.bin": b"\x80\x02}q\x00."})
    assert one.report.verdict == "unknown"
    assert "by design" in one.report.sources[0].error


def test_too_much_is_refused(monkeypatch):
    with pytest.raises(TooMuchError, match="51 files"):
        examine_files({f"{i}.log": b"" for i in range(51)})
    monkeypatch.setattr(brought, "MOST_BYTES", 3 << 20)
    with pytest.raises(TooMuchError, match="4 MiB are more than the 3 MiB"):
        examine_files({"a.log": bytes(4 << 20)})


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        (["log.jsonl"], ["log.jsonl"]),
        (["../../etc/passwd"], ["passwd"]),
        (["C:\\runs\\log.jsonl"], ["log.jsonl"]),
        (["/"], ["log"]),
        ([""], ["log"]),
        ([".ssh"], ["ssh"]),
        (["--help"], ["help"]),
        (["<script>alert(1)</script>.log"], ["script_.log"]),
        (["a b\n\x1b[2J.log"], ["a_b_2J.log"]),
        (["a.log", "a.log", "a.log"], ["a.log", "2-a.log", "3-a.log"]),
        (["2-a.log", "a.log", "a.log"], ["2-a.log", "a.log", "3-a.log"]),
        (["x" * 300 + ".jsonl"], ["x" * 94 + ".jsonl"]),
        (["events.out.tfevents.1700000000.host.1.0"], ["events.out.tfevents.1700000000.host.1.0"]),
    ],
)
def test_names_of_files_are_made_safe(given, safe):
    assert safe_names(given) == safe
