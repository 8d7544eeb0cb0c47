"""Rows that a log has twice in a row are read once; rows that only look alike stay."""

import numpy as np

from trainvitals.diagnostics.diagnosis import diagnose
from trainvitals.diagnostics.normalisation.repeats import once
from trainvitals.parsers.model import Run, Series, Source

NAN = float("nan")


def logged(steps, source=None, **columns):
    """One line for each entry of `steps`, in file order."""
    n = len(steps)
    places = (np.array(steps, float), np.full(n, NAN), np.full(n, NAN), np.arange(1, n + 1))
    files = np.zeros(n, int) if source is None else np.array(source)
    made = (Series(k, "train", k, np.array(v, float), *places, files) for k, v in columns.items())
    return Run("made", (Source("a.jsonl", "jsonl"), Source("b.jsonl", "jsonl")), tuple(made))


def values(made, metric):
    return once(made).get(metric).value.tolist()


def test_a_row_written_twice_counts_once():
    made = logged([1, 1, 2, 2, 2], loss=[5, 5, 4, 4, 4], grad_norm=[1, 1, 2, 2, 2])
    assert values(made, "loss") == [5, 4]
    assert once(made).get("grad_norm").line.tolist() == [1, 3]


def test_a_row_of_which_one_metric_differs_is_another_row():
    made = logged([1, 1, 2, 2], loss=[5, 5.1, 4, 4.2], learning_rate=[1, 1, 1, 1])
    assert once(made) is made


def test_a_nan_is_repeated_like_any_value():
    assert len(values(logged([1, 1, 2], loss=[NAN, NAN, 4]), "loss")) == 2


def test_equal_values_at_other_steps_or_in_another_file_stay():
    assert values(logged([1, 2, 3], loss=[5, 5, 5]), "loss") == [5, 5, 5]
    assert values(logged([1, 1], source=[0, 1], loss=[5, 5]), "loss") == [5, 5]


def test_a_resume_with_another_state_is_seen_in_doubled_rows():
    steps = np.concatenate([np.arange(1.0, 301), np.arange(201.0, 501)])
    loss = np.where(np.arange(600) < 300, 2.0, 3.0) + 0.05 * np.random.default_rng(0).standard_normal(600)
    for times in (1, 2):
        report = diagnose(logged(np.repeat(steps, times), loss=np.repeat(loss, times)))
        (found,) = (f for f in report.findings if f.code == "B101")
        assert found.severity == "warn"
        assert "100 earlier points" in found.message
