"""Where the dashboard keeps for its next start what it said of runs; nothing heavy is imported to ask for that."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import blake2b

NO_CACHE = "TRAINVITALS_NO_CACHE"
"""When set, nothing is kept."""


def place(environ: Mapping[str, str]) -> str:
    """The user's own folder for it; empty where the user wants nothing to be kept, or has no place for it."""
    base, home = environ.get("XDG_CACHE_HOME", ""), environ.get("HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(home, ".cache") if os.path.isabs(home) else ""
    if not base or environ.get(NO_CACHE) or os.name != "posix":
        return ""
    return os.path.join(base, "trainvitals")


def label(folder: str) -> str:
    """How names of files begin in which something of the runs of this folder is kept.

    Paths in reports are relative if the folder is: then they are to the folder in which the server was started.
    """
    key = os.fsencode(folder) + b"\0" + os.fsencode(os.path.abspath(folder))
    return blake2b(key, digest_size=8).hexdigest()


def is_kept(folder: str, environ: Mapping[str, str]) -> bool:
    """Whether anything of a folder is kept, be it by another version of this program or under other settings."""
    try:
        return any(name.startswith(label(folder)) for name in os.listdir(place(environ) or os.devnull))
    except OSError:
        return False
