"""W&B's run files, written offline or not: real records of wandb 0.31.0, and records encoded here in the same way."""

import json
import math
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainvitals.parsers import ReadError, discover, read
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import wandb_run
from trainvitals.parsers.record_log import HEADER, RecordLog

BLOCK = 32 << 10
FOLDER = "wandb/offline-run-20261121_134144-ivu3ehxo"


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes((number & 127 | 128,)), number >> 7
    return out + bytes((number,))


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def item(key: str | tuple[str, ...], text: str) -> bytes:
    names = field(1, key.encode()) if isinstance(key, str) else b"".join(field(2, one.encode()) for one in key)
    return field(1, names + field(16, text.encode()))


def history(step: int, row: dict[str | tuple[str, ...], object]) -> bytes:
    """A `Record` with a `HistoryRecord`, whose `HistoryStep` holds the step."""
    items = b"".join(item(key, value if isinstance(value, str) else json.dumps(value)) for key, value in row.items())
    return field(2, items + field(2, b"\x08" + varint(step)))


def piece(kind: int, content: bytes) -> bytes:
    return struct.pack("<IHB", zlib.crc32(bytes((kind,)) + content), len(content), kind) + content


def framed(*records: bytes) -> bytes:
    """The records as `DataStore.write` of wandb lays them into blocks."""
    out = bytearray(HEADER)
    for record in records:
        room, rest, kind = BLOCK - len(out) % BLOCK, record, 2
        if room < 7:
            out += bytes(room)
            room = BLOCK
        if len(record) + 7 <= room:
            out += piece(1, record)
            continue
        while len(rest) + 7 > room:
            out += piece(kind, rest[: room - 7])
            rest, room, kind = rest[room - 7 :], BLOCK, 3
        out += piece(4, rest)
    return bytes(out)


def parsed(data: bytes):
    (found,) = wandb_run.read(LogFile("run-x.wandb", data))
    return found


def values(found, metric: str = "loss") -> list[tuple[float, float]]:
    (series,) = [one for one in found.series if one.logged_as == metric]
    return list(zip(series.step.tolist(), series.value.tolist(), strict=True))


ROWS = [history(i, {("loss",): 5 / i, ("_timestamp",): 1.795e9 + i}) for i in range(1, 2001)]


def test_a_real_file_gives_its_history_and_settings():
    found = parsed(wandb_run.SAMPLE)
    (loss,) = found.series
    assert (loss.logged_as, loss.step.tolist(), loss.value[0], loss.epoch[0]) == ("train/loss", [10, 20], 2.5, 0.5)
    assert math.isnan(loss.value[1])
    assert loss.time[0] == 1795268717.2592614
    assert loss.line.tolist() == [3, 4]
    assert {name: one.value for name, one in found.config.items()} == {"lr": 0.001}
    assert (found.source.lines, found.source.unread_lines, found.source.problems) == (4, 0, ())


def test_records_go_over_the_edges_of_blocks():
    data = framed(*ROWS)
    assert len(data) > 3 * BLOCK
    found = parsed(data)
    assert values(found) == [(i, 5 / i) for i in range(1, 2001)]
    assert found.source.lines == 2000


def test_a_record_of_several_blocks_is_put_together():
    found = parsed(framed(history(1, {("note",): "x" * 100_000, ("loss",): 0.5}), ROWS[1]))
    assert values(found) == [(1, 0.5), (2, 2.5)]


@pytest.mark.parametrize("last", range(1, 9))
def test_no_piece_begins_in_the_last_bytes_of_a_block(last):
    first = history(1, {("note",): "", ("loss",): 1.0})
    filler = BLOCK - len(HEADER) - 7 - len(first) - last
    long = history(1, {("note",): '"' + "x" * (filler - 6) + '"', ("loss",): 1.0})
    assert values(parsed(framed(long, ROWS[1]))) == [(1, 1.0), (2, 2.5)]


def test_numbers_of_all_kinds():
    row = {("a",): "NaN", ("b",): "-Infinity", ("c",): '"Infinity"', ("d",): 7, ("text",): '"hello"', ("flag",): "true"}
    found = parsed(framed(history(3, row)))
    assert math.isnan(values(found, "a")[0][1])
    assert {s.logged_as: s.value[0] for s in found.series[1:]} == {"b": -math.inf, "c": math.inf, "d": 7}


def test_keys_in_parts_and_plain_keys_are_both_read():
    found = parsed(framed(history(3, {"loss": 0.5, ("nested", "b", "c"): 2, "old": {"a": 3}})))
    assert {s.logged_as: s.value[0] for s in found.series} == {"loss": 0.5, "nested/b/c": 2, "old/a": 3}


def test_media_are_no_metrics():
    row = {
        ("h", "_type"): '"histogram"',
        ("h", "values"): [1, 2, 3],
        "old": {"_type": "histogram", "values": [1, 2]},
        ("loss",): 0.5,
    }
    assert [s.logged_as for s in parsed(framed(history(3, row))).series] == ["loss"]


def test_the_trainers_own_step_goes_before_that_of_wandb():
    assert values(parsed(framed(history(3, {("train/global_step",): 50, ("loss",): 0.5})))) == [(50, 0.5)]


def test_the_step_of_the_record_is_taken_where_no_item_holds_it():
    assert values(parsed(framed(history(300, {("loss",): 0.5})))) == [(300, 0.5)]


def test_settings_are_flat_and_hold_no_secrets():
    updates = item("model", '{"layers": 4, "act": "gelu"}') + item("hf_token", '"hf_abc"') + item("_wandb", '{"m": 1}')
    later = field(5, item("lr", "0.5") + item("env", '{"WANDB_API_KEY": "0123456789"}'))
    found = parsed(framed(field(17, field(4, updates + item("lr", "0.1")) + field(13, b"host")), later, ROWS[0]))
    assert {name: (one.value, one.line) for name, one in found.config.items()} == {
        "model.layers": (4, 1),
        "model.act": ("gelu", 1),
        "lr": (0.5, 2),
    }


def test_a_wrong_checksum_costs_that_record_only():
    data = bytearray(framed(*ROWS[:3]))
    data[data.index(b"2.5")] ^= 1
    found = parsed(bytes(data))
    assert values(found) == [(1, 5.0), (3, 5 / 3)]
    assert (found.source.lines, found.source.unread_lines) == (3, 1)
    assert found.source.problems == ("records left out, as they are damaged or torn: 1",)


def test_a_wrong_length_costs_the_rest_of_its_block():
    data = bytearray(framed(*ROWS))
    data[len(HEADER) + 4 : len(HEADER) + 6] = b"\xff\xff"
    found = parsed(bytes(data))
    assert 1 < values(found)[0][0] < 800
    assert values(found)[-1] == (2000, 5 / 2000)
    assert found.source.unread_lines == 1


def test_a_torn_end_is_told_as_such():
    found = parsed(framed(*ROWS[:3])[:-5])
    assert [step for step, _ in values(found)] == [1, 2]
    assert found.source.truncated


def test_space_that_was_never_written_is_no_damage():
    found = parsed(framed(*ROWS[:3]) + bytes(3 * BLOCK))
    assert (len(values(found)), found.source.unread_lines, found.source.truncated) == (3, 0, False)


def test_a_record_that_is_no_message_costs_itself():
    found = parsed(framed(ROWS[0], b"\x12\xff\xff", ROWS[1]))
    assert [step for step, _ in values(found)] == [1, 2]
    assert found.source.problems == ("records left out, as they are no message of W&B: 1",)


def test_a_file_without_a_whole_record_is_a_read_error():
    with pytest.raises(ReadError, match="no whole record"):
        parsed(HEADER + b"\xff" * 500)


def test_a_run_that_has_only_begun_is_no_error():
    assert parsed(HEADER).series == ()


@given(st.lists(st.integers(0, 70_000), max_size=6), st.data())
def test_damage_anywhere_costs_no_record_outside_its_block(sizes, data):
    records = [bytes((i + 1,)) * size for i, size in enumerate(sizes)]
    whole = framed(*records)
    assert [record for _, record in RecordLog().take(whole, last=True)] == records
    at = data.draw(st.integers(len(HEADER), max(len(HEADER), len(whole) - 1)))
    damaged = whole[:at] + b"\x55" + whole[at + 1 :]
    cut = data.draw(st.integers(0, len(damaged)))
    log = RecordLog()
    pieces = [record for _, record in log.take(damaged[:cut], last=False)]
    pieces += [record for _, record in log.take(damaged[log.at :], last=True)]
    left = [record for _, record in RecordLog().take(damaged, last=True)]
    assert pieces == left
    assert all(record in records for record in left)
    block = at // BLOCK
    starts = [len(framed(*records[:i])) for i in range(len(records) + 1)]
    apart = [r for i, r in enumerate(records) if starts[i + 1] <= block * BLOCK or starts[i] >= (block + 1) * BLOCK]
    assert [record for record in left if record in apart] == apart


@given(st.binary(max_size=2000))
def test_any_bytes_behind_the_header_are_a_read_error_at_most(garbage):
    try:
        parsed(HEADER + garbage)
    except ReadError as error:
        assert "no whole record" in str(error)  # noqa: PT017


@given(st.binary(max_size=300))
def test_any_bytes_in_a_record_cost_that_record_only(garbage):
    assert values(parsed(framed(ROWS[0], field(2, garbage), field(5, garbage), field(17, garbage), ROWS[1])))[-1] == (
        2,
        2.5,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = "wandb_version: 1\n\nlr:\n  desc: null\n  value: 0.25\nbatch_size:\n  desc: null\n  value: 8\n"
    for name, content in {
        "run-ivu3ehxo.wandb": wandb_run.SAMPLE,
        "files/config.yaml": config.encode(),
        "files/output.log": b"{'loss': 2.5, 'learning_rate': 1e-05, 'epoch': 0.5}\n" * 3,
        "files/wandb-summary.json": b'{"best": 0.125, "_step": 20, "_runtime": 1.5, "_wandb": {"runtime": 1}}',
        "files/requirements.txt": b"numpy==2.0\n",
        "files/wandb-metadata.json": b'{"host": "vm", "args": ["--lr", "1"]}',
        "logs/debug.log": b"2026-11-21 13:41:44,123 INFO MainThread:1 [wandb_init.py:init():1] loss step=1\n",
        "logs/debug-internal.log": b'{"time":"2026-11-21T13:41:44.6","level":"INFO","msg":"stream: starting"}\n',
        "../debug.log": b"2026-11-21 13:41:44,123 INFO MainThread:1 [wandb_init.py:init():1] loss step=1\n",
    }.items():
        path = tmp_path / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


def test_the_folder_of_a_run_is_one_run_with_what_lies_in_its_files(folder: Path):
    (files,) = discover([folder])
    assert files.name == FOLDER
    assert {Path(path).name for path in files.paths} == {"run-ivu3ehxo.wandb", "output.log", "wandb-summary.json"}
    run = read(files)
    assert {name: run.config[name].value for name in ("lr", "batch_size")} == {"lr": 0.25, "batch_size": 8}
    assert run.summary["best"].value == 0.125


def test_it_is_the_same_run_when_its_folder_is_named(folder: Path):
    (files,) = discover([folder / FOLDER])
    assert (files.name, len(files.paths)) == (FOLDER.rpartition("/")[2], 3)


def test_runs_beside_each_other_stay_apart(folder: Path):
    other = folder / "wandb" / "run-20261121_150000-abc"
    other.mkdir()
    (other / "run-abc.wandb").write_bytes(wandb_run.SAMPLE)
    assert [run.name for run in discover([folder])] == [FOLDER, "wandb/run-20261121_150000-abc"]


def test_files_of_several_runs_in_one_folder_are_several_runs(tmp_path: Path):
    for name in ("run-a.wandb", "run-b.wandb"):
        (tmp_path / name).write_bytes(wandb_run.SAMPLE)
    assert len(discover([tmp_path])) == 2
