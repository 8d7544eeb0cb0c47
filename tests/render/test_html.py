"""The report that one sends: complete, inert, small, and the same for the same input."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from make import run
from reports import HOSTILE, few, reports

from trainvitals.diagnostics.diagnosis import case_of, judge
from trainvitals.diagnostics.normalisation import normalise
from trainvitals.diagnostics.render import html
from trainvitals.diagnostics.render.sanitise import FORBIDDEN
from trainvitals.diagnostics.render.style import STYLE
from trainvitals.diagnostics.render.svg import chart, spark
from trainvitals.diagnostics.report import Evidence, SourceSummary
from trainvitals.diagnostics.settings import Settings

VOID = {"meta", "br", "img", "link", "input", "hr"}
NAN = float("nan")


class Reader(HTMLParser):
    """Notes elements and attributes, and that every element is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text.append(data)


def examined(**series):
    normalised = normalise(run(series))
    return judge(normalised), normalised


def diverging(n=400):
    step = np.arange(n)
    loss = 3 * np.exp(-step / 50) + 0.5 + np.clip((step - 250) / 50, 0, 1) * 3
    return loss * np.exp(0.01 * np.random.default_rng(0).standard_normal(n))


@pytest.fixture(scope="module")
def page() -> Reader:
    return Reader(html.render([examined(loss=diverging())]))


def test_it_says_verdict_finding_remedy_and_how(page):
    text = " ".join(page.text)
    for part in ("FAIL", "L103", "learning rate", "how it was decided", "made.jsonl:"):
        assert part in text


def test_the_finding_has_its_picture_with_the_window_shaded(page):
    kinds = [attrs.get("class") for tag, attrs in page.elements if tag == "rect"]
    assert "window fail" in kinds
    assert [attrs.get("class") for tag, attrs in page.elements if tag == "path"].count("line c0") >= 1


def test_nothing_runs_and_nothing_is_fetched(page):
    assert not {tag for tag, _ in page.elements} & {"script", "img", "link", "iframe", "object", "a"}
    for _, attrs in page.elements:
        assert not [name for name in attrs if name.startswith("on") or name in ("src", "href")]
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_the_same_input_gives_the_same_bytes():
    assert html.render([examined(loss=diverging())]) == html.render([examined(loss=diverging())])


def test_a_run_of_a_million_steps_stays_small():
    assert len(html.render([examined(loss=diverging(1_000_000), grad_norm=np.ones(1_000_000))])) < 2_000_000


def test_several_runs_have_a_table_with_the_sickest_first():
    healthy = 3 * np.exp(-np.arange(400) / 50) + 0.5
    text = " ".join(Reader(html.render([examined(loss=healthy), examined(loss=diverging())])).text)
    assert "2 runs" in text
    assert text.index("FAIL") < text.index("PASS")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(few(reports, 2))
def test_hostile_text_is_text(hostile):
    plain = normalise(run({"loss": [3.0, 2.0, 1.0]}))
    page = Reader(html.render([(report, plain) for report in hostile]))
    assert not {tag for tag, _ in page.elements} & {"script", "img", "a", "b"}
    for _, attrs in page.elements:
        assert not [name for name in attrs if name.startswith("on")]


def drawn_patches(page: Reader) -> list[str]:
    return [attrs["class"] for tag, attrs in page.elements if tag == "rect" and "patch" in (attrs.get("class") or "")]


def test_a_ratio_is_drawn_over_its_bands_and_targets():
    """The reference loss is stuck from the middle on: then a low ratio has another meaning, and another colour."""
    n = 200
    weighted = 6 * np.exp(-np.arange(n) / 40)
    other = np.maximum(6 - np.arange(n) / 40, 4.5) * np.exp(0.005 * np.random.default_rng(0).standard_normal(n))
    epochs = np.arange(n) / 20 + 1
    steps = 10 * np.arange(1.0, n + 1)
    page = Reader(html.render([examined(article_loss=(steps, weighted, epochs), other_loss=(steps, other, epochs))]))
    kinds = drawn_patches(page)
    assert {"patch plain", "patch good", "patch fail", "patch aim"} <= set(kinds)
    assert kinds.count("patch aim") >= 3
    text = " ".join(page.text)
    assert "overfitting" in text
    assert "epoch 5: 0.6 to 0.8" in text
    statuses = [attrs.get("class") for tag, attrs in page.elements if tag == "td"]
    assert "fail" in statuses


def test_a_correction_is_drawn_as_logged_and_as_judged_once():
    steps = np.concatenate([np.arange(1.0, 301), np.arange(201.0, 501)])
    loss = 3 * np.exp(-steps / 100) + 0.5 + 0.3 * (np.arange(600) < 300) * (steps > 200)
    text = html.render([examined(loss=(steps, loss))])
    assert "Corrections" in text
    assert text.count('class="line raw"') == 1


def test_a_run_is_shown_beside_its_baselines():
    def case(level, name):
        values = (3 * np.exp(-np.arange(400) / 50) + level) * np.exp(
            0.01 * np.random.default_rng(len(name)).standard_normal(400)
        )
        return case_of(normalise(run({"loss": values}, name=name)), Settings())

    baselines = tuple(case(1.0, f"healthy{'x' * i}") for i in range(3))
    mine = normalise(run({"loss": case(1.5, "mine").run.series[0].value}, name="mine"))
    page = Reader(html.render([(judge(mine, None, baselines), mine)], None, baselines))
    text = " ".join(page.text)
    assert "Beside the baselines" in text
    assert "one run against 3 seeds" in text
    assert "mine higher than baselines by 4" in text
    assert {"key k0", "key k1", "key k2", "key k3"} <= {attrs.get("class") for _, attrs in page.elements}


def test_a_baseline_of_the_same_name_and_another_loss_is_told_apart():
    spatial = {"loss_spatial": np.linspace(1, 0.1, 60), "loss": np.linspace(1, 0.1, 60)}
    article = {
        "article_loss": np.linspace(6, 2, 60),
        "other_loss": np.linspace(6, 2, 60),
        "loss": np.linspace(6, 2, 60),
    }
    baseline, mine = (normalise(run(series)) for series in (spatial, article))
    case = case_of(baseline, Settings())
    text = " ".join(Reader(html.render([(judge(mine, None, (case,)), mine)], None, (case,))).text)
    assert "made against baseline:made" in text
    assert "the losses are of different types (article, spatial)" in text


def test_nothing_to_compare_is_said():
    baseline = case_of(normalise(run({"loss": (np.arange(1000.0, 1060), np.linspace(3, 1, 60))})), Settings())
    mine = normalise(run({"loss": np.linspace(3, 1, 60)}))
    text = " ".join(Reader(html.render([(judge(mine, None, (baseline,)), mine)], None, (baseline,))).text)
    assert "Nothing could be compared" in text


def test_settings_say_where_they_were_read_and_sources_what_was_not_understood_and_learnt():
    normalised = normalise(run({"loss": [3.0, 2.0]}, config={"seed": 7}))
    source = SourceSummary(
        "odd.log",
        "learnt",
        9,
        2,
        unread_lines=1,
        unread_examples=(Evidence("odd.log", 4, "loss went <up>"),),
        learnt=("{} of {}",),
    )
    page = Reader(html.render([(replace(judge(normalised), sources=(source,)), normalised)]))
    text = " ".join(page.text)
    assert "odd.log:4: not understood: loss went <up>" in text
    assert "odd.log: learnt: {} of {}" in text
    (setting,) = (s for s in judge(normalised).settings if s.name == "seed")
    assert f"{setting.path}:{setting.line}" in text or setting.path in text
    opened = [attrs for tag, attrs in page.elements if tag == "details" and "open" in attrs]
    assert opened


def test_the_shape_of_a_loss_is_shown_once_and_not_on_paper():
    spatial = {"loss_spatial": [0.5, 0.2, 0.1], "loss": [0.5, 0.2, 0.1], "pixel_error_mean": [30.0, 20.0, 9.0]}
    once, twice = (html.render([examined(**spatial)] * n) for n in (1, 2))
    assert judge(normalise(run(spatial))).loss_type == "spatial"
    assert once.count("The shape of this loss") == twice.count("The shape of this loss") == 1
    assert '<details class="screen"><summary>The shape of this loss' in once
    assert len(once) < 100_000
    assert "The shape of this loss" not in html.render([examined(loss=diverging())])


NUMBERS = [-1, 0, 1e-320, 1e-5, 0.05, 0.999, 1, 49.9, 50, 100, 499, 1e5, 1e8, 1e18, 2**70, 1e300, NAN, "x", None]


@pytest.mark.parametrize("value", NUMBERS)
@pytest.mark.parametrize(
    "name", ["target_sigma", "temperature", "target_truncate", "vocab_size", "label_smoothing", "eos_weight"]
)
def test_no_setting_of_a_run_keeps_its_report_from_being_made(name, value):
    series = {
        "softce": {"soft_ce": [3.0, 2.0], "gate": [0.1, 0.2], "loss": [3.0, 2.0]},
        "eos": {"loss_ce": [3.0, 2.0], "loss_coords": [3.0, 2.0], "loss": [3.0, 2.0]},
        "causal": {"loss": [3.0, 2.0], "grad_norm": [1.0, 1.0], "learning_rate": [1e-3, 1e-3]},
    }
    for one in series.values():
        normalised = normalise(run(one, config={name: value}))
        Reader(html.render([(judge(normalised), normalised)]))


def test_everything_folded_is_on_paper():
    paper = STYLE[STYLE.index("@media print") :]
    assert "details::details-content{content-visibility:visible" in paper
    assert "details.screen:not([open]){display:none}" in paper


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_are_text_in_pictures_comparisons_and_landscapes(hostile):
    n = 60
    losses = {name: 3 * np.exp(-np.arange(n) / 20) + 0.5 for name in ("loss", "article_loss", "other_loss", hostile)}
    normalised = normalise(run(losses, name=hostile, config={hostile: hostile}))
    other = case_of(normalise(run(losses, name=f"{hostile}-2", config={hostile: "other"})), Settings())
    text = html.render([(judge(normalised, None, (other,)), normalised)], None, (other,))
    page = Reader(text)
    assert "The shape of this loss" in text
    assert not {tag for tag, _ in page.elements} & {"script", "img", "a", "b", "iframe"}
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert not FORBIDDEN.search(text.replace("\n", ""))


# --- curves


def drawn(text: str, kind: str) -> np.ndarray:
    path = re.search(rf'class="line {kind}" d="M([^"]*)"', text)
    assert path
    return np.array(path[1].split(), float).reshape(-1, 2)


def curve(values, **more):
    return run({"loss": values, **more}).series[0]


def test_a_single_spike_among_a_million_points_is_drawn():
    values = np.ones(1_000_000)
    values[654_321] = 2.0
    points = drawn(chart([curve(values)]), "c0")
    assert points[:, 1].max() - points[:, 1].min() > 150
    assert points[points[:, 1].argmin(), 0] == pytest.approx(64 + 0.654321 * 644, abs=3)


def test_values_that_are_not_finite_are_marks():
    text = chart([curve([1.0, NAN, 2.0, float("inf"), 1.5])])
    marks = re.search(r'class="broken" d="([^"]*)"', text)
    assert marks
    assert marks[1].count("M") == 2


@pytest.mark.parametrize("values", [[], [1.0], [NAN, NAN], [0.0, 0.0], [1e308, -1e308], [1e-300, 1e300], [5e-324, 1.0]])
def test_any_series_can_be_drawn(values):
    text = chart([curve(values)]) if values else spark(values)
    assert "nan" not in text.replace("broken", "")
    assert "inf" not in text


def test_a_sparkline_has_a_gap_where_a_value_is_missing():
    assert spark([3.0, 2.0, NAN, 1.0, 0.5]).count("M") == 2
    assert spark([NAN, NAN]) == ""


def test_a_sparkline_is_not_crushed_by_what_it_leaves_out():
    assert spark([0.0, 1e300, 1.175494351e-38, 2e-38]).count("M") == 1
    assert spark([0.0, 1.175494351e-38, 1e300]).count("M") == 1


@pytest.mark.parametrize(
    ("last", "ticks"),
    [
        (300, ["100", "200", "300"]),
        (50_000, ["10k", "20k", "30k", "40k", "50k"]),
        (2_000_000, ["500k", "1M", "1.5M", "2M"]),
    ],
)
def test_steps_are_short_words_within_the_drawing(last, ticks):
    text = chart([run({"loss": (np.array([1.0, last]), [2.0, 1.0])}).series[0]])
    shown = re.findall(r'class="x(?: last)?">([^<]*)<', text)
    assert shown == ticks
    assert f'class="x last">{ticks[-1]}<' in text
