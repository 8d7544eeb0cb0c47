"""What the runs of a folder are kept under on disk: all besides their files that decides what is said of them."""

from __future__ import annotations

import os
import re
import sys
from hashlib import blake2b
from typing import Any

import numpy as np

import trainvitals
from trainvitals.diagnostics.kept import label
from trainvitals.diagnostics.settings import Settings

DECIDING = ("parsers", "diagnostics")
"""The parts of the program that decide what is said of a log."""

SOURCES = (".py", ".toml")


def identity(folder: str, settings: Settings) -> str:
    """Another text for another folder, program or settings; empty if one of them cannot be told."""
    import msgspec

    encoder = msgspec.msgpack.Encoder(order="deterministic", enc_hook=_spelled)
    try:
        key = encoder.encode((program(), settings))
    except (OSError, TypeError, OverflowError, UnicodeEncodeError):
        return ""
    return f"{label(folder)}-{blake2b(key, digest_size=16).hexdigest()}"


def _spelled(value: Any) -> object:
    if isinstance(value, re.Pattern):
        return value.pattern, value.flags
    raise TypeError(f"{type(value).__name__} has no encoding")


def program() -> bytes:
    """A digest of all besides logs and settings that decides what is said: our sources, Python, what is installed.

    Raises:
        OSError: the sources cannot be read.
    """
    top = os.path.dirname(str(trainvitals.__file__))
    digest = blake2b(repr((sys.version, trainvitals.__version__)).encode())
    # Packages are installed beside each other, which changes their folder.
    digest.update(str(os.stat(os.path.dirname(os.path.dirname(np.__file__))).st_mtime_ns).encode())
    sources = [path for part in DECIDING for path in _sources(os.path.join(top, part))]
    if not sources:
        raise FileNotFoundError(f"no sources below {top}")
    for path in sorted(sources):
        with open(path, "rb") as file:
            data = file.read()
        digest.update(f"\0{path}\0{len(data)}\0".encode("utf-8", "surrogateescape") + data)
    return digest.digest()


def _sources(folder: str) -> list[str]:
    return [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if name.endswith(SOURCES)]
