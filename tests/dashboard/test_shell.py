"""What all pages have in common, without a browser: empty folders, wrong settings, and a server that is open to all."""

import json
import os
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from trainvitals.dashboard import runs

APP = Path(__file__).parents[2] / "app.py"


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """The first page of a dashboard on a folder."""

    def opening(root):
        monkeypatch.setattr("sys.argv", ["app.py", str(root)])
        return AppTest.from_file(str(APP), default_timeout=60).run()

    return opening


def test_a_folder_without_logs_says_what_to_do_next(opened, tmp_path):
    (tmp_path / "notes.md").write_text("# nothing\n")
    (told,) = opened(tmp_path).info
    assert "No training log was found below" in told.value
    assert "trainvitals dashboard FOLDER" in told.value


def test_a_folder_that_is_gone_is_told(opened, tmp_path):
    (told,) = opened(tmp_path / "gone").error
    assert "does not exist" in told.value


def test_settings_that_cannot_be_used_are_told_with_their_file(opened, tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    (tmp_path / "trainvitals.toml").write_text("fail-on = 3\n")
    monkeypatch.chdir(tmp_path)
    (told,) = opened(tmp_path / "runs").error
    assert "trainvitals" in told.value
    assert "fail" in told.value


def test_a_server_that_listens_everywhere_says_so(opened, tmp_path):
    assert any("listens on every network interface" in one.value for one in opened(tmp_path).warning)


def test_a_server_bound_to_this_machine_has_nothing_to_say(opened, tmp_path, monkeypatch):
    from streamlit import config

    before = config.get_option("server.address")
    config.set_option("server.address", "127.0.0.1")
    try:
        assert not opened(tmp_path).warning
    finally:
        config.set_option("server.address", before)


def test_error_details_are_off_unless_asked_for(opened, tmp_path):
    from streamlit import config

    opened(tmp_path)
    assert config.get_option("client.showErrorDetails") == "none"


@pytest.mark.parametrize(("ago", "looks"), [(5, True), (86_400, False)], ids=["running", "over"])
def test_only_while_a_training_may_be_running_the_page_looks_again(opened, tmp_path, monkeypatch, ago, looks):
    log = tmp_path / "metrics.jsonl"
    log.write_text("".join(json.dumps({"step": i, "loss": 3 * 0.98**i}) + "\n" for i in range(100)))
    os.utime(log, (time.time() - ago,) * 2)
    looked = []
    monkeypatch.setattr(runs, "_look_again", lambda: looked.append(True))
    page = opened(tmp_path)
    deadline = time.monotonic() + 60
    while runs.snapshot().scanning and time.monotonic() < deadline:
        time.sleep(0.05)
    looked.clear()
    page.run()
    assert bool(looked) is looks
    assert len(page.dataframe) == 1


@pytest.mark.parametrize(("path", "looks"), [("", True), ("run", False)], ids=["overview", "run"])
def test_only_where_runs_are_listed_new_ones_are_looked_for(tmp_path, monkeypatch, path, looks):
    log = tmp_path / "metrics.jsonl"
    log.write_text("".join(json.dumps({"step": i, "loss": 3 * 0.98**i}) + "\n" for i in range(100)))
    os.utime(log, (1, 1))
    monkeypatch.setattr("sys.argv", ["app.py", str(tmp_path)])
    runs.refresh()
    assert runs._catalogue().wait(60)
    looked = []
    monkeypatch.setattr(runs, "_look_again", lambda: looked.append("at the running"))
    monkeypatch.setattr(runs, "_wait_for_new", lambda: looked.append("for new ones"))
    page = AppTest.from_function(_drawn, args=(path,), default_timeout=60).run()
    assert not page.exception
    assert looked == ["for new ones"] * looks


@pytest.mark.parametrize("settings", ["", "fail-on = 3\n"], ids=["no run", "wrong settings"])
def test_what_stands_in_the_way_of_a_table_is_looked_at_until_it_is_gone(opened, tmp_path, monkeypatch, settings):
    looked = []
    monkeypatch.setattr(runs, "_wait_for_new", lambda: looked.append("for new ones"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trainvitals.toml").write_text(settings)
    (tmp_path / "runs").mkdir()
    page = opened(tmp_path / "runs")
    page.run()
    assert bool(page.error) is bool(settings)
    assert looked[-1:] == ["for new ones"]


def _drawn(path):
    import streamlit as st

    from trainvitals.dashboard import links, runs
    from trainvitals.dashboard.pages import overview, run

    pages = {name: st.Page(lambda: None, url_path=name) for name in ("curves", "ratios", "landscape", "compare")}
    links.remember(pages, st.Page(lambda: None, url_path="curves"))
    run.show() if path else overview.show()
    runs.follow()


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ({"q": "R1"}, 1),
        ({"q": "x" * 5000}, 0),
        ({"q": "\0\x1b[2J"}, 0),
        ({"verdict": ["splendid", "unknown"]}, 2),
        ({"setting": "__proto__", "value": "../../etc/passwd"}, 2),
        ({"run": "y" * 100_000}, 2),
        ({"loss": ["generic", "generic"], "value": "3"}, 2),
    ],
)
def test_whatever_the_address_says_the_page_is_drawn(monkeypatch, tmp_path, query, kept):
    for i in range(2):
        (tmp_path / f"r{i}").mkdir()
        (tmp_path / f"r{i}" / "metrics.jsonl").write_text('{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 2.4}\n')
    monkeypatch.setattr("sys.argv", ["app.py", str(tmp_path)])
    page = AppTest.from_file(str(APP), default_timeout=60)
    for name, value in query.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    assert [len(table.value) for table in page.dataframe] == ([kept] if kept else [])


def test_thousands_of_runs_are_a_table_made_once(opened, tmp_path, monkeypatch):
    from trainvitals.dashboard.pages import overview

    for i in range(30):
        (tmp_path / f"r{i}").mkdir()
        (tmp_path / f"r{i}" / "metrics.jsonl").write_text('{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 2.4}\n')
        os.utime(tmp_path / f"r{i}" / "metrics.jsonl", (1, 1))
    page = opened(tmp_path)
    page.run()
    monkeypatch.setattr(overview.table, "arrow", lambda _: pytest.fail("the table was made again"))
    page.text_input(key="q").set_value("r1").run()
    assert "11 of 30 runs" in page.markdown[-1].value
    assert not page.exception


@pytest.mark.parametrize(("count", "said"), [(10, "Curves"), (11, "Curves (the first 10)")])
def test_where_not_all_runs_have_room_that_is_said(count, said):
    from trainvitals.dashboard import ticked

    assert ticked._label("Curves", count, 10) == said
