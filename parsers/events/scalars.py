"""One event: its time, its step, and which numbers and texts its summary holds, decoded by field numbers.

Field numbers are those of TensorFlow's event.proto, summary.proto and tensor.proto. Histograms, images, audio and
graphs are stepped over, never decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from trainvitals.parsers.events.wire import BYTES, FIXED32, FIXED64, VARINT, Field, WireError, fields, signed, varint
from trainvitals.parsers.limits import MAX_METRICS

FLOAT, DOUBLE, STRING, INT64, BOOL, BFLOAT16, HALF, UINT32, UINT64 = 1, 2, 7, 9, 10, 14, 19, 22, 23
"""Members of TensorFlow's DataType that need a way of their own."""

_KINDS = {
    1: ("<f", 5),
    2: ("<d", 6),
    3: ("<i", 7),
    4: ("<B", 7),
    5: ("<h", 7),
    6: ("<b", 7),
    7: ("", 8),
    9: ("<q", 10),
    10: ("<?", 11),
    14: ("", 13),
    17: ("<H", 7),
    19: ("<e", 13),
    22: ("<I", 16),
    23: ("<Q", 17),
}
"""TensorFlow's DataType -> struct code of one element in `tensor_content`, field of TensorProto that lists values."""

_CONTENT = frozenset({4, *(number for _, number in _KINDS.values())})
"""Fields of TensorProto with elements: `tensor_content` and the lists."""

_SCALARS = b"scalars"
_DATA_CLASS_SCALAR = 1


@dataclass(slots=True)
class Number:
    """A scalar: as fixed-width bytes at a place of the record (`at`, `code` as in struct), or decoded (`at` is -1)."""

    code: str = ""
    at: int = -1
    value: float = 0.0

    def read(self, record: bytes) -> float:
        """The number itself."""
        return self.value if self.at < 0 else float(struct.unpack_from(self.code, record, self.at)[0])


@dataclass(slots=True)
class Value:
    """One value of a summary. `number` is None for everything that is no scalar.

    `text` locates the one string of a text tensor, `content` what a plugin keeps in the metadata. `foreign` says that
    the metadata gives the tag to another plugin than the one for scalars.
    """

    tag_at: int = 0
    tag_stop: int = 0
    number: Number | None = None
    text: tuple[int, int] | None = None
    plugin: bytes = b""
    content: tuple[int, int] | None = None
    foreign: bool = False


@dataclass(slots=True)
class Event:
    """One event; `time_at` and `step_at` are -1 where it has none, which protocol buffers read as 0."""

    time_at: int = -1
    step_at: int = -1
    step_width: int = 0
    values: list[Value] = field(default_factory=list)

    def time(self, record: bytes) -> float:
        """Wall time in seconds since 1970."""
        return 0.0 if self.time_at < 0 else float(struct.unpack_from("<d", record, self.time_at)[0])

    def step(self, record: bytes) -> int:
        """The step, which may be negative."""
        return 0 if self.step_at < 0 else signed(varint(record, self.step_at, self.step_at + self.step_width)[0])


def parse_event(record: bytes) -> Event:
    """Where an event keeps its numbers.

    Raises:
        WireError: the bytes are no Event message, or one with more values than any source may have metrics.
    """
    event = Event()
    for number, wire, start, stop in fields(record, 0, len(record)):
        if (number, wire) == (1, FIXED64):
            event.time_at = start
        elif (number, wire) == (2, VARINT):
            event.step_at, event.step_width = start, stop - start
        elif wire == BYTES and 3 <= number <= 9:
            # The members of a `oneof`: the last one counts, except that summaries add up.
            event.values = event.values if number == 5 else []
            if number == 5:
                for span in _messages(record, start, stop, 1):
                    event.values.append(_value(record, *span))
                    if len(event.values) > MAX_METRICS:
                        raise WireError(f"more than {MAX_METRICS} values")
    return event


def _messages(record: bytes, at: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    return ((start, stop) for number, wire, start, stop in fields(record, at, end) if (number, wire) == (wanted, BYTES))


def _value(record: bytes, at: int, end: int) -> Value:
    """One `Summary.Value`."""
    value = Value()
    tensor = None
    for number, wire, start, stop in fields(record, at, end):
        if (number, wire) == (1, BYTES):
            value.tag_at, value.tag_stop = start, stop
        elif (number, wire) == (9, BYTES):
            _describe(record, start, stop, value)
        elif (number, wire) == (8, BYTES):
            value.number, tensor = None, (start, stop)
        elif (number, wire) == (2, FIXED32):
            value.number, tensor = Number("<f", start), None
        elif wire == BYTES and 3 <= number <= 6:
            value.number, tensor = None, None
    if tensor:
        value.number, value.text = _tensor(record, *tensor)
        value.number = None if value.foreign else value.number
    else:
        # A simple value is a scalar, whatever its metadata says.
        value.foreign = False
    return value


def _describe(record: bytes, at: int, end: int, value: Value) -> None:
    """`SummaryMetadata`: which plugin shows this tag."""
    data_class = 0
    for number, wire, start, stop in fields(record, at, end):
        if (number, wire) == (4, VARINT):
            data_class, _ = varint(record, start, stop)
        elif (number, wire) == (1, BYTES):
            for inner, kind, first, last in fields(record, start, stop):
                if (inner, kind) == (1, BYTES):
                    value.plugin = record[first:last]
                elif (inner, kind) == (2, BYTES):
                    value.content = first, last
    value.foreign = value.plugin not in (b"", _SCALARS) and data_class != _DATA_CLASS_SCALAR


def _tensor(record: bytes, at: int, end: int) -> tuple[Number | None, tuple[int, int] | None]:
    """The one number, or the place of the one string, of a `TensorProto`; (None, None) for larger tensors."""
    kind, size = 0, 1
    parts: dict[int, list[Field]] = {}
    for part in fields(record, at, end):
        number, wire, start, stop = part
        if (number, wire) == (1, VARINT):
            kind, _ = varint(record, start, stop)
        elif (number, wire) == (2, BYTES):
            size = _elements(record, start, stop)
        elif number in _CONTENT and stop > start:
            # The first two tell one from several; a large tensor needs no list of all its elements.
            parts[number] = [*parts.get(number, ())[:1], part]
    code, field_number = _KINDS.get(kind, ("", 0))
    if size != 1:
        return None, None
    if 4 in parts:
        return _from_content(record, kind, code, *parts[4][-1][2:]), None
    values = parts.get(field_number, [])
    if len(values) != 1:
        return None, None
    _, wire, start, stop = values[0]
    if kind == STRING:
        return None, (start, stop) if wire == BYTES else None
    return _from_list(record, kind, wire, start, stop), None


def _elements(record: bytes, at: int, end: int) -> int:
    """How many elements a `TensorShapeProto` has; 1 for a scalar, which has no dimensions."""
    size = 1
    for dimension in _messages(record, at, end, 2):
        extent = 0
        for number, wire, start, stop in fields(record, *dimension):
            if (number, wire) == (1, VARINT):
                extent = signed(varint(record, start, stop)[0])
        # Kept at 2 once it is more than one, so that a hostile shape multiplies no large integers.
        size = size * extent if extent in (0, 1) else 2
    return size


def _from_content(record: bytes, kind: int, code: str, start: int, stop: int) -> Number | None:
    """The number in `tensor_content`: the raw little-endian element."""
    if kind == BFLOAT16 and stop - start == 2:
        return Number(value=_bfloat16(int.from_bytes(record[start:stop], "little")))
    return Number(code, start) if code and struct.calcsize(code) == stop - start else None


def _from_list(record: bytes, kind: int, wire: int, start: int, stop: int) -> Number | None:
    """The number in one of the fields `float_val`, `int_val` and so on, packed or not; None if there are several."""
    if kind in (FLOAT, DOUBLE):
        width = 4 if kind == FLOAT else 8
        return Number(_KINDS[kind][0], start) if wire != VARINT and stop - start == width else None
    if wire not in (VARINT, BYTES):
        return None
    value, end = varint(record, start, stop)
    return Number(value=_integer(kind, value)) if end == stop else None


def _integer(kind: int, value: int) -> float:
    """The number that a varint of a tensor means."""
    if kind == BFLOAT16:
        return _bfloat16(value & 0xFFFF)
    if kind == HALF:
        return float(struct.unpack("<e", (value & 0xFFFF).to_bytes(2, "little"))[0])
    if kind in (UINT32, UINT64):
        return float(value)
    return float(bool(value)) if kind == BOOL else float(signed(value, 64 if kind == INT64 else 32))


def _bfloat16(bits: int) -> float:
    return float(struct.unpack("<f", (bits << 16).to_bytes(4, "little"))[0])
