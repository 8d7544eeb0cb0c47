"""Streamlit as `trainvitals dashboard` starts it: the runs are read while the server starts and the browser opens.

python -m trainvitals.dashboard.serve run APP OPTIONS -- FOLDER
"""

from __future__ import annotations

import sys

from streamlit.web.cli import main

from trainvitals.dashboard import runs

if __name__ == "__main__":
    runs.begin(sys.argv[sys.argv.index("--") + 1])
    main(prog_name="streamlit")
