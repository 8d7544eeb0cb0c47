"""Lines of a log as text to look at."""

import pytest
from reports import HOSTILE

from trainvitals.diagnostics.render.excerpt import quote, text
from trainvitals.diagnostics.render.sanitise import FORBIDDEN
from trainvitals.parsers.excerpt import Excerpt, Line, excerpt


def test_the_cited_line_has_an_arrow_and_all_have_numbers():
    found = excerpt("train.log", 10, 1, data=b"".join(b"line %d\n" % i for i in range(1, 20)))
    assert text(found, 10) == "   9 \u2502 line 9\n\u25b6 10 \u2502 line 10\n  11 \u2502 line 11"


def test_states_of_a_cited_bar_are_all_shown_and_of_others_the_last():
    line = Line(7, ("98%", "99%", "100%"), hidden=40)
    assert text(Excerpt((line,)), 7).splitlines() == [
        "\u25b6 7 \u2502 (40 earlier states of this line)",
        "\u25b6   \u2502 98%",
        "\u25b6   \u2502 99%",
        "\u25b6   \u2502 100%",
    ]
    assert text(Excerpt((line,)), 8) == "  7 \u2502 100%"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_line_breaks_out_of_its_row(hostile):
    for shown in (text(Excerpt((Line(1, (hostile,)),)), 1), quote(hostile, Line(1, (hostile,)))):
        assert not FORBIDDEN.search(shown)
        assert len(shown.splitlines()) == 1


def test_a_secret_is_not_quoted():
    assert "sesame" not in quote("args.json:3", Line(3, ('  "api_key": "sesame",',)))
