"""Surfaces as small Parquet files: a row for each cell, and everything else as JSON in the metadata of the file."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from trainvitals.diagnostics.weights.surface import KINDS, Barrier, LossSurface, Sharpness, Station
from trainvitals.parsers.errors import TrainvitalsError
from trainvitals.parsers.model import Floats

SUFFIX = ".parquet"
KEY = b"trainvitals.landscape"
"""The name of our entry among the metadata of a Parquet file, by which such a file is known."""
SCHEMA = 1
COLUMNS = ("across", "up", "loss", "error", "seen")
MOST_BYTES = 64 << 20
MOST_CELLS = 1 << 20
MOST_COLUMNS = 128
"""Twenty levels of data have no more; a small file may unpack to a large one."""
MOST_STATIONS = 10_000
_TAIL = 1 << 20

Columns = Mapping[str, Floats]


class SurfaceError(TrainvitalsError):
    """A file that is no surface, or one whose content contradicts itself."""


def find_surfaces(folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """The paths of all surfaces in a folder itself, whatever their names, sorted; none if it cannot be read."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(SUFFIX))
    except OSError:
        return ()
    return tuple(path for name in names if is_surface(path := os.path.join(folder, name)))


def is_surface(path: str | os.PathLike[str]) -> bool:
    """Whether a file has our entry in its metadata; looks at the end of the file only."""
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > MOST_BYTES:
            return False
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - _TAIL))
            tail = file.read()
    except OSError:
        return False
    return tail.endswith(b"PAR1") and KEY in tail


def read_surface(path: str | os.PathLike[str]) -> LossSurface:
    """The surface in a file.

    Raises:
        SurfaceError: there is no such file, it is no surface, or its content contradicts itself.
    """
    return read(path)[0]


def read(path: str | os.PathLike[str]) -> tuple[LossSurface, Mapping[str, Any], Columns]:
    """A surface, the notes that its measurement can be continued from, and the columns that belong to them.

    Raises:
        SurfaceError: as `read_surface`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = os.fspath(path)
    try:
        if os.path.getsize(name) > MOST_BYTES:
            raise SurfaceError(f"{name}: larger than any surface")
        file = pq.ParquetFile(name)
        if file.metadata.num_rows > MOST_CELLS or KEY not in (file.schema_arrow.metadata or {}):
            raise SurfaceError(f"{name}: no surface of trainvitals")
        held = json.loads(file.schema_arrow.metadata[KEY])
        names = [field.name for field in file.schema_arrow if pa.types.is_floating(field.type)]
        if len(names) > MOST_COLUMNS:
            raise SurfaceError(f"{name}: {len(names)} columns, which no surface has")
        table = file.read(names)
        columns = {column: np.asarray(table.column(column).to_numpy(), np.float64) for column in names}
        return _surface(held, columns), held.get("resume") or {}, columns
    except OSError as error:
        raise SurfaceError(f"{name}: {error.strerror or error}") from error
    except SurfaceError:
        raise
    except (pa.ArrowException, ValueError, TypeError, KeyError, RecursionError, AttributeError) as error:
        raise SurfaceError(f"{name}: no surface that can be read: {error}") from error


def _surface(held: Mapping[str, Any], columns: Columns) -> LossSurface:
    """Builds the surface; raises ValueError, TypeError or KeyError for what does not fit."""
    if held["schema"] != SCHEMA:
        raise ValueError(f"schema {held['schema']!r} is not {SCHEMA}")
    rows, cells = (int(n) for n in held["shape"])
    if held["plane"] not in KINDS or rows < 1 or cells < 2 or len(held["path"]) > MOST_STATIONS:
        raise ValueError("plane, shape or path")
    shaped = {name: columns[name].reshape(rows, cells) for name in COLUMNS}
    across, up = shaped["across"][0].copy(), shaped["up"][:, 0].copy()
    _need_even(across)
    if rows > 1:
        _need_even(up)
    sharp, barrier = held.get("sharpness"), held.get("barrier")
    return LossSurface(
        held["plane"],
        across,
        up,
        shaped["loss"],
        shaped["error"],
        shaped["seen"],
        tuple(Station(str(s["name"]), *(_number(s[k]) for k in _STATION)) for s in held["path"]),
        tuple(_number(share) for share in held["explained"]),
        None if sharp is None else Sharpness(**{k: _typed(sharp[k], t) for k, t in _SHARPNESS.items()}),
        None if barrier is None else Barrier(*(_number(barrier[k]) for k in ("height", "error", "at", "peak"))),
        bool(held["finished"]),
        {str(name): value for name, value in dict(held["about"]).items()},
    )


_STATION = ("step", "across", "up", "away", "loss")
_SHARPNESS = {
    "at": str,
    "value": float,
    "least": float,
    "residual": float,
    "iterations": int,
    "parts": int,
    "exact": bool,
}


def _need_even(axis: Floats) -> None:
    steps = np.diff(axis)
    if not (np.isfinite(axis).all() and steps.min() > 0 and np.allclose(steps, steps[0], rtol=1e-3)):
        raise ValueError("the cells are not evenly spaced")


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _typed(value: Any, kind: type) -> Any:
    return _number(value) if kind is float else kind(value)


def write_surface(
    path: str | os.PathLike[str],
    surface: LossSurface,
    resume: Mapping[str, Any] | None = None,
    columns: Columns | None = None,
) -> None:
    """Write a surface; a file that is there is replaced as a whole, or stays as it is.

    `resume` and `columns` `(m * n,)` are what the measurement needs to be continued, NaN for nothing.

    Raises:
        OSError: the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    across, up = np.meshgrid(surface.across, surface.up)
    values = {"across": across, "up": up, "loss": surface.loss, "error": surface.error, "seen": surface.seen}
    single = {"error", "seen"}  # two digits are enough for them
    table = pa.table(
        {
            **{n: pa.array(v.ravel(), pa.float32() if n in single else pa.float64()) for n, v in values.items()},
            **{n: pa.array(v, pa.float64(), mask=np.isnan(v)) for n, v in (columns or {}).items()},
        }
    )
    held = {
        "schema": SCHEMA,
        "shape": list(surface.loss.shape),
        "plane": surface.plane,
        "path": [asdict(station) for station in surface.path],
        "explained": list(surface.explained),
        "sharpness": surface.sharpness and asdict(surface.sharpness),
        "barrier": surface.barrier and asdict(surface.barrier),
        "finished": surface.finished,
        "about": dict(surface.about),
        "resume": dict(resume or {}),
    }
    text = json.dumps(_finite(held), allow_nan=False)
    # A file must never take the place of a device.
    is_file = os.path.isfile(path) or not os.path.exists(path)
    beside = f"{os.fspath(path)}.part" if is_file else os.fspath(path)
    pq.write_table(table.replace_schema_metadata({KEY: text.encode()}), beside, compression="zstd")
    if is_file:
        os.replace(beside, path)


def _finite(value: Any) -> Any:
    """The value for JSON: what is not finite is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
