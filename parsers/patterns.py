"""Regular expressions that are compiled when they are first used.

A file needs a few of all those that the formats know; compiling the others at import would cost every start of the
command line a fifth of the time of a report on a small log.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def pattern(text: AnyStr, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[AnyStr]:
    """`re.compile`, put off until the pattern is asked for one of its methods."""
    return cast("re.Pattern[AnyStr]", _Pattern(text, flags))


class _Pattern:
    def __init__(self, text: str | bytes, flags: re.RegexFlag) -> None:
        self._text, self._flags = text, flags

    def __getattr__(self, name: str) -> Any:
        # Called once per name: what is set on the instance is found without it, as fast as on a compiled pattern.
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found
