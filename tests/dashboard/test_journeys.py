"""The dashboard in a real browser: which runs are ill, why, and where."""

import json

import pytest
from browser import needs_chromium, page, served

pytestmark = needs_chromium

HOSTILE = "![x](http:evil) :red[HEALTHY] a.b[0]:Q <script>alert(1)</script>"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A healthy run, one whose loss becomes NaN, one with a hostile metric name, and an empty file."""
    root = tmp_path_factory.mktemp("runs")
    falling = [2.0 * 0.97**i + 0.5 for i in range(200)]
    _write(root / "healthy" / "metrics.jsonl", [{"step": i, "loss": v} for i, v in enumerate(falling)])
    broken = [v if i < 150 else float("nan") for i, v in enumerate(falling)]
    _write(root / "broken" / "metrics.jsonl", [{"step": i, "loss": v} for i, v in enumerate(broken)])
    _write(root / "hostile" / "metrics.jsonl", [{"step": i, "loss": v, HOSTILE: v} for i, v in enumerate(falling)])
    (root / "empty").mkdir()
    (root / "empty" / "metrics.jsonl").write_text("")
    return root


@pytest.fixture(scope="module")
def address(runs):
    with served(runs) as url:
        yield url


def _write(path, rows):
    path.parent.mkdir()
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_sickest_run_is_shown_first_with_its_reason(address):
    with page(address + "run") as view:
        view.wait_for_selector("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg")
        body = view.inner_text("body")
        assert "broken" in body
        assert "N101" in body
        assert "fail" in body
        assert "Traceback" not in body


def test_a_link_opens_the_run_that_it_names(address):
    with page(address + "run?run=healthy") as view:
        assert view.get_by_role("heading", name="healthy").count() == 1


def test_a_link_to_something_that_is_no_run_opens_nothing(address):
    with page(address + "run?run=../../etc/passwd") as view:
        body = view.inner_text("body")
        assert "root:" not in body
        assert view.get_by_role("heading", name="broken").count() == 1
