"""Reports as bytes: the same when they are read back, and nothing worse than absent where the bytes are no report."""

import dataclasses
import zlib
from pathlib import Path

import msgspec
import pytest
from shared_logs import ACCUM, REAL

from trainvitals.diagnostics.catalogue.packing import MOST_UNPACKED, pack, unpack
from trainvitals.diagnostics.pipeline import examine
from trainvitals.diagnostics.report import Evidence, Finding, Report, SeriesSummary, SourceSummary, Table

SAMPLES = Path(__file__).resolve().parents[2] / "sample_logs"
NAN, INFINITY = float("nan"), float("inf")
SERIES = SeriesSummary("loss", "train", "loss", 3, 0.0, NAN, INFINITY, -INFINITY, -0.0, 1.0, (NAN, 1e-320))
TABLE = Table("by epoch", ("epoch", "status"), ((1, "fine"), (1.0, None), (NAN, "")))
SOURCES = (SourceSummary("a.jsonl", "jsonl", 3, 3, 0, learnt=("x {y}",)),)
CAUSE = Finding("N101", "nan", "fail", ("loss",), "NaN\0", evidence=(Evidence("a", 3, "\x1b[2J</script>"),))
EVERYTHING = Report(
    "größer/漢字",
    "fail",
    "mine",
    SOURCES,
    (SERIES,),
    (),
    (TABLE,),
    (dataclasses.replace(CAUSE, consequences=(CAUSE,)),),
)


@pytest.mark.parametrize(
    "folder",
    [*sorted(path for path in SAMPLES.iterdir() if path.is_dir()), REAL, ACCUM],
    ids=lambda folder: folder.name,
)
def test_the_report_of_every_log_comes_back_as_it_was(folder):
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    for one in examine([folder]):
        packed = pack(one.report)
        assert isinstance(packed, bytes), one.report.run
        assert repr(unpack(packed)) == repr(one.report)


@pytest.mark.parametrize(("texts", "kind"), [(1, b"m"), (100, b"z")])
def test_only_large_reports_are_compressed(texts, kind):
    report = dataclasses.replace(EVERYTHING, findings=(dataclasses.replace(CAUSE, how="0123456789" * 30),) * texts)
    packed = pack(report)
    assert packed[:1] == kind
    assert repr(unpack(packed)) == repr(report)


def test_numbers_that_are_none_and_text_that_is_hostile_come_back_as_they_were():
    packed = pack(EVERYTHING)
    assert isinstance(packed, bytes)
    assert repr(unpack(packed)) == repr(EVERYTHING), "with the type of each number: 1 is not 1.0"


@pytest.mark.parametrize(
    "report",
    [
        Report("\udcff.jsonl", "pass", "generic"),
        Report("a", "pass", "generic", tables=(Table("t", ("n",), ((2**70,),)),)),
    ],
    ids=["a name that is no UTF-8", "a number beyond 64 bits"],
)
def test_a_report_that_cannot_be_encoded_is_kept_whole(report):
    assert unpack(pack(report)) is report


def zipped(value):
    return b"z" + zlib.compress(msgspec.msgpack.encode(value))


DATA = msgspec.to_builtins(EVERYTHING)
GOOD = zipped(DATA)


def nested(depth):
    """A finding within a finding, so many times, as bytes: no encoder makes it."""
    one = msgspec.msgpack.encode(msgspec.to_builtins(CAUSE) | {"consequences": []})
    before = one[: one.rindex(b"\x90")] + b"\x91"
    whole = msgspec.msgpack.encode(DATA | {"findings": []})
    at = whole.rindex(b"findings") + len(b"findings")
    assert whole[at : at + 1] == b"\x90"
    return b"z" + zlib.compress(whole[:at] + b"\x91" + before * depth + one + whole[at + 1 :])


def test_the_hostile_reports_below_differ_from_a_good_one_by_what_is_hostile():
    assert repr(unpack(GOOD)) == repr(EVERYTHING)
    assert unpack(nested(1)) is not None


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"no zlib",
        b"m",
        b"m\xdd\xff\xff\xff\xff",
        b"m" + msgspec.msgpack.encode(DATA | {"verdict": "splendid"}),
        b"m" + msgspec.msgpack.encode(DATA)[:-1],
        GOOD[:-9],
        GOOD[: len(GOOD) // 2],
        b"z" + zlib.compress(b""),
        b"z" + zlib.compress(b"\xdd\xff\xff\xff\xff"),
        b"z" + zlib.compress(b"\x81\xa3run\xdb\xff\xff\xff\xff"),
        b"z" + zlib.compress(bytes(MOST_UNPACKED + 1)),
        zipped(DATA)[:20] + b"\0" + zipped(DATA)[21:],
        zipped([DATA]),
        zipped(DATA | {"verdict": "splendid"}),
        zipped(DATA | {"verdict": None}),
        zipped(DATA | {"run": b"bytes"}),
        zipped(DATA | {"series": [{"metric": "loss"}]}),
        zipped(DATA | {"tables": [{"title": "t", "columns": ["a"], "rows": [[{"__class__": "os.system"}]]}]}),
        zipped({"verdict": "pass"}),
        b"z" + zlib.compress(b"\x91" * 5_000_000),
        nested(1_000_000),
        b"z" + zlib.compress(b"cos\nsystem\n(S'true'\ntR."),
    ],
    ids=lambda broken: f"{len(broken)} bytes",
)
def test_bytes_that_are_no_report_are_none(broken):
    assert unpack(broken) is None
