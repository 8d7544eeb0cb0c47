"""Rules whose subject a run does not log are named in one line, not explained one by one."""

from reports import SICK

from trainvitals.diagnostics.render import markdown, text
from trainvitals.diagnostics.render.page import Page


def test_text_folds_them_into_one_line():
    shown = text.render([SICK])
    assert "  not meant for this run: E101" in shown.splitlines()
    assert "no end of sequence is logged" not in shown


def test_verbose_text_gives_each_reason():
    assert "  E101: no end of sequence is logged" in text.render([SICK], Page(verbose=True)).splitlines()


def test_markdown_folds_them_into_one_line():
    assert "- E101: not meant for this kind of run" in markdown.render([SICK]).splitlines()
