"""Whatever a log says, no sink obeys it."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reports import HOSTILE, texts

from trainvitals.diagnostics.render import sanitise
from trainvitals.diagnostics.render.sanitise import FORBIDDEN, cells, clip, setting_value, terminal

COMMAND = re.compile(r"^\s*::|##\w*\[")
"""What a build server takes for a command."""


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202eabc", r"\u202eabc"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x7f\x00", r"\x7f\x00"),
        ("\u2028\ufeff\ud800", r"\u2028\ufeff\ud800"),
        ("::error::x", r"\x3a:error::x"),
        ("  ::error::x", r"  \x3a:error::x"),
        ("##[error]x ##vso[y] ###[z]", r"#\x23[error]x #\x23vso[y] ##\x23[z]"),
        ("\U000e0041", r"\U000e0041"),
        ("std::runtime_error in a::b", "std::runtime_error in a::b"),
        ("→ 損失 é ✗ [red]", "→ 損失 é ✗ [red]"),
        (r"C:\x1b", r"C:\x1b"),
    ],
)
def test_what_steers_a_terminal_becomes_visible_and_the_rest_stays(hostile: str, shown: str) -> None:
    assert terminal(hostile) == shown


@settings(deadline=None)
@given(texts)
@example("\x1b" * 70)
@example("漢" * 99 + "\x1b\x1b")
@example("a" * 198 + "::")
@example("e\u0301" * 150 + " ::")
def test_terminal_text_is_inert_bounded_and_stays_as_it_is(text: str) -> None:
    shown = terminal(text)
    assert not FORBIDDEN.search(shown)
    assert not COMMAND.search(shown)
    assert cells(shown) <= sanitise.NAME_CELLS
    assert terminal(shown) == shown
    shown.encode("utf-8")


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=50), st.integers(4, 60))
def test_clip_keeps_to_the_width_and_short_text_whole(text: str, width: int) -> None:
    clipped = clip(text, width)
    assert cells(clipped) <= width
    assert clipped == text or clipped.endswith("...")
    assert clipped == text or cells(text) > width or len(text) > width


def test_cells_are_those_of_a_terminal() -> None:
    assert (cells("abc"), cells("損失"), cells("e\u0301")) == (3, 4, 1)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("hub_token", "abc", "<hidden>"),
        ("WANDB_API_KEY", "0123", "<hidden>"),
        ("db.password", "x", "<hidden>"),
        ("hub_token", "None", "None"),
        ("pad_token", "<pad>", "<pad>"),
        ("model", "org/hf_abcdefghijklmnopqrstuvwxyz", "org/<hidden>"),
        ("tokenizer", "gpt2", "gpt2"),
        ("max_tokens", "512", "512"),
        ("monkey", "1", "1"),
    ],
)
def test_secrets_are_hidden(name: str, value: str, shown: str) -> None:
    assert setting_value(name, value) == shown


def test_the_hostile_samples_are_hostile() -> None:
    assert sum(terminal(text) != text for text in HOSTILE) > 10


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("lr=0.1 api_key=sesame step=3", "lr=0.1 api_key=<hidden> step=3"),
        ("{'WANDB_API_KEY': 'sesame', 'x': 1}", "{'WANDB_API_KEY': <hidden>, 'x': 1}"),
        ("token: null, pad_token: '<pad>', loss: 0.5", "token: null, pad_token: '<pad>', loss: 0.5"),
        ("step 3 | loss: 2.05", "step 3 | loss: 2.05"),
        ("x" * 100_000, "x" * 100_000),
    ],
)
def test_what_is_assigned_to_a_secret_name_is_not_shown(line, shown):
    assert sanitise.line_without_secrets(line) == shown
