"""A dashboard server on a free port of 127.0.0.1 and a headless Chromium that looks at it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: package chromium)")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def served(root: Path, folder: Path | None = None) -> Iterator[str]:
    """The address of a dashboard on a folder, started in `folder`; the server ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("trainvitals")), "dashboard", str(root), "--port", str(port)]
    # Pictures are taken with it, too, which is no test: it leaves the user's own cache alone by itself.
    environment = {**os.environ, "TRAINVITALS_NO_CACHE": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, env=environment, **quiet) as server:
        try:
            _wait(port, server)
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()
            server.wait(timeout=20)


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise AssertionError(f"the dashboard ended: {server.stderr.read().decode() if server.stderr else ''}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the dashboard did not answer within a minute")


@contextmanager
def page(address: str, *, width: int = 1280, height: int = 1600, scheme: str = "light") -> Iterator[Page]:
    """A page in a fresh browser, loaded and drawn."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            view = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
            view.goto(address)
            view.get_by_test_id("stAppViewContainer").wait_for()
            view.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)
            yield view
        finally:
            browser.close()


def settled(view: Page) -> None:
    """Wait until the page has answered what was last done to it."""
    view.wait_for_timeout(150)
    view.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)


def taken_away(view: Page, label: str, number: int = 0) -> tuple[str, bytes]:
    """Name and contents of the file that a button gives."""
    with view.expect_download(timeout=60_000) as waiting:
        view.get_by_role("button", name=label, exact=True).nth(number).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def described(view: Page, beginning: str) -> str:
    """The words of the first chart whose description begins so, once it is drawn."""
    chart = view.locator(f'[aria-label^="{beginning}"]').first
    chart.wait_for()
    return chart.get_attribute("aria-label") or ""
