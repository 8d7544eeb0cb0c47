"""Hostile and broken input, from file to exit code: an error that says where; no crash, hang or wrong number."""

import json
import os
import socket
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import hypothesis.strategies as st
import pytest
from click.testing import CliRunner
from hostile.inputs import DICTS, GOOD, TABLE, inputs, row, write
from hypothesis import HealthCheck, given, settings

from trainvitals.diagnostics import diagnose
from trainvitals.diagnostics.cli import main
from trainvitals.parsers import read_all
from trainvitals.parsers.discover import RunFiles
from trainvitals.parsers.reading import read_bytes

COMMANDS = ("report", "check")
SECONDS = 30
"""After this long a case counts as hanging; all take a second or two on an idle machine."""

MEMORY = 512 << 20
WATCHED = """
import sys
from trainvitals.diagnostics.cli import main
try:
    main()
finally:
    print(open("/proc/self/status").read(), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile")
    write(path, inputs())
    return path


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that crashes raises."""
    monkeypatch.setenv("TRAINVITALS_STRICT", "1")


@dataclass
class Outcome:
    code: int
    stdout: str
    stderr: str

    def points(self, metric: str = "loss") -> int:
        series = [s for run in json.loads(self.stdout)["runs"] for s in run["series"]]
        return sum(s["points"] for s in series if s["metric"] == metric)

    @property
    def runs(self) -> list[dict]:
        return json.loads(self.stdout)["runs"]

    @property
    def sources(self) -> list[dict]:
        return [source for run in self.runs for source in run["sources"]]


def judge(command: str, *arguments: object) -> Outcome:
    result = CliRunner().invoke(main, [command, "--isolated", *map(str, arguments)])
    assert "Traceback (most recent call last)" not in result.stderr
    return Outcome(result.exit_code, result.stdout, result.stderr)


def as_json(path: object) -> Outcome:
    return judge("report", "--format", "json", path)


# What people meet first, one test each.


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_file_is_nothing_to_judge_and_is_named(folder: Path, command: str):
    outcome = judge(command, folder / "empty.jsonl")
    assert outcome.code == 5
    assert "empty.jsonl" in outcome.stdout
    assert "the file is empty" in outcome.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_a_directory_without_logs_is_nothing_to_judge_and_is_named(tmp_path: Path, command: str):
    (tmp_path / "nothing here").mkdir()
    outcome = judge(command, tmp_path / "nothing here")
    assert outcome.code == 5
    assert "no log was found in" in outcome.stderr
    assert "nothing here" in outcome.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_binary_file_cannot_be_read_and_is_named(folder: Path, command: str):
    outcome = judge(command, folder / "binary.jsonl")
    assert outcome.code == 2
    assert "binary.jsonl: is no log in a format that is known (it looks binary)" in outcome.stderr


@pytest.mark.parametrize("name", ["torn.jsonl", "torn.csv"])
def test_a_torn_last_line_costs_only_itself_and_is_no_fault(folder: Path, name: str):
    outcome = as_json(folder / name)
    assert outcome.code == 0
    assert outcome.points() == 120
    assert outcome.sources[0]["unread_lines"] == 0


def test_a_line_of_10_mb_is_dropped_by_its_number_and_the_lines_around_it_are_kept(folder: Path):
    outcome = as_json(folder / "long.jsonl")
    assert outcome.points() == 121
    assert outcome.runs[0]["series"][0]["last_step"] == 122
    assert "121" in " ".join(judge("report", "-v", folder / "long.jsonl").stdout.split("Sources")[1].split())


def test_a_line_of_10_mb_alone_is_nothing_to_judge_with_the_reason(folder: Path):
    outcome = judge("check", folder / "long-unended.jsonl")
    assert outcome.code == 5
    assert "over the limit of 1048576 bytes" in " ".join(outcome.stdout.split())


def test_invalid_utf_8_costs_no_number(folder: Path):
    outcome = as_json(folder / "invalid-utf8.jsonl")
    assert (outcome.code, outcome.points()) == (0, 121)


@pytest.mark.parametrize("name", ["crlf.jsonl", "bom.jsonl", "utf16.jsonl"])
def test_crlf_a_bom_and_utf_16_change_no_number(folder: Path, tmp_path: Path, name: str):
    write(tmp_path, {"plain.jsonl": GOOD})
    plain, other = as_json(tmp_path / "plain.jsonl"), as_json(folder / name)
    assert other.code == plain.code == 0
    assert other.runs[0]["series"] == plain.runs[0]["series"]


# The checklist: exit code, points of `loss` that must survive, and a part of the output or of a source's problems.

CASES = {
    "blank.jsonl": (5, 0, "the file is empty"),
    "header.csv": (5, 0, ""),
    "nul.jsonl": (5, 0, "nothing but NUL bytes"),
    "bars.log": (5, 0, "over the limit"),
    "digits.jsonl": (0, 120, ""),
    "surrogates.jsonl": (0, 121, "\\\\ud800"),
    "deep.jsonl": (0, 121, '"unread_lines": 2'),
    "repeated-key.jsonl": (0, 121, '"last": 0.625'),
    "non-finite.jsonl": (1, 123, "N101"),
    "overflow.jsonl": (1, 121, "N101"),
    "long-integer.jsonl": (1, 123, "N101"),
    "types.jsonl": (0, 120, ""),
    "many-names.jsonl": (0, 120, ""),
    "long-name.jsonl": (0, 121, "n" * 200),
    "alike.jsonl": (0, 120, '"metric": "loss.1"'),
    "names.jsonl": (0, 120, "__proto__"),
    "truncated": (0, 119, ""),
    "deep": (5, 0, "nested too deeply"),
    "steps.jsonl": (0, 125, ""),
    "one-step.jsonl": (0, 120, ""),
    "huge-steps.jsonl": (0, 120, ""),
    "no-steps.jsonl": (0, 120, ""),
    "times.jsonl": (0, 120, ""),
    "one-point.jsonl": (0, 1, '"verdict": "unknown"'),
    "extremes.jsonl": (None, 240, ""),
    "grammar.csv": (0, 121, '"unread_lines": 3'),
    "quote.csv": (0, 121, '"unread_lines": 1'),
    "wide.csv": (0, 0, "columns after the first 20000"),
    "ragged.csv": (0, 121, '"unread_lines": 2'),
    "long-field.csv": (0, 3, ""),
    "repeated-column.csv": (0, 120, '"metric": "loss.1"'),
    "semicolons.csv": (0, 120, ""),
    "formula.csv": (0, 120, ""),
    "escapes.log": (1, 120, "B105"),
    "ignore-previous.log": (0, 120, '"verdict": "pass"'),
    "bomb.jsonl.gz": (2, 0, "over 200 times"),
    "bomb.jsonl": (2, 0, "over 200 times"),
    "training_args.bin": (2, 0, "not read by design"),
    "state.pkl": (2, 0, "not read by design"),
    "arrays.npy": (2, 0, "not read by design"),
    "yaml": (0, 120, ""),
    "length": (2, 0, "no whole record"),
    "noise": (2, 0, "no whole record"),
}


@pytest.mark.parametrize(("name", "code", "points", "said"), [(k, *v) for k, v in CASES.items()], ids=list(CASES))
def test_checklist(folder: Path, name: str, code: int | None, points: int, said: str):
    start = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = as_json(folder / name)
    assert time.monotonic() - start < SECONDS
    assert code is None or outcome.code == code
    assert outcome.points() == points
    assert said in outcome.stdout + outcome.stderr
    assert name in outcome.stdout
    assert not Path("pwned").exists()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak memory is read from /proc")
@pytest.mark.parametrize("name", ["long.jsonl", "wide.csv", "tiny-lines.log", "noise", "bomb.jsonl"])
def test_small_files_take_little_memory_and_time(folder: Path, name: str):
    command = [sys.executable, "-c", WATCHED, "check", "--isolated", str(folder / name)]
    done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, text=True)
    assert done.returncode in (0, 2, 5)
    peak = int(done.stderr.split("VmHWM:")[1].split()[0]) << 10
    assert peak < MEMORY


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_terminal_escapes_of_a_log_reach_no_output(folder: Path, form: str):
    outcome = judge("report", "--format", form, folder / "escapes.log")
    assert not set("\x1b\x07\x9b\u202e") & set(outcome.stdout + outcome.stderr)
    assert not [line for line in outcome.stdout.splitlines() if line.lstrip().startswith("::")]


# What is no file, or no longer the same.


def test_a_broken_file_costs_only_itself(tmp_path: Path, folder: Path):
    binary = (folder / "binary.jsonl").read_bytes()
    write(tmp_path, {"good/metrics.jsonl": GOOD, "broken/metrics.jsonl": binary, "table/metrics.csv": TABLE})
    outcome = as_json(tmp_path)
    assert outcome.code == 2
    assert {run["run"]: run["verdict"] for run in outcome.runs} == {
        "good": "pass",
        "broken": "unknown",
        "table": "pass",
    }
    assert "metrics.jsonl: is no log" in outcome.stderr


def test_fifos_sockets_devices_and_loops_in_a_folder_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"top/run/metrics.jsonl": GOOD, "outside.jsonl": GOOD})
    os.mkfifo("top/pipe.jsonl")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("top/socket.log")
    Path("top/zero.log").symlink_to("/dev/zero")
    Path("top/outside.jsonl").symlink_to(tmp_path / "outside.jsonl")
    Path("top/loop").symlink_to(".")
    Path("top/self.jsonl").symlink_to("self.jsonl")
    Path("top/folder.jsonl").mkdir()
    outcome = as_json("top")
    assert outcome.code == 0
    assert [run["run"] for run in outcome.runs] == ["run"]


@pytest.mark.parametrize("path", ["/dev/zero", "pipe.jsonl", "self.jsonl"])
def test_what_is_no_regular_file_is_an_error_and_not_waited_for(tmp_path: Path, monkeypatch, path: str):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.jsonl")
    Path("self.jsonl").symlink_to("self.jsonl")
    outcome = judge("check", path)
    assert outcome.code == 2
    assert f"{path}: " in outcome.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_an_error_and_the_others_go_on(tmp_path: Path):
    write(tmp_path, {"a/metrics.jsonl": GOOD, "b/metrics.jsonl": GOOD})
    (tmp_path / "a/metrics.jsonl").chmod(0)
    outcome = as_json(tmp_path)
    assert (outcome.code, outcome.points()) == (2, 120)


def test_a_file_that_vanishes_after_it_was_found_is_an_error_of_its_own(tmp_path: Path):
    write(tmp_path, {"a.jsonl": GOOD})
    paths = (str(tmp_path / "a.jsonl"), str(tmp_path / "gone.jsonl"))
    (run,) = read_all(RunFiles("r", str(tmp_path), paths))
    assert run.points == 120
    assert "No such file" in run.sources[1].error


NAMES = ("a\nb", "\x1b[2J", "::error::x", "%0A", "-rf", "[red]", "<script>alert(1)<", "\u202e", "OK all checks passed")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_file_names_are_inert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, form: str):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {f"{name}.jsonl": GOOD})
    outcome = judge("report", "--format", form, "--", f"{name}.jsonl")
    assert outcome.code == 0
    assert not set("\x1b\u202e") & set(outcome.stdout)
    assert not [line for line in outcome.stdout.splitlines() if line.lstrip().startswith("::")]


# Properties.

GARBAGE = st.one_of(
    st.binary(max_size=60).map(lambda b: b.replace(b"\n", b"").replace(b"\r", b"")),
    st.sampled_from(
        [b'{"step": 5, "lo', b"{}", b"[1]", b"null", b'{"a": {"b": [', b"\xff\xfe", b"\0\0", b"Epoch 1:", b"{{"]
    ),
).filter(lambda line: not line.lstrip(b" \t\0").startswith(b'{"step": ') or not line.endswith(b"}"))
SLOW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
NAMED = st.sampled_from(["x.jsonl", "x.csv", "x.log", "trainer_state.json", "events.out.tfevents.1.h", "x.json"])
PARTS = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [GOOD[:2000].encode(), TABLE[:500].encode(), DICTS[:2000].encode(), b"\r", b"\n", b"NaN", b"\0" * 9]
    ),
)


@SLOW
@given(NAMED, st.lists(PARTS, max_size=6))
def test_any_bytes_give_a_report(name: str, parts: list[bytes]):
    for run in read_bytes(name, b"".join(parts)):
        report = diagnose(run)
        assert report.verdict in ("fail", "warn", "pass", "unknown")
        assert run.points == sum(source.points for source in run.sources)


@SLOW
@given(st.lists(st.tuples(st.integers(1, 120), GARBAGE), max_size=40))
def test_rows_between_garbage_are_all_recovered(garbage: list[tuple[int, bytes]]):
    lines = GOOD.encode().splitlines()
    for at, line in sorted(garbage, reverse=True):
        lines.insert(at, line)
    (run,) = read_bytes("x.jsonl", b"\n".join(lines) + b"\n")
    (wanted,) = read_bytes("x.jsonl", GOOD.encode())
    loss, clean = run.get("loss", ""), wanted.get("loss", "")
    assert loss is not None
    assert clean is not None
    assert loss.step.tolist() == clean.step.tolist()
    assert loss.value.tolist() == clean.value.tolist()


ODD = st.sampled_from(
    [0, -1, 1, 5, 1e300, -1e300, 1e308, 5e-324, "NaN", "Infinity", "-Infinity", "null", "true", '"x"', 2.5]
)


@SLOW
@given(st.lists(st.tuples(ODD, ODD, ODD), min_size=1, max_size=40))
def test_any_steps_and_values_are_judged_and_no_point_is_made_up(rows: list[tuple[object, object, object]]):
    data = "".join(row(step, loss, eval_loss=other) for step, loss, other in rows).encode()
    for run in read_bytes("x.jsonl", data):
        report = diagnose(run)
        assert all(s.points <= len(rows) for s in report.series)
        assert all(s.first_step == s.first_step for s in report.series)


def test_a_row_without_a_step_does_not_undo_the_rows_before_it():
    (run,) = read_bytes("x.jsonl", (GOOD + '{"loss": 0.6}\n').encode())
    assert diagnose(run).series[0].points == 121
