"""What happens to files while they are followed: they grow, rotate, are cut, vanish and return."""

import json
import os
import struct
import tracemalloc
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from following.runs import append, assert_same, rewrite, rows

from trainvitals.parsers import read_all
from trainvitals.parsers.discover import RunFiles, discover
from trainvitals.parsers.events.crc32c import masked_checksum
from trainvitals.parsers.following import Follower
from trainvitals.parsers.following import follower as followers
from trainvitals.parsers.following.file import GONE, ROTATED
from trainvitals.parsers.following.tail import MARK
from trainvitals.parsers.limits import MAX_LINE_BYTES
from trainvitals.parsers.model import Run
from trainvitals.parsers.tables.columns import TableReader
from trainvitals.parsers.text.reader import ConsoleReader
from trainvitals.parsers.text.template import template


def only(follower: Follower) -> Run:
    follower.poll()
    (run,) = follower.runs
    return run


def steps(run: Run, metric: str = "loss") -> list[float]:
    return [float(step) for s in run.series if s.metric == metric for step in s.step]


def problems(run: Run) -> str:
    return " | ".join(sentence for source in run.sources for sentence in source.problems)


def scratch(path: Path) -> tuple[Run, ...]:
    return tuple(run for files in discover([str(path)]) for run in read_all(files))


def event(step: int) -> bytes:
    value = b"\x0a\x04loss\x15" + struct.pack("<f", 4 - step / 1000)
    body = b"\x09" + struct.pack("<d", 1e9 + step) + b"\x10" + bytes([step % 128 | 128, step // 128])
    body += b"\x2a" + bytes([len(value) + 2]) + b"\x0a" + bytes([len(value)]) + value
    length = struct.pack("<Q", len(body))
    return length + struct.pack("<I", masked_checksum(length)) + body + struct.pack("<I", masked_checksum(body))


GROWING = {
    "metrics.jsonl": (lambda i: b'{"step": %d, "loss": %.6f}\n' % (i, 4 - i / 1000), b""),
    "metrics.csv": (lambda i: b"%d,%.6f\n" % (i, 4 - i / 1000), b"step,loss\n"),
    "train.log": (lambda i: b"{'loss': %.4f, 'learning_rate': 1e-05, 'epoch': %d}\n" % (4 - i / 1000, i), b"start\n"),
    "events.out.tfevents.1.h": (event, b""),
}
"""File name: (a row, the beginning)."""


@pytest.mark.parametrize("name", GROWING)
def test_only_what_is_appended_is_read_from_the_disk(tmp_path: Path, name: str):
    row, start = GROWING[name]
    path = tmp_path / name
    path.write_bytes(start + b"".join(map(row, range(200, 3000))))
    follower = Follower(path)
    assert len(only(follower).series[0]) == 2800
    tail = follower.files[str(path)].tail
    for step in range(3000, 3010):
        before = tail.bytes_read
        append(path, row(step))
        assert len(only(follower).series[0]) == step - 199
        assert tail.bytes_read - before == len(row(step)) + 2 * MARK
    before = tail.bytes_read
    assert follower.poll() == ()
    assert tail.bytes_read == before
    assert_same(follower.runs, scratch(path))


def test_lines_of_console_text_are_parsed_once(tmp_path: Path):
    row, start = GROWING["train.log"]
    path = tmp_path / "train.log"
    path.write_bytes(start + b"".join(map(row, range(1, 2000))))
    follower = Follower(path)
    only(follower)
    taken: list[bytes] = []
    take = ConsoleReader.take

    def counted(self: ConsoleReader, data: bytes) -> None:
        taken.append(data)
        take(self, data)

    with mock.patch.object(ConsoleReader, "take", counted):
        for step in (2000, 2001):
            append(path, row(step))
            only(follower)
    assert taken == [row(2000), row(2001)]


def test_rows_of_tables_are_converted_once(tmp_path: Path):
    path = tmp_path / "metrics.csv"
    path.write_bytes(b"step,loss\n" + b"".join(b"%d,%.6f\n" % (i, 1 / i) for i in range(1, 20_000)))
    follower = Follower(path)
    only(follower)
    taken: list[int] = []
    take = TableReader.take
    with mock.patch.object(TableReader, "take", lambda self, data: (taken.append(len(data)), take(self, data))[1]):
        append(path, b"20000,0.00005\n20001,0.0")
        run = only(follower)
    assert taken == [14, 9], "the new row, and the torn one by a copy"
    assert steps(run)[-2:] == [19_999, 20_000]
    append(path, b"00049\n")
    assert steps(only(follower))[-1] == 20_001


def test_with_patterns_of_the_user_the_log_is_not_begun_anew_either(tmp_path: Path):
    patterns = (template("at {step} the loss is {loss}"),)
    path = tmp_path / "train.log"
    line = "at %d the loss is %.3f\nmoving on to %d, which takes a while on this machine\n"
    path.write_text("".join(line % (i, 4 - i / 500, i + 1) for i in range(1, 1000)))
    follower = Follower(path, patterns=patterns)
    assert steps(only(follower))[:3] == [1, 2, 3]
    tail = follower.files[str(path)].tail
    for step in range(1000, 1010):
        before = tail.bytes_read
        append(path, (line % (step, 3.0, step + 1)).encode())
        assert step in steps(only(follower))
        follower.poll()
        assert tail.bytes_read - before < 400


def test_a_document_is_read_again_only_when_it_has_changed(tmp_path: Path):
    path = tmp_path / "trainer_state.json"
    history = [{"step": i, "loss": 4 - i / 100, "epoch": i / 10} for i in range(1, 6)]
    path.write_text(json.dumps({"log_history": history, "global_step": 5, "max_steps": 9}))
    follower = Follower(path)
    only(follower)
    with mock.patch("trainvitals.parsers.following.file.open_log", side_effect=AssertionError):
        assert follower.poll() == ()
    rewrite(path, json.dumps({"log_history": [*history, {"step": 6, "loss": 3.0}], "global_step": 6}).encode())
    assert steps(only(follower)) == [1, 2, 3, 4, 5, 6]
    assert_same(follower.runs, scratch(path))


def test_a_half_written_line_is_no_point_until_it_ends(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 3) + b'{"step": 4, "lo')
    follower = Follower(path)
    assert steps(only(follower)) == [1, 2, 3]
    assert only(follower).sources[0].truncated
    append(path, b'ss": 3.5}\n')
    run = only(follower)
    assert steps(run) == [1, 2, 3, 4]
    assert not run.sources[0].truncated
    assert run.sources[0].unread_lines == 0


def test_a_rotated_log_goes_on_where_the_steps_go_on(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 5))
    follower = Follower(path)
    only(follower)
    path.rename(tmp_path / "metrics.jsonl.1")
    path.write_bytes(rows(6, 8))
    run = only(follower)
    assert steps(run) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert ROTATED in problems(run)
    append(path, rows(9, 9))
    assert steps(only(follower)) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_log_that_is_cut_and_goes_on_keeps_its_past_even_if_it_is_longer_by_then(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 5))
    follower = Follower(path)
    only(follower)
    with path.open("r+b") as file:
        file.truncate(0)
        file.write(rows(6, 20))
    assert steps(only(follower)) == list(range(1, 21))


def test_a_log_that_is_cut_shows_its_past_while_it_is_empty(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 5))
    follower = Follower(path)
    only(follower)
    path.write_bytes(b"")
    assert steps(only(follower)) == [1, 2, 3, 4, 5]
    path.write_bytes(rows(6, 7))
    assert steps(only(follower)) == [1, 2, 3, 4, 5, 6, 7]


def test_a_log_that_begins_anew_is_another_run(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 50))
    follower = Follower(path)
    only(follower)
    path.write_bytes(rows(1, 2, start=9.0))
    run = only(follower)
    assert steps(run) == [1, 2]
    assert problems(run) == ""
    assert_same(follower.runs, scratch(path))


def test_a_longer_copy_in_its_place_has_only_grown(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 500))
    follower = Follower(path)
    only(follower)
    tail = follower.files[str(path)].tail
    before = tail.bytes_read
    rewrite(path, rows(1, 510))
    assert steps(only(follower)) == list(range(1, 511))
    assert tail.bytes_read - before < len(rows(1, 100))
    assert_same(follower.runs, scratch(path))


def test_a_file_that_vanishes_keeps_what_it_said_and_goes_on_when_it_returns(tmp_path: Path):
    path, away = tmp_path / "run" / "metrics.jsonl", tmp_path / "away"
    path.parent.mkdir()
    path.write_bytes(rows(1, 5))
    follower = Follower(path)
    only(follower)
    path.rename(away)
    run = only(follower)
    assert steps(run) == [1, 2, 3, 4, 5]
    assert GONE in problems(run)
    assert follower.poll() == (), "it is told once"
    append(away, rows(6, 6))
    away.rename(path)
    run = only(follower)
    assert steps(run) == [1, 2, 3, 4, 5, 6]
    assert problems(run) == ""


@pytest.mark.parametrize("mount_point_stays", [True, False])
def test_a_folder_that_vanishes_keeps_its_runs(tmp_path: Path, mount_point_stays: bool):
    top = tmp_path / "runs"
    for name in "ab":
        (top / name).mkdir(parents=True)
        (top / name / "metrics.jsonl").write_bytes(rows(1, 5))
        (top / name / "args.json").write_text('{"learning_rate": 0.1}')
    follower = Follower(top)
    follower.poll()
    assert len(follower.runs) == 2
    away = tmp_path / "away"
    top.rename(away)
    if mount_point_stays:
        top.mkdir()
    follower.poll()
    assert [steps(run) for run in follower.runs] == [[1, 2, 3, 4, 5]] * 2
    assert [run.config["learning_rate"].value for run in follower.runs] == [0.1, 0.1]
    assert bool(follower.trouble) is not mount_point_stays
    if mount_point_stays:
        top.rmdir()
    append(away / "a" / "metrics.jsonl", rows(6, 6))
    away.rename(top)
    follower.poll()
    assert follower.trouble == ""
    assert_same(follower.runs, scratch(top))


def test_a_path_may_not_exist_yet(tmp_path: Path):
    follower = Follower(tmp_path / "later.jsonl")
    assert follower.poll() == ()
    assert follower.trouble == "does not exist"
    (tmp_path / "later.jsonl").write_bytes(rows(1, 2))
    assert steps(only(follower)) == [1, 2]


def test_new_files_of_a_folder_are_found(tmp_path: Path):
    (tmp_path / "metrics.jsonl").write_bytes(rows(1, 5))
    follower = Follower(tmp_path)
    assert len(only(follower).sources) == 1
    row, start = GROWING["metrics.csv"]
    (tmp_path / "metrics.csv").write_bytes(start + row(1) + row(2))
    assert len(only(follower).sources) == 2
    (tmp_path / "notes.txt").write_text("nothing yet\n")
    assert len(only(follower).sources) == 2
    append(tmp_path / "notes.txt", b"{'loss': 2.5, 'epoch': 0.1}\n{'loss': 2.25, 'epoch': 0.2}\n" * 3)
    assert len(only(follower).sources) == 3, "what was no log has become one"
    assert_same(follower.runs, scratch(tmp_path))


def test_a_folder_that_does_not_change_is_not_looked_through_again(tmp_path: Path):
    (tmp_path / "metrics.jsonl").write_bytes(rows(1, 5))
    follower = Follower(tmp_path)
    only(follower)
    with mock.patch.object(followers, "discover", side_effect=AssertionError):
        append(tmp_path / "metrics.jsonl", rows(6, 6))
        assert steps(only(follower)) == [1, 2, 3, 4, 5, 6]


def test_a_resumed_run_writes_on_and_a_new_event_file_belongs_to_it(tmp_path: Path):
    first, second = (tmp_path / f"events.out.tfevents.{i}.h" for i in (1, 2))
    first.write_bytes(b"".join(map(event, range(200, 210))))
    follower = Follower(tmp_path)
    only(follower)
    second.write_bytes(b"".join(map(event, range(205, 215))))
    assert steps(only(follower)) == [*range(200, 210), *range(205, 215)]
    assert_same(follower.runs, scratch(tmp_path))


def test_settings_beside_the_log_are_read_again_when_they_change(tmp_path: Path):
    (tmp_path / "metrics.jsonl").write_bytes(rows(1, 5))
    (tmp_path / "args.json").write_text('{"learning_rate": 0.1}')
    follower = Follower(tmp_path)
    assert only(follower).config["learning_rate"].value == 0.1
    with mock.patch.object(followers, "settings_beside", side_effect=AssertionError):
        append(tmp_path / "metrics.jsonl", rows(6, 6))
        assert only(follower).config["learning_rate"].value == 0.1
    (tmp_path / "args.json").write_text('{"learning_rate": 0.25}')
    assert only(follower).config["learning_rate"].value == 0.25


def test_an_endless_line_takes_no_memory(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 50))
    follower = Follower(path)
    only(follower)
    tracemalloc.start()
    try:
        for _ in range(12):
            append(path, b"x" * MAX_LINE_BYTES)
            only(follower)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 4 * MAX_LINE_BYTES
    assert peak < 10 * MAX_LINE_BYTES
    append(path, b"\n" + rows(51, 52))
    assert steps(only(follower)) == list(range(1, 53))
    assert_same(follower.runs, scratch(path))


@pytest.mark.parametrize("name", GROWING)
def test_days_of_following_hold_the_columns_and_no_more(tmp_path: Path, name: str):
    row, start = GROWING[name]
    path = tmp_path / name
    path.write_bytes(start + b"".join(map(row, range(200, 6000))))
    follower = Follower(path)
    only(follower)
    held = []
    tracemalloc.start()
    try:
        for first in (6000, 6100, 6200):
            for step in range(first, first + 100):
                append(path, row(step))
                only(follower)
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    # A hundred points more, of six columns, in the reader and in the run; Python makes room for some more beforehand.
    assert held[2] - held[1] < 60_000


def test_a_pickle_is_not_opened(tmp_path: Path):
    path = tmp_path / "training_args.bin"
    path.write_bytes(b"\x80\x02cos\nsystem\n")
    assert "not read by design" in only(Follower(path)).sources[0].error


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "train.log")
    follower = Follower(RunFiles("r", str(tmp_path), (str(tmp_path / "train.log"),)))
    assert only(follower).sources[0].error == "is not a regular file"
    (tmp_path / "train.log").unlink()
    (tmp_path / "train.log").write_bytes(rows(1, 3))
    assert steps(only(follower)) == [1, 2, 3]


def test_numbers_are_those_of_the_file(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(rows(1, 2))
    follower = Follower(path)
    only(follower)
    append(path, b'{"step": 3, "loss": NaN}\n')
    values = only(follower).series[0].value
    np.testing.assert_array_equal(values, [3.99, 3.98, np.nan])
