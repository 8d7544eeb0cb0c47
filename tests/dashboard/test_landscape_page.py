"""The landscape page in a real browser: sliders move the picture, a run brings its way and its measured surfaces."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from browser import needs_chromium, page, served
from streamlit.testing.v1 import AppTest

from trainvitals.diagnostics.weights.store import write_surface
from trainvitals.diagnostics.weights.surface import LossSurface, Station

DONE = "[data-testid=stApp][data-test-script-state=notRunning]"
HOSTILE = "![x](http:evil) :red[HEALTHY]"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """An article run of weight 3 with a measured surface beside its log, and one of no known loss type."""
    root = tmp_path_factory.mktemp("runs")
    rows = [
        {"step": i, "loss": 6.0 * 0.99**i, "article_loss": 7.0 * 0.98**i, "other_loss": 5.9 * 0.99**i}
        for i in range(120)
    ]
    for name, lines in (("weighted", rows), ("plain", [{"step": r["step"], "loss": r["loss"]} for r in rows])):
        (root / name).mkdir()
        (root / name / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (root / "weighted" / "config.json").write_text(json.dumps({"article_weight": 3}))
    axis = np.linspace(-1, 1, 9)
    height = axis[None, :] ** 2 + axis[:, None] ** 2
    way = (Station(HOSTILE, float("nan"), -0.5, 0.5), Station("checkpoint-100", 100, 0.1, 0.0))
    surface = LossSurface("pca", axis, axis, height, 0.01 + 0 * height, 1 + 0 * height, way, (0.9, 0.1))
    write_surface(root / "weighted" / "plane.parquet", surface)
    (root / "weighted" / "torn.parquet").write_bytes((root / "weighted" / "plane.parquet").read_bytes()[400:])
    return root


def run(root, monkeypatch, **query):
    """The page without a browser."""
    monkeypatch.setattr("sys.argv", ["app.py", str(root)])
    test = AppTest.from_function(_page, default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    return test.run()


def _page():
    from trainvitals.dashboard import runs
    from trainvitals.dashboard.pages import landscape

    runs.refresh()
    runs.arrive("")
    landscape.show()


def words(test):
    return " ".join(one.value for one in test.markdown).replace("\\", "")


def test_the_loss_of_a_run_is_shown_with_its_weight_and_its_way(root, monkeypatch):
    test = run(root, monkeypatch, run="weighted")
    assert not test.exception
    assert test.slider(key="articles").value == 3
    assert "6 % of the tokens at weight 3 make 16.1 % of the loss" in words(test)
    assert "weighted: loss, class and other loss imply a share" in words(test)


def test_a_slider_moves_words_and_numbers(root, monkeypatch):
    test = run(root, monkeypatch, type="article")
    assert "weight 5 make 24.2 %" in words(test)
    assert "weight 10 make 39.0 %" in words(test.slider(key="articles").set_value(10.0).run())


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("spatial", "an error of 9.6 px costs 0.0025"),
        ("eos", "of COORD from 94.4 % to 45.9 %"),
        ("softce", "The least soft CE is its entropy"),
        ("causal_lm", "cannot get below"),
        ("own", "the loss is smooth"),
    ],
)
def test_every_loss_has_its_words(root, monkeypatch, kind, said):
    test = run(root, monkeypatch, type=kind)
    assert not test.exception
    assert said in words(test)


def test_the_repair_follows_the_constants(root, monkeypatch):
    test = run(root, monkeypatch, type="spatial", factor2="10", constant="-0.0", end2="0.06")
    assert "jump at 9.6 px" not in words(test)


def test_values_that_make_no_loss_are_told_as_such(root, monkeypatch):
    test = run(root, monkeypatch, type="spatial", end1="0.3", end2="0.1")
    assert "thresholds must rise" in test.warning[0].value.replace("\\", "")


def test_a_url_with_nonsense_shows_the_page_as_it_is(root, monkeypatch):
    test = run(root, monkeypatch, type="../../etc", run="nobody", articles="1e999", sigma="<script>")
    assert not test.exception
    assert "jump at 9.6 px" in words(test)


def test_without_any_run_the_loss_alone_is_shown(tmp_path, monkeypatch):
    test = run(tmp_path, monkeypatch)
    assert not test.exception
    assert "jump at 9.6 px" in words(test)


def test_a_measured_surface_is_shown_and_a_broken_file_says_so(root, monkeypatch):
    test = run(root, monkeypatch, run="weighted")
    assert "Loss around the weights" in words(test)
    assert not test.error
    torn = run(root, monkeypatch, run="weighted", surface="torn.parquet")
    assert not torn.exception
    assert "torn.parquet" in torn.error[0].value.replace("\\", "")
    assert "Loss around the weights" not in words(run(root, monkeypatch, run="plain"))


@needs_chromium
def test_the_picture_moves_with_the_slider_and_is_taken_away(root):
    with served(root) as address, page(address + "landscape?run=weighted") as view:
        # By its name: the one below it may be there first.
        chart = view.locator("[data-testid=stVegaLiteChart][aria-label*='share of the loss over the weight']")
        chart.wait_for()
        before = chart.inner_text()
        assert "16.1 %" in before
        slider = view.get_by_role("slider").first
        slider.focus()
        slider.press("ArrowRight")
        view.wait_for_timeout(300)
        view.wait_for_selector(DONE)
        view.wait_for_function("old => !document.querySelector('.vega-embed').textContent.includes(old)", arg="16.1 %")
        view.wait_for_url("**articles=3.5**")
        assert view.locator("img[src*=evil]").count() == 0
        with view.expect_download(timeout=60_000) as waiting:
            view.get_by_role("button", name="SVG", exact=True).first.click()
        assert ET.fromstring(Path(waiting.value.path()).read_bytes()).tag.endswith("svg")
