"""train_log.txt of SpeechBrain."""

import math

import pytest
from console_text import by_epoch, points, read

LOG = """\
speechbrain.utils.epoch_loop - Going into epoch 1
speechbrain.utils.train_logger - epoch: 1, lr: 1.00e+00 - train loss: 9.45e-01 - valid loss: 1.23, valid CER: 35.42
speechbrain.nnet.schedulers - Changing lr from 1 to 0.8
speechbrain.utils.train_logger - epoch: 2, lr: 1.00e+00 - train loss: nan - valid loss: 1.27, valid CER: 1.54e+02
"""
STEPS = """\
epoch: 5, lr: 1.80e-04, steps: 8985, optimizer: Adam - train loss: 52.80 - valid loss: 23.88, valid ACC: 9.0e-01 \x20
epoch: 6, lr: 2.16e-04, steps: 10782, optimizer: Adam - train loss: 41.22 - valid loss: 19.67, valid ACC: 9.23e-01
Epoch loaded: 6 - test loss: 19.1, test ACC: 9.36e-01, test WER: 13.84
"""


def test_a_line_gives_both_data_sets_at_its_epoch():
    parsed = read(LOG)
    assert by_epoch(parsed, "valid loss") == [(1, 1.23), (2, 1.27)]
    assert by_epoch(parsed, "valid CER") == [(1, 35.42), (2, 154)]
    assert by_epoch(parsed, "train loss")[0] == (1, 0.945)
    assert math.isnan(by_epoch(parsed, "train loss")[1][1])
    assert (parsed.source.format, parsed.source.unread_lines) == ("speechbrain", 0)


def test_the_step_is_taken_where_a_recipe_logs_it():
    parsed = read(STEPS)
    assert points(parsed, "train loss") == [(8985, 52.8), (10782, 41.22)]
    assert points(parsed, "lr") == [(8985, 0.00018), (10782, 0.000216)]
    assert "optimizer" not in {s.logged_as for s in parsed.series}


def test_the_test_of_the_best_weights_is_a_number_about_the_run():
    parsed = read(STEPS)
    assert parsed.summary["test WER"].value == 13.84
    assert not any(s.logged_as.startswith("test") for s in parsed.series)


@pytest.mark.parametrize("line", ["epoch: 1, lr: 1.0.0 - train loss: 2.1", "epoch: 1 - loss: 2.1", "epoch: 1, lr: 1.0"])
def test_other_lines_are_no_rows(line):
    assert read(line + "\n").series == ()
