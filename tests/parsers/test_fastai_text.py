"""The table that fastai prints."""

import math

import pytest
from console_text import by_epoch, read

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import console

HEAD = "epoch     train_loss  valid_loss  accuracy  time    \n"
ROW = "{e:<10}{v:<12}{v:<12}0.916667  00:{e:02d}     \n"
VERSION_1 = """\
epoch     train_loss  valid_loss  accuracy
1         3.966292    3.450758    0.527065
Total time: 02:58
epoch     train_loss  valid_loss  accuracy
1         3.495761    3.276329    0.560047
2         3.319947    3.102911    0.593742
"""


def fit(values):
    return HEAD + "".join(ROW.format(e=e, v=f"{value:.6f}") for e, value in enumerate(values))


def runs(text):
    return console.read(LogFile("train.log", text.encode()))


def test_a_row_is_an_epoch_and_its_duration_no_metric():
    parsed = read(fit([1.5, 1.25]) + "Better model found at epoch 0 with valid_loss value: 1.25.\n")
    assert by_epoch(parsed, "train_loss") == [(0, 1.5), (1, 1.25)]
    assert by_epoch(parsed, "valid_loss") == [(0, 1.5), (1, 1.25)]
    assert sorted(s.logged_as for s in parsed.series) == ["accuracy", "train_loss", "valid_loss"]
    assert (parsed.source.format, parsed.source.unread_lines) == ("fastai_text", 0)


@pytest.mark.parametrize(
    ("text", "epochs"), [(fit([3.9]) + fit([3.4, 3.3]), [0, 1, 2]), (VERSION_1, [1, 2, 3])], ids=["from 0", "from 1"]
)
def test_a_fit_of_one_epoch_goes_on_in_the_next(text, epochs):
    (parsed,) = runs(text)
    assert [e for e, _ in by_epoch(parsed, "train_loss")] == epochs


def test_a_longer_fit_that_begins_anew_is_another_run():
    first, second = runs(fit([1.5, 1.25]) + fit([1.6, 1.5, 1.4]))
    assert by_epoch(first, "train_loss") == [(0, 1.5), (1, 1.25)]
    assert by_epoch(second, "train_loss") == [(0, 1.6), (1, 1.5), (2, 1.4)]


def test_missing_and_nan_cells_and_rows_of_other_tables():
    text = fit([1.5]) + "1         nan         None        0.9       00:01\n"
    text += "           0       0.61      0.62      0.61      1000\n"
    parsed = read(text)
    assert math.isnan(by_epoch(parsed, "train_loss")[1][1])
    assert by_epoch(parsed, "valid_loss") == [(0, 1.5)]
    assert by_epoch(parsed, "accuracy") == [(0, 0.916667), (1, 0.9)]
