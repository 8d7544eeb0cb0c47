"""A landscape as JSON for programs: the data of every picture. What is not finite is null."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np

from trainvitals import __version__
from trainvitals.diagnostics.landscape.picture import Landscape, Surface
from trainvitals.diagnostics.render.sanitise import json_text

SCHEMA = 1


def render(landscape: Landscape) -> str:
    """One line of ASCII, valid for every JSON reader."""
    data = _plain(landscape)
    for panel, made in zip(landscape.panels, data["panels"], strict=True):
        made["kind"] = "surface" if isinstance(panel, Surface) else "plot"
    return json.dumps({"schema": SCHEMA, "tool": f"trainvitals {__version__}", **data}, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, str):
        return json_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value
