"""Large files of lines are read in pieces: what comes of it is what comes of the whole file."""

from pathlib import Path

import pytest
from shared_logs import ACCUM, REAL, needs_shared

from trainvitals.parsers import reading
from trainvitals.parsers.files import open_log
from trainvitals.parsers.formats import FORMATS
from trainvitals.parsers.model import Parsed
from trainvitals.parsers.reading import read_file, read_log

LOGS = [path for folder in (REAL, ACCUM) for path in sorted(folder.rglob("*")) if path.is_file()]
ROWS = "".join(f'{{"step": {i}, "loss": {2 - i / 1e4}}}\n' for i in range(5000))


def told(runs: tuple[Parsed, ...]) -> list[object]:
    columns = ("value", "step", "epoch", "time", "line")
    return [
        (
            repr((run.source, run.config, run.summary, run.notes, run.name)),
            [(s.metric, s.split, *(getattr(s, column).tobytes() for column in columns)) for s in run.series],
        )
        for run in runs
    ]


def in_pieces(path: Path, monkeypatch: pytest.MonkeyPatch, piece: int = 1000) -> tuple[Parsed, ...]:
    monkeypatch.setattr(reading, "LARGE", 0)
    monkeypatch.setattr(reading, "PIECE", piece)
    return read_file(str(path))


@needs_shared
@pytest.mark.parametrize("path", LOGS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_real_logs_are_read_alike(path: Path, monkeypatch):
    whole = read_file(str(path))
    assert told(in_pieces(path, monkeypatch)) == told(whole)


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
def test_samples_are_read_alike(known, tmp_path, monkeypatch):
    path = tmp_path / "train.log"
    path.write_bytes(known.sample)
    whole = read_file(str(path))
    assert told(in_pieces(path, monkeypatch, 7)) == told(whole)


def test_a_large_file_is_never_held_whole(tmp_path, monkeypatch):
    path = tmp_path / "train.jsonl"
    path.write_text(ROWS)
    (whole,) = read_log(open_log(str(path)))
    monkeypatch.setattr(reading, "open_log", None)
    (parsed,) = in_pieces(path, monkeypatch, 4096)
    assert told((parsed,)) == told((whole,))
    assert parsed.source.points == 5000


def test_a_file_that_loses_its_end_while_it_is_read_gives_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "train.jsonl"
    path.write_text(ROWS[:-10])
    (parsed,) = in_pieces(path, monkeypatch)
    assert parsed.source.truncated
    assert parsed.source.points == 4999
