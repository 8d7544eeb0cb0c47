"""JSON lines as they really arrive: broken, interleaved, non-finite. Every good row is kept, every bad line counted.

Each case is read in blocks and line by line; both must give the same.
"""

import json
import math
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainvitals.parsers.files import LogFile, decode
from trainvitals.parsers.formats import jsonl
from trainvitals.parsers.json_lines import rows as json_rows
from trainvitals.parsers.limits import MAX_LINE_BYTES

ROWS = 300
GOOD = [json.dumps({"step": i, "loss": 1.5, "s": "1/9"}) for i in range(ROWS)]


def parse(lines, fast=True, end="\n"):
    data = ("\n".join(lines) + end).encode() if isinstance(lines, list) else lines
    return json_rows.read(LogFile("run/metrics.jsonl", decode(data)), "jsonl", fast=fast)


def table(parsed):
    """{(name, split): rows of (line, step, epoch, time, value)}, comparable even where there are NaN."""
    return {
        (s.logged_as, s.split): np.stack([s.line, s.step, s.epoch, s.time, s.value], axis=1).tolist()
        for s in parsed.series
    }


def assert_same(one, other):
    np.testing.assert_equal(table(one), table(other))
    assert one.source == other.source
    assert repr((one.config, one.summary)) == repr((other.config, other.summary))  # as text, for NaN equals none


def get(parsed, name):
    return next(s for s in parsed.series if s.logged_as == name)


# name, lines, points of `loss`, the last of them, points of `eval_loss`, lines not read
MATRIX = [
    ("late key", [*GOOD, '{"step": 300, "eval_loss": 0.5}'], 300, 1.5, 1, []),
    ("very late key", [*GOOD * 40, '{"step": 12000, "eval_loss": 0.5}'], 12000, 1.5, 1, []),
    ("NaN", [*GOOD, '{"step": 300, "loss": NaN, "s": "x"}'], 301, math.nan, 0, []),
    ("Infinity", [*GOOD, '{"step": 300, "loss": Infinity, "s": "x"}'], 301, math.inf, 0, []),
    ("-Infinity", [*GOOD, '{"step": 300, "loss": -Infinity, "s": "x"}'], 301, -math.inf, 0, []),
    ("overflow", [*GOOD, '{"step": 300, "loss": 1e999, "s": "x"}'], 301, math.inf, 0, []),
    ("int then float", ['{"step": 1, "loss": 2}'] * ROWS + ['{"step": 300, "loss": 0.5}'], 301, 0.5, 0, []),
    ("float then text nan", [*GOOD, '{"step": 300, "loss": "nan", "s": "x"}'], 301, math.nan, 0, []),
    ("float then text number", [*GOOD, '{"step": 300, "loss": "2.03", "s": "x"}'], 301, 2.03, 0, []),
    ("float then null", [*GOOD, '{"step": 300, "loss": null, "s": "x"}'], 300, 1.5, 0, []),
    ("float then bool", [*GOOD, '{"step": 300, "loss": true, "s": "x"}'], 300, 1.5, 0, []),
    ("liberal number", [*GOOD, '{"step": 300, "loss": "1_000", "s": "x"}'], 300, 1.5, 0, []),
    ("torn in the middle", [*GOOD[:150], '{"step": 150, "lo', *GOOD[151:]], 299, 1.5, 0, [151]),
    ("two objects on a line", [*GOOD[:150], GOOD[150] + GOOD[151], *GOOD[152:]], 300, 1.5, 0, []),
    ("object and a torn one", [*GOOD[:150], GOOD[150] + '{"st', *GOOD[151:]], 300, 1.5, 0, [151]),
    ("blank line", [*GOOD[:150], "", *GOOD[150:]], 300, 1.5, 0, []),
    ("plain text", [*GOOD[:150], "Traceback (most recent call last):", *GOOD[150:]], 300, 1.5, 0, []),
    ("Python dict", [*GOOD[:150], "{'loss': 0.5, 'step': 3}", *GOOD[150:]], 300, 1.5, 0, [151]),
    ("late nesting", [*GOOD, '{"step": 300, "loss": {"a": 1}, "s": "x"}'], 300, 1.5, 0, []),
    ("NUL padding", [*GOOD, "\0" * 64], 300, 1.5, 0, []),
    ("NUL before a row", [*GOOD[:150], "\0" * 64 + GOOD[150], *GOOD[151:]], 300, 1.5, 0, []),
    ("byte order mark", ["\ufeff" + GOOD[0], *GOOD[1:]], 300, 1.5, 0, []),
    ("int > 2^64", [*GOOD, '{"step": 123456789012345678901234567890, "loss": 1.0}'], 301, 1.0, 0, []),
    ("5000 digits", [*GOOD, '{"step": 300, "loss": ' + "9" * 5000 + "}"], 301, math.inf, 0, []),
    ("CRLF", [line + "\r" for line in GOOD], 300, 1.5, 0, []),
    ("progress bar before", [*GOOD[:150], " 50%|##  | 3/6 [00:01]\r" + GOOD[150], *GOOD[151:]], 300, 1.5, 0, []),
    ("depth 100000", [*GOOD, '{"loss": ' + "[" * 100_000, *GOOD], 600, 1.5, 0, [301]),
    ("lone surrogate", [*GOOD, '{"step": 300, "loss": 0.5, "s": "\\ud800"}'], 301, 0.5, 0, []),
    ("array", [*GOOD, "[1, 2, 3]", "17"], 300, 1.5, 0, []),
    ("empty object", ["{}", *GOOD], 300, 1.5, 0, []),
    ("all broken", ['{"loss": 1.0,'] * 40, 0, None, 0, list(range(1, 41))),
]


@pytest.mark.parametrize("fast", [True, False], ids=["blocks", "lines"])
@pytest.mark.parametrize(
    ("lines", "points", "last", "late", "unread"), [c[1:] for c in MATRIX], ids=[c[0] for c in MATRIX]
)
def test_matrix(lines, points, last, late, unread, fast):
    parsed = parse(lines, fast)
    names = {s.logged_as: s for s in parsed.series}
    assert len(names.get("loss", ())) == points
    assert len(names.get("eval_loss", ())) == late
    if points:
        np.testing.assert_equal(names["loss"].value[-1], last)
    assert parsed.source.unread_lines == len(unread)
    assert [example.line for example in parsed.source.unread_examples] == unread[:5]
    assert parsed.source.lines == len(lines)
    assert not parsed.source.truncated


@pytest.mark.parametrize("lines", [c[1] for c in MATRIX], ids=[c[0] for c in MATRIX])
def test_matrix_is_read_the_same_at_once_and_line_by_line(lines):
    assert_same(parse(lines), parse(lines, fast=False))


@pytest.mark.parametrize("fast", [True, False])
def test_torn_last_line_is_a_writer_at_work_and_no_fault(fast):
    parsed = parse([*GOOD, '{"step": 300, "lo'], fast, end="")
    assert parsed.source.truncated
    assert parsed.source.unread_lines == 0
    assert len(get(parsed, "loss")) == ROWS


def test_last_line_without_line_end_is_complete_if_its_object_is():
    parsed = parse(GOOD, end="")
    assert not parsed.source.truncated
    assert parsed.source.lines == ROWS
    assert get(parsed, "loss").line[-1] == ROWS


@pytest.mark.parametrize("fast", [True, False])
def test_repeated_key_takes_the_last_value_and_is_told(fast):
    parsed = parse([*GOOD, '{"step": 300, "loss": 1.0, "loss": 9.0, "s": "x"}', *GOOD], fast)
    loss = get(parsed, "loss")
    assert loss.value[300] == 9.0
    assert loss.line.tolist() == list(range(1, 602))
    assert any("key stands twice" in problem and "line 301" in problem for problem in parsed.source.problems)


@pytest.mark.parametrize("fast", [True, False])
def test_line_over_the_limit_is_dropped_and_told(fast):
    long = '{"step": 1, "loss": 2.0, "text": "' + "x" * MAX_LINE_BYTES + '"}'
    parsed = parse([GOOD[0], long, GOOD[1]], fast)
    assert get(parsed, "loss").line.tolist() == [1, 3]
    assert any("first: line 2" in problem for problem in parsed.source.problems)


def test_line_of_ten_megabytes_without_an_end():
    parsed = parse(GOOD[0].encode() + b"\n" + b'{"a":' * 2_000_000)
    assert len(get(parsed, "loss")) == 1
    assert any("dropped: 1" in problem for problem in parsed.source.problems)


def test_lines_are_cited_across_blocks():
    """Several blocks of a mebibyte each: the logged number is the number of its own line."""
    lines = [json.dumps({"step": i, "loss": i, "pad": "x" * 100}) for i in range(1, 30_001)]
    lines[20_000] = ""
    loss = get(parse(lines), "loss")
    np.testing.assert_array_equal(loss.value, loss.line)
    assert len(loss) == 29_999


def test_only_odd_lines_are_read_singly():
    lines = [*GOOD * 30, '{"step": 1, "loss": NaN, "s": "x"}', *GOOD * 30]
    with mock.patch.object(json_rows, "decode_objects", wraps=json_rows.decode_objects) as singly:
        assert len(get(parse(lines), "loss")) == 18_001
    assert singly.call_count <= json_rows.ONE_BY_ONE + 1


def test_row_columns_are_shared_between_metrics():
    parsed = parse([json.dumps({"step": i, "loss": 1.0, "acc": 0.5}) for i in range(100)])
    assert get(parsed, "loss").step is get(parsed, "acc").step


def test_many_keys_are_capped_and_told():
    parsed = parse([json.dumps({f"k{i}": 1.0 for i in range(25_000)})])
    assert len(parsed.series) == 20_000
    assert any("5000" in problem for problem in parsed.source.problems)


@pytest.mark.parametrize("name", ["", " ", "a\nb", 'quote"d', "back\\slash", "\x1b[31m", "f0", "ключ", "x" * 300])
def test_any_key_may_name_a_metric(name):
    lines = [json.dumps({"step": i, name: i}) for i in range(50)]
    assert_same(parse(lines), parse(lines, fast=False))
    assert get(parse(lines), parse(lines).series[0].logged_as).value.tolist() == list(range(50))


NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(), st.sampled_from([0, -0.0, 5e-324, 1.7e308, 1_700_000_000, 1.7e12, 3])
)
TEXTS = st.sampled_from(
    ["NaN", "2.03", "-1e5", "1_0", "n/a", "", "12/30", " 3 / 9", "3m 2s", "1h 2m 3s", "5s 6s",
     "0:03:41", "1 day, 0:00:01", "train", "val", "é", 'say "hi"', "{", "a\nb", "2024-05-01T10:00:00", "1700000000"]
)  # fmt: skip
CELLS = st.one_of(
    NUMBERS, NUMBERS, TEXTS, st.none(), st.booleans(), st.lists(NUMBERS, max_size=3), st.just({"a": {"b": 1}})
)
KEYS = st.sampled_from(
    ["step", "global_step/max_steps", "iter", "epoch", "time", "elapsed_time", "_timestamp", "mode", "total_steps",
     "loss", "eval_loss", "acc", "note", "percentage", "train_runtime", "predict_loss", 'odd "key"', "a/b"]
)  # fmt: skip
ROW = st.dictionaries(KEYS, CELLS, max_size=8)
LINE = st.one_of(
    st.builds(json.dumps, ROW),
    st.builds(lambda row: json.dumps(row, ensure_ascii=False, separators=(",", ":")), ROW),
    st.builds(lambda a, b: json.dumps(a) + json.dumps(b), ROW, ROW),
    st.builds(lambda row, cut: json.dumps(row)[:cut], ROW, st.integers(0, 30)),
    st.builds(lambda row: json.dumps(row)[:-1] + ', "loss": 4}' if row else "{}", ROW),
    st.sampled_from(["", "  ", "plain text", "\r", "{", "}", '{"loss":', "1}", "[1]", "NaN"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(LINE, st.integers(1, 6)), max_size=12), st.sampled_from(["", "\n", "\0\n"]))
def test_blocks_and_single_lines_agree(segments, end):
    lines = [line for line, count in segments for _ in range(count)]
    with mock.patch.object(json_rows, "ONE_BY_ONE", 2):
        assert_same(parse(lines, end=end), parse(lines, fast=False, end=end))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from(["", "text", '{"torn', '{"n": NaN}', '{"late": 1}', "{}"])),
        max_size=80,
    )
)
def test_good_rows_survive_among_garbage_with_their_lines(plan):
    """The oracle needs no parser: each good row holds the number of its own line."""
    lines = [json.dumps({"step": n, "loss": n}) if good else other for n, (good, other) in enumerate(plan, 1)]
    expected = [n for n, (good, _) in enumerate(plan, 1) if good]
    with mock.patch.object(json_rows, "ONE_BY_ONE", 2):
        parsed = parse(lines)
    found = next((s for s in parsed.series if s.logged_as == "loss"), None)
    assert (found.line.tolist() if found else []) == expected
    assert (found.value.tolist() if found else []) == expected
    assert parsed.source.unread_lines == sum(other == '{"torn' for good, other in plan if not good)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_an_exception(data):
    file = LogFile("x.jsonl", b'{"step": 1, "loss": 2.0}\n' + data)
    (parsed,) = jsonl.read(file)
    assert get(parsed, "loss").value[0] == 2.0
    assert 0 <= jsonl.sniff(file) <= 1
