"""`dashboard`: Streamlit on run folders, bound to this machine only."""

from __future__ import annotations

import os
import sys
from importlib import resources

import click

from trainvitals.diagnostics.commands import console
from trainvitals.diagnostics.kept import NO_CACHE

HOST = "127.0.0.1"
PORT = 8501
HARDENING = (
    f"--server.address={HOST}",
    "--server.headless=true",
    "--server.allowedHosts=localhost",
    f"--server.allowedHosts={HOST}",
    "--server.enableCORS=true",
    "--server.enableXsrfProtection=true",
    "--server.enableStaticServing=false",
    "--server.enableAgentApi=false",
    "--server.fileWatcherType=none",
    "--server.maxUploadSize=200",
    "--server.maxCacheDataSize=2gb",
    "--browser.gatherUsageStats=false",
    "--client.toolbarMode=minimal",
)
"""Streamlit by itself listens on all interfaces, takes any Host header and shows tracebacks in the browser."""

THEME = ("--theme.light.primaryColor=#0072B2", "--theme.dark.primaryColor=#2B87C3")
"""What is chosen is blue: Streamlit's red stands for what fails here. White text is read on it, and it on black."""


@click.command(short_help="Open the dashboard on run folders.")
@click.argument("root", default=".", type=click.Path(exists=True))
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="Port to listen on.")
@click.option("--debug", is_flag=True, help="Show tracebacks in the browser.")
@click.option("--no-cache", is_flag=True, help="Read all runs anew, and keep nothing on disk for the next start.")
def dashboard(root: str, port: int, debug: bool, no_cache: bool) -> None:
    """Open the dashboard on ROOT, a folder of runs; it listens on this machine only."""
    arguments = command(root, port, debug=debug)
    if no_cache:
        os.environ[NO_CACHE] = "1"
    console.complain(f"dashboard on http://{HOST}:{port}, Ctrl-C ends it")
    sys.stdout.flush()
    os.execv(arguments[0], arguments)  # noqa: S606 (no shell is involved, and the arguments are ours)


def command(root: str, port: int, *, debug: bool) -> list[str]:
    """The program and its arguments; `root` stands behind `--`, where it cannot be taken for an option."""
    app = str(resources.files("trainvitals") / "app.py")
    details = "full" if debug else "none"
    # -P: a folder of logs may hold a streamlit.py, which must not be what is started.
    start = [sys.executable, "-P", "-m", "trainvitals.dashboard.serve", "run", app]
    return [*start, *HARDENING, *THEME, f"--server.port={port}", f"--client.showErrorDetails={details}", "--", root]
