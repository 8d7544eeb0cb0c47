"""Ways from one page to another; what a page shows stands in the URL, so that a link opens the same view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn, cast

import streamlit as st

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

_PAGES, _NOW, _BEFORE = "pages of this session", "path of this page", "path of the page before"


def remember(pages: Mapping[str, StreamlitPage], chosen: StreamlitPage) -> None:
    """Keep the pages by their path in the URL, for `go` and `page`; and which of them is drawn, for `is_back`."""
    st.session_state[_PAGES] = dict(pages)
    st.session_state[_BEFORE] = st.session_state.get(_NOW, chosen.url_path)
    st.session_state[_NOW] = chosen.url_path


def is_back() -> bool:
    """Whether another page was drawn before this one, and this one is drawn for the first time since."""
    return bool(st.session_state.get(_BEFORE) != st.session_state.get(_NOW))


def page(path: str) -> StreamlitPage:
    """The page with this path, for `st.page_link`."""
    return cast("dict[str, StreamlitPage]", st.session_state[_PAGES])[path]


def go(path: str, **query: str | list[str]) -> NoReturn:
    """Open a page with this state in its URL."""
    st.switch_page(page(path), query_params=query)
