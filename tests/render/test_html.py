"""The report that one sends: complete, inert, small, and the same for the same input."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from make import run
from reports import few, reports

from trainvitals.diagnostics.diagnosis import judge
from trainvitals.diagnostics.normalisation import normalise
from trainvitals.diagnostics.render import html
from trainvitals.diagnostics.render.svg import chart, spark

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
