"""Compressed logs are read as what is in them; a bomb is refused, and torn data give what stands before the tear."""

import gzip
import subprocess
import sys
import tarfile
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainvitals.parsers import ReadError, discover, read
from trainvitals.parsers.compression import beginning, log_name, unpacked
from trainvitals.parsers.files import open_log, peek
from trainvitals.parsers.formats.tensorboard import SAMPLE as EVENTS
from trainvitals.parsers.limits import FREE_EXPANSION
from trainvitals.parsers.reading import read_bytes

ROWS = "".join(f'{{"step": {i}, "loss": {2 + (i * 7919 % 1000) / 1e4}}}\n' for i in range(1, 5001)).encode()


def zstd(data: bytes) -> bytes:
    return pa.compress(data, "zstd", asbytes=True)


PACKERS = {".gz": gzip.compress, ".zst": zstd}


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_compressed_log_is_read_as_the_log_in_it(tmp_path: Path, suffix):
    path = tmp_path / f"metrics.jsonl{suffix}"
    path.write_bytes(PACKERS[suffix](ROWS))
    run = read(path)
    (series,) = run.series
    assert (run.sources[0].format, run.sources[0].path, run.sources[0].problems) == ("jsonl", str(path), ())
    assert (len(series), series.value[0], series.value[-1], series.line[-1]) == (5000, 2.0919, 2.0, 5000)


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_folder_finds_compressed_logs_by_the_name_inside(tmp_path: Path, suffix):
    pack = PACKERS[suffix]
    for name, content in {
        "a/trainer_log.jsonl": ROWS,
        "a/train.log": b"Epoch 1\n",
        "b/x_metrics.jsonl": ROWS,
        "b/y_metrics.jsonl": ROWS,
        "c/events.out.tfevents.1700000000.host.1.0": EVENTS,
        "d/weights.json": b'{"a": 1}',
        "d/archive.tar": ROWS,
    }.items():
        path = tmp_path / f"{name}{suffix}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(pack(content))
    assert [(run.name, len(run.paths)) for run in discover([tmp_path])] == [("a", 2), ("b/x", 1), ("b/y", 1), ("c", 1)]


def test_the_name_inside_tells_the_split(tmp_path: Path):
    for split in ("train", "eval"):
        (tmp_path / f"{split}.jsonl.gz").write_bytes(gzip.compress(ROWS))
    assert {series.split for series in read(tmp_path).series} == {"", "eval"}


def test_the_first_bytes_decide_and_not_the_suffix(tmp_path: Path):
    (tmp_path / "a.jsonl.gz").write_bytes(ROWS)
    (tmp_path / "b.jsonl").write_bytes(gzip.compress(ROWS))
    assert [len(read(files).series[0]) for files in discover([tmp_path])] == [5000, 5000]


def test_bytes_from_a_pipe_are_unpacked_too():
    (run,) = read_bytes("-", gzip.compress(ROWS))
    assert run.points == 5000


def test_what_was_appended_as_a_further_member_is_read(tmp_path: Path):
    for suffix, pack in PACKERS.items():
        path = tmp_path / f"metrics.jsonl{suffix}"
        path.write_bytes(pack(ROWS[:1000]) + pack(ROWS[1000:]))
        assert open_log(str(path)).data == ROWS


def test_zeros_after_the_end_of_gzip_are_padding():
    assert unpacked("x", gzip.compress(ROWS) + bytes(512)) == (ROWS, ())


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_of_a_torn_gzip_what_stands_before_the_tear_is_read(tmp_path: Path, kept):
    packed = gzip.compress(ROWS)
    (tmp_path / "metrics.jsonl.gz").write_bytes(packed[: int(kept * len(packed))])
    run = read(tmp_path)
    assert 0.5 * kept * 5000 < run.points < 5000
    assert run.sources[0].problems == (
        f"compressed: the data break off after byte {int(kept * len(packed))}; what stands before it was read",
    )


def test_of_a_torn_zstd_what_stands_before_the_tear_is_read():
    rows = ROWS * 20
    data, problems = unpacked("x", zstd(rows)[:-10])
    assert len(data) > 0.8 * len(rows)
    assert rows.startswith(data)
    assert problems == ("compressed: the data break off, or are damaged; what stands before it was read",)


def test_of_a_gzip_with_a_wrong_checksum_everything_is_read():
    packed = gzip.compress(ROWS)
    wrong = packed[:-8] + bytes((packed[-8] ^ 1,)) + packed[-7:]
    data, problems = unpacked("x", wrong)
    assert data == ROWS
    assert problems == (f"compressed: the data are damaged at byte {len(packed) - 5}; what stands before it was read",)


def test_what_follows_the_last_member_is_named():
    packed = gzip.compress(ROWS)
    assert unpacked("x", packed + b"step 1") == (
        ROWS,
        (f"compressed: after byte {len(packed)} follow 6 bytes that are no gzip; what stands before it was read",),
    )


def bomb(size: int) -> bytes:
    squeeze = zlib.compressobj(9, wbits=31)
    return b"".join([*(squeeze.compress(bytes(1 << 20)) for _ in range(size >> 20)), squeeze.flush()])


@pytest.mark.parametrize("packed", [bomb(100 << 20), zstd(bytes(100 << 20))], ids=["gzip", "zstd"])
def test_a_decompression_bomb_is_refused_with_its_reason(tmp_path: Path, packed):
    (tmp_path / "metrics.jsonl.gz").write_bytes(packed)
    (source,) = read(tmp_path).sources
    assert source.error == f"has {len(packed)} bytes and unpacks to over 200 times as many: no log does"


def test_a_short_log_of_equal_lines_is_no_bomb():
    rows = b'{"loss": 0.5}\n' * 100_000
    packed = gzip.compress(rows)
    assert len(rows) > 200 * len(packed)
    assert len(rows) < FREE_EXPANSION
    assert unpacked("x", packed) == (rows, ())


def test_the_size_is_bounded_whatever_the_ratio(monkeypatch):
    monkeypatch.setattr("trainvitals.parsers.compression.MAX_FILE_BYTES", 10_000)
    with pytest.raises(ReadError, match="x: unpacks to more than the limit of 10000 bytes"):
        unpacked("x", gzip.compress(ROWS))


def test_only_one_layer_is_unpacked(tmp_path: Path):
    (tmp_path / "metrics.jsonl.gz").write_bytes(gzip.compress(gzip.compress(ROWS)))
    (source,) = read(tmp_path).sources
    assert "looks binary" in source.error


def test_weights_stay_closed_when_they_are_compressed(tmp_path: Path):
    (tmp_path / "model.pt.gz").write_bytes(gzip.compress(ROWS))
    with pytest.raises(ReadError, match="not read by design"):
        open_log(str(tmp_path / "model.pt.gz"))


def test_a_look_at_a_large_file_unpacks_its_beginning_only(tmp_path: Path):
    rows = bytes(range(256)) * 40_000
    for suffix, pack in PACKERS.items():
        path = tmp_path / f"metrics.jsonl{suffix}"
        path.write_bytes(pack(rows))
        seen = peek(str(path))
        assert seen.head == rows[: 64 << 10]
        assert len(seen.data) == (128 << 10) + 1


@pytest.mark.parametrize(
    ("path", "name"), [("a/b.log.gz", "b.log"), ("B.JSONL.GZ", "B.JSONL"), ("b.zst", "b"), ("a.gz/b.log", "b.log")]
)
def test_the_name_of_what_is_inside(path, name):
    assert log_name(path) == name


def test_plain_logs_do_not_load_pyarrow():
    program = (
        "import gzip, sys\nfrom trainvitals.parsers.reading import read_bytes\n"
        "read_bytes('-', gzip.compress(b'{\"step\": 1, \"loss\": 2.0}\\n'))\nsys.exit('pyarrow' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@given(st.binary(max_size=300), st.integers(0, 400), st.sampled_from(sorted(PACKERS)))
def test_any_cut_gives_a_beginning_or_a_read_error(content, cut, suffix):
    packed = PACKERS[suffix](content)[:cut]
    assert content.startswith(beginning(packed, 1 << 20)) or not packed.startswith(PACKERS[suffix](b"")[:3])
    try:
        data, _ = unpacked("x", packed)
    except ReadError:
        return
    assert content.startswith(data)


@given(
    st.binary(max_size=500), st.sampled_from([b"\x1f\x8b\x08", b"\x1f\x8b\x08\0\0\0\0\0\0\xff", b"\x28\xb5\x2f\xfd"])
)
def test_garbage_behind_a_magic_number_is_a_read_error_at_most(garbage, magic):
    with suppress(ReadError):
        unpacked("x", magic + garbage)


def test_archives_are_named_as_what_they_are(tmp_path: Path):
    (tmp_path / "metrics.jsonl").write_bytes(ROWS)
    with tarfile.open(tmp_path / "run.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "metrics.jsonl")
    with zipfile.ZipFile(tmp_path / "run.zip", "w") as archive:
        archive.write(tmp_path / "metrics.jsonl")
    for name in ("run.tar.gz", "run.zip"):
        assert read(tmp_path / name).sources[0].error == "is an archive; unpack it and name the folder"
