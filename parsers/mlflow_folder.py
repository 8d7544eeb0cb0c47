"""MLflow's file store: `mlruns/<experiment>/<run>/` with a file for each metric and for each parameter."""

from __future__ import annotations

import os
from functools import lru_cache

from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile, open_log
from trainvitals.parsers.limits import MAX_SIDECAR_BYTES
from trainvitals.parsers.model import ConfigValue
from trainvitals.parsers.secret_names import may_be_secret
from trainvitals.parsers.text.literals import literal

META = "meta.yaml"
METRICS, PARAMS = "metrics", "params"
ID_LETTERS = 8
"""How much of a run's identifier tells it from others of its name."""


def run_folder(path: str, part: str) -> str:
    """The folder of the run that a file below its `metrics` or `params` belongs to; "" for any other file.

    Names of metrics may hold slashes, which become folders.
    """
    above, found, _ = path.rpartition(f"{os.sep}{part}{os.sep}")
    return above if found and is_run(above) else ""


def is_run(folder: str) -> bool:
    """Whether a folder is that of one run: it says so in its `meta.yaml`."""
    return "run_id" in _meta(folder) or "run_uuid" in _meta(folder)


def name_in_store(path: str, part: str) -> str:
    """The name of a metric or a parameter, from the path of its file."""
    return path.rpartition(f"{os.sep}{part}{os.sep}")[2].replace(os.sep, "/") or os.path.basename(path)


def is_deleted(folder: str) -> bool:
    """Whether the user has deleted the run: its files stay where they are until they are collected."""
    return _meta(folder).get("lifecycle_stage") == "deleted"


def label(experiment: object, run: object, identifier: str) -> str:
    """What a run is called: MLflow allows several of one name in one experiment."""
    return f"{experiment}/{run or 'run'} ({identifier[:ID_LETTERS]})"


def run_label(folder: str) -> str:
    """The name of the run in this folder, with that of its experiment where that is known."""
    meta, parent = _meta(folder), os.path.dirname(folder)
    experiment = _meta(parent).get("name") or os.path.basename(parent)
    identifier = str(meta.get("run_id") or meta.get("run_uuid") or "")
    return label(experiment, meta.get("run_name") or meta.get("name"), identifier)


def parameter(file: LogFile) -> dict[str, ConfigValue]:
    """The one setting that a file below `params` holds."""
    name = name_in_store(file.path, PARAMS)
    text = file.data[:MAX_SIDECAR_BYTES].decode("utf-8", "replace")
    return {} if may_be_secret(name) else {name: ConfigValue(literal(text), file.path, 1)}


def _meta(folder: str) -> dict[str, object]:
    path = os.path.join(folder, META)
    try:
        status = os.stat(path)
    except OSError:
        return {}
    return _read_meta(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4096)
def _read_meta(path: str, *_changed: int) -> dict[str, object]:
    from trainvitals.parsers import yaml_config

    try:
        text = open_log(path).data[:MAX_SIDECAR_BYTES].decode("utf-8", "replace")
        return {keys[0]: value for keys, value, _ in yaml_config.entries(text) if len(keys) == 1}
    except (ReadError, yaml_config.YamlError):
        return {}
