"""Text from logs in Streamlit: labels, captions and messages there parse Markdown, colours, formulas and images."""

from __future__ import annotations

import re

from trainvitals.diagnostics.render.sanitise import SENTENCE_CELLS, terminal

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$:])")


def inert(text: str) -> str:
    r"""The text with every character that Streamlit's Markdown could act on escaped, and nothing invisible in it.

    >>> inert("![x](http://a) :red[fine]")
    '\\!\\[x\\]\\(http\\://a\\) \\:red\\[fine\\]'
    """
    return _MARKUP.sub(r"\\\1", terminal(text, SENTENCE_CELLS))
