"""Curves in a real browser: the curve at the step of a finding, zoom, smoothing, links, and hostile names."""

import json
import xml.etree.ElementTree as ET
from urllib.parse import urlencode

import pytest
from browser import described, needs_chromium, page, served, settled, taken_away

pytestmark = needs_chromium

HOSTILE = "![x](http:evil)_:red[healthy]_a.b[0]:q_<script>alert(1)<b>"
NO_RUN = "![x](http:evil) <b>bold<b>"
FALLING = [2.0 * 0.97**i + 0.5 for i in range(300)]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    broken = [v if i < 250 else float("nan") for i, v in enumerate(FALLING)]
    broken[100] = 900.0
    _write(root / "healthy", FALLING, start=1_700_000_000)
    _write(root / "broken", broken)
    _write(root / NO_RUN, FALLING, names=[HOSTILE])
    with served(root) as url:
        yield url + "curves"


def _write(folder, values, *, names=(), start=None):
    folder.mkdir()
    rows = []
    for step, value in enumerate(values):
        rows.append({"step": step, "loss": value, "grad_norm": value / 2} | dict.fromkeys(names, value))
        rows[-1] |= {"timestamp": start + step} if start else {}
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _link(address, *pairs):
    return f"{address}?{urlencode(pairs)}"


def _brush(view):
    """Drag over the middle fifth of the first chart."""
    view.wait_for_timeout(500)
    box = view.get_by_test_id("stVegaLiteChart").first.bounding_box()
    y = box["y"] + box["height"] / 2
    view.mouse.move(box["x"] + box["width"] * 0.4, y)
    view.mouse.down()
    view.mouse.move(box["x"] + box["width"] * 0.6, y, steps=5)
    view.mouse.up()
    view.wait_for_url("**from=*to=*")
    view.get_by_role("button", name="Show all").wait_for()


def test_the_curve_breaks_where_the_loss_does_and_says_so(address):
    with page(_link(address, ("of", "broken"), ("metrics", "loss"))) as view:
        assert "loss: broken from 2.5 to" in described(view, "Curves over step")
        body = view.inner_text("body")
        assert "50 values are not finite, marked by ticks" in body
        assert "never use smoothed values" in body
        assert "Traceback" not in body


def test_a_link_opens_the_part_that_it_names_and_all_can_be_shown_again(address):
    with page(_link(address, ("of", "broken"), ("metrics", "loss"), ("from", "200"), ("to", "260"))) as view:
        described(view, "Curves over step")
        assert "10 values are not finite" not in view.inner_text("body")
        assert "11 values are not finite" in view.inner_text("body")
        view.get_by_role("button", name="Show all").click()
        view.get_by_text("50 values are not finite").wait_for()
        assert "from=" not in view.url


def test_a_part_is_brushed_to_be_seen_closer_and_stands_in_the_url(address):
    with page(_link(address, ("of", "healthy"), ("metrics", "loss"))) as view:
        described(view, "Curves over step")
        _brush(view)
        start, end = (float(view.get_by_label(name, exact=True).input_value()) for name in ("from", "to"))
        assert 50 < start < 150 < end < 250


def test_times_of_day_are_brushed_too(address):
    with page(_link(address, ("of", "healthy"), ("metrics", "loss"), ("x", "wall clock"))) as view:
        described(view, "Curves over time of day")
        _brush(view)
        start = float(view.get_by_label("from (seconds since 1970)", exact=True).input_value())
        assert 1_700_000_050 < start < 1_700_000_150
        view.get_by_role("radio", name="step").click(force=True)
        described(view, "Curves over step. loss: healthy from 2.5 to 0.5")
        assert "from=" not in view.url, "a part of one axis is none of another"


def test_smoothing_is_moved_by_keys_and_stands_in_the_url(address):
    with page(_link(address, ("of", "healthy"), ("metrics", "loss"))) as view:
        slider = view.get_by_role("slider", name="strength")
        slider.focus()
        for _ in range(3):
            slider.press("ArrowRight")
        view.wait_for_url("**smooth=0.03*")
        settled(view)
        described(view, "Curves over step")


def test_outliers_are_left_out_on_request_and_counted(address):
    with page(_link(address, ("of", "broken"), ("metrics", "loss"), ("trim", "true"))) as view:
        described(view, "Curves over step")
        assert "points outside the range shown, marked by triangles" in view.inner_text("body")


def test_an_axis_that_the_runs_lack_is_not_offered_and_the_reason_is_told(address):
    with page(_link(address, ("of", "healthy"), ("metrics", "loss"), ("x", "relative time"))) as view:
        described(view, "Curves over minutes since the start")
        assert view.get_by_role("radio", name="wall clock").count() == 1
    with page(_link(address, ("of", "broken"), ("metrics", "loss"), ("x", "relative time"))) as view:
        described(view, "Curves over step")
        assert "relative time: no times in the log" in view.inner_text("body")


def test_the_data_behind_a_chart_can_be_read(address):
    with page(_link(address, ("of", "healthy"), ("metrics", "loss"))) as view:
        view.get_by_text("Data behind these charts").click()
        view.get_by_test_id("stDataFrame").wait_for()


def test_curves_of_several_runs_and_metrics_are_taken_away(address):
    chosen = [("of", "healthy"), ("of", NO_RUN), ("metrics", "loss"), ("metrics", HOSTILE)]
    with page(_link(address, *chosen, ("smooth", "0.5"))) as view:
        described(view, "Curves over step")
        name, drawn = taken_away(view, "SVG")
        assert name.startswith("loss-x-http")
        texts = " ".join(ET.fromstring(drawn).itertext())
        assert "healthy" in texts
        assert "<b>bold<b>" in texts
        assert taken_away(view, "PNG")[1].startswith(b"\x89PNG")
        written = taken_away(view, "HTML page")[1].decode()
        assert "<script" not in written
        assert "http" not in written.replace("http-equiv", "").replace("(http:evil)", "")


def test_names_from_logs_are_shown_and_not_obeyed(address):
    with page(address) as view:
        asked = []
        view.on("request", lambda request: asked.append(request.url))
        view.on("dialog", lambda dialog: pytest.fail(f"a script of the log ran: {dialog.message}"))
        view.goto(_link(address, ("of", NO_RUN), ("metrics", HOSTILE), ("metrics", "loss")))
        words = described(view, "Curves over step")
        assert "<script>" in words
        assert "<b>bold<b>" in words
        view.mouse.move(600, 900)
        settled(view)
        assert view.locator("img[src*=evil]").count() == 0
        assert [url for url in asked if "//evil" in url] == []


def test_what_a_link_makes_up_is_ignored(address):
    pairs = [("of", "../../etc/passwd"), ("metrics", "x" * 5000), ("x", "evil"), ("from", "1e999"), ("smooth", "7")]
    with page(_link(address, *pairs, ("kind", "rm"))) as view:
        assert "loss:" in described(view, "Curves over step")
        assert "root:" not in view.inner_text("body")


def test_a_narrow_window_in_the_dark_shows_all_of_a_chart(address):
    with page(_link(address, ("of", "healthy"), ("metrics", "loss")), width=390, scheme="dark") as view:
        described(view, "Curves over step")
        assert view.evaluate("document.documentElement.scrollWidth") <= 390
        drawn = view.locator("[data-testid=stVegaLiteChart] svg, [data-testid=stVegaLiteChart] canvas").first
        assert drawn.bounding_box()["width"] <= 390
