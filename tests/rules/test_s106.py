import pytest
from article_runs import GOOD, article, kind
from make import case

from trainvitals.diagnostics.report import NotRun, Pass
from trainvitals.diagnostics.rules.s106_logged_ratio_mismatch import check


def judge(part, rest, ratio):
    return check(case({"article_loss": part, "other_loss": rest, "ratio": ratio}, loss_type=kind("article")))


def test_the_lines_of_the_note_agree_within_rounding():
    """4.2345 / 1.9876 = 2.1305 is printed as 2.13x; 4.5 / 10.1 = 0.4455 as 0.45x."""
    assert isinstance(judge([4.2345], [1.9876], [2.13]), Pass)
    assert isinstance(judge([4.5, 3.2, 2.3, 2.0], [10.1, 6.5, 3.2, 2.3], [0.45, 0.49, 0.72, 0.87]), Pass)


@pytest.mark.parametrize(
    ("ratio", "named"), [(0.4694, "the other way round"), (2.5, "says 2.5 where"), (1.0, "says 1 where")]
)
def test_a_ratio_that_is_no_quotient_is_found(ratio, named):
    (found,) = judge([4.2345] * 5, [1.9876] * 5, [ratio] * 5)
    assert found.severity == "warn"
    assert named in found.message


def test_one_wrong_line_does_not_decide():
    assert isinstance(judge([4.25] * 9, [1.75] * 9, [2.43] * 8 + [9.99]), Pass)


def test_what_is_absent_is_named():
    result = check(article(GOOD))
    assert isinstance(result, NotRun)
    assert result.reason == "needs ratio, article_loss and other_loss"
    assert isinstance(judge([1.0], [0.0], [1.0]), NotRun)
    assert isinstance(check(case({"ratio": [1.0]})), NotRun)
