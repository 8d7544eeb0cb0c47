"""Steps, resumes and several files of one run: what the rules get to see."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainvitals.diagnostics.normalisation import merge, resume, steps
from trainvitals.parsers.model import Series, Source


def one(values, step=None, *, epoch=None, metric="loss", source=0):
    """A series named after the metric, one line a point, from a source of its own."""
    n = len(values)
    nan = np.full(n, np.nan)
    return Series(
        metric,
        "train",
        metric,
        value=np.asarray(values, float),
        step=np.arange(1.0, n + 1) if step is None else np.asarray(step, float),
        epoch=nan if epoch is None else np.asarray(epoch, float),
        time=nan,
        line=np.arange(1, n + 1),
        source=np.full(n, source),
    )


class TestSteps:
    def test_epochs_place_rows_when_other_rows_tell_the_steps_of_an_epoch(self):
        train = one([3, 2, 1, 0.5], [10, 20, 30, 40], epoch=[0.5, 1.0, 1.5, 2.0])
        evaluation = one([2.5, 1.5], [np.nan, np.nan], epoch=[1.0, 2.0], source=1, metric="eval_loss")
        (_, placed), unit = steps.fill([train, evaluation])
        assert placed.step.tolist() == [20, 40]
        assert unit == "step"

    def test_epochs_alone_are_the_steps(self):
        (placed,), unit = steps.fill([one([3, 2], [np.nan, np.nan], epoch=[0, 1])])
        assert (placed.step.tolist(), unit) == ([0, 1], "epoch")

    def test_epochs_that_coincide_by_rounding_do_not_place_anything(self):
        (placed,), unit = steps.fill([one([3, 2, 1], [np.nan] * 3, epoch=[0.01, 0.01, 0.02])])
        assert (placed.step.tolist(), unit) == ([1, 2, 3], "row")

    def test_rows_of_one_file_count_together_so_that_train_and_eval_stay_aligned(self):
        train = replace(one([3, 2], [np.nan] * 2), line=np.array([1, 3]))
        evaluation = replace(one([2.5], [np.nan], metric="eval_loss"), line=np.array([2]))
        (a, b), _ = steps.fill([train, evaluation])
        assert (a.step.tolist(), b.step.tolist()) == ([1, 3], [2])

    def test_an_epoch_logged_as_a_scalar_is_the_epoch_of_the_others(self):
        loss = one([3, 2], [10, 20])
        epoch = one([0.5, 1.0], [10, 20], metric="epoch")
        (placed,) = steps.with_epochs([loss, epoch])
        assert placed.epoch.tolist() == [0.5, 1.0]


class TestResume:
    def test_steps_that_only_grow_are_left_alone(self):
        series = one([3, 2, 1])
        (kept,), corrections = resume.deduplicate([series])
        assert kept is series
        assert corrections == ()

    def test_after_a_resume_the_later_write_of_a_step_wins(self):
        series = one([9, 8, 7, 6, 5, 4.5, 4], [10, 20, 30, 40, 30, 40, 50])
        (kept,), (correction,) = resume.deduplicate([series])
        assert kept.step.tolist() == [10, 20, 30, 40, 50]
        assert kept.value.tolist() == [9, 8, 5, 4.5, 4]
        assert "from 40 back to 30 at line 5" in correction.evidence
        assert "2 of 2 steps written twice differ" in correction.evidence

    def test_after_a_new_start_the_last_attempt_counts(self):
        series = one([9, 8, 7, 5, 4], [1, 2, 3, 1, 2])
        (kept,), (correction,) = resume.deduplicate([series])
        assert kept.value.tolist() == [5, 4]
        assert "started anew" in correction.evidence

    def test_a_value_written_twice_at_one_step_is_no_resume(self):
        (kept,), corrections = resume.deduplicate([one([9, 8, 8], [1, 2, 2])])
        assert kept.step.tolist() == [1, 2]
        assert corrections == ()

    @given(st.lists(st.integers(1, 12), min_size=1, max_size=40))
    def test_every_step_is_kept_once_with_its_last_value_of_the_last_attempt(self, logged):
        series = one(np.arange(len(logged), dtype=float), logged)
        (kept,), _ = resume.deduplicate([series])
        assert (np.diff(kept.step) > 0).all()
        start = int(kept.value.min())
        wanted = {}
        for position in range(start, len(logged)):
            wanted[logged[position]] = position
        last_attempt = {s: v for s, v in wanted.items() if s in set(kept.step.astype(int))}
        assert dict(zip(kept.step.astype(int).tolist(), kept.value.astype(int).tolist(), strict=True)) == last_attempt


SOURCES = (Source("logging.jsonl", "jsonl", precision=8), Source("stdout.log", "console", precision=4))


class TestMerge:
    def test_the_precise_source_leads_and_the_other_fills_its_gaps(self):
        precise = one([1.23456, 1.12345, 1.01234], [10, 20, 30])
        rounded = one([1.2346, 1.1235, 1.0123, 0.9], [10, 20, 30, 40], source=1)
        # Three of four points: less than nearly complete, so the longer source leads.
        (merged,), apart = merge.merge([precise, rounded], SOURCES)
        assert merged.step.tolist() == [10, 20, 30, 40]
        assert apart == ()

    def test_no_point_is_doubled_when_two_files_say_the_same(self):
        precise = one([1.23456, 1.12345], [10, 20])
        (merged,), _ = merge.merge([one([1.2346, 1.1235], [10, 20], source=1), precise], SOURCES)
        assert merged.value.tolist() == [1.23456, 1.12345]
        assert merged.source.tolist() == [0, 0]

    def test_a_file_that_contradicts_the_others_keeps_its_points_under_its_own_name(self):
        series, (correction,) = merge.merge([one([1.0, 0.5], [10, 20]), one([7.0, 6.0], [10, 20], source=1)], SOURCES)
        assert {s.metric for s in series} == {"loss", "loss [stdout.log]"}
        assert not correction.applied
        assert "stdout.log contradicts" in correction.evidence

    def test_files_of_one_format_continue_each_other(self):
        sources = (Source("events.1", "tensorboard"), Source("events.2", "tensorboard"))
        (joined,) = merge.by_format([one([3, 2], [1, 2]), one([1, 0.5], [3, 4], source=1)], sources)
        assert joined.step.tolist() == [1, 2, 3, 4]
        assert joined.source.tolist() == [0, 0, 1, 1]

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_a_value_that_is_not_finite_in_both_files_agrees(self, bad):
        (merged,), apart = merge.merge([one([1, bad], [1, 2]), one([1, bad], [1, 2], source=1)], SOURCES)
        assert len(merged) == 2
        assert apart == ()

    def test_epochs_come_from_the_source_that_has_them(self):
        leader = one([1.23456, 1.12345], [10, 20])
        other = one([1.2346, 1.1235], [10, 20], epoch=[0.5, 1.0], source=1)
        (merged,), _ = merge.merge([leader, other], SOURCES)
        assert merged.epoch.tolist() == [0.5, 1.0]
