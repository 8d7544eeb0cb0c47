"""The dashboard in a real browser: which runs are ill, and why; a log from elsewhere; a training that goes on."""

import json
import os

import pytest
from browser import needs_chromium, page, served

pytestmark = needs_chromium

HOSTILE = "![x](http:evil) :red[HEALTHY] a.b[0]:Q <script>alert(1)</script>"
HOSTILE_RUN = "![x](http:evil) :red[HEALTHY] <b>bold<b>"
FALLING = [2.0 * 0.97**i + 0.5 for i in range(200)]
HEADER = 35
"""Pixels of a row of the table, and of its header."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A healthy run, one whose loss becomes NaN, two with hostile names, and files that cannot be read."""
    root = tmp_path_factory.mktemp("runs")
    broken = [v if i < 150 else float("nan") for i, v in enumerate(FALLING)]
    _write(root / "healthy" / "metrics.jsonl", FALLING)
    _write(root / "broken" / "metrics.jsonl", broken)
    (root / "broken" / "args.json").write_text('{"learning_rate": 0.5}')
    _write(root / "hostile" / "metrics.jsonl", FALLING, HOSTILE)
    _write(root / HOSTILE_RUN.replace("/", "_") / "metrics.jsonl", FALLING)
    _write(root / "live" / "metrics.jsonl", FALLING)
    (root / "empty").mkdir()
    (root / "empty" / "metrics.jsonl").write_text("")
    return root


@pytest.fixture(scope="module")
def address(runs):
    with served(runs) as url:
        yield url


def _write(path, values, *names):
    path.parent.mkdir(exist_ok=True)
    rows = ({"step": i, "loss": v} | dict.fromkeys(names, v) for i, v in enumerate(values))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _table(view):
    """Cells of the overview by rows, from what a screen reader gets; all at one moment."""
    return view.evaluate(
        """() => [...document.querySelectorAll("[data-testid=stDataFrame] canvas table tbody tr")]
                    .map(row => [...row.querySelectorAll("td")].map(cell => cell.innerText))"""
    )


def _until(view, condition, what):
    for _ in range(240):
        if condition():
            return
        view.wait_for_timeout(250)
    raise AssertionError(f"after a minute, not yet: {what}; {view.url}\n{view.inner_text('body')}")


def _click_name(view, row):
    """Click a name in the table: it is drawn, so by its place."""
    box = view.get_by_test_id("stDataFrame").locator("canvas").first.bounding_box()
    x, y = box["x"] + 180, box["y"] + HEADER * (row + 1.5)
    view.mouse.move(x, y)
    view.wait_for_timeout(300)
    view.mouse.click(x, y)


def test_the_overview_names_the_sick_run_first_with_its_reason_and_the_unreadable_one_too(address):
    with page(address) as view:
        _until(view, lambda: len(_table(view)) == 6, "six runs")
        first, second = _table(view)[:2]
        assert {"broken", "150"} <= set(first)
        assert any("N101 loss is NaN at step 150" in cell for cell in first)
        assert any("the file is empty" in cell for cell in second)
        assert "1 fail" in view.inner_text("body")
        assert "6 runs below" in view.inner_text("body")


def test_runs_are_filtered_opened_and_found_filtered_again(address):
    with page(address) as view:
        _until(view, lambda: len(_table(view)) == 6, "six runs")
        view.get_by_label("Name").first.fill("bro")
        _until(view, lambda: len(_table(view)) == 1, "one run")
        _until(view, lambda: "q=bro" in view.url, "the filter in the URL")
        _click_name(view, 0)
        _until(view, lambda: "run=broken" in view.url, "the page of the run")
        view.get_by_role("heading", name="broken").wait_for()
        view.go_back()
        _until(view, lambda: "q=bro" in view.url, "the filter that was left")
        _until(view, lambda: len(_table(view)) == 1, "one run")


def _tick(view, row):
    box = view.get_by_test_id("stDataFrame").locator("canvas").first.bounding_box()
    view.mouse.click(box["x"] + 17, box["y"] + HEADER * (row + 1.5))


def test_runs_that_are_ticked_are_looked_at_together_also_those_that_a_filter_hides(address):
    with page(address) as view:
        _until(view, lambda: len(_table(view)) == 6, "six runs")
        _tick(view, 0)
        view.get_by_role("link", name="Open").wait_for()
        view.get_by_label("Name").first.fill("health")
        _until(view, lambda: len(_table(view)) == 2, "two runs that fit")
        _tick(view, next(i for i, row in enumerate(_table(view)) if "healthy" in row))
        view.get_by_text("broken, healthy").wait_for()
        view.get_by_role("link", name="Curves").last.click()
        _until(view, lambda: "curves?of=broken&of=healthy" in view.url, "both in the URL")
        view.get_by_test_id("stVegaLiteChart").wait_for()
        view.go_back()
        view.get_by_text("broken, healthy").wait_for()
        view.get_by_role("link", name="Compare").last.click()
        _until(view, lambda: "compare?of=broken&of=healthy" in view.url, "both in the URL")


def test_the_table_is_used_by_keys_alone(address):
    with page(address) as view:
        _until(view, lambda: len(_table(view)) == 6, "six runs")
        view.get_by_test_id("data-grid-canvas").focus()
        for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
            view.keyboard.press(key)
            view.wait_for_timeout(300)
        assert "run=" not in view.url, "reading along a row opens nothing"
        view.keyboard.press("Shift+Space")
        opening = view.get_by_role("link", name="Open")
        opening.focus()
        opening.press("Enter")
        _until(view, lambda: "run?run=" in view.url, "the page of the run")


def test_a_new_run_appears_by_itself_though_nothing_is_running(tmp_path):
    _write(tmp_path / "old" / "metrics.jsonl", FALLING)
    os.utime(tmp_path / "old" / "metrics.jsonl", (1, 1))
    with served(tmp_path) as url, page(url) as view:
        _until(view, lambda: len(_table(view)) == 1, "one run")
        _write(tmp_path / "new" / "metrics.jsonl", FALLING)
        _until(view, lambda: any("new" in row for row in _table(view)), "the new run")


def test_a_link_holds_the_filters_and_what_is_wrong_in_it_is_passed_over(address):
    with page(address + "?verdict=fail&setting=learning_rate&value=0.5") as view:
        _until(view, lambda: len(_table(view)) == 1, "one run")
        assert "1 of 6 runs" in view.inner_text("body")
    with page(address + "?verdict=splendid&loss=" + "x" * 5000) as view:
        _until(view, lambda: len(_table(view)) == 6, "six runs")


def test_without_a_name_the_sickest_run_is_shown_with_its_reason(address):
    with page(address + "run") as view:
        view.wait_for_selector("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg")
        body = view.inner_text("body")
        assert "broken" in body
        assert "N101" in body
        assert "fail" in body.lower()
        assert "Traceback" not in body


def test_a_link_opens_the_run_that_it_names(address):
    with page(address + "run?run=healthy") as view:
        view.get_by_role("heading", name="healthy").wait_for()


def test_a_link_to_something_that_is_no_run_opens_nothing(address):
    with page(address + "run?run=../../etc/passwd") as view:
        view.get_by_role("heading", name="broken").wait_for()
        view.get_by_text("No such run below this folder: ../../etc/passwd").wait_for()
        assert "root:" not in view.inner_text("body")
    with page(address + f"curves?of=healthy&of={HOSTILE}") as view:
        view.get_by_text(f"No such run below this folder: {HOSTILE}").wait_for()
        assert view.locator("img[src*=evil]").count() == 0


def test_that_the_run_of_a_link_is_not_there_is_told_until_another_is_chosen(address):
    with page(address + "curves?of=gone") as view:
        told = view.get_by_text("No such run below this folder: gone")
        told.wait_for()
        view.get_by_text("log x").click()
        _until(view, lambda: "logx" in view.url, "the page is drawn again")
        view.wait_for_timeout(1000)
        assert told.is_visible()
    with page(address + "run?run=gone") as view:
        told = view.get_by_text("No such run below this folder: gone")
        told.wait_for()
        view.get_by_role("combobox").first.click()
        view.get_by_role("option", name="healthy", exact=True).click()
        view.get_by_role("heading", name="healthy").wait_for()
        told.wait_for(state="hidden")


def test_hostile_names_are_shown_and_not_obeyed(address):
    requests = []
    with page(address) as view:
        view.on("request", lambda request: requests.append(request.url))
        view.on("dialog", lambda dialog: pytest.fail(f"a script of the log ran: {dialog.message}"))
        _until(view, lambda: len(_table(view)) == 6, "six runs")
        assert any(HOSTILE_RUN in cell for row in _table(view) for cell in row)
        view.get_by_label("Name").first.fill("HEALTHY]")
        _until(view, lambda: len(_table(view)) == 1, "one run")
        _click_name(view, 0)
        view.get_by_role("heading", name=HOSTILE_RUN).wait_for()
        assert view.locator("img[src*=evil]").count() == 0
        assert view.locator("b", has_text="bold").count() == 0
    assert [url for url in requests if url.startswith("http:evil") or "//evil" in url] == []


def test_a_log_is_uploaded_and_reported(address, tmp_path):
    log = tmp_path / "![x](http:evil) <b>up<b>.jsonl"
    _write(log, [*FALLING[:150], *[float("nan")] * 50], HOSTILE)
    with page(address + "bring") as view:
        assert "Upload what the training wrote" in view.inner_text("body")
        view.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(str(log))
        view.get_by_role("heading", name="up_b_.jsonl").wait_for()
        view.get_by_text("N101 non-finite").wait_for()
        body = view.inner_text("body")
        assert "is NaN at step 150" in body
        assert "trainvitals-" not in body, "the folder in which it lay for a moment"
        assert view.locator("img[src*=evil]").count() == 0


def test_a_log_is_pasted_and_reported(address):
    with page(address + "bring") as view:
        view.get_by_text("Or paste a log").click()
        rows = (f"{{'loss': {v:.4f}, 'learning_rate': 1e-05, 'epoch': {i / 50}}}" for i, v in enumerate(FALLING))
        view.get_by_label("Text of a log").fill("\n".join(rows))
        view.get_by_label("Text of a log").press("Control+Enter")
        view.get_by_role("heading", name="pasted.log").wait_for()


def test_a_training_that_goes_on_is_followed_and_what_happens_is_told(address, runs):
    with page(address) as view:
        _until(view, lambda: len(_table(view)) == 6, "six runs")
        assert "1 fail" in view.inner_text("body")
        with (runs / "live" / "metrics.jsonl").open("a") as log:
            log.writelines(json.dumps({"step": i, "loss": float("nan")}) + "\n" for i in range(200, 230))
        _until(view, lambda: view.get_by_test_id("stToast").count(), "a toast")
        assert "N101 loss is NaN at step 200" in view.get_by_test_id("stToast").first.inner_text()
        _until(view, lambda: "2 fail" in view.inner_text("body"), "two that fail")
        _until(view, lambda: any({"live", "200"} <= set(row) for row in _table(view)), "since when")
