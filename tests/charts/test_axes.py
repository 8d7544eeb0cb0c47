"""What curves can be drawn over, and the reason where they cannot."""

from dataclasses import replace

import numpy as np
import pytest
from make import case

from trainvitals.diagnostics.charts.axes import lacking, position, started, unit

NAN = float("nan")


def timed(times, name="made"):
    one = case({"loss": ([1, 2, 3], [3.0, 2, 1]), "num_tokens": ([1, 3], [100.0, 300])})
    series = tuple(replace(s, time=np.resize(np.asarray(times, float), len(s))) for s in one.run.series)
    return replace(one, run=replace(one.run, series=series, name=name))


def test_reasons_name_what_is_missing_and_where():
    clock, start, none = timed([1.7e9, 1.7e9 + 60, 1.7e9 + 120]), timed([0, 60, 120]), timed([NAN] * 3, "bare")
    assert lacking([clock], "clock") == lacking([clock, start], "relative") == lacking([none], "step") == ""
    assert lacking([start], "clock") == "no time of day in the log"
    assert lacking([clock, none], "relative") == "no times in bare"
    assert lacking([none, none], "epoch") == "no epochs in the logs"
    assert lacking([case({"loss": [1.0, 2]})], "tokens") == "no growing count of tokens in the log"


def test_times_count_from_the_start_of_the_run():
    one = timed([1.7e9 + 30, 1.7e9, 1.7e9 + 90])
    assert started(one) == 1.7e9
    assert position(one, one.run.series[0], "relative").tolist() == [30, 0, 90]


def test_tokens_are_read_off_their_counter():
    one = timed([NAN] * 3)
    assert lacking([one], "tokens") == ""
    assert position(one, one.run.series[0], "tokens").tolist() == [100, 200, 300]


@pytest.mark.parametrize(
    ("seconds", "name"), [(5, "seconds"), (600, "minutes"), (10_000, "hours"), (5 * 86400, "days")]
)
def test_times_are_told_in_a_unit_that_is_read_with_ease(seconds, name):
    assert unit(seconds)[0] == name
