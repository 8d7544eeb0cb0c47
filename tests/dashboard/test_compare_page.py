"""Two runs and groups of seeds side by side in a real browser."""

import json
from urllib.parse import urlencode

import numpy as np
import pytest
from browser import described, needs_chromium, page, served, taken_away

pytestmark = needs_chromium

HOSTILE = "![x](http:evil) :red[HEALTHY] <b>bold<b>"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    for seed in range(3):
        _write(root / f"base-seed{seed}", 2.0, seed, 1e-3)
    _write(root / "tuned", 1.8, 7, 3e-4)
    _write(root / HOSTILE, 2.4, 8, 1e-3)
    (root / "empty").mkdir()
    (root / "empty" / "metrics.jsonl").write_text("")
    with served(root) as url:
        yield url + "compare"


def _write(folder, level, seed, rate):
    folder.mkdir()
    noise = 1 + 0.02 * np.random.default_rng(seed).standard_normal(1000)
    values = (level + 3 * 0.99 ** np.arange(1000)) * noise
    rows = [{"step": step, "loss": value} for step, value in enumerate(values.tolist())]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "args.json").write_text(json.dumps({"learning_rate": rate, "seed": seed}))


def _link(address, *names, **pairs):
    return f"{address}?{urlencode([*(('of', name) for name in names), *pairs.items()])}"


def test_two_runs_settings_first_then_the_difference_with_its_interval(address):
    with page(_link(address, "base-seed0", "tuned")) as view:
        described(view, "Differences of tuned to base-seed0: loss -9.8 % ±")
        body = view.inner_text("body")
        assert "tuned lower than base-seed0 by" in body
        assert "one seed: difference of these two runs, not of the methods" in body
        assert body.index("Settings that differ") < body.index("tuned against base-seed0")
        assert "Traceback" not in body
        name, written = taken_away(view, "Report as HTML")
        assert name == "comparison.html"
        assert b"tuned against base-seed0" in written
        assert b"<script" not in written
        assert json.loads(taken_away(view, "JSON")[1])["differences"][0]["name"] == "learning_rate"


def test_seeds_are_a_group_with_its_mean_and_range(address):
    with page(_link(address, "base-seed0", "base-seed1", "base-seed2", "tuned")) as view:
        assert "(n = 3) from" in described(view, "Curves over steps")
        body = view.inner_text("body")
        assert "one run against 3 seeds: whether it lies outside what seeds do" in body
        assert "the area reaches from the lowest to the highest" in body
        assert b"base-*" in taken_away(view, "SVG")[1]


def test_one_group_alone_is_told_from_a_comparison(address):
    with page(_link(address, "base-seed0", "base-seed1")) as view:
        view.get_by_text("All of these runs are one group").wait_for()


def test_a_run_that_cannot_be_read_is_left_out_and_named(address):
    with page(_link(address, "base-seed0", "tuned", "empty")) as view:
        view.get_by_text("No usable series in empty").wait_for()
        described(view, "Differences of tuned")


def test_names_from_logs_are_shown_and_not_obeyed(address):
    with page(_link(address, "tuned", HOSTILE, first=HOSTILE)) as view:
        view.on("dialog", lambda dialog: pytest.fail(f"a script of the log ran: {dialog.message}"))
        assert "<b>bold<b>" in described(view, "Differences of tuned")
        assert view.locator("img[src*=evil]").count() == 0
        assert "Traceback" not in view.inner_text("body")


def test_what_a_link_makes_up_is_ignored(address):
    with page(_link(address, "../../etc/passwd", by="rm", last="900", groups="[" * 150)) as view:
        view.get_by_text("Settings that differ").or_(view.get_by_text("one group")).first.wait_for()
        assert "Traceback" not in view.inner_text("body")
