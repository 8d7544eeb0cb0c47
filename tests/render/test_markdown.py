"""Markdown for pull requests: literal, whatever the log says, and never larger than a comment may be."""

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from markdown_it import MarkdownIt
from reports import EMPTY, HEALTHY, HOSTILE, SICK, few, reports

from trainvitals.diagnostics.render.markdown import render
from trainvitals.diagnostics.render.sanitise import markdown_code, markdown_text
from trainvitals.diagnostics.report import Report

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = ("<details>", "</details>", "<summary>", "</summary>")


def tokens(text: str):
    for token in READER.parse(text):
        yield token
        yield from token.children or ()


def shown(text: str) -> str:
    """What a reader of the page sees."""
    return "".join(t.content for t in tokens(text) if t.type in ("text", "code_inline", "text_special"))


def assert_inert(text: str) -> None:
    for token in tokens(text):
        assert token.type not in ("link_open", "image", "s_open", "em_open", "fence", "code_block", "hr"), token
        if token.type in ("html_block", "html_inline"):
            rest = token.content
            for tag in OURS:
                rest = rest.replace(tag, "")
            assert "<" not in rest


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(hostile: str) -> None:
    for text in (f"x {markdown_text(hostile)} y", f"x {markdown_code(hostile)} y"):
        assert_inert(text)
        assert "@o" not in text
        assert "#1" not in text
    table = f"| a | b |\n| --- | --- |\n| {markdown_text(hostile)} | {markdown_code(hostile, in_table=True)} |\n"
    assert_inert(table)
    assert [t.type for t in READER.parse(table)].count("td_open") == 2


@pytest.mark.parametrize(
    "text", ["a_b * c", "1 < 2 & 3 > 2", "loss_ce: [0.5] | $x$ ~y~", r"C:\x", "`a` ``b``", "a.json:3"]
)
def test_ordinary_text_reads_as_it_was(text: str) -> None:
    assert shown(markdown_text(text)) == text
    assert shown(markdown_code(text)) == text


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(few(reports, 2))
def test_every_report_is_inert(hostile: tuple[Report, ...]) -> None:
    text = render(hostile)
    assert_inert(text)
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert "##[" not in text
    headings = [t for t in READER.parse(text) if t.type == "heading_open"]
    assert len(headings) == sum(len(hostile) == 1 or r.verdict in ("fail", "warn") for r in hostile)
    text.encode("utf-8")


def test_a_run_shows_verdict_findings_and_evidence() -> None:
    text = render([SICK])
    assert text.startswith("### ✗ FAIL `runs/lora`\n\nloss is NaN at 621 of 1000 points (since step 380); and 1 more")
    assert "**✗ FAIL N101 non-finite** since step 380, `loss`" in text
    assert "- Next: lower the learning rate" in text
    assert "- `runs/lora/logging.jsonl:380` `step 380: loss = nan`" in text
    assert "| 500 | NaN | - |" in text
    assert text.endswith("1 run, 3 series, 2 380 points, 3 findings\n")


def test_several_runs_begin_with_a_table_worst_first() -> None:
    rows = [line for line in render([HEALTHY, EMPTY, SICK]).splitlines() if line.startswith("|")][2:5]
    assert [row.split("`")[1] for row in rows] == ["runs/lora", "runs/empty.log", "runs/good"]


@pytest.mark.parametrize("cap", [600, 5_000, 60_000])
def test_the_cap_holds_and_says_so(cap: int) -> None:
    many = [dataclasses.replace(SICK, run=f"runs/損失/{i}") for i in range(200)]
    text = render(many, max_bytes=cap)
    assert len(text.encode()) <= cap
    assert "Cut here" in text
    assert text.endswith("200 runs, 600 series, 476 000 points, 600 findings\n")
    assert "Cut here" not in render(many[:2])
