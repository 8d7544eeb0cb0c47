"""The verdict is that of the run, not of how it was logged: the same faults in fewer rows, other units, any order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import EVALUATED, FAULTS, ROW, N

from trainvitals.diagnostics.diagnosis import diagnose
from trainvitals.parsers.model import ConfigValue, Run, Series, Source

LEVEL_RULES = frozenset({"L106"})
"""Rules about absolute levels, which may speak of the same run in another unit."""

PARTS = ("ce", "coords", "x", "y")

FILES = 3


def verdicts(made):
    findings = [one for cause in diagnose(made).findings for one in (cause, *cause.consequences)]
    return {f.code for f in findings if f.severity != "info"}


def logged(planted, scale=1.0, every=1, times=1, order=None):
    """The run in other units of the loss, with every `every`-th row, `times` written; in several files with `order`."""
    metrics = list(planted.columns)
    if order is not None:
        np.random.default_rng(order).shuffle(metrics)
    made = [_series(planted, name, scale, every, times) for name in metrics]
    files, pieces = (FILES, [p for one in made for p in _in_files(one, order)]) if order is not None else (1, made)
    config = {name: ConfigValue(value, "args.json") for name, value in planted.config.items()}
    return Run("made", tuple(Source(f"{i}.jsonl", "jsonl") for i in range(files)), tuple(pieces), config)


def _series(planted, name, scale, every, times):
    held_out, metric = name.startswith("eval/"), name.removeprefix("eval/")
    values = planted.columns[name] * (scale if _is_loss(metric) else 1.0)
    row = ROW[EVALUATED][: values.size] if values.size < N else ROW
    if row is ROW:
        row, values = row[::every], values[::every]
    step = row + 1.0 if planted.steps is None else planted.steps[row]
    # A row, its copy and the evaluation after it are lines of their own.
    line = np.repeat(2 * times * row + held_out * times, times) + np.tile(np.arange(times), row.size) + 1
    nothing = np.full(line.size, np.nan)
    columns = (np.repeat(values, times), np.repeat(step, times), nothing, nothing, line, np.zeros(line.size, int))
    return Series(metric, "eval" if held_out else "train", name, *columns)


def _is_loss(metric):
    return metric in ("loss", "soft_ce") or metric.endswith("_loss") or metric.removeprefix("loss_") in PARTS


def _in_files(series, order):
    """The thirds of a run as files of their own, which are named in any order."""
    numbers = np.random.default_rng(order).permutation(FILES)
    third = np.minimum(FILES - 1, (FILES * (series.step - 1) // N).astype(int))
    for part in np.random.default_rng(order + 1).permutation(FILES).tolist():
        if (third == part).any():
            one = series.take(third == part)
            one.source[:] = numbers[part]
            yield one


@pytest.mark.parametrize("code", FAULTS)
def test_the_planted_fault_is_all_that_is_found(code):
    assert verdicts(logged(FAULTS[code])) == ({code} if code else set())


@pytest.mark.parametrize("code", [code for code, planted in FAULTS.items() if not planted.by_rows])
@pytest.mark.parametrize("every", [2, 3])
def test_fewer_rows_have_the_same_verdict(code, every):
    assert verdicts(logged(FAULTS[code], every=every)) == ({code} if code else set())


@pytest.mark.parametrize("code", [code for code, planted in FAULTS.items() if not planted.absolute])
@given(scale=st.floats(1e-3, 1e3))
@settings(max_examples=4, deadline=None)
def test_another_unit_of_the_loss_has_the_same_verdict(code, scale):
    assert verdicts(logged(FAULTS[code], scale)) - LEVEL_RULES == ({code} if code else set())


@pytest.mark.parametrize("code", FAULTS)
def test_rows_written_twice_or_thrice_have_the_same_verdict(code):
    for times in (2, 3):
        assert verdicts(logged(FAULTS[code], times=times)) == ({code} if code else set())


@pytest.mark.parametrize("code", [code for code, planted in FAULTS.items() if planted.steps is None])
@given(order=st.integers(0, 1000))
@settings(max_examples=3, deadline=None)
def test_files_and_metrics_in_any_order_have_the_same_verdict(code, order):
    assert verdicts(logged(FAULTS[code], order=order)) == ({code} if code else set())


@pytest.mark.parametrize("code", [code for code, planted in FAULTS.items() if not planted.by_rows])
@given(every=st.sampled_from([1, 2, 3]), times=st.sampled_from([1, 2]), scale=st.floats(0.01, 100))
@settings(max_examples=3, deadline=None)
def test_all_at_once_has_the_same_verdict(code, every, times, scale):
    unit = 1.0 if FAULTS[code].absolute else scale
    assert verdicts(logged(FAULTS[code], unit, every, times)) - LEVEL_RULES == ({code} if code else set())
