"""The JSON array of Chainer's LogReport."""

import json

import pytest
from console_text import by_epoch, points

from trainvitals.diagnostics.normalisation import normalise
from trainvitals.parsers import read as read_run
from trainvitals.parsers.discover import discover
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import chainer_log, detect
from trainvitals.parsers.reading import read_bytes

ROWS = [
    {
        "main/loss": 0.1926 / epoch,
        "validation/main/loss": 0.0948,
        "main/accuracy": 0.9419,
        "epoch": epoch,
        "iteration": 600 * epoch,
        "elapsed_time": 2.81 * epoch,
    }
    for epoch in (1, 2, 3)
]
TEXT = json.dumps(ROWS, indent=4)


def read(text):
    (parsed,) = chainer_log.FORMAT.read(LogFile("log", text.encode()))
    return parsed


def test_a_row_is_a_point_at_its_iteration():
    parsed = read(TEXT)
    assert points(parsed, "main/loss") == [(600, 0.1926), (1200, 0.0963), (1800, 0.1926 / 3)]
    assert by_epoch(parsed, "validation/main/loss") == [(1, 0.0948), (2, 0.0948), (3, 0.0948)]
    assert parsed.series[0].time.tolist() == [2.81, 5.62, 2.81 * 3]
    assert parsed.series[0].line.tolist() == [2, 10, 18]


def test_not_a_number_is_kept():
    (point,) = points(read('[{"main/loss": NaN, "epoch": 1, "iteration": 600}]'), "main/loss")
    assert point == pytest.approx((600, float("nan")), nan_ok=True)


@pytest.mark.parametrize("cut", [len(TEXT) - 1, len(TEXT) - 20, TEXT.index("0.0948", 300)])
def test_a_torn_end_costs_the_row_that_it_tears(cut):
    parsed = read(TEXT[:cut])
    whole = TEXT[:cut].count("}")
    assert len(parsed.series[0]) == whole > 0
    assert parsed.source.truncated


def test_an_array_that_breaks_in_its_first_row_is_an_error():
    with pytest.raises(ReadError, match="JSON array"):
        read('[{"main/loss": 0.19, "ep')


def test_names_become_those_of_every_other_format():
    (run,) = read_bytes("log", TEXT.encode())
    assert normalise(run).run.get("loss").value.tolist() == [0.1926, 0.0963, 0.1926 / 3]
    assert len(normalise(run).run.get("loss", "eval")) == 3


def test_another_array_is_not_taken():
    assert detect(LogFile("log", b'[{"name": "a", "epoch": 1}]')) is not chainer_log.FORMAT


def test_its_file_has_no_suffix_and_is_found_in_the_folder(tmp_path):
    (tmp_path / "log").write_text(TEXT)
    (tmp_path / "catalog").write_text(TEXT)
    (run,) = discover([tmp_path])
    assert run.paths == (str(tmp_path / "log"),)
    assert read_run(run).points == 9
