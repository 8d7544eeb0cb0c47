"""The command `watch`, as it is called."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from following.runs import append, rows

from trainvitals.diagnostics.cli import main
from trainvitals.diagnostics.commands.judge import settings_of
from trainvitals.diagnostics.commands.watch import LONGEST, SHORTEST, Seconds, next_pause
from trainvitals.diagnostics.commands.watch import watch as watch_command

NAN = b"".join(b'{"step": %d, "loss": NaN}\n' % i for i in range(101, 121))


PROGRAM = "import sys; from trainvitals.diagnostics.cli import main; sys.argv[0] = 'trainvitals'; main()"


def watch(*arguments: object, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", PROGRAM, "watch", *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (rows(1, 100), 0, "1 run, 1 series, 100 points"),
        (rows(1, 100) + NAN, 1, "N101 non-finite"),
        (b"", 5, "0 points"),
        (b"\0\1\2" * 99, 2, "cannot tell"),
    ],
    ids=["healthy", "sick", "empty", "binary"],
)
def test_it_ends_with_a_summary_and_the_exit_code_of_a_report(tmp_path: Path, content: bytes, code: int, said: str):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(content)
    ran = watch(path, "--until", "1s", "--interval", "1s")
    assert ran.returncode == code, ran.stderr
    assert said in ran.stdout.decode()
    assert "watched for" in ran.stdout.decode()


def test_a_path_that_never_appears_is_waited_for_and_an_error(tmp_path: Path):
    ran = watch(tmp_path / "later", "--until", "1s")
    assert ran.returncode == 2
    assert "does not exist; waiting for it" in " ".join(ran.stdout.decode().split())


def test_standard_input_is_followed_to_its_end():
    ran = watch("-", "--format", "jsonl", given=rows(1, 100) + NAN)
    assert ran.returncode == 1
    events = [json.loads(line) for line in ran.stdout.splitlines()]
    assert all(event["schema"] == 1 for event in events)
    found = next(event for event in events if event["event"] == "finding" and event["code"] == "N101")
    assert (found["run"], found["known_at"], found["step_start"]) == ("<stdin>", 120.0, 101)
    assert events[-1]["event"] == "summary"
    assert events[-1]["runs"][0]["sources"][0]["path"] == "<stdin>"


def test_the_command_is_run_once_and_sees_what_it_is_about(tmp_path: Path):
    path, out = tmp_path / "metrics.jsonl", tmp_path / "out"
    path.write_bytes(rows(1, 100) + NAN)
    script = tmp_path / "told.py"
    script.write_text(
        "import os, sys\nprint('loud')\n"
        "open(sys.argv[1], 'a').write(os.environ['TRAINVITALS_CODE'] + os.environ['TRAINVITALS_STEP'] + sys.argv[2])\n"
    )
    ran = watch(path, "--until", "2s", "--interval", "1s", "--on-fail", f"{sys.executable} {script} {out} '$HOME;'")
    assert ran.returncode == 1
    assert out.read_text() == "N101120$HOME;"
    assert b"loud" not in ran.stdout
    assert b"loud" in ran.stderr


def test_a_sick_run_can_be_ended_by_its_process_id(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 100) + NAN)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as training:
        watch(path, "--until", "1s", "--on-fail", f"kill {training.pid}")
        assert training.wait(timeout=10) == -signal.SIGTERM


def test_a_command_that_cannot_be_run_is_said_and_the_watch_goes_on(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 100) + NAN)
    ran = watch(path, "--until", "1s", "--on-fail", "no-such-scheduler cancel 7")
    assert ran.returncode == 1
    assert b"--on-fail: no-such-scheduler: No such file" in ran.stderr
    assert b"N101" in ran.stdout


def test_ctrl_c_ends_it_with_a_last_look_and_a_summary(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 100) + NAN)
    running = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "watch", str(path), "--interval", "30s", "--format", "jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert running.stdout is not None
    assert b'"event": "finding"' in running.stdout.readline()
    time.sleep(0.3)
    append(path, b'{"step": 121, "loss": NaN}\n')
    running.send_signal(signal.SIGINT)
    out, errors = running.communicate(timeout=30)
    assert running.returncode == 1, errors
    assert b"interrupted" in errors
    summary = json.loads(out.splitlines()[-1])
    assert summary["event"] == "summary"
    assert summary["runs"][0]["verdict"] == "fail"
    assert summary["runs"][0]["series"][0]["points"] == 121


@pytest.mark.parametrize(
    ("arguments", "stalls", "judges"),
    [
        ([], True, True),
        (["--ignore", "T102,R"], False, True),
        (["--select", "t102"], True, False),
        (["--select", "T102,N"], True, True),
    ],
)
def test_a_stall_is_selected_and_ignored_like_a_rule(arguments: list[str], stalls: bool, judges: bool):
    context = watch_command.make_context(
        "watch", ["x", "--isolated", *arguments], parent=click.Context(main, **main.context_settings)
    )
    context.params.pop("path")
    settings = settings_of(["x"], context.params)
    assert (settings.runs("T102"), settings.runs("N101")) == (stalls, judges)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--until", "soon"], "is no duration"),
        (["--interval", "0"], "is not a time to wait for"),
        (["--on-fail", "'"], "--on-fail: No closing quotation"),
        (["--webhook", "https://elsewhere.example/"], "not among the webhook-hosts of the settings"),
        (["--ignore", "T999"], "no rule 'T999'"),
        (["--format", "html"], "Invalid value for '--format'"),
    ],
)
def test_wrong_usage_is_an_error_before_anything_is_read(tmp_path: Path, arguments: list[str], said: str):
    ran = CliRunner().invoke(main, ["watch", str(tmp_path / "x"), *arguments])
    assert ran.exit_code == 2
    assert said in ran.stderr


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("2h", 7200), ("1h30m", 5400), ("1d", 86400), ("15", 15), ("1.5m", 90)],
)
def test_durations_are_understood(text: str, seconds: float):
    assert Seconds().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "m", "-5m", "5 years", "1e9", "0s", "٣s", "9" * 20])
def test_other_texts_are_no_durations(text: str):
    with pytest.raises(click.UsageError):
        Seconds().convert(text, None, None)


def test_looks_follow_the_pace_of_the_log_within_bounds_and_their_own_cost():
    assert next_pause(2, changed=True, gap=10, cost=0) == 10
    assert next_pause(2, changed=True, gap=0.01, cost=0) == SHORTEST
    assert next_pause(2, changed=True, gap=1e6, cost=0) == LONGEST
    assert next_pause(2, changed=False, gap=float("nan"), cost=0) == 3
    assert next_pause(30, changed=False, gap=5, cost=0) == LONGEST
    assert next_pause(2, changed=True, gap=2, cost=1.5) == 15
