"""Weights & Biases: `run-<id>.wandb`, the file that every run writes, with or without a connection.

Its records are protocol buffers (`wandb/proto/wandb_internal.proto` in wandb/wandb); of their many kinds the history
and the settings are read. Nothing else is: environment, host, code and console stay where they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from trainvitals.parsers import sidecars
from trainvitals.parsers.columns import Columns
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.events.wire import BYTES, VARINT, WireError, fields, signed, varint
from trainvitals.parsers.feed import RecordFeed
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.json_lines.row import interpret
from trainvitals.parsers.limits import MAX_LINE_BYTES, MAX_METRICS
from trainvitals.parsers.model import ConfigValue, Parsed, Source
from trainvitals.parsers.record_log import BLOCK, HEADER, RecordLog

NAME = "wandb_run"

_HISTORY, _CONFIG, _RUN = 2, 5, 17
"""Fields of `Record`."""

_ITEM, _STEP, _RUN_CONFIG, _UPDATE = 1, 2, 4, 1
_KEY, _NESTED_KEY, _VALUE = 1, 2, 16
_MEDIA = "_type"

Item = tuple[tuple[str, ...], Any]
"""(key in its parts, decoded value) of one item of a record."""


def sniff(file: LogFile) -> float:
    """Sure by the header; nothing else begins with it."""
    return 1.0 if file.data.startswith(HEADER) else 0.0


def read(file: LogFile) -> tuple[Parsed, ...]:
    """The history as series, with record numbers as lines, and the settings of the run.

    Raises:
        ReadError: it has no whole record.
    """
    reader = _Reader(file.path)
    reader.take(file.data, last=True)
    return reader.parsed()


class _Reader:
    """One pass over a run file, in as many pieces as it comes in."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._log, self._columns, self._config = RecordLog(), Columns(), dict[str, ConfigValue]()
        self._unread = 0

    def take(self, data: bytes, *, last: bool) -> int:
        """Read the records that are whole, and say how many bytes they have; the next piece begins behind them."""
        before = self._log.at
        for number, record in self._log.take(data, last=last):
            try:
                for kind, _, start, stop in fields(record, 0, len(record)):
                    if kind == _HISTORY:
                        _add_row(self._columns, number, record[start:stop])
                    elif kind in (_CONFIG, _RUN):
                        self._config |= _settings(record[start:stop], kind, self._path, number)
            except WireError:
                self._unread += 1
        return self._log.at - before

    def parsed(self) -> tuple[Parsed, ...]:
        """All that was taken. Nothing may follow."""
        log = self._log
        if log.damaged == log.count and log.size > len(HEADER):
            raise ReadError(self._path, "holds no whole record of a W&B run")
        source = Source(
            self._path,
            NAME,
            lines=log.count,
            unread_lines=log.damaged + self._unread,
            problems=tuple(_problems(log, self._columns, self._unread)),
            truncated=log.truncated,
        )
        return (Parsed(source, self._columns.series(), self._config),)


def _problems(log: RecordLog, columns: Columns, unread: int) -> Iterator[str]:
    if log.damaged:
        yield f"records left out, as they are damaged or torn: {log.damaged}"
    if unread:
        yield f"records left out, as they are no message of W&B: {unread}"
    if columns.dropped_metrics:
        yield f"{columns.dropped_metrics} values of further metrics left out; the limit is {MAX_METRICS} metrics"


def _add_row(columns: Columns, number: int, history: bytes) -> None:
    row: dict[str, Any] = {}
    media: set[str] = set()
    for field, wire, start, stop in fields(history, 0, len(history)):
        if field == _ITEM and wire == BYTES:
            for keys, value in _item(history[start:stop]):
                row["/".join(keys)] = value
                if keys[-1] == _MEDIA or (isinstance(value, dict) and _MEDIA in value):
                    media.add("/".join(keys[:-1] if keys[-1] == _MEDIA else keys))
        elif field == _STEP and wire == BYTES:
            row.setdefault("_step", _step(history[start:stop]))
    if media:
        row = {key: value for key, value in row.items() if not any(key == m or key.startswith(f"{m}/") for m in media)}
    seen = interpret(row)
    columns.add(number, seen.values, step=seen.step, epoch=seen.epoch, time=seen.time, split=seen.split)


def _step(message: bytes) -> float:
    for field, wire, start, stop in fields(message, 0, len(message)):
        if field == 1 and wire == VARINT:
            return float(signed(varint(message, start, stop)[0]))
    return 0.0


def _item(message: bytes) -> Iterator[Item]:
    """The item, if its value is one that could be a number or a setting: short, and JSON."""
    keys, value = _plain_item(message) or _any_item(message)
    if keys and value and len(value) <= MAX_LINE_BYTES:
        try:
            yield keys, _DECODER.decode(value.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return


def _plain_item(message: bytes) -> tuple[tuple[str, ...], bytes] | None:
    """One key and one value, both short, as nearly all items are: walking over the fields takes five times as long."""
    size = message[1] if message[:1] == _ONE_KEY and len(message) > 1 else 128
    middle = 2 + size
    if size < 128 and message[middle : middle + 2] == _ONE_VALUE and len(message) > middle + 2:
        value = message[middle + 3 :]
        if message[middle + 2] == len(value) < 128:
            return (message[2:middle].decode("utf-8", "replace"),), value
    return None


def _any_item(message: bytes) -> tuple[tuple[str, ...], bytes]:
    keys, value = list[str](), b""
    for field, wire, start, stop in fields(message, 0, len(message)):
        if wire == BYTES and field in (_KEY, _NESTED_KEY):
            keys.append(message[start:stop].decode("utf-8", "replace"))
        elif wire == BYTES and field == _VALUE:
            value = message[start:stop]
    return tuple(keys), value


def _integer(digits: str) -> float:
    return int(digits) if len(digits) < 20 else float(digits)


_DECODER = json.JSONDecoder(parse_int=_integer)
_ONE_KEY, _ONE_VALUE = b"\x12", b"\x82\x01"
"""What stands before the length of a nested key and of a value."""


def _settings(message: bytes, kind: int, path: str, number: int) -> dict[str, ConfigValue]:
    """The settings of a `ConfigRecord`, or of the one inside a `RunRecord`."""
    found: dict[str, ConfigValue] = {}
    for field, wire, start, stop in fields(message, 0, len(message)):
        if kind == _RUN and field == _RUN_CONFIG and wire == BYTES:
            found |= _settings(message[start:stop], _CONFIG, path, number)
        elif kind == _CONFIG and field == _UPDATE and wire == BYTES:
            for keys, value in _item(message[start:stop]):
                found |= {name: ConfigValue(one, path, number) for name, one in sidecars.settings(keys, value)}
    return found


SAMPLE = (
    HEADER
    + b"0w\x8a\xa3F\0\1\b\1\xc2\f\3\n\1x\xaa\1;\n9\n/0.31.0+15f8cbc581d1c5cfc6e31f68b48bdd13cec2dd2c\x12\x060.70.0"
    b'|\x85\xd8]\x83\0\1\b\2\x82\1\x0e"\f7x851ba6vwyg\xc2\f\3\n\1x\x8a\1g\n\1x\x1a\1p"\x1d\n\r\n\6_wandb\x82\1\2{}\n\f'
    b"\n\2lr\x82\1\0050.001B\1nj\2vm\x8a\1\f\b\xec\xc0\x86\xd8\6\x10\xc0\xdd\xca\xcd\2\x9a\1)\x1a\t \1h\1p\1\x80\1\1"
    b'"\x063.11.7*\x060.31.0j\flinux-x86_64'
    b"N\x82\xeeI\x80\0\1\b\b\x12|\n\x18\x12\b_runtime\x82\1\v0.734488491\n\f\x12\5_step\x82\1\00210\n\x12\x12\ntrain/loss"
    b"\x82\1\0032.5\n\x13\x12\vtrain/epoch\x82\1\0030.5\n%\x12\n_timestamp\x82\1\x161.7952687172592614e+09\x12\2\b\n"
    b"\xbfX\x1cRk\0\1\b\r\x12g\n\x12\x12\ntrain/loss\x82\1\3NaN\n%\x12\n_timestamp\x82\1\x161.7952687174559367e+09"
    b"\n\x18\x12\b_runtime\x82\1\v0.735811865\n\f\x12\5_step\x82\1\00220\x12\2\b\x14"
)
"""Of a run of two steps: the version, the settings, and both rows of the history."""

FORMAT = Format(
    name=NAME,
    title="Weights & Biases: run-<id>.wandb, written with and without a connection",
    sample=SAMPLE,
    sniff=sniff,
    read=read,
    precision=16,
    origin="made with wandb 0.31.0",
    reads="step, epoch, time, config",
    follow=lambda path: RecordFeed(_Reader(path), longest=BLOCK),
)
