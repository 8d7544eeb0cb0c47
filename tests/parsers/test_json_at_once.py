"""JSON lines read many at once: every number is the double that Python reads, every other line is left to others."""

import json
import math
import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trainvitals.parsers.json_lines import cuts, fixed
from trainvitals.parsers.json_lines.known import FEW, KnownLines
from trainvitals.parsers.json_lines.numerals import numbers, whole_numbers
from trainvitals.parsers.json_lines.words import PADDING, stands_at


def placed(texts):
    """The texts one behind the other, with where each starts and stops."""
    stop = np.cumsum([len(text) + 1 for text in texts]) + len(PADDING) - 1
    return (
        PADDING + b",".join(text.encode() for text in texts) + PADDING,
        stop - [len(text.encode()) for text in texts],
        stop,
    )


def expected(text):
    """What JSON says: the number, NaN for other words, None for what is no value of JSON or fits no double."""
    if text in ("null", "true", "false"):
        return math.nan
    if text in ("NaN", "Infinity", "-Infinity"):
        return None
    try:
        value = float(json.loads(text))
    except (ValueError, TypeError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def assert_read(texts, found):
    for text, value, known in zip(texts, *(column.tolist() for column in found), strict=True):
        wanted = expected(text)
        assert known == (wanted is not None), text
        if known:
            assert value == wanted or (value != value and wanted != wanted), text


REAL = [
    "2.16534615",
    "4.9999999995065196e-05",
    "0.00012345678901234567",
    "4096000000.0",
    "61.97",
    "1",
    "0",
    "0.0",
    "-3.25",
]
ODD = ["1e5", "1E+05", "-0.0", "1e-320", "5e-324", "1.7976931348623157e308", "9007199254740993", "1e22", "1e23", "null"]
WRONG = [
    "",
    "-",
    ".5",
    "1.",
    "01",
    "-01",
    "00.5",
    "+1",
    "1e",
    "1e+",
    "1.5.2",
    "0x1",
    "1_0",
    "NaN",
    "1e400",
    "tru",
]
ANY_FLOAT = st.floats(allow_nan=False, allow_infinity=False)
PIECES = st.text("0123456789.eE+-", max_size=28)
FIXED = st.tuples(st.decimals(-(10**6), 10**6, allow_nan=False, places=6), st.integers(0, 9)).map(
    lambda d: f"{d[0]:.{d[1]}f}"
)


@pytest.mark.parametrize("text", REAL + ODD + WRONG)
@pytest.mark.parametrize("first", ["", "0.5", "12.25", "7"])
def test_a_number_is_read_as_python_does_whatever_stands_first_in_its_column(text, first):
    texts = [first or text, text, text]
    assert_read(texts, numbers(*placed(texts)))


@settings(max_examples=400)
@given(st.lists(st.one_of(ANY_FLOAT.map(repr), st.integers().map(str), PIECES, FIXED), min_size=1, max_size=30))
@example(["9007199254740993", "9007199254740991.5", "0.500000000000000166533453693773481063544750213623046875"])
def test_numbers_are_those_that_python_reads(texts):
    assert_read(texts, numbers(*placed(texts)))


@settings(max_examples=200)
@given(
    st.lists(st.binary(min_size=8, max_size=8).map(lambda raw: struct.unpack("<d", raw)[0]), min_size=1, max_size=50)
)
def test_every_double_survives_its_shortest_text(values):
    values = [value for value in values if math.isfinite(value)]
    found, known = numbers(*placed(list(map(repr, values)))) if values else ([], np.ones(0, bool))
    assert all(known)
    assert list(found) == values


@settings(max_examples=300)
@given(st.integers(1, 15), st.sampled_from(["", "e-05", "e-5", "e+16"]), st.lists(st.one_of(FIXED, PIECES), min_size=1))
def test_numbers_of_one_form_are_exact(point, exponent, texts):
    texts = [text + exponent for text in texts]
    form = fixed.form_of(f"{'1' * point}.5{exponent}".encode())
    for text, value, known in zip(
        texts, *(found.tolist() for found in fixed.numbers(*placed(texts), form)), strict=True
    ):
        whole, dot, rest = text.removesuffix(exponent).partition(".")
        here = len(whole) == point and len(whole + rest) < 20 and dot and whole.isdigit() and rest.isdigit()
        assert not known or (here and value == float(text)), text
        # With many digits, or a power of ten to multiply with, the last bit may stay open.
        assert known or not here or (whole[0] == "0" and point > 1) or len(whole + rest) > 15 or form.power > 0, text


@pytest.mark.parametrize(
    "text", ["1", "-0.5", ".5", "1.", "1.5e", "1.5e400000", "1.5e+-5", "1.5E5", "1" * 19 + ".5", "null", ""]
)
def test_other_texts_have_no_form(text):
    assert fixed.form_of(text.encode()) is None


@given(st.lists(st.text("0123456789.-/ ", max_size=18), min_size=1, max_size=20))
def test_whole_numbers_are_digits_alone(texts):
    value, known = whole_numbers(*placed(texts))
    right = [text.isdigit() and len(text) <= 15 for text in texts]
    assert known.tolist() == (right if all(0 < len(text) <= 15 for text in texts) else [False] * len(texts))
    assert [v for v, k in zip(value.tolist(), known, strict=True) if k] == [
        float(text) for text, k in zip(texts, known, strict=True) if k
    ]


@given(st.binary(min_size=1, max_size=40), st.text("ab,", min_size=1, max_size=20))
def test_a_constant_stands_where_the_bytes_are_its_own(data, constant):
    constant = constant.encode()
    data = PADDING + data.replace(b"\0", b"a") + constant * 2 + PADDING
    start = np.arange(len(data) - 8)
    assert stands_at(data, start, constant).tolist() == [data.startswith(constant, at) for at in start.tolist()]


ROW = {"loss": 0.5, "step": 1, "note": "a", "lr": 1e-5}


def read_known(lines, learnt=(ROW,)):
    known = KnownLines()
    for row in learnt:
        known.learn(json.dumps(row).encode(), row)
    return known.decode("\n".join(lines).encode())


def lines_of(found):
    """{index of the line: its row} of what was read."""
    rows = {}
    for i, line in enumerate(found.rows.tolist()):
        row = {key: float(column[i]) for key, column in found.block.numbers.items()}
        row |= {key: list(column)[i] for key, column in found.block.texts.items()}
        rows[line] = {key: value for key, value in row.items() if value is not None and value == value}
    return rows


OTHERS = [
    '{"loss": NaN, "step": 1, "note": "a", "lr": 1e-05}',
    '{"loss": 0.5, "step": 1, "note": "a\\n", "lr": 1e-05}',
    '{"loss": 0.5, "step": 1, "note": "a"b", "lr": 1e-05}',
    '{"loss": 0.5, "step": 1, "note": "a\tb", "lr": 1e-05}',
    '{"loss": 0.5, "step": 1, "note": "a", "lr": 1e-05',
    '{"loss": 0.5, "step": 1, "note": "a", "lr": 1e-05}}',
    '{"loss": 0.5, "step": 1, "note": "a", "lr": 1e-05} ',
    ' {"loss": 0.5, "step": 1, "note": "a", "lr": 1e-05}',
    '{"loss": 0.5, "step": 1, "note": "a", "lr": "1e-05"}',
    '{"loss": 0.5, "step": [1], "note": "a", "lr": 1e-05}',
    '{"loss": 0.5, "step": , "note": "a", "lr": 1e-05}',
    '{"loss": 0.5, "stop": 1, "note": "a", "lr": 1e-05}',
    '{"loss": 0.5, "step": 1, "note": "a", "lr": 1e-05}{"loss": 0.5}',
    '{"loss": 0.5, "step": 1, "note": ", "lr": 1e-05}',
    "text",
    "",
]


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("at", [0, 50, 199])
def test_a_line_of_another_layout_is_left_to_others(other, at):
    lines = [json.dumps(ROW | {"step": i}) for i in range(200)]
    lines[at] = other
    text = "\n".join(lines)
    found = read_known(lines)
    assert lines_of(found) == {i: ROW | {"step": i} for i in range(200) if i != at}
    assert [(first, text[start:stop]) for first, start, stop in found.others] == [(at, other)] * ("{" in other)


def test_null_is_a_missing_number_and_two_layouts_keep_the_order_of_the_lines():
    rows = [ROW | {"step": i} if i % 3 else {"step": i, "eval_loss": 0.25, "done": True} for i in range(300)]
    rows[7] |= {"loss": None}
    found = read_known(list(map(json.dumps, rows)), (ROW, rows[0]))
    wanted = {i: {key: value for key, value in row.items() if key != "done"} for i, row in enumerate(rows)}
    wanted[7].pop("loss")
    assert lines_of(found) == wanted
    assert not found.others


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters='"\\'), max_size=60), min_size=FEW + 1, max_size=40
    )
)
def test_texts_are_kept_in_every_alphabet(texts):
    rows = [{"note": "".join(c for c in text if c.isprintable()), "loss": 1.5} for text in texts]
    found = read_known([json.dumps(row, ensure_ascii=False) for row in rows], [{"note": "a", "loss": 1.5}])
    assert list(found.block.texts["note"]) == [row["note"] for row in rows]


@given(st.lists(st.sampled_from([0, 1, 5, 20, 99, 100, 101, 250]), max_size=12), st.sampled_from([10, 50, 100, 300]))
def test_blocks_end_behind_whole_lines_none_of_which_is_over_the_limit(lengths, wanted):
    data, size = b"\n".join(b"x" * length for length in lengths), sum(lengths) + max(0, len(lengths) - 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuts, "MAX_LINE_BYTES", 100)
        start = 0
        while start < size:
            end = cuts.block_end(data, start, size, wanted)
            if end < 0:
                assert len(data[start:].split(b"\n")[0]) > 100
                end = data.find(b"\n", start) if b"\n" in data[start:] else size
            else:
                assert end == size or data[end : end + 1] == b"\n"
                assert all(len(line) <= 100 for line in data[start:end].split(b"\n"))
            start = end + 1


def test_lines_without_an_object_are_passed_over_and_texts_of_other_layouts_for_a_while():
    lines = [line for i in range(200) for line in (json.dumps(ROW | {"step": i}), "saving checkpoint")]
    assert read_known(lines).others == []
    known = KnownLines()
    known.learn(json.dumps(ROW).encode(), ROW)
    strange = "\n".join(['{"a": [1]}'] * 100).encode()
    answers = [known.decode(strange if i < 3 else "\n".join(lines).encode()) is not None for i in range(8)]
    assert answers == [False, False, False, False, False, False, True, True]
