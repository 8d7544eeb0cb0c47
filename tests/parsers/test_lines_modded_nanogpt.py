"""Logs of modded-nanogpt: rows behind the script that wrote them."""

import pytest
from console_text import points, read, series
from shared_logs import REAL, needs_shared

from trainvitals.parsers.files import LogFile, open_log
from trainvitals.parsers.formats import console

ROWS = """\
step:0/3242 val_loss:10.8258 train_time:407ms step_avg:nanms
step:1/3242 train_loss:10.8258 train_time:27560ms step_avg:nanms
step:3242/3242 train_loss:3.2329 train_time:467564ms step_avg:144.67ms
step:3242/3242 val_loss:3.2781 train_time:467607ms step_avg:144.68ms
"""
SCRIPT = """\
import os
import torch
loss_scale: float = 1.5
if step == 10: # NaN guard: train_loss: nan
    val_loss = 0.0
    print(f'step:{step}/{args.num_iterations} val_loss:{val_loss:.4f} lr: 0.1 loss: 2.5')
    loss = loss / 8
# non-finite train loss: 3.5
"""


def test_rows_their_splits_and_their_clock():
    parsed = read(ROWS)
    assert points(parsed, "val_loss") == [(0, 10.8258), (3242, 3.2781)]
    assert points(parsed, "train_loss") == [(1, 10.8258), (3242, 3.2329)]
    assert points(parsed, "step_avg") == [(3242, 144.67), (3242, 144.68)]
    assert series(parsed, "val_loss").time.tolist() == pytest.approx([0.407, 467.607])


@pytest.mark.parametrize("separator", ["=" * 100 + "\n", ""], ids=["with separators", "without"])
def test_the_script_gives_no_point_and_no_unread_line(separator):
    parsed = read(separator + SCRIPT + separator + ROWS)
    assert {s.logged_as for s in parsed.series} == {"val_loss", "train_loss", "step_avg"}
    assert parsed.source.unread_lines == 0


def test_logs_that_were_joined_are_runs_of_their_own():
    log = SCRIPT + "=" * 100 + "\n" + ROWS
    first, second = console.read(LogFile("joined.txt", (log + log.replace("3.2781", "3.2812")).encode()))
    assert points(first, "val_loss") == [(0, 10.8258), (3242, 3.2781)]
    assert points(second, "val_loss") == [(0, 10.8258), (3242, 3.2812)]
    assert (first.name, second.name) == ("run 1", "run 2")


def test_behind_the_script_lines_that_are_not_understood_are_told():
    parsed = read(SCRIPT + "=" * 100 + "\n" + ROWS + "loss = 3.2.1\n")
    assert parsed.source.unread_lines == 1


def test_an_import_alone_hides_no_metrics():
    parsed = read("import torch\n{'loss': 2.5, 'learning_rate': 0.1, 'epoch': 0.5}\nval/loss 3.5 after 3 epochs\n")
    assert [s.logged_as for s in parsed.series if s.logged_as == "loss"] == ["loss"]
    assert parsed.source.unread_lines == 1


@pytest.mark.parametrize("line", ["step:1/3242 train_loss:10.8.3 train_time:1ms", "step:1 train_loss", "step:x/5 a:1"])
def test_a_damaged_row_gives_no_number_at_all(line):
    assert read(line + "\n").series == ()


@needs_shared
def test_the_real_log_against_its_own_lines():
    path = REAL / "modded_nanogpt_log" / "KellerJordan__modded-nanogpt__CastBf16.txt"
    (parsed,) = console.read(open_log(str(path)))
    held_out, train = series(parsed, "val_loss"), series(parsed, "train_loss")
    assert held_out.step.tolist() == [*range(0, 3242, 125), 3242]
    assert (held_out.value[0], held_out.value[-1]) == (10.8258, 3.2781)
    assert train.step.tolist() == list(range(1, 3243))
    assert (train.value[0], train.value[-1]) == (10.8258, 3.2329)
    assert min(parsed.series, key=lambda s: s.line[0]).line[0] == 612, "nothing from the script above"
    assert parsed.source.unread_lines == 0
