"""The lines around a place in a log."""

import gzip
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainvitals.parsers import compression
from trainvitals.parsers import excerpt as module
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.excerpt import excerpt

LOG = b"".join(b"step %d loss %.3f\n" % (i, 2.0 - i / 1000) for i in range(1, 1001))


def numbered(found):
    return [(line.number, *line.texts) for line in found.lines]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_the_lines_around_a_line_are_shown_with_their_numbers(tmp_path, packed):
    path = tmp_path / ("train.log.gz" if packed else "train.log")
    path.write_bytes(gzip.compress(LOG) if packed else LOG)
    found = excerpt(str(path), 500, around=1)
    assert numbered(found) == [
        (499, "step 499 loss 1.501"),
        (500, "step 500 loss 1.500"),
        (501, "step 501 loss 1.499"),
    ]


def test_at_the_ends_there_are_fewer_lines(tmp_path):
    path = tmp_path / "train.log"
    path.write_bytes(LOG + b"torn")
    assert numbered(excerpt(str(path), 1, around=1)) == [(1, "step 1 loss 1.999"), (2, "step 2 loss 1.998")]
    end = excerpt(str(path), 1001, around=1)
    assert numbered(end) == [(1000, "step 1000 loss 1.000"), (1001, "torn")]
    assert end.last == 1001
    assert excerpt(str(path), 5000) == module.Excerpt((), 1001)


def test_no_more_is_read_than_up_to_the_last_line_shown(tmp_path, monkeypatch):
    path = tmp_path / "train.log"
    path.write_bytes(LOG)
    monkeypatch.setattr(module, "CHUNK", 256)
    with path.open("rb") as file:
        module._between(module._text(str(path), file), 1, 3)
        assert file.tell() <= 512


def test_a_progress_bar_shows_its_last_states():
    bar = b"\r".join(b"%d/50 loss=%d" % (i, i) for i in range(50)) + b"\nend\n"
    (line, _) = excerpt("train.log", 1, data=bar).lines
    assert line.texts[-1] == "49/50 loss=49"
    assert line.hidden + len(line.texts) == 50


def test_a_long_line_is_cut_and_says_so():
    (line,) = excerpt("train.log", 1, data=b"x" * 10_000).lines
    assert line.cut
    assert len(line.texts[0]) == module.SHOWN


def test_utf_16_is_shown_as_text():
    found = excerpt("train.log", 2, around=0, data="one\ntwo\nthree\n".encode("utf-16"))
    assert numbered(found) == [(2, "two")]


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("events.out.tfevents.1.host", b"\x18\0\0\0\0\0\0\0\xa3\x7f" * 9, "no text"),
        ("weights.pt", b"text", "by design"),
    ],
)
def test_what_is_no_log_text_is_not_shown(name, data, why):
    with pytest.raises(ReadError, match=why):
        excerpt(name, 1, data=data)


def test_a_bomb_stops_at_the_budget(monkeypatch):
    monkeypatch.setattr(compression, "FREE_EXPANSION", 1 << 20)
    with pytest.raises(ReadError, match="unpacks to over"):
        excerpt("bomb.gz", 10**9, data=gzip.compress(b"a" * (20 << 20)))


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "train.log")
    with pytest.raises(ReadError, match="not a regular file"):
        excerpt(str(tmp_path / "train.log"), 1)


@given(st.lists(st.binary(max_size=5).filter(lambda b: b"\n" not in b), max_size=30), st.integers(1, 40))
def test_every_line_has_the_number_that_readers_count(lines, wanted):
    data = b"log\n" + b"\n".join(lines)
    try:
        found = excerpt("train.log", wanted, around=2, data=data)
    except ReadError:
        return  # drawn bytes that are no text
    counted = dict(enumerate(data.removesuffix(b"\n").split(b"\n"), start=1))
    assert [line.number for line in found.lines] == [n for n in range(max(1, wanted - 2), wanted + 3) if n in counted]
