"""Watching: what is found is told as it appears, once, with the step at which it was known; a silence is a finding."""

import gc
import http.server
import json
import math
import threading
import tracemalloc
from pathlib import Path
from unittest import mock

import pytest
from following.runs import append, rows

from trainvitals.diagnostics import diagnose
from trainvitals.diagnostics.report import Finding
from trainvitals.diagnostics.settings import Settings
from trainvitals.diagnostics.watching import notify, stall, watcher
from trainvitals.diagnostics.watching.news import Found, Gone, Told
from trainvitals.diagnostics.watching.notify import NotifyError, Webhook, payload
from trainvitals.diagnostics.watching.watcher import SETTLED, Watcher
from trainvitals.parsers import read
from trainvitals.parsers.following import Follower


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def watching(path: Path, **settings: object) -> tuple[Watcher, Clock]:
    clock = Clock()
    return Watcher(Follower(path), Settings(**settings), clock), clock


def codes(news: tuple, kind: type = Found) -> list[str]:
    return [one.finding.code for one in news if isinstance(one, kind)]


def row(step: int, loss: object, **more: object) -> bytes:
    return json.dumps({"step": step, "loss": loss, **more}).encode() + b"\n"


def test_a_finding_is_told_once_with_the_step_at_which_it_was_known(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 50))
    watched, clock = watching(path)
    assert watched.look() == ()
    append(path, b"".join(row(i, math.nan) for i in range(51, 61)))
    clock.now += 10
    (found,) = watched.look()
    assert isinstance(found, Found)
    assert (found.finding.code, found.finding.step_start, found.known_at) == ("N101", 51, 60)
    append(path, row(61, math.nan))
    clock.now += 10
    assert watched.look() == ()


def test_a_finding_that_no_longer_holds_is_told_too_and_one_that_worsens_is_told_again(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 50) + b"".join(row(i, math.nan) for i in range(51, 61)))
    watched, clock = watching(path)
    assert codes(watched.look()) == ["N101"]
    assert watched.reports[0].verdict == "fail"
    append(path, rows(61, 200))
    clock.now += 10
    watched.look()
    assert watched.reports[0].verdict == "warn", "it has recovered"
    append(path, b"".join(row(i, math.nan) for i in range(201, 240)))
    clock.now += 10
    (found,) = watched.look()
    assert found.finding.severity == "fail"
    path.write_bytes(rows(1, 60))
    clock.now += 10
    assert codes(watched.look(), Gone) == ["N101"]


def test_a_diagnosis_is_followed_by_a_rest_of_ten_times_what_it_took(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 5))
    watched, clock = watching(path)
    judged: list[float] = []

    def slow(run, settings):
        judged.append(clock.now)
        clock.now += 3
        return diagnose(run, settings)

    with mock.patch.object(watcher, "diagnose", slow):
        for step in range(6, 96):
            append(path, rows(step, step))
            watched.look()
            clock.now += 1
        assert judged == [0, 33, 66], "the first at once, the others after thirty seconds of rest"
        watched.look(last=True)
    assert watched.reports[0].points == 95, "the last look is not put off"


def test_nothing_is_judged_again_while_nothing_comes(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 5))
    watched, clock = watching(path)
    watched.look()
    with mock.patch.object(watcher, "diagnose", side_effect=AssertionError):
        for _ in range(5):
            clock.now += 60
            watched.look()


def test_what_a_run_lacks_at_its_end_is_no_news_before(tmp_path: Path):
    path = tmp_path / "logging.jsonl"
    step = '{{"loss": {}, "learning_rate": 0.1, "global_step/max_steps": "{}/100", "epoch": 0.1}}\n'
    path.write_text("".join(step.format(4 - i / 50, i) for i in range(1, 100)))
    watched, clock = watching(path)
    assert codes(watched.look()) == []
    assert "V104" in {finding.code for finding in watched.reports[0].findings}
    append(path, step.format(2.0, 100).encode())
    clock.now += 60
    assert "V104" in codes(watched.look())


def grow(watched: Watcher, clock: Clock, path: Path, first: int, last: int, gap: float, **more: object) -> list:
    news = []
    for step in range(first, last + 1):
        append(path, row(step, 4 - step / 100, **more))
        clock.now += gap
        news += watched.look()
    return news


def silent(watched: Watcher, clock: Clock, seconds: float) -> list:
    news = []
    for _ in range(int(seconds / 10)):
        clock.now += 10
        news += watched.look()
    return news


def test_a_silence_of_ten_median_gaps_and_five_minutes_is_a_stall(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 5))
    watched, clock = watching(path)
    watched.look()
    assert grow(watched, clock, path, 6, 20, 20) == []
    assert silent(watched, clock, 290) == []
    (found,) = silent(watched, clock, 600)
    assert (found.finding.code, found.finding.severity, found.known_at) == ("T102", "fail", 20)
    assert found.finding.message == "no new line for 5 min, where the median gap was 20 s"
    assert watched.reports[0].verdict == "fail"
    assert codes(grow(watched, clock, path, 21, 21, 20), Gone) == ["T102"]
    assert watched.reports[0].verdict != "fail"


def test_a_slow_log_may_be_silent_for_longer(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 5))
    watched, clock = watching(path)
    watched.look()
    grow(watched, clock, path, 6, 12, 120)
    assert silent(watched, clock, 1190) == []
    assert codes(tuple(silent(watched, clock, 60))) == ["T102"]


def test_a_pause_for_evaluation_is_no_stall_once_there_has_been_one(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 5))
    watched, clock = watching(path)
    watched.look()
    grow(watched, clock, path, 6, 20, 5)
    grow(watched, clock, path, 21, 21, 600)
    grow(watched, clock, path, 22, 30, 5)
    assert silent(watched, clock, 880) == []
    assert codes(tuple(silent(watched, clock, 60))) == ["T102"]


def test_the_pace_is_that_of_the_log_where_it_tells_the_time(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"".join(row(i, 4 - i / 100, timestamp=1.7e9 + 100 * i) for i in range(1, 9)))
    watched, clock = watching(path)
    watched.look()
    assert silent(watched, clock, 990) == []
    assert codes(tuple(silent(watched, clock, 60))) == ["T102"]


def test_with_too_few_gaps_a_silence_says_nothing(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 5))
    watched, clock = watching(path)
    watched.look()
    assert silent(watched, clock, 5000) == []


@pytest.mark.parametrize("settings", [{"ignore": ("T",)}, {"select": ("N",)}])
def test_a_stall_may_be_ignored(tmp_path: Path, settings: dict):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 5))
    watched, clock = watching(path, **settings)
    watched.look()
    grow(watched, clock, path, 6, 20, 20)
    assert codes(tuple(silent(watched, clock, 5000))) == []


def test_a_run_that_has_come_to_its_last_step_has_finished_and_does_not_stall(tmp_path: Path):
    path = tmp_path / "logging.jsonl"
    step = '{{"loss": {}, "global_step/max_steps": "{}/40", "epoch": 0.1, "elapsed_time": "{}s"}}\n'
    path.write_text("".join(step.format(4 - i / 100, i, i) for i in range(1, 40)))
    watched, clock = watching(path)
    watched.look()
    clock.now += 2 * SETTLED
    watched.look()
    assert not watched.finished
    append(path, step.format(3.5, 40, 40).encode())
    watched.look()
    assert not watched.finished, "an evaluation may follow"
    clock.now += SETTLED
    assert Told("finished", "the run has finished") in watched.look()
    assert watched.finished
    assert silent(watched, clock, 5000) == []


def test_a_folder_that_vanishes_is_told_once_and_the_watch_goes_on(tmp_path: Path):
    top = tmp_path / "run"
    top.mkdir()
    (top / "metrics.jsonl").write_bytes(rows(1, 50))
    watched, clock = watching(top)
    watched.look()
    top.rename(tmp_path / "away")
    told = []
    for _ in range(5):
        clock.now += 10
        told += watched.look()
    assert [one.kind for one in told if isinstance(one, Told)] == ["trouble"]
    assert watched.reports[0].points == 50
    (tmp_path / "away").rename(top)
    append(top / "metrics.jsonl", b"".join(row(i, math.nan) for i in range(51, 61)))
    clock.now += 10
    news = watched.look()
    assert [one.kind for one in news if isinstance(one, Told)] == ["back"]
    assert codes(news) == ["N101"]


def test_a_day_replayed_gives_the_findings_of_the_report_and_memory_stays_flat(tmp_path: Path):
    """24 hours at a line a minute, looked at every half hour; `benchmarks/watching.py` does it at full size."""
    path = tmp_path / "metrics.jsonl"

    def line(minute: int) -> bytes:
        loss = 5 * math.exp(-minute / 200) + 1 + 0.01 * math.sin(minute * 2.7) if minute < 1300 else math.nan
        held_out = None if minute % 50 else loss + 0.1
        return row(minute, round(loss, 5), timestamp=1.7e9 + 60 * minute, eval_loss=held_out, host="gpu-node-" * 12)

    # What is imported or remembered at the first use of a rule is no memory of the watch.
    path.write_bytes(b"".join(map(line, range(1, 1441))))
    diagnose(read(path))
    watched, clock = watching(path)
    path.write_bytes(b"")
    told: list[Finding] = []
    held: list[int] = []
    tracemalloc.start()
    try:
        for start in range(1, 1441, 30):
            append(path, b"".join(map(line, range(start, start + 30))))
            clock.now += 1800
            told += [one.finding for one in watched.look() if isinstance(one, Found)]
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
        watched.look(last=True)
    finally:
        tracemalloc.stop()
    expected = diagnose(read(path))
    (report,) = watched.reports
    assert [(f.code, f.severity, f.metrics, f.message) for f in report.findings] == [
        (f.code, f.severity, f.metrics, f.message) for f in expected.findings
    ]
    assert {f.code for f in expected.findings} <= {f.code for f in told}
    # By half of the day both ends of the file, by which its format is told, are held. From there on it is the points:
    # some copies of eight columns, in the reader, in the run, and in what is known of its curves.
    assert held[-1] - held[len(held) // 2] < 720 * 1000


FOUND = Found(
    "a$(touch pwned) `id`\x1b[2J", Finding("N101", "non-finite", "fail", ("loss",), "loss is NaN; $(id)"), 60.0
)


def test_the_command_gets_words_and_an_environment_and_no_shell(tmp_path: Path):
    out = tmp_path / "out"
    script = "import os, sys; open(sys.argv[1], 'w').write('|'.join([os.environ[k] for k in sys.argv[2:]]))"
    keys = ["TRAINVITALS_RUN", "TRAINVITALS_CODE", "TRAINVITALS_STEP"]
    words = (*notify.command("python3 -c"), script, str(out), *keys)
    assert notify.run(words, FOUND).wait(30) == 0
    assert out.read_text() == "a$(touch pwned) `id`\\x1b[2J|N101|60"
    assert not (tmp_path / "pwned").exists()


def test_a_command_is_cut_into_words_like_a_shell_does_and_nothing_else():
    assert notify.command("notify-send 'run failed' $HOME; rm") == ("notify-send", "run failed", "$HOME;", "rm")
    for bad in ("", "  ", "'open"):
        with pytest.raises(NotifyError, match="--on-fail"):
            notify.command(bad)
    with pytest.raises(NotifyError, match="no-such-program"):
        notify.run(["no-such-program-anywhere"], FOUND)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://evil.example/x", "not among the webhook-hosts"),
        ("https://hooks.example.evil.example/x", "not among the webhook-hosts"),
        ("http://hooks.example/x", "must begin with https"),
        ("ftp://hooks.example/x", "must begin with https"),
        ("file:///etc/passwd", "not among the webhook-hosts"),
        ("https://user:pw@hooks.example/x", "do not belong"),
        ("https://hooks.example@evil.example/x", "do not belong"),
        ("https://hooks.example:port/x", "port is no number"),
        ("https://hooks.example/a b", "escaped"),
    ],
)
def test_only_the_hosts_of_the_settings_are_told_and_only_in_secret(url: str, said: str):
    with pytest.raises(NotifyError, match=said):
        Webhook(url, ("hooks.example", "127.0.0.1"))


def test_a_host_of_the_settings_is_allowed():
    Webhook("https://hooks.example:8443/services/T0/B0?x=1", ("hooks.example",))


class Server(http.server.BaseHTTPRequestHandler):
    seen: list[tuple[str, bytes]]
    status = 204

    def do_POST(self) -> None:
        self.seen.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.status)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()

    def log_message(self, *arguments: object) -> None: ...


@pytest.mark.parametrize(("status", "said"), [(204, ""), (302, "answers 302"), (500, "answers 500")])
def test_a_host_gets_one_message_and_is_not_followed_elsewhere(status: int, said: str):
    handler = type("Handler", (Server,), {"seen": [], "status": status})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        problem = Webhook(f"http://127.0.0.1:{server.server_port}/hook?a=1", ("127.0.0.1",)).tell(FOUND)
    assert problem.endswith(said)
    assert bool(problem) is bool(said)
    ((path, body),) = handler.seen
    assert path == "/hook?a=1"
    assert json.loads(body) == json.loads(payload(FOUND))


def test_a_host_that_does_not_answer_is_a_problem_and_no_crash():
    assert "127.0.0.1" in Webhook("http://127.0.0.1:9/", ("127.0.0.1",)).tell(FOUND)


def test_what_is_sent_is_inert():
    finding = Finding(
        "N101", "n", "fail", ("\x1b[2Jloss",), "token hf_abcdefghijklmnopqrstuvwxyz ##[error]", step_start=math.nan
    )
    data = payload(Found("r\ud800", finding, math.nan))
    assert data.isascii()
    assert b"##[" not in data
    sent = json.loads(data)
    assert sent["known_at"] is None
    assert sent["step_start"] == "NaN"
    assert sent["metrics"] == ["\\x1b[2Jloss"]
    assert "hf_abc" not in sent["message"]


@pytest.mark.parametrize(("seconds", "said"), [(3.2, "3.2 s"), (45, "45 s"), (300, "5 min"), (7500, "2 h 5 min")])
def test_durations_are_said(seconds: float, said: str):
    assert stall.duration(seconds) == said
