"""The event-file reader against TensorBoard's own: every scalar equal, all damage noticed, nothing hostile passes."""

import json
import math
import random
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.types_pb2 import DataType
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util

from tests.shared_logs import ACCUM, REAL, needs_shared
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.events import bodies as event_bodies
from trainvitals.parsers.events import columns as event_columns
from trainvitals.parsers.events import kinds as event_kinds
from trainvitals.parsers.events import records as event_records
from trainvitals.parsers.events import scalars
from trainvitals.parsers.files import LogFile, open_log
from trainvitals.parsers.formats.tensorboard import FORMAT
from trainvitals.parsers.model import Parsed

EVERYTHING = dict.fromkeys(("scalars", "tensors", "images", "audio", "histograms", "compressedHistograms"), 0)
REAL_FILES = sorted((REAL / "tensorboard_events").glob("*tfevents*"))
NAME = "events.out.tfevents.1700000000.host.1.0"

Row = tuple[int, float, float]
"""(step, wall time, value)"""


# Writing


def checksum(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + checksum(length) + data + checksum(data)


def event(tag: str, value: float, step: int = 0, time: float = 1.7e9, *, style: str = "simple") -> Event:
    """One scalar: `simple` as torch writes it, `tensor` as TF2 and torch's new style do, `content` as raw bytes."""
    made = Event(wall_time=time, step=step)
    slot = made.summary.value.add(tag=tag)
    if style == "simple":
        slot.simple_value = value
        return made
    slot.metadata.plugin_data.plugin_name = "scalars"
    slot.metadata.data_class = 1
    slot.tensor.dtype = DataType.DT_FLOAT
    slot.tensor.tensor_shape.SetInParent()
    if style == "tensor":
        slot.tensor.float_val.append(value)
    else:
        slot.tensor.tensor_content = np.float32(value).tobytes()
    return made


def histogram(tag: str, step: int = 0, size: int = 30) -> Event:
    made = Event(wall_time=1.7e9, step=step)
    made.summary.value.add(tag=tag).histo.bucket.extend([0.5] * size)
    return made


def text(tag: str, content: str) -> Event:
    made = Event(wall_time=1.7e9)
    slot = made.summary.value.add(tag=tag)
    slot.metadata.plugin_data.plugin_name = "text"
    slot.tensor.dtype = DataType.DT_STRING
    slot.tensor.tensor_shape.dim.add(size=1)
    slot.tensor.string_val.append(content.encode())
    return made


VERSION = record(Event(wall_time=1.7e9, file_version="brain.Event:2").SerializeToString())


def log(*events: Event) -> bytes:
    return VERSION + b"".join(record(e.SerializeToString()) for e in events)


# Reading


def read(data: bytes, name: str = NAME) -> Parsed:
    (parsed,) = FORMAT.read(LogFile(name, data))
    return parsed


def rows(parsed: Parsed) -> dict[str, list[Row]]:
    found = {}
    for series in parsed.series:
        found[series.logged_as] = [*zip(series.step.tolist(), series.time.tolist(), series.value.tolist(), strict=True)]
    return found


def by_tensorboard(path: Path) -> dict[str, list[Row]]:
    """Every scalar that TensorBoard sees: its scalars, and its tensors of one number that it shows as scalars."""
    seen = EventAccumulator(str(path), size_guidance=EVERYTHING, purge_orphaned_data=False)
    seen.Reload()
    found = {tag: [(e.step, e.wall_time, e.value) for e in seen.Scalars(tag)] for tag in seen.Tags()["scalars"]}
    for tag in seen.Tags()["tensors"]:
        if seen.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
            events = [(e.step, e.wall_time, tensor_util.make_ndarray(e.tensor_proto)) for e in seen.Tensors(tag)]
            found[tag] = [(step, time, float(array)) for step, time, array in events]
    return found


def same(ours: dict[str, list[Row]], theirs: dict[str, list[Row]]) -> bool:
    # The text of a number is equal for NaN, too.
    expected = {tag: [(float(step), time, value) for step, time, value in listed] for tag, listed in theirs.items()}
    return repr(sorted(ours.items())) == repr(sorted(expected.items()))


def agrees(data: bytes, folder: Path) -> Parsed:
    """Our reading of a file, after it was found equal to TensorBoard's."""
    (folder / NAME).write_bytes(data)
    parsed, theirs = read(data), by_tensorboard(folder / NAME)
    ours = rows(parsed)
    assert sorted(ours) == sorted(theirs)
    assert same(ours, theirs)
    assert parsed.source.points == sum(map(len, theirs.values()))
    assert (parsed.source.problems, parsed.source.truncated, parsed.source.unread_lines) == ((), False, 0)
    return parsed


# Real files


@needs_shared
@pytest.mark.parametrize("path", REAL_FILES, ids=lambda path: path.name[:24])
def test_a_real_file_equals_tensorboard(path: Path, tmp_path: Path) -> None:
    assert FORMAT.sniff(open_log(str(path))) == 1.0
    agrees(path.read_bytes(), tmp_path)


@needs_shared
def test_the_event_files_of_all_runs_equal_tensorboard(tmp_path: Path) -> None:
    paths = sorted(ACCUM.glob("*/runs/**/*tfevents*"))
    points = [agrees(path.read_bytes(), tmp_path).source.points for path in paths]
    assert len(points) > 50
    assert sum(points) > 10_000


@needs_shared
def test_the_configuration_of_a_real_run_is_found() -> None:
    (path,) = (ACCUM / "llama-tf4.57.6-ga8").glob("runs/*tfevents*")
    parsed = read(path.read_bytes())
    found = {
        name: parsed.config[name].value
        for name in ("gradient_accumulation_steps", "transformers_version", "vocab_size")
    }
    assert found == {"gradient_accumulation_steps": 8, "transformers_version": "4.57.6", "vocab_size": 512}
    assert parsed.config["transformers_version"].line > 1


@needs_shared
def test_the_architecture_of_a_real_run_is_found() -> None:
    (path,) = (path for path in REAL_FILES if "qwen3__" in path.name)
    config = read(path.read_bytes()).config
    assert config["architectures"].value == ["Qwen3ForCausalLM"]
    assert config["gradient_accumulation_steps"].value == 8


# Generated files


@pytest.mark.parametrize("style", ["simple", "tensor", "content"])
def test_styles_steps_and_special_values(style: str, tmp_path: Path) -> None:
    values = [0.0, -0.0, 1.5, math.nan, math.inf, -math.inf, 1e-45, 3.4e38, 0.1]
    steps = [0, 1, 127, 128, 16384, 2**32 + 5, 2**40, 2**53, -1, -(2**40)]
    pairs = [(step, value) for step in steps for value in values]
    agrees(
        log(*(event("train/loss", value, step, 1.7e9 + n, style=style) for n, (step, value) in enumerate(pairs))),
        tmp_path,
    )


def test_two_hundred_tags_in_irregular_order_with_other_summaries_between(tmp_path: Path) -> None:
    chance = random.Random(7)
    names = [f"{chance.choice(['train', 'eval', 'a/b'])}/{'x' * chance.randrange(30)}{n}" for n in range(200)]
    events, step = [], 0
    for _ in range(400):
        step += chance.choice((1, 1, 10, 1000))
        for n in chance.sample(range(200), chance.randrange(1, 20)):
            style = ("simple", "tensor", "content")[n % 3]
            events.append(event(names[n], chance.random(), step, 1.7e9 + chance.random(), style=style))
        if chance.random() < 0.3:
            events.append(histogram("weights", step, chance.randrange(5, 60)))
    parsed = agrees(log(*events), tmp_path)
    assert parsed.source.lines == len(events) + 1
    firsts = [int(series.line[0]) for series in parsed.series]
    assert firsts == sorted(firsts)


def test_a_file_longer_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, smaller in {"BLOCK": 64, "_SHORT_SPAN": 512, "_LONG_SPAN": 2048}.items():
        monkeypatch.setattr(event_records, limit, smaller)
    names = ["loss", "lr", "grad_norm", "eval/a_longer_name"]
    parsed = agrees(log(*(event(n, s / 3, s, 1.7e9 + s) for s in range(400) for n in names)), tmp_path)
    assert [series.line.tolist()[:2] for series in parsed.series] == [[2, 6], [3, 7], [4, 8], [5, 9]]


def many_kinds(dice: random.Random) -> bytes:
    """Tags of a few lengths, in all styles, in any order, with other events between them."""
    styles = ["simple", "tensor", "content"]
    made = [event(f"tag/{'x' * (i % 5)}{i}", dice.random(), i // 7, 1.7e9 + i, style=styles[i % 3]) for i in range(40)]
    tags = [(one.summary.value[0].tag, styles[i % 3]) for i, one in enumerate(made)]
    for step in range(130):
        for tag, style in dice.sample(tags, 12):
            made.append(event(tag, dice.choice([dice.random(), math.inf, -0.0]), step * 3, 1.7e9 + step, style=style))
        made.append(histogram("h", step, dice.randrange(30)))
    return log(*made)


@pytest.mark.parametrize("damaged", [0, 60])
def test_by_kind_by_tag_and_one_by_one_the_same_is_read(damaged: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(damaged)
    data = bytearray(many_kinds(dice))
    for _ in range(damaged):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    readings, alone = [], []
    for longest, few in ((event_kinds.LONGEST, event_bodies.FEW), (0, event_bodies.FEW), (0, 10**9)):
        monkeypatch.setattr(event_kinds, "LONGEST", longest)
        monkeypatch.setattr(event_columns, "FEW", few)
        counted = counting(monkeypatch)
        readings.append(read(bytes(data)))
        alone.append(len(counted))
    assert rows(readings[0]) == rows(readings[1]) == rows(readings[2])
    assert readings[0].source == readings[1].source == readings[2].source
    assert alone[0] < 400 < alone[2]


def counting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the events that are parsed from now on."""
    counted: list[int] = []

    def counted_parse(body: bytes) -> scalars.Event:
        counted.append(len(body))
        return scalars.parse_event(body)

    monkeypatch.setattr(event_columns, "parse_event", counted_parse)
    return counted


def test_an_event_file_inside_a_record_is_data() -> None:
    inner = log(*(event("inner", 1.0, step) for step in range(5)))
    outer = Event(wall_time=1.0)
    outer.summary.value.add(tag="image").image.encoded_image_string = inner
    parsed = read(log(*(event("outer", 1.0, step) for step in range(5)), outer, event("outer", 2.0), outer))
    assert {tag: len(listed) for tag, listed in rows(parsed).items()} == {"outer": 6}


def test_long_records_between_scalars() -> None:
    image = Event(wall_time=1.0)
    image.summary.value.add(tag="image").image.encoded_image_string = b"\1\0\0\0" * 50_000
    parsed = read(log(*(e for step in range(20) for e in (event("a", 1.0, step), image, event("b", 2.0, step)))))
    assert [series.line.tolist()[:2] for series in parsed.series] == [[2, 5], [4, 7]]
    assert (parsed.source.points, parsed.source.problems) == (40, ())


def test_files_of_tensorboards_own_writer(tmp_path: Path) -> None:
    writer = EventFileWriter(str(tmp_path))
    for step in range(50):
        writer.add_event(event("loss", 1 / (step + 1), step))
    writer.close()
    (path,) = tmp_path.glob("*tfevents*")
    assert len(agrees(path.read_bytes(), tmp_path).series[0]) == 50


def test_several_values_in_one_summary_keep_their_order(tmp_path: Path) -> None:
    events = [event("a", 1.0, step) for step in range(20)]
    for made in events:
        made.summary.value.add(tag="b", simple_value=2.0)
        made.summary.value.add(tag="a", simple_value=3.0)
    series = agrees(log(*events), tmp_path).series
    assert [s.logged_as for s in series] == ["a", "b"]
    assert series[0].value.tolist() == [1.0, 3.0] * 20
    assert series[0].line.tolist() == [n for n in range(2, 22) for _ in (0, 1)]


def test_events_without_time_step_or_tag(tmp_path: Path) -> None:
    events = [event("", 1.0, 0, 0.0), event("a", 2.0, 0, 0.0), event("a", 3.0, 5, 0.0), event("a", 4.0, 0, 1.0)] * 10
    parsed = read(log(*events))
    assert rows(parsed) == {"<empty>": [(0, 0, 1)] * 10, "a": [(0, 0, 2), (5, 0, 3), (0, 1, 4)] * 10}


@pytest.mark.parametrize(
    ("kind", "field", "numbers"),
    [
        (DataType.DT_FLOAT, "float_val", [0.1, math.nan, -math.inf]),
        (DataType.DT_DOUBLE, "double_val", [0.1, 1e300, -0.0]),
        (DataType.DT_INT32, "int_val", [0, -1, 2**31 - 1]),
        (DataType.DT_INT64, "int64_val", [0, -1, 2**62]),
        (DataType.DT_UINT8, "int_val", [0, 255]),
        (DataType.DT_INT8, "int_val", [-128, 5]),
        (DataType.DT_BOOL, "bool_val", [True, False]),
        (DataType.DT_HALF, "half_val", [0x3C00, 0x7E00, 0x0001]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_tensors_of_every_type(kind: int, field: str, numbers: list[float]) -> None:
    for number in numbers:
        for shape in ((), (1,), (1, 1)):
            made = event("x", 0.0, style="tensor")
            tensor = made.summary.value[0].tensor
            tensor.Clear()
            tensor.dtype = kind
            tensor.tensor_shape.SetInParent()
            for size in shape:
                tensor.tensor_shape.dim.add(size=size)
            getattr(tensor, field).append(number)
            expected = tensor_util.make_ndarray(tensor).item()
            tensor_as_bytes = Event.FromString(made.SerializeToString())
            packed = tensor_as_bytes.summary.value[0].tensor
            packed.ClearField(field)
            packed.tensor_content = tensor_util.make_ndarray(tensor).tobytes()
            values = read(log(made, tensor_as_bytes)).series[0].value.tolist()
            assert repr(values) == repr([float(expected)] * 2)


def test_bfloat16() -> None:
    made = event("x", 0.0, style="tensor")
    made.summary.value[0].tensor.Clear()
    made.summary.value[0].tensor.dtype = DataType.DT_BFLOAT16
    made.summary.value[0].tensor.half_val.append(0x3FC0)
    assert read(log(made)).series[0].value.tolist() == [1.5]


def test_tags_that_are_shown_alike_are_series_of_their_own() -> None:
    # Found by fuzzing: two tags that are no UTF-8 were one name, and their points one curve.
    tags = (b"loss\xff", b"loss\xfe")
    data = b"".join(record(event("loss#", i).SerializeToString().replace(b"loss#", tag)) for i, tag in enumerate(tags))
    assert [s.metric for s in read(data).series] == ["loss\ufffd", "loss\ufffd.1"]


def test_what_is_no_scalar_is_no_series() -> None:
    vector = event("vector", 1.0, style="tensor")
    vector.summary.value[0].tensor.float_val.append(2.0)
    vector.summary.value[0].tensor.tensor_shape.dim.add(size=2)
    repeated = event("repeated", 1.0, style="tensor")
    repeated.summary.value[0].tensor.tensor_shape.dim.add(size=1000)
    empty = event("empty", 1.0, style="tensor")
    empty.summary.value[0].tensor.tensor_shape.dim.add(size=0)
    other = event("curve", 1.0, style="tensor")
    other.summary.value[0].metadata.plugin_data.plugin_name = "mesh"
    other.summary.value[0].metadata.data_class = 2
    image = Event(wall_time=1.0)
    image.summary.value.add(tag="image").image.encoded_image_string = bytes(100_000)
    parsed = read(log(vector, repeated, empty, other, image, histogram("h"), text("sample", "a b " * 50_000)))
    assert (parsed.series, parsed.source.problems, parsed.source.lines) == ((), (), 8)


def test_the_last_of_contradicting_fields_counts() -> None:
    doubled = event("a", 1.0, 3).SerializeToString() + Event(step=4, wall_time=2.0).SerializeToString()
    overruled = event("b", 1.0).SerializeToString() + Event(file_version="x").SerializeToString()
    assert rows(read(VERSION + record(doubled) * 10 + record(overruled) * 10)) == {"a": [(4, 2.0, 1.0)] * 10}


def test_a_signalling_nan_is_a_value() -> None:
    data = event("a", 1.0, 3).SerializeToString()
    signalling = data.replace(struct.pack("<f", 1.0), b"\x01\x00\xa0\x7f")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parsed = read(VERSION + record(signalling) * 20)
    assert np.isnan(parsed.series[0].value).all()


# Events of any kind

STEPS = st.one_of(st.integers(0, 300), st.integers(-(2**63), 2**63 - 1))
VALUES = st.floats(width=32)
TAGS = st.sampled_from(["a", "b", "loss", "lr", "eval/loss", "eval/acc_", "a" * 40])
STYLES = st.sampled_from(["simple", "tensor", "content"])
EVENTS = st.lists(st.tuples(TAGS, VALUES, STEPS, st.floats(allow_nan=False), STYLES), max_size=8)


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.integers(1, 12))
def test_any_events_are_read_as_protocol_buffers_reads_them(drawn: list[tuple], times: int) -> None:
    events = [event(tag, value, step, time, style=style) for tag, value, step, time, style in drawn] * times
    expected: dict[str, list[Row]] = {}
    for made in events:
        slot = made.summary.value[0]
        value = slot.simple_value if slot.HasField("simple_value") else tensor_util.make_ndarray(slot.tensor).item()
        expected.setdefault(slot.tag, []).append((made.step, made.wall_time, value))
    assert same(rows(read(log(*events))), expected)


# Damage


def noisy_log() -> bytes:
    events = [event(tag, s * 0.37, s, 1.7e9 + s) for s in range(300) for tag in ("train/loss", "lr", "eval/loss")]
    return log(text("args/text_summary", '{"a": 1}'), *events, histogram("weights"))


def test_every_flipped_bit_is_noticed_and_none_passes_as_data() -> None:
    data, chance = noisy_log(), random.Random(3)
    right = {(tag, row) for tag, listed in rows(read(data)).items() for row in listed}
    for _ in range(300):
        place = chance.randrange(8 * len(data))
        broken = bytearray(data)
        broken[place // 8] ^= 1 << place % 8
        parsed = read(bytes(broken))
        found = {(tag, row) for tag, listed in rows(parsed).items() for row in listed}
        assert parsed.source.problems, place
        assert parsed.source.unread_lines == 1
        assert found <= right
        assert len(right) - len(found) <= 1


def test_bad_data_costs_its_record_which_is_named() -> None:
    parts = [VERSION, *(record(event("a", float(n), n).SerializeToString()) for n in range(1, 30))]
    broken = bytearray(parts[7])
    broken[-6] ^= 1
    parsed = read(b"".join([*parts[:7], bytes(broken), *parts[8:]]))
    offset = sum(map(len, parts[:7]))
    assert parsed.source.problems == (f"record 8 at byte {offset} dropped: the checksum of its data is wrong",)
    assert parsed.series[0].value.tolist() == [n for n in range(1, 30) if n != 7]
    assert parsed.series[0].line.tolist() == [n for n in range(2, 31) if n != 8]


def test_after_a_bad_length_the_next_whole_record_is_found() -> None:
    parts = [VERSION, *(record(event("a", float(n), n).SerializeToString()) for n in range(1, 30))]
    broken = b"\xff" + parts[7][1:]
    parsed = read(b"".join([*parts[:7], broken, *parts[8:]]))
    offset = sum(map(len, parts[:7]))
    assert parsed.source.problems == (f"record 8 at byte {offset} dropped: the checksum of its length is wrong",)
    assert parsed.series[0].line.tolist() == [n for n in range(2, 31) if n != 8]


def test_many_damaged_records_are_counted_and_the_first_ones_named() -> None:
    good = record(event("a", 1.0, 3).SerializeToString())
    bad = good[:-1] + bytes([good[-1] ^ 1])
    parsed = read(VERSION + (good + bad) * 500)
    assert parsed.source.unread_lines == 500
    assert parsed.source.points == 500
    assert parsed.source.problems[0].startswith("record 3 ")
    assert parsed.source.problems[-1] == "495 more records dropped"


def test_a_record_that_is_no_event_is_named() -> None:
    parsed = read(VERSION + record(b"\x07 no message") + record(event("a", 1.0).SerializeToString()))
    assert parsed.source.points == 1
    assert "record 2 at byte 40 dropped: it is no event" in parsed.source.problems[0]


def test_a_file_cut_anywhere_keeps_what_came_before() -> None:
    parts = [VERSION, *(record(event("loss", float(n), n).SerializeToString()) for n in range(12))]
    data, ends = b"".join(parts), np.cumsum([len(part) for part in parts]).tolist()
    for cut in range(1, len(data)):
        parsed = read(data[:cut]) if cut >= 12 else None
        if parsed is None:
            continue
        whole = sum(end <= cut for end in ends)
        assert parsed.source.truncated == (cut not in ends)
        assert parsed.source.points == max(0, whole - 1)
        assert parsed.source.problems == ()


def test_a_tail_of_zeros_is_a_cut_file() -> None:
    parsed = read(log(event("a", 1.0)) + bytes(5000))
    assert (parsed.source.points, parsed.source.truncated, parsed.source.problems) == (1, True, ())


def test_a_length_beyond_all_files() -> None:
    length = struct.pack("<Q", 2**63 - 1)
    parsed = read(log(event("a", 1.0)) + length + checksum(length) + b"data")
    assert (parsed.source.points, parsed.source.truncated) == (1, True)
    wrong = read(log(event("a", 1.0)) + length + b"1234data" + log(event("a", 2.0)))
    assert wrong.series[0].value.tolist() == [1.0, 2.0]
    assert wrong.source.unread_lines == 1


# What is not there


def test_a_file_with_only_a_version_has_no_points_and_no_error() -> None:
    parsed = read(VERSION)
    assert len(VERSION) == 40
    assert (parsed.source.points, parsed.source.lines, parsed.source.problems, parsed.series) == (0, 1, (), ())


def test_an_empty_file_has_no_points_and_no_error() -> None:
    assert read(b"").source.points == 0


@pytest.mark.parametrize("data", [b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", b"x" * 5000])
def test_what_is_no_event_file(data: bytes) -> None:
    assert FORMAT.sniff(LogFile(NAME, data)) == 0
    with pytest.raises(ReadError):
        FORMAT.read(LogFile(NAME, data))


def test_recognised_by_its_bytes_or_else_by_its_name() -> None:
    assert FORMAT.sniff(LogFile("log.bin", FORMAT.sample)) == 1.0
    assert FORMAT.sniff(LogFile(NAME, FORMAT.sample[:30])) == 0.9
    assert FORMAT.sniff(LogFile(NAME, b"\0" + FORMAT.sample)) == 0.5
    assert FORMAT.sniff(LogFile("log.bin", b"\0" + FORMAT.sample)) == 0
    assert rows(read(FORMAT.sample)) == {"train/loss": [(10, 1750000002.0, 2.5)]}


# Configuration


def test_json_in_texts_becomes_configuration() -> None:
    arguments = {"learning_rate": 1e-5, "fsdp_config": {"min": 3, "deep": {"x": 1}}, "betas": [0.9, 0.95], "none": None}
    model = {"architectures": ["A"], "vocab_size": 32, "text_config": {"vocab_size": 64}, "learning_rate": "later"}
    parsed = read(
        log(
            event("loss", 1.0),
            text("args/text_summary", json.dumps(arguments)),
            text("model_config/text_summary", json.dumps(model)),
            text("samples/text_summary", '{"learning_rate": 5, "written_by": "the model"}'),
        )
    )
    assert {name: (found.value, found.line, found.path) for name, found in parsed.config.items()} == {
        "learning_rate": (1e-5, 3, NAME),
        "fsdp_config.min": (3, 3, NAME),
        "betas": ([0.9, 0.95], 3, NAME),
        "none": (None, 3, NAME),
        "architectures": (["A"], 4, NAME),
        "vocab_size": (32, 4, NAME),
        "text_config.vocab_size": (64, 4, NAME),
    }


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no json",
        "[1, 2]",
        "{",
        "[" * 100_000,
        '{"a": ' * 100_000,
        '{"a": 1}' + " " * 2**20,
        '{"a": ' + "9" * 10_000 + "}",
    ],
    ids=["empty", "text", "list", "torn", "deep", "deep-table", "too-long", "huge-number"],
)
def test_texts_that_are_no_configuration(content: str) -> None:
    parsed = read(log(text("args/text_summary", content)))
    assert (dict(parsed.config), parsed.source.problems) == ({}, ())


def test_the_hyperparameter_plugin() -> None:
    kept = HParamsPluginData()
    kept.session_start_info.hparams["lr"].number_value = 0.25
    kept.session_start_info.hparams["optimizer"].string_value = "adamw"
    kept.session_start_info.hparams["amp"].bool_value = True
    made = Event(wall_time=1.0)
    slot = made.summary.value.add(tag="_hparams_/session_start_info")
    slot.metadata.plugin_data.plugin_name = "hparams"
    slot.metadata.plugin_data.content = kept.SerializeToString()
    found = read(log(made)).config
    assert {name: value.value for name, value in found.items()} == {"lr": 0.25, "optimizer": "adamw", "amp": True}


# Hostile input


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parsed = read(data)
    except ReadError:
        return
    assert parsed.source.points == sum(map(len, parsed.series))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=12), st.integers(1, 8))
def test_any_bytes_in_valid_records_are_read(records: list[bytes], times: int) -> None:
    parsed = read(VERSION + b"".join(map(record, records)) * times)
    assert parsed.source.lines == 1 + len(records) * times


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_change_to_an_event_inside_a_valid_record_is_read(data: st.DataObject) -> None:
    style = data.draw(STYLES)
    message = bytearray(event("train/loss", 0.5, 300, style=style).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    parsed = read(VERSION + record(bytes(message)) * data.draw(st.integers(1, 10)))
    try:
        theirs = Event.FromString(bytes(message))
    except Exception:  # noqa: BLE001 - whatever protocol buffers raises, the message is none
        theirs = None
    if theirs and [v.WhichOneof("value") for v in theirs.summary.value] == ["simple_value"]:
        (series,) = parsed.series
        assert set(series.step.tolist()) == {float(theirs.step)}
        assert repr(series.value[0].item()) == repr(theirs.summary.value[0].simple_value)


def test_metrics_over_the_limit_are_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_columns, "MAX_METRICS", 3)
    parsed = read(log(*(event(f"m{n}", 1.0, step) for step in range(10) for n in range(5))))
    assert [s.logged_as for s in parsed.series] == ["m0", "m1", "m2"]
    assert parsed.source.points == 30
    assert parsed.source.problems[0].startswith("20 values of further metrics left out")


@pytest.mark.parametrize("field", [b"\x60\x01", b"\x2a\x02\x0a\x00"], ids=["unknown", "values"])
def test_an_event_of_endless_fields_is_dropped(field: bytes) -> None:
    parsed = read(VERSION + record(field * 200_000) + record(event("a", 1.0).SerializeToString()))
    assert "record 2 at byte 40 dropped: it is no event (more than" in parsed.source.problems[0]
    assert parsed.source.points == 1


def test_a_tag_of_megabytes_is_cut() -> None:
    (series,) = read(log(*[event("x\n" * 2**20, 1.0)] * 8)).series
    assert len(series.logged_as) < 600
    assert "\n" not in series.logged_as


def test_protocol_buffers_and_tensorboard_are_not_imported(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(noisy_log())
    script = (
        "import sys\n"
        "from trainvitals.parsers.files import open_log\n"
        "from trainvitals.parsers.formats.tensorboard import read\n"
        f"assert read(open_log({str(tmp_path / NAME)!r}))[0].source.points == 900\n"
        "bad = {'google.protobuf', 'tensorboard', 'tensorflow', 'torch', 'pandas', 'polars'} & set(sys.modules)\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path)
