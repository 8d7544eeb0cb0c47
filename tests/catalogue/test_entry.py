"""Which readings of a run may be taken again as long as its files have not changed, and when they have."""

import json
import os
import time

import pytest

from trainvitals.diagnostics import diagnosis
from trainvitals.diagnostics.catalogue import entry
from trainvitals.diagnostics.catalogue.entry import opened, stamp, unread
from trainvitals.diagnostics.report import NotRun
from trainvitals.diagnostics.rule import Rule
from trainvitals.diagnostics.settings import Settings
from trainvitals.parsers import discover, read_all
from trainvitals.parsers.discover import RunFiles

LOG = "".join(json.dumps({"step": i, "loss": 2.0 * 0.97**i + 0.5}) + "\n" for i in range(100))


@pytest.fixture
def log(tmp_path):
    """A log that was written a minute ago."""
    path = tmp_path / "metrics.jsonl"
    path.write_text(LOG)
    os.utime(path, (time.time() - 60,) * 2)
    return path


def lasts(path):
    (files,) = discover([path])
    return [one.lasts for one, _ in opened(files, Settings())]


def test_what_follows_from_files_at_rest_lasts(log):
    assert lasts(log) == [True]


@pytest.mark.parametrize("ahead", [0.0, 3600.0], ids=["just now", "in the future"])
def test_a_file_that_may_change_within_the_same_moment_does_not(log, ahead):
    os.utime(log, (time.time() + ahead,) * 2)
    assert lasts(log) == [False]


def test_settings_that_are_still_being_written_do_not(log):
    (log.parent / "args.json").write_text("{}")
    (files,) = discover([log.parent])
    assert files.sidecars
    assert [one.lasts for one, _ in opened(files, Settings())] == [False]


def test_a_file_that_could_not_be_opened_may_be_there_the_next_time(log):
    files = RunFiles("a", str(log.parent), (str(log), str(log.parent / "gone.jsonl")))
    ((one, _),) = opened(files, Settings())
    assert "cannot be opened" in one.report.sources[1].error
    assert not one.lasts


def test_a_file_that_is_no_log_stays_none(log):
    log.write_bytes(bytes(range(256)) * 40)
    os.utime(log, (1, 1))
    ((one, _),) = opened(RunFiles("a", str(log.parent), (str(log),)), Settings())
    assert "looks binary" in one.report.sources[0].error
    assert one.lasts


def test_a_rule_that_crashed_may_have_lacked_memory(log, monkeypatch):
    def crashing(case):
        """Never right."""
        raise MemoryError("for once")

    monkeypatch.delenv("TRAINVITALS_STRICT")
    monkeypatch.setattr(diagnosis, "RULES", (Rule("X901", "crashing", "fail", crashing),))
    (files,) = discover([log])
    ((one, _),) = opened(files, Settings())
    assert one.report.not_run == (NotRun("X901", "crashed: MemoryError: for once"),)
    assert not one.lasts


def test_a_run_that_could_not_be_judged_is_tried_again(log):
    (files,) = discover([log])
    assert not unread(files, "the process that read it has ended: was the memory exhausted?").lasts


def test_what_is_known_of_files_at_rest_is_not_judged_again(log, monkeypatch):
    (files,) = discover([log])
    known = tuple(one for one, _ in opened(files, Settings()))
    monkeypatch.setattr(entry, "judge", None)
    ((one, series),) = opened(files, Settings(), known)
    assert repr(one) == repr(known[0])
    assert series.run.points == 100


def test_what_is_known_of_a_file_that_grows_while_it_is_read_is_judged_again(log, monkeypatch):
    def growing(files, *, patterns):
        with log.open("a") as file:
            file.write('{"step": 100, "loss": NaN}\n')
        return read_all(files, patterns=patterns)

    (files,) = discover([log])
    known = tuple(one for one, _ in opened(files, Settings()))
    monkeypatch.setattr(entry, "read_all", growing)
    ((one, _),) = opened(files, Settings(), known)
    assert (known[0].row.verdict, one.row.verdict) == ("pass", "fail")


def replaced(log):
    """Another file of the same size takes its place, and brings its time along, as `rsync -t` and `mv` do."""
    status, other = log.stat(), log.with_suffix(".new")
    other.write_text(LOG[::-1])
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(log)


@pytest.mark.parametrize(
    "change",
    [
        replaced,
        lambda log: os.utime(log, (1, 1)),
        lambda log: log.write_text(LOG + "\n"),
        lambda log: log.unlink(),
    ],
    ids=["replaced", "time", "size", "gone"],
)
def test_a_stamp_changes_with_its_file(log, change):
    (files,) = discover([log])
    before = stamp(files)
    assert stamp(files) == before
    change(log)
    assert stamp(files) != before


def test_a_stamp_of_a_database_changes_with_the_journal_beside_it(tmp_path):
    database = tmp_path / "mlflow.db"
    database.write_bytes(b"SQLite format 3\0")
    files = RunFiles("a", str(tmp_path), (str(database),))
    before = stamp(files)
    (tmp_path / "mlflow.db-wal").write_bytes(b"newest values")
    assert stamp(files) != before
