"""What Streamlit's own options do not reach: a few lines of CSS of ours, for whole pages."""

from __future__ import annotations

import streamlit as st

EVIDENCE = "evidence"
"""How keys of buttons begin that cite a line of a log: their text is set as the log is, and begins at the left."""

CSS = f"""
[data-testid="stMainBlockContainer"] {{padding-top: 4.5rem; padding-bottom: 3rem}}
@media (min-width: 900px) {{[data-testid="stMainBlockContainer"] {{padding-left: 2.5rem; padding-right: 2.5rem}}}}
[class*="st-key-{EVIDENCE}"] button {{justify-content: flex-start; text-align: left; min-height: 0; padding: 0.2rem 0}}
[class*="st-key-{EVIDENCE}"] button > div {{justify-content: flex-start; align-items: baseline}}
[class*="st-key-{EVIDENCE}"] button p {{
  font-family: "Source Code Pro", monospace; font-size: 0.8rem; text-align: left; overflow-wrap: anywhere}}
[class*="st-key-{EVIDENCE}"] button code {{font-size: inherit; padding: 0; background: none}}
"""


def apply() -> None:
    """Set it for the page that is drawn."""
    st.html(f"<style>{CSS}</style>")
