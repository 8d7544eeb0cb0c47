"""Ways from one page to another; what a page shows stands in the URL, so that a link opens the same view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn, cast

import streamlit as st

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

_PAGES = "pages of this session"


def remember(pages: Mapping[str, StreamlitPage]) -> None:
    """Keep the pages by their path in the URL, for `go` and `page`."""
    st.session_state[_PAGES] = dict(pages)


def page(path: str) -> StreamlitPage:
    """The page with this path, for `st.page_link`."""
    return cast("dict[str, StreamlitPage]", st.session_state[_PAGES])[path]


def go(path: str, **query: str) -> NoReturn:
    """Open a page with this state in its URL."""
    st.switch_page(page(path), query_params=query)
