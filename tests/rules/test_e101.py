import pytest
from article_runs import kind
from make import case, note

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.e101_eos_not_learnt import check

TEXT = "WARNING: reached max_len without EOS"


def epochs(count, warned, *, config=None, more=None):
    """A run of whole epochs; `warned` lists the epoch of each line about the limit."""
    at = list(map(float, range(1, count + 1)))
    loss = [1.0 / e + 0.3 for e in at]
    series = {"loss_ce": (at, loss, at), "loss_coords": (at, [1.4] * count, at), **(more or {})}
    notes = [note("max_len", TEXT, line=10 * i, step=e, epoch=e) for i, e in enumerate(warned, 1)]
    return check(case(series, loss_type=kind("eos"), notes=notes, config=config))


@pytest.mark.parametrize(
    "warned",
    [list(range(1, 11)), [1] * 20 + [5] * 9 + [9] * 5 + [10] * 4, [8, 9, 10]],
    ids=["every epoch", "slowly fewer", "late only"],
)
def test_lines_that_persist_fail(warned):
    found = epochs(10, warned)
    assert found.severity == "fail"
    assert found.remedy == "raise the EOS weight (20 -> 30)"
    assert found.evidence[0].text == TEXT


@pytest.mark.parametrize(
    "warned", [[1, 2, 3], [1] * 50, [1] * 30 + [2] * 10 + [9]], ids=["first epochs", "first epoch", "one straggler"]
)
def test_lines_that_stop_pass(warned):
    assert isinstance(epochs(10, warned), Pass)


def test_the_weight_in_effect_is_raised():
    assert epochs(10, range(1, 11), config={"eos_weight": 10}).remedy == "raise the EOS weight (10 -> 20)"


def test_a_run_that_has_just_begun_is_not_judged():
    assert isinstance(epochs(2, [1, 2]), NotRun)
    early = epochs(10, range(1, 11), config={"num_train_epochs": 100})
    assert isinstance(early, NotRun)
    assert "10 % of the run" in early.reason


def test_the_two_epochs_of_the_note_pass():
    at = [1.0, 2.0]
    series = {"loss_ce": (at, [0.906, 0.607], at), "loss_coords": (at, [1.373, 1.408], at)}
    result = check(case(series, loss_type=kind("eos")))
    assert isinstance(result, Pass)


def test_lines_before_the_first_epoch_are_early():
    assert isinstance(epochs(6, [float("nan")] * 5 + [1]), Pass)


@pytest.mark.parametrize(("late", "failed"), [(0.0, True), (0.04, True), (0.3, False)])
def test_eos_recall(late, failed):
    at = list(map(float, range(1, 7)))
    more = {"eval/eos_recall": (at, [0.0, 0.0, 0.0, 0.0, late, late], at)}
    result = epochs(6, [], more=more)
    assert (not isinstance(result, Pass)) == failed


def test_silence_is_no_health():
    flat = {"loss_ce": [1.0, 1.0], "loss_coords": [1.0, 1.0]}
    assert isinstance(check(case(flat, loss_type=kind("eos"))), NotRun)
    assert isinstance(check(case({"loss": [1.0]})), NotRun)


def test_other_warnings_do_not_count():
    series = {"loss": ([1, 2, 3, 4], [4.0, 3.0, 2.0, 1.0])}
    notes = [note("warning", "low disk", step=float(s)) for s in range(1, 5)]
    assert isinstance(check(case(series, notes=notes)), NotRun)


@pytest.mark.parametrize(("planned", "verdict"), [(10, Finding), (100, NotRun)])
def test_a_recall_of_zero_is_early_in_the_first_third_of_the_plan(planned, verdict):
    more = {"test/eos_recall": ([5.0, 8.0, 10.0], [0.0] * 3, [5.0, 8.0, 10.0])}
    assert isinstance(epochs(10, [], config={"max_steps": planned}, more=more), verdict)
