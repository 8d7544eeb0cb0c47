"""Results among the events of MLPerf, and the rows of its SSD."""

import math

import pytest
from console_text import by_epoch, points, read, series

MLL = ':::MLL 1561493231.130 {key}: {{"value": {value}, "metadata": {{"epoch_num": {epoch}, "file": "train.py"}}}}\n'


def event(value="0.25", epoch=1, key="eval_accuracy"):
    return MLL.format(key=key, value=value, epoch=epoch)


@pytest.mark.parametrize("value", ["20.8", '"20.8"', "20.8%", "20.80000%"])
def test_numbers_may_be_in_quotes_or_per_cent(value):
    assert by_epoch(read(event(value)), "eval_accuracy") == [(1, 20.8)]


NOTATIONS = {
    "v0.5": ':::MLPv0.5.0 ssd 1541635138.4 (train.py:404) eval_accuracy: {"epoch": 11, "value": 0.212}',
    "v0.6": event("0.212", 11).strip(),
    "MLPerf": 'MLPerf: resnet [06/13/19 00:34:45], eval_accuracy: {"value": 0.21200%, "epoch": 11}',
    "v0.7 and later": '0: :::MLLOG {"namespace": "", "time_ms": 17, "event_type": "POINT_IN_TIME", '
    '"key": "eval_accuracy", "value": 0.212, "metadata": {"file": "a.py", "lineno": 1984, "epoch_num": 11}}',
}


@pytest.mark.parametrize("version", NOTATIONS)
def test_the_notation_of_each_round(version):
    assert by_epoch(read(NOTATIONS[version] + "\n"), "eval_accuracy") == [(11, 0.212)]


def test_all_ranks_tell_the_same_event():
    parsed = read("".join(event(f"0.{epoch}", epoch) for epoch in (1, 2, 3) for _ in range(8)))
    assert by_epoch(parsed, "eval_accuracy") == [(1, 0.1), (2, 0.2), (3, 0.3)]


def test_the_step_is_the_events_own_or_that_of_training():
    own = ':::MLLOG {"key": "train_loss", "value": 11.8, "metadata": {"step_num": 32, "lr": 3.1e-06}}\n'
    training = "Iteration:    340, Loss function: 7.306, Average Loss: 2.896, avg. samples / sec: 4340.99\n"
    assert points(read(own), "train_loss") == [(32, 11.8)]
    assert points(read(training + event()), "eval_accuracy") == [(340, 0.25)]


def test_samples_that_are_counted_as_epochs_are_no_epochs():
    one = series(read(event(epoch=2030855)), "eval_accuracy")
    assert one.step.tolist() == [2030855]
    assert math.isnan(one.epoch[0])


def test_a_mean_that_warms_up_from_zero_is_left_out():
    parsed = read("Iteration:    340, Loss function: 7.306, Average Loss: 2.896, avg. samples / sec: 4340.99\n")
    assert {s.logged_as: points(parsed, s.logged_as, "train") for s in parsed.series} == {
        "Loss function": [(340, 7.306)]
    }


@pytest.mark.parametrize("key", ["eval_start", "opt_learning_rate", "seed", "eval_samples"])
def test_other_events_are_no_rows(key):
    assert read(event("25", key=key)).series == ()


@pytest.mark.parametrize("value", ["0.2.5", "null", '"high"', '"0.25'])
def test_a_damaged_event_gives_no_number(value):
    assert read(event(value)).series == ()
