"""Hyperparameters from the files that trainers leave beside their logs. Pickles among them are never opened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from trainvitals.parsers import mlflow_folder
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.json_lines.scan import Scanner
from trainvitals.parsers.limits import MAX_JSON_DEPTH, MAX_SIDECAR_BYTES
from trainvitals.parsers.model import ConfigValue
from trainvitals.parsers.secret_names import may_be_secret

JSON_NAMES = ("args.json", "training_args.json", "config.json", "hparams.json")
YAML_NAMES = ("training_args.yaml", "hparams.yaml", "config.yaml", "args.yaml", "opt.yaml", "hyp.yaml")
NAMES = (*JSON_NAMES, *YAML_NAMES, *(name.replace(".yaml", ".yml") for name in YAML_NAMES))

OTHER_CONFIGS = ("tokenizer", "generation", "preprocessor", "processor", "adapter", "quantize", "quantization")
"""`<this>_config.json` belongs to other parts of a model than its training."""

MAX_LIST = 64
MAX_TEXT = 1000
"""Longer lists and texts are vocabularies and templates, not settings."""

MAX_TABLE = 256
"""Objects of more members are tables (label names), not settings."""

_TRACKER_KEYS = frozenset({"_wandb", "wandb_version"})
_TRACKER_WRAP = frozenset({"desc", "value"})

Entry = tuple[tuple[str, ...], Any, int]


def is_sidecar(name: str) -> bool:
    """Whether a file of this name holds hyperparameters; a prefix (`run1_args.json`) may stand before a known name."""
    lower = name.lower()
    if any(lower.startswith(part) and lower.endswith("config.json") for part in OTHER_CONFIGS):
        return False
    return any(lower == known or (lower.endswith(known) and lower[-len(known) - 1] in "_-.") for known in NAMES)


def read(file: LogFile) -> dict[str, ConfigValue]:
    """All settings, flat: `{"model": {"dropout": 0.1}}` is `model.dropout`. Values wrapped by W&B are unwrapped.

    Raises:
        ReadError: no JSON object or YAML mapping (with the line of a syntax error), or larger than a sidecar may be.
    """
    if len(file.data) > MAX_SIDECAR_BYTES:
        raise ReadError(file.path, f"has {len(file.data)} bytes, more than settings may have ({MAX_SIDECAR_BYTES})")
    if mlflow_folder.run_folder(file.path, mlflow_folder.PARAMS):
        return mlflow_folder.parameter(file)
    text = file.data.decode("utf-8", "replace").rstrip("\0")
    entries = _json_entries if file.name.endswith(".json") else _yaml_entries
    found = {}
    for keys, value, line in entries(text, file.path):
        if _is_setting(value) and keys and keys[0] not in _TRACKER_KEYS:
            found[".".join(map(_clean, keys))] = ConfigValue(_clean(value), file.path, line)
    return found


def settings(keys: tuple[str, ...], value: Any) -> Iterator[tuple[str, Any]]:
    """The settings in one decoded value of a tracker's store, flat, without the tracker's own and without secrets."""
    for path, inner in _flat(keys, value):
        if _is_setting(inner) and path[0] not in _TRACKER_KEYS and not may_be_secret(path[-1]):
            yield ".".join(map(_clean, path)), _clean(inner)


def _json_entries(text: str, path: str) -> Iterator[Entry]:
    scanner = Scanner(text)
    try:
        if not scanner.next_is("{"):
            raise ReadError(path, "is not a JSON object", scanner.line)
        for key in scanner.members():
            line = scanner.line
            for keys, value in _flat((key,), scanner.value()):
                yield keys, value, line
        scanner.end()
    except json.JSONDecodeError as error:
        raise ReadError(path, f"is not valid JSON: {error.msg}", error.lineno) from error
    except (ValueError, RecursionError) as error:
        raise ReadError(path, "is nested too deeply, or holds a number of thousands of digits", scanner.line) from error


def _flat(keys: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(value, dict):
        yield keys, value
    elif "value" in value and value.keys() <= _TRACKER_WRAP:
        yield from _flat(keys, value["value"])
    elif len(value) <= MAX_TABLE and len(keys) <= MAX_JSON_DEPTH:
        for key, inner in value.items():
            yield from _flat((*keys, key), inner)


def _yaml_entries(text: str, path: str) -> Iterator[Entry]:
    # Late: most runs have no YAML beside them, and its reader is a tenth of the start-up.
    from trainvitals.parsers import yaml_config

    try:
        entries = list(yaml_config.entries(text))
    except yaml_config.YamlError as error:
        raise ReadError(path, f"is not valid YAML: {error}", error.line) from error
    if any(not keys for keys, _, _ in entries) and text.strip():
        raise ReadError(path, "is not a YAML mapping")
    # A file of blanks that YAML does not know as such is a text to it.
    entries = [entry for entry in entries if entry[0]]
    wrapped = {keys[0] for keys, _, _ in entries if keys[1:2] == ("value",)}
    ordinary = {keys[0] for keys, _, _ in entries if keys[1:2] not in (("value",), ("desc",))}
    for keys, value, line in entries:
        if keys[0] not in wrapped - ordinary:
            # A pickled object's own fields: `config.__dict__.dropout` is `config.dropout`.
            yield tuple(key for key in keys if key != "__dict__"), value, line
        elif keys[1] == "value":
            yield (keys[0], *keys[2:]), value, line


def _is_setting(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= MAX_LIST and all(not isinstance(item, (list, dict)) for item in value)
    return not (isinstance(value, str) and len(value) > MAX_TEXT)


def _clean(value: Any) -> Any:
    """Text without lone surrogates, which no output could encode."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
