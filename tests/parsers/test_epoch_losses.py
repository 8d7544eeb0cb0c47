"""A line per data set below a header per epoch."""

import pytest
from console_text import by_epoch, read

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import console

EPOCH = """\
Epoch {e}/20
Train Loss: {v} - Train Perplexity: 1803.70
Valid Loss: 6.6521 - Valid Perplexity: 774.41
"""


def test_a_line_belongs_to_the_epoch_above_it():
    parsed = read(EPOCH.format(e=1, v=7.4976) + EPOCH.format(e=2, v="nan"))
    assert by_epoch(parsed, "Train Loss")[0] == (1, 7.4976)
    assert by_epoch(parsed, "Train Loss")[1] == pytest.approx((2, float("nan")), nan_ok=True)
    assert by_epoch(parsed, "Valid Loss") == [(1, 6.6521), (2, 6.6521)]
    assert by_epoch(parsed, "Valid Perplexity") == [(1, 774.41), (2, 774.41)]
    assert (parsed.source.format, parsed.source.unread_lines) == ("epoch_losses", 0)


def test_epochs_that_begin_anew_are_another_run():
    data = "".join(EPOCH.format(e=e, v=v) for e, v in ((1, 7.0), (2, 6.0), (1, 7.5), (2, 6.5), (3, 6.25)))
    first, second = console.read(LogFile("train.log", data.encode()))
    assert by_epoch(first, "Train Loss") == [(1, 7.0), (2, 6.0)]
    assert by_epoch(second, "Train Loss") == [(1, 7.5), (2, 6.5), (3, 6.25)]


@pytest.mark.parametrize("line", ["val_loss = 0.0", "train_loader.reset()", "Train samples: 5000 - Test samples: 100"])
def test_code_and_counts_are_no_rows(line):
    assert read(f"Epoch 1/20\n{line}\n").series == ()


def test_a_damaged_line_gives_no_number_at_all():
    parsed = read("Epoch 1/20\nTrain Loss: 7.49.76 - Train Perplexity: 1803.70\n")
    assert (parsed.series, parsed.source.unread_lines) == ((), 1)


@pytest.mark.parametrize("time", ["Time: 0m 21s", "Epoch Time: 1m 2s", "time: 21.3s", "elapsed time - 0:00:21"])
def test_a_header_may_say_how_long_the_epoch_took(time):
    parsed = read("".join(f"Epoch: {n:02} | {time}\n\tTrain Loss: {1 / n}\n\t Val. Loss: {2 / n}\n" for n in (1, 2, 3)))
    assert {s.logged_as: s.epoch.tolist() for s in parsed.series} == {
        "Train Loss": [1.0, 2.0, 3.0],
        "Val. Loss": [1.0, 2.0, 3.0],
    }
