"""The run page in a real browser: why a run is ill, the curve there, the log at that line, and what one takes away."""

import io
import json
import re
import xml.etree.ElementTree as ET

import polars as pl
import pytest
from browser import needs_chromium, page, served, taken_away

from trainvitals.diagnostics.baseline import accept, loads
from trainvitals.diagnostics.pipeline import examine

pytestmark = needs_chromium

HOSTILE = "=1+1 ![x](http://evil.example/p.png) :red[HEALTHY] a.b[0]:Q </script><script>alert(1)</script>"
DONE = "[data-testid=stApp][data-test-script-state=notRunning]"
BREAKS_AT = 150


def rows(n=200, **more):
    falling = [2.0 * 0.97**i + 0.5 for i in range(n)]
    return [{"step": i, "loss": v, **dict.fromkeys(more.values(), v)} for i, v in enumerate(falling)]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A run whose loss becomes NaN, one with hostile names and a secret beside it, and one that is well."""
    root = tmp_path_factory.mktemp("runs")
    broken = [{**row, "loss": float("nan")} if row["step"] >= BREAKS_AT else row for row in rows()]
    _write(root / "broken" / "metrics.jsonl", broken)
    _write(root / "hostile" / "metrics.jsonl", rows(name=HOSTILE))
    (root / "hostile" / "config.json").write_text(json.dumps({"learning_rate": 0.1, "api_key": "sesame"}))
    _write(root / "well" / "metrics.jsonl", rows())
    return root


@pytest.fixture(scope="module")
def address(root):
    with served(root) as url:
        yield url


def _write(path, lines):
    path.parent.mkdir()
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def settled(view):
    view.wait_for_timeout(150)
    view.wait_for_selector(DONE, timeout=60_000)


def test_an_engineer_reads_why_sees_the_curve_and_opens_the_log_at_the_line(address):
    with page(address + "run?run=broken") as view:
        assert view.get_by_role("heading", name="FAIL broken").count() == 1
        assert view.title() == "\u2716 broken \u00b7 trainvitals", "one of many tabs of a browser"
        body = view.inner_text("body")
        assert "N101 non-finite" in body
        assert f"step {BREAKS_AT}" in body
        assert "Next:" in body
        chart = view.locator("[data-testid=stVegaLiteChart][aria-label*='shaded where N101 was found']").first
        chart.wait_for()
        cited = view.get_by_role("button", name=f"metrics.jsonl:{BREAKS_AT + 1}").first
        cited.focus()
        cited.press("Enter")  # a keyboard is enough
        code = view.locator("[data-testid=stCode]").filter(has_text="\u25b6").first
        code.wait_for()
        cited = next(line for line in code.inner_text().splitlines() if "\u25b6" in line)
        assert re.search(rf"{BREAKS_AT + 1} \u2502 .*\"step\": {BREAKS_AT}, \"loss\": NaN", cited)
        view.wait_for_url(lambda url: "view=Log" in url and f"line={BREAKS_AT + 1}" in url)


def test_cited_lines_are_set_like_a_log_and_begin_at_the_left_where_they_wrap(address):
    from playwright.sync_api import expect

    with page(address + "run?run=broken", width=320) as view:
        cited = view.get_by_role("button", name="metrics.jsonl:").first.locator("p")
        cited.wait_for()
        expect(cited).to_have_css("font-family", re.compile("monospace"))
        lines = cited.evaluate(
            """text => {
                const range = document.createRange();
                range.selectNodeContents(text);
                return [...range.getClientRects()].map(line => [line.left, line.top]);
            }"""
        )
        tops = {round(top) for _, top in lines}
        assert len(tops) > 1, "it does not wrap"
        assert min(x for x, top in lines if round(top) == max(tops)) == pytest.approx(min(x for x, _ in lines), abs=1)


def test_a_link_opens_the_log_at_its_line_with_what_was_read_from_it(address):
    with page(address + "run?run=broken&view=Log&line=3") as view:
        assert "\u25b6  3 \u2502" in view.locator("[data-testid=stCode]").first.inner_text()
        view.get_by_text("Read from line 3").wait_for()


def test_no_file_is_opened_that_is_not_of_the_run(address):
    with page(address + "run?run=broken") as view:
        for name in ("../well/metrics.jsonl", "/etc/passwd", "..%2F..%2Fetc%2Fpasswd", "\u202e"):
            view.goto(address + f"run?run=broken&view=Log&file={name}&line=-5&around=1000000")
            view.locator("[data-testid=stCode]").first.wait_for()
            settled(view)
            code = view.locator("[data-testid=stCode]").first.inner_text()
            assert "root:" not in code
            assert "NaN" not in code.splitlines()[0]
            assert view.locator("[data-testid=stAlert]").count() == 0


def test_another_run_is_chosen_by_typing_its_name(address):
    with page(address + "run?run=broken&view=Log&line=151") as view:
        chooser = view.get_by_role("combobox").first
        chooser.click()
        chooser.fill("well")
        chooser.press("Enter")
        view.get_by_role("heading", name="PASS well").wait_for()
        view.wait_for_url(lambda url: "run=well" in url and "line=151" not in url)


def test_names_and_secrets_of_a_log_are_shown_or_hidden_and_never_obeyed(address):
    asked = []
    with page(address + "run?run=hostile") as view:
        view.on("request", lambda request: asked.append(request.url))
        view.on("dialog", lambda dialog: pytest.fail(f"a script of the log ran: {dialog.message}"))
        for tab in ("Findings", "Tables", "Log", "Files", "Rules", "Export"):
            view.goto(address + f"run?run=hostile&view={tab}")
            view.get_by_role("tab", name=tab).wait_for()
            settled(view)
            assert view.locator("img[src*=evil]").count() == 0
            assert "sesame" not in view.inner_text("body")
            assert view.get_by_role("tab", name=tab).get_attribute("aria-selected") == "true"
    # Neither a name in a log nor the dashboard itself fetches anything from elsewhere.
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert asked


def test_everything_that_is_taken_away_arrives_and_parses(address):
    with page(address + "run?run=hostile&view=Export") as view:
        name, html = taken_away(view, "HTML")
        assert name == "hostile.html"
        assert b"<script" not in html
        assert b"http" not in re.sub(rb"http://evil\.example|http-equiv", b"", html)
        assert json.loads(taken_away(view, "JSON")[1])["runs"][0]["run"] == "hostile"
        assert b"hostile" in taken_away(view, "Markdown")[1]
        table = pl.read_csv(io.BytesIO(taken_away(view, "CSV")[1]))
        assert len(table) == 400
        assert set(table["logged_as"].unique()) == {"loss", "'" + HOSTILE}
        taken = pl.read_parquet(io.BytesIO(taken_away(view, "Parquet")[1]))
        assert set(taken["logged_as"].unique()) == {"loss", HOSTILE}
        assert ET.fromstring(taken_away(view, "SVG")[1]).tag.endswith("svg")
        assert taken_away(view, "PNG")[1].startswith(b"\x89PNG")


def test_a_finding_is_accepted_by_the_entry_that_is_shown(address, root):
    with page(address + "run?run=broken") as view:
        view.get_by_role("button", name="Accept this finding").first.click()
        shown = view.locator("[data-testid=stPopoverBody] [data-testid=stCode]")
        shown.wait_for()
        entries = loads(shown.inner_text(), "shown")
    (judged,) = [one.report for one in examine([str(root)]) if one.report.run == "broken"]
    assert judged.verdict == "fail"
    assert accept(judged, entries).verdict == "pass"


def test_a_narrow_window_shows_the_same_without_scrolling_sideways(address):
    with page(address + "run?run=broken", width=390) as view:
        assert view.get_by_role("heading", name="FAIL broken").count() == 1
        chart = view.locator("[data-testid=stVegaLiteChart]").first
        chart.wait_for()
        settled(view)
        assert chart.bounding_box()["width"] <= 390
        assert view.get_by_text("V104 validation-missing").count() == 1
        assert view.locator("[data-testid=stVegaLiteChart]").count() == 1, "a note repeats no picture"
        assert view.evaluate("document.documentElement.scrollWidth") <= 390
