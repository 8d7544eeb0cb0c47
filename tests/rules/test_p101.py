import pytest
from article_runs import kind
from make import case

from trainvitals.diagnostics.report import NotRun, Pass
from trainvitals.diagnostics.rules.p101_tier_missed import check


def judge(mean, within5, within8, loss, *, epoch=15, config=None, **more):
    values = {"pixel_error_mean": mean, "within_5px": within5, "within_8px": within8, "loss": loss}
    series = {f"eval/{name}": ([epoch], [value], [epoch]) for name, value in values.items() if value is not None}
    return check(case(series | more, loss_type=kind("spatial"), config=config))


def test_no_tier_is_a_warning_that_names_what_is_missing():
    found = judge(7.0, 0.5, 0.80, 0.05)
    assert found.severity == "warn"
    expected = "no tier is reached; the tier minimum lacks 90 % within 8 px (now 80 %), mean error below 6 px (now 7)"
    assert found.message == expected


def test_the_lowest_tier_is_a_note_about_the_next():
    found = judge(5.0, 0.7, 0.93, 0.06)
    assert found.severity == "info"
    assert found.message.startswith("tier minimum is reached; the tier target lacks 90 % within 5 px (now 70 %)")


@pytest.mark.parametrize(
    ("values", "reached"), [((3.5, 0.92, 0.97, 0.04), "target"), ((2, 0.97, 0.99, 0.02), "stretch")]
)
def test_higher_tiers_pass(values, reached):
    result = judge(*values)
    assert isinstance(result, Pass)
    assert result.summary.startswith(f"tier {reached} reached")


def test_percentages_are_fractions():
    assert isinstance(judge(3.5, 92.0, 97.0, 0.04), Pass)


def test_what_the_log_does_not_hold_is_not_demanded():
    assert isinstance(judge(2.0, None, None, None), Pass)


def test_before_the_end_it_is_too_early():
    assert isinstance(judge(20.0, 0.1, 0.2, 0.5, epoch=4), NotRun)
    result = judge(20.0, 0.1, 0.2, 0.5, epoch=12, config={"num_train_epochs": 50})
    assert isinstance(result, NotRun)
    assert result.reason.startswith("too early")


def test_without_pixel_metrics_it_is_not_run():
    result = judge(None, None, None, 0.05)
    assert isinstance(result, NotRun)
    assert "no pixel error" in result.reason
    assert isinstance(check(case({"loss": [1.0]})), NotRun)
    assert isinstance(judge(float("nan"), None, None, 0.05), NotRun)
