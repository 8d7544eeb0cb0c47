"""Names of settings whose values are nobody's business: they are passed over while reading."""

from __future__ import annotations

import re

from trainvitals.parsers.patterns import pattern

_SECRET = pattern(r"(?:^|[_.\-/])(?:api_?key|key|token|secret|password|passwd|credentials?)$", re.IGNORECASE)


def may_be_secret(name: str) -> bool:
    """Whether a setting of this name could hold a key, a token or a password."""
    return bool(_SECRET.search(name))
