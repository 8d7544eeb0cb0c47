import numpy as np
import pytest
from article_runs import GOOD, article

from trainvitals.diagnostics.report import NotRun, Pass
from trainvitals.diagnostics.rules.r103_ratio_target_missed import check


def by_epoch(ratios, epochs, rest=4.0):
    n = len(ratios)
    return article((range(1, n + 1), [r * rest for r in ratios], [rest] * n, epochs))


@pytest.mark.parametrize(
    ("epoch", "ratio", "severity"),
    [
        (1, 0.45, None),
        (1, 0.446, None),
        (1, 0.60, None),
        (1, 0.30, "warn"),
        (1, 0.70, "warn"),
        (3, 0.60, None),
        (3, 0.80, "warn"),
        (5, 0.79, None),
        (5, 0.40, "warn"),
        (10, 0.70, None),
        (10, 0.95, None),
        (10, 1.0, None),
        (10, 1.1, "fail"),
        (10, 0.5, "fail"),
    ],
)
def test_targets_by_epoch(epoch, ratio, severity):
    result = check(by_epoch([ratio] * epoch, np.arange(1.0, epoch + 1)))
    assert (None if isinstance(result, Pass) else result[0].severity) == severity


def test_the_remedy_follows_the_side():
    epochs = np.arange(1.0, 11)
    assert check(by_epoch([1.6] * 10, epochs))[0].remedy == "raise the article weight (5 -> 10)"
    assert check(by_epoch([0.4] * 10, epochs))[0].remedy == "lower the article weight (5 -> 3)"


def test_an_earlier_miss_that_was_made_good_is_no_finding():
    assert isinstance(check(by_epoch([0.3, 0.4, 0.6], [1.0, 2.0, 3.0])), Pass)


def test_fractional_epochs_count_at_their_end():
    epochs = np.linspace(0.05, 1.0, 20)
    assert isinstance(check(by_epoch(np.linspace(0.2, 0.5, 20), epochs)), Pass)
    assert isinstance(check(by_epoch([0.2] * 19, epochs[:-1])), NotRun)


def test_an_epoch_in_progress_is_not_judged():
    """Whole epoch numbers on every row: the first epoch is complete only when the second has begun."""
    assert isinstance(check(by_epoch([0.2] * 10, [1.0] * 10)), NotRun)
    assert check(by_epoch([0.2] * 11, [1.0] * 10 + [2.0]))[0].severity == "warn"


def test_epochs_that_start_at_zero():
    assert check(by_epoch([0.5] * 10, np.arange(10.0)))[0].severity == "fail"


def test_without_epochs_there_are_no_targets():
    result = check(article(GOOD))
    assert isinstance(result, NotRun)
    assert result.reason == "the log has no epochs"


def test_after_the_last_target_the_present_counts():
    ratios = [0.5] * 10 + [0.8] * 5
    assert isinstance(check(by_epoch(ratios, np.arange(1.0, 16))), Pass)


@pytest.mark.parametrize(("scatter", "verdict"), [(0.15, Pass), (0.01, tuple)])
def test_a_miss_within_the_scatter_of_the_rows_is_none(scatter, verdict):
    """0.57 with a target from 0.60 on: five rows of a noisy ratio do not tell the two apart."""
    rows = np.repeat(np.arange(1.0, 6), 25)
    ratio = 0.57 * np.exp(scatter * np.random.default_rng(3).standard_normal(rows.size))
    ratio *= 0.57 / np.median(ratio[-5:])
    assert isinstance(check(by_epoch(ratio.tolist(), rows)), verdict)
