"""What `trainvitals dashboard` sets on the command line, where Streamlit was started by itself.

Most of it can only be set before the server listens: the address, the names of hosts, the kinds of files it serves. Of
that the reader is told; what can be set later is set.
"""

from __future__ import annotations

import streamlit as st
from streamlit import config

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ERROR_DETAILS = "client.showErrorDetails"
UNSET = "<default>"
OPEN = (
    "This server listens on every network interface and asks nobody who they are: whoever reaches its port sees these "
    "runs. Start it with `trainvitals dashboard FOLDER`, or add `--server.address=127.0.0.1`."
)


def hide_error_details() -> None:
    """Keep tracebacks, which quote paths and values, out of the browser, unless somebody has asked for them."""
    if config.get_where_defined(ERROR_DETAILS) == UNSET:
        st.set_option(ERROR_DETAILS, "none")


def warn_if_open() -> None:
    """Say that others can look on, if the server was not bound to this machine."""
    if st.get_option("server.address") not in LOOPBACK:
        st.warning(OPEN, icon=":material/lock_open:")
