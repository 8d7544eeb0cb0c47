"""Ratios in a real browser: a moved bound changes the status at once, and is kept in the settings when asked."""

import json
import shutil
import tomllib
from pathlib import Path
from urllib.parse import urlencode

import pytest
from browser import described, needs_chromium, page, served, settled, taken_away
from streamlit.testing.v1 import AppTest

pytestmark = needs_chromium

QUOTED = Path(__file__).parents[1] / "quoted" / "article"
HOSTILE = 'a"]_:red[healthy]_![x](http:evil)_<script>alert(1)<b>'
SETTINGS = "# kept\nfail-on = 'warn'\n"


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A working directory with settings, and in it a folder of runs."""
    folder = tmp_path_factory.mktemp("work")
    for name in ("good", "bad"):
        shutil.copytree(QUOTED / name, folder / "runs" / name)
    (folder / "runs" / "other").mkdir()
    rows = [{"step": i, "loss": 3.0 * 0.99**i, "aux": 2.0 * 0.99**i, HOSTILE: 1.0} for i in range(100)]
    (folder / "runs" / "other" / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "trainvitals.toml").write_text(SETTINGS)
    return folder


@pytest.fixture(scope="module")
def address(work):
    with served(work / "runs", work) as url:
        yield url + "ratios"


def _link(address, **pairs):
    return f"{address}?{urlencode(pairs)}"


def _settings(work):
    return tomllib.loads((work / "trainvitals.toml").read_text())


def test_a_ratio_stands_over_its_bands_with_its_parts_and_its_status(address):
    with page(_link(address, run="bad")) as view:
        words = described(view, "article / other")
        assert "overfitting, while other_loss is stuck" in words
        assert "article_loss from 4.5 to 1.8" in words
        view.get_by_text("0.189: overfitting").wait_for()
        view.get_by_text("R102").first.wait_for()
        view.get_by_test_id("stDataFrame").first.wait_for()
        name, drawn = taken_away(view, "SVG")
        assert name == "bad-article-other.svg"
        assert b"overfitting" in drawn


def test_moving_a_bound_changes_the_status_at_once_and_can_be_kept(address, work):
    with page(_link(address, run="bad")) as view:
        field = view.get_by_label("learning below").first
        field.fill("0.1")
        field.press("Enter")
        view.get_by_text("0.189: low").wait_for()
        assert "article-0_0=0.1" in view.url
        settled(view)
        view.get_by_role("button", name="Save to the settings").first.click()
        view.get_by_text("All runs are judged by it").wait_for()
    assert (work / "trainvitals.toml").read_text().startswith(SETTINGS)
    kept = _settings(work)["loss_types"]["article"]["ratios"][0]["bands"]
    assert (kept[0]["high"], kept[1]["low"]) == (0.1, 0.1)
    with page(_link(address, run="bad")) as view:
        view.get_by_text("0.189: low").wait_for()


def test_bounds_that_do_not_grow_are_refused_with_the_reason(address):
    with page(_link(address, run="good")) as view:
        field = view.get_by_label("balanced below", exact=True).first
        field.fill("9")
        field.press("Enter")
        view.get_by_text("each bound must be larger than the one before it").wait_for()


def test_words_and_severities_are_edited_beside_their_bounds_and_kept(address, work):
    with page(_link(address, run="good")) as view:
        described(view, "article / other")
        view.get_by_text("Words and severities of the bands").first.click()
        word = view.get_by_label("Word, band 3", exact=True).first
        word.fill(":red[even] `x`")
        word.press("Enter")
        view.get_by_text(":red[even] `x` below", exact=True).first.wait_for()
        chooser = view.get_by_role("combobox", name="Severity, band 3", exact=True).first
        chooser.click()
        chooser.fill("warn")
        chooser.press("Enter")
        view.wait_for_url("**article-0_band3_severity=warn*")
        settled(view)
        view.get_by_role("button", name="Save to the settings").first.click()
        view.get_by_text("All runs are judged by it").wait_for()
    band = _settings(work)["loss_types"]["article"]["ratios"][0]["bands"][2]
    assert band["falling"] == {"status": ":red[even] `x`", "severity": "warn"}
    assert "stuck" not in band, "what holds of a stuck loss is the same"
    with page(_link(address, run="good")) as view:
        view.get_by_text(":red[even] `x` below", exact=True).first.wait_for()


def test_a_band_without_a_word_is_refused_with_the_reason(address):
    with page(_link(address, run="good")) as view:
        described(view, "article / other")
        view.get_by_text("Words and severities of the bands").first.click()
        word = view.get_by_label("Word, band 1", exact=True).first
        word.fill(" ")
        word.press("Enter")
        view.get_by_text("every band must have a word").wait_for()


def test_any_two_series_become_a_ratio_and_a_loss_type(address, work):
    with page(_link(address, run="other", above="aux", below="loss")) as view:
        assert "aux / loss: 0.667: low" in described(view, "aux / loss")
        view.get_by_label("Name of a loss type").fill("pair")
        view.get_by_label("Name of a loss type").press("Enter")
        settled(view)
        view.get_by_role("button", name="Save to the settings").click()
        view.get_by_text("All runs are judged by it").wait_for()
    kept = _settings(work)["loss_types"]["pair"]
    assert kept["recognise"] == [["aux", "loss"]]
    assert kept["ratios"][0]["numerator"] == "aux"


def test_names_from_logs_are_shown_and_not_obeyed(address):
    with page(_link(address, run="other", above=HOSTILE, below="loss")) as view:
        view.on("dialog", lambda dialog: pytest.fail(f"a script of the log ran: {dialog.message}"))
        assert "<script>" in described(view, r"a\"]")
        assert view.locator("img[src*=evil]").count() == 0
        assert "Traceback" not in view.inner_text("body")


def test_what_a_link_makes_up_is_ignored_and_nothing_is_written(address, work):
    before = (work / "trainvitals.toml").read_text()
    with page(
        _link(
            address,
            run="../../etc/passwd",
            **{"article-0_0": "nan", "article-0_band1_word": "<b>" * 900},
            above="x" * 3000,
            own_1="rm",
        )
    ) as view:
        settled(view)
        assert "root:" not in view.inner_text("body")
        assert "Traceback" not in view.inner_text("body")
    assert (work / "trainvitals.toml").read_text() == before


def test_bounds_of_one_loss_type_are_none_of_another(tmp_path, monkeypatch):
    samples = Path(__file__).resolve().parents[2] / "sample_logs"
    for case in ("article/overfitting", "softce/overfitting"):
        shutil.copytree(samples / case, tmp_path / case)
    monkeypatch.setattr("sys.argv", ["app.py", str(tmp_path)])
    test = AppTest.from_function(_page, default_timeout=60)
    test.query_params["run"] = "article/overfitting"
    first = test.run().number_input[0]
    assert first.label == "learning below"
    test.number_input[0].set_value(0.3).run()
    test.selectbox(key="run").set_value("softce/overfitting").run()
    assert [one.value for one in test.number_input][:2] == [0.8, 1.25]
    assert not test.warning


def _page():
    from trainvitals.dashboard import runs
    from trainvitals.dashboard.pages import ratios

    runs.refresh()
    runs.arrive("")
    ratios.show()
