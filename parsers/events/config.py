"""Hyperparameters in event files: the JSON that trainers log as text, and what the plugin for hyperparameters keeps."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainvitals.parsers.columns import visible_name
from trainvitals.parsers.events.wire import BYTES, FIXED64, VARINT, WireError, fields, varint
from trainvitals.parsers.limits import MAX_METRICS
from trainvitals.parsers.model import ConfigValue
from trainvitals.parsers.patterns import pattern

MAX_ITEMS = 64
"""Elements of a list that is kept as a value (`architectures`, `betas`); longer ones are data."""

_SUFFIX = "/text_summary"
_CONFIG = pattern(r"(?:.*[/_.])?(?:args|arguments|config|configuration|cfg|h_?params|hyper_?parameters)", re.ASCII)
_PLUGIN = b"hparams"


@dataclass(frozen=True, slots=True)
class Text:
    """A text, or what a plugin keeps in the metadata of a value, and the number of its record."""

    tag: str
    plugin: bytes
    content: bytes
    record: int


def is_config(text: Text) -> bool:
    """Whether a text says by its tag or its plugin that it holds hyperparameters, rather than what a model wrote."""
    return text.plugin == _PLUGIN or bool(_CONFIG.fullmatch(text.tag.removesuffix(_SUFFIX).lower()))


def config(texts: Sequence[Text], path: str) -> dict[str, ConfigValue]:
    """The values of all texts by name, those of nested tables as `table.name`; of equal names the first one counts."""
    found: dict[str, ConfigValue] = {}
    for text in texts:
        pairs = _session(text.content) if text.plugin == _PLUGIN else _flat(_table(text.content))
        for name, value in pairs:
            if len(found) >= MAX_METRICS:
                return found
            found.setdefault(visible_name(name), ConfigValue(value, path, text.record))
    return found


def _table(content: bytes) -> Mapping[str, Any]:
    """The JSON object that a text is; empty for any other text."""
    try:
        table = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def _flat(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", scalar) for inner, scalar in value.items() if _is_plain(scalar))
        elif _is_plain(value):
            yield name, value


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= MAX_ITEMS and not any(isinstance(item, list | dict) for item in value)
    return not isinstance(value, dict)


def _session(content: bytes) -> list[tuple[str, Any]]:
    """The hyperparameters of a `HParamsPluginData` message: its `session_start_info.hparams`, a map of values."""
    try:
        entries = [entry for start in _inner(content, (0, len(content)), 3) for entry in _inner(content, start, 1)]
        return [pair for entry in entries[:MAX_METRICS] for pair in _entry(content, *entry)]
    except WireError:
        return []


def _inner(data: bytes, span: tuple[int, int], wanted: int) -> Iterator[tuple[int, int]]:
    return ((start, stop) for number, wire, start, stop in fields(data, *span) if (number, wire) == (wanted, BYTES))


def _entry(data: bytes, at: int, end: int) -> Iterator[tuple[str, Any]]:
    """One entry of the map, if it holds a number, a string or a truth value."""
    name = b""
    for number, wire, start, stop in fields(data, at, end):
        if (number, wire) == (1, BYTES):
            name = data[start:stop]
        elif (number, wire) == (2, BYTES):
            yield from ((name.decode(errors="replace"), value) for value in _protobuf_value(data, start, stop))


def _protobuf_value(data: bytes, at: int, end: int) -> Iterator[float | str | bool]:
    for number, wire, start, stop in fields(data, at, end):
        if (number, wire) == (2, FIXED64):
            yield float(struct.unpack_from("<d", data, start)[0])
        elif (number, wire) == (3, BYTES):
            yield data[start:stop].decode(errors="replace")
        elif (number, wire) == (4, VARINT):
            yield bool(varint(data, start, stop)[0])
