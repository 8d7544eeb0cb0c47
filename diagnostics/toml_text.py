"""TOML as text: written, and changed in place so that everything else in a file, comments included, stays."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 100
"""A list that is longer is written with one item a line."""

Path = tuple[str, ...]
"""Names of nested tables."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A header, or a key with its value: from where to where it stands, and what it says.

    `path` is the table that a header opens, or for a key the table of the last header. `key` is empty for a header.
    """

    start: int
    end: int
    path: Path
    is_list: bool
    key: str


def section(path: Path, table: Mapping[str, Any], comment: str = "") -> str:
    """A table with all that is in it as text, under a header; lists of tables get headers of their own."""
    nested = {k: v for k, v in table.items() if _is_tables(v) or isinstance(v, Mapping)}
    lines = [f"# {line}" for line in comment.splitlines()] + [f"[{_dotted(path)}]"]
    lines += [f"{_key(k)} = {value(v)}" for k, v in table.items() if k not in nested]
    for name, inner in nested.items():
        for one in [inner] if isinstance(inner, Mapping) else inner:
            header = _dotted((*path, name))
            lines += ["", f"[{header}]" if isinstance(inner, Mapping) else f"[[{header}]]"]
            lines += [f"{_key(k)} = {value(v)}" for k, v in one.items()]
    return "\n".join(lines) + "\n"


def list_item(path: Path, table: Mapping[str, Any]) -> str:
    """One table of a list of tables as text, under its header."""
    return "\n".join([f"[[{_dotted(path)}]]", *(f"{_key(k)} = {value(v)}" for k, v in table.items())]) + "\n"


def value(given: Any) -> str:
    """A value as TOML writes it.

    Raises:
        ValueError: TOML has no such value.
    """
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, int):
        return str(given)
    if isinstance(given, float):
        return repr(given) if math.isfinite(given) else ("nan" if given != given else "inf" if given > 0 else "-inf")
    if isinstance(given, str):
        return _text(given)
    if isinstance(given, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {value(v)}" for k, v in given.items()) + " }" if given else "{}"
    if isinstance(given, Sequence):
        return _list([value(item) for item in given])
    raise ValueError(f"TOML has no {type(given).__name__}")


def statements(text: str) -> Iterator[Statement]:
    """The headers and keys of a file, in order; `text` must be TOML."""
    at = 0
    path: Path = ()
    while at < len(text):
        line_end = _line_end(text, at)
        line = text[at:line_end].strip()
        if not line or line.startswith("#"):
            at = line_end
        elif line.startswith("["):
            path, is_list = _header(line)
            yield Statement(at, line_end, path, is_list, "")
            at = line_end
        else:
            end = _statement_end(text, at)
            yield Statement(at, end, path, False, _first_key(text[at:end]))
            at = end


def _header(line: str) -> tuple[Path, bool]:
    table: Any = tomllib.loads(line)
    path: list[str] = []
    while isinstance(table, dict) and table:
        name, table = next(iter(table.items()))
        path.append(name)
        if isinstance(table, list):
            return tuple(path), True
    return tuple(path), False


def _first_key(text: str) -> str:
    return str(next(iter(tomllib.loads(text))))


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


_PIECE = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}' + r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'" + r"|#[^\n]*|[\[{]|[\]}]|\n|[^\"'#\[\]{}\n]+",
    re.DOTALL,
)


def _statement_end(text: str, at: int) -> int:
    """Where a key and its value end: at the end of its line, or of the line that closes its last bracket."""
    depth = 0
    for piece in _PIECE.finditer(text, at):
        depth += (piece[0] in "[{") - (piece[0] in "]}")
        if piece[0] == "\n" and depth <= 0:
            return piece.end()
    return len(text)


def _is_tables(given: Any) -> bool:
    return isinstance(given, list | tuple) and bool(given) and all(isinstance(one, Mapping) for one in given)


def _list(items: Sequence[str]) -> str:
    flat = "[" + ", ".join(items) + "]"
    if len(flat) <= WIDTH and "{" not in flat:
        return flat
    return "[\n" + "".join(f"  {item},\n" for item in items) + "]"


def _dotted(path: Path) -> str:
    return ".".join(map(_key, path))


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _text(given: str) -> str:
    # JSON's escapes are a part of TOML's, which also wants DEL escaped.
    return json.dumps(given, ensure_ascii=False).replace("\x7f", "\\u007f")
