"""Whatever stands in a report, the run page draws it, and no text of it is markup."""

import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from reports import EMPTY, HEALTHY, HOSTILE, SICK, reports
from streamlit.testing.v1 import AppTest

from trainvitals.diagnostics.render.sanitise import map_text

MARKUP = re.compile(r"(?<!\\)(!\[|\]\(|<script|<img|:red\[HEALTHY|\$\\href)", re.IGNORECASE)
"""What Streamlit would act on: an image, a link, HTML, a colour, a formula."""
CODE = re.compile(r"(?<!\\)`[^`]*`")


def drawn(report):
    test = AppTest.from_function(_page, args=(report,), default_timeout=60).run()
    assert not test.exception, test.exception[0].stack_trace
    return test


def _page(report):
    import make
    import streamlit as st

    from trainvitals.dashboard.run import cards, corrections, log, read, rules, tables, take_away, verdict
    from trainvitals.diagnostics.normalisation import Normalised
    from trainvitals.diagnostics.pipeline import Examined

    names = [*(s.metric for s in report.series), "loss"]
    run = make.run({name: [3.0, 2.0, float("nan")] for name in names})
    one = Examined(report, Normalised(run, run, report.corrections, "step"))
    verdict.draw(report)
    for part in (cards, corrections, take_away):
        part.draw(one)
    log.draw(one, None)
    for part in (tables, read, rules):
        part.draw(report)
    st.text("done")


def labels(test):
    """Every text that Streamlit reads as Markdown, without code, in which nothing is markup."""
    texts = [one.value for kind in ("markdown", "caption", "error", "warning", "info") for one in getattr(test, kind)]
    texts += [one.label for one in test.button]
    return [CODE.sub("", text) for text in texts]


# Without shrinking: every example draws a page.
@settings(max_examples=6, deadline=None, phases=[Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
@given(reports)
def test_any_report_is_drawn(report):
    test = drawn(report)
    assert test.text[0].value == "done"
    assert [text for text in labels(test) if MARKUP.search(text)] == []


@pytest.mark.parametrize("report", [SICK, HEALTHY, EMPTY], ids=["sick", "healthy", "empty"])
def test_a_report_with_something_of_everything_is_drawn(report):
    drawn(report)


@pytest.mark.parametrize("hostile", [HOSTILE[i] for i in (8, 9, 10, 11, 14, 32)])
def test_a_name_in_every_place_is_shown_and_not_obeyed(hostile):
    def planted(name, text):
        return text if name in ("verdict", "severity", "split", "confidence") else f"{text} {hostile}"

    test = drawn(map_text(SICK, planted))
    assert [text for text in labels(test) if MARKUP.search(text)] == []
