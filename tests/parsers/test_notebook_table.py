"""The Trainer's table in a notebook."""

import math

import pytest
from console_text import by_epoch, config, points, read

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import console

UNSLOTH = """\
==((====))==  Unsloth - 2x faster free finetuning | Num GPUs used = 1
   \\\\   /|    Num examples = 20 | Num Epochs = 30 | Total steps = 90
O^O/ \\_/ \\    Batch size per device = 4 | Gradient accumulation steps = 2
\\        /    Data Parallel GPUs = 1 | Total batch size (4 x 2 x 1) = 8
 "-____-"     Trainable parameters = 50,462,720 of 1,150,511,104 (4.39% trained)
 [90/90 01:55, Epoch 30/30]
Step\tTraining Loss
10\t1.898500
20\t0.925200
Device set to use cuda:0
30\t0.647600
"""
EVALUATED = """\
 [1787/2844 11:52:49 < 7:02:06, 0.04 it/s, Epoch 1.88/3]
Step\tTraining Loss\tValidation Loss\tWer
500\tNo log\t1.069532\t0.568444
1000\t0.768191\tnan\t0.493541
"""


def test_a_row_is_a_step_and_warnings_may_stand_between():
    parsed = read(UNSLOTH)
    assert points(parsed, "Training Loss") == [(10, 1.8985), (20, 0.9252), (30, 0.6476)]
    assert (parsed.source.format, parsed.source.unread_lines) == ("notebook_table", 0)


def test_the_banner_of_unsloth_is_settings():
    assert config(read(UNSLOTH)) == {
        "num_examples": 20,
        "num_train_epochs": 30,
        "max_steps": 90,
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 2,
        "world_size": 1,
        "total_train_batch_size": 8,
        "trainable_parameters": 50462720,
    }


@pytest.mark.parametrize("gap", ["\t", "\t    ", "      "])
def test_cells_without_a_log_are_left_out_and_nan_is_kept(gap):
    parsed = read(EVALUATED.replace("\t", gap))
    assert points(parsed, "Training Loss") == [(1000, 0.768191)]
    assert points(parsed, "Validation Loss")[0] == (500, 1.069532)
    assert math.isnan(points(parsed, "Validation Loss")[1][1])
    assert points(parsed, "Wer") == [(500, 0.568444), (1000, 0.493541)]


def test_a_table_of_epochs():
    assert by_epoch(read("Epoch\tTraining Loss\tValidation Loss\n1\t0.5\t0.6\n2\t0.4\t0.5\n"), "Validation Loss") == [
        (1, 0.6),
        (2, 0.5),
    ]


@pytest.mark.parametrize("row", ["30\t1.0\t0.9", "20\t1.0", "a\t1.0", "40\t1.0.0"])
def test_rows_of_another_table_are_none(row):
    parsed = read("Step\tTraining Loss\n10\t1.5\n20\t1.4\n" + row + "\n")
    assert points(parsed, "Training Loss") == [(10, 1.5), (20, 1.4)]


def test_a_table_that_begins_anew_is_another_run_and_one_that_goes_on_is_not():
    table = "Step\tTraining Loss\n{a}\t1.5\n{b}\t1.4\n"
    text = table.format(a=10, b=20)
    assert len(console.read(LogFile("a.txt", (text + text).encode()))) == 2
    assert len(console.read(LogFile("a.txt", (text + table.format(a=30, b=40)).encode()))) == 1
