"""loss_log.txt of CycleGAN and its relatives."""

import pytest
from console_text import by_epoch, read
from shared_logs import REAL, needs_shared

from trainvitals.parsers.files import LogFile, open_log
from trainvitals.parsers.formats import console, detect

HEADER = "================ Training Loss (Fri Apr 16 01:{m:02d}:05 2021) ================\n"
ROW = "(epoch: {e}, iters: {i}, time: 0.507, data: 0.091) D_A: {v} G_A: 0.297 cycle_A: 4.741 idt_A: 0.712 \n"


def log(*starts):
    return "".join(
        HEADER.format(m=m) + "".join(ROW.format(e=e, i=i, v=v) for e, i, v in rows) for m, rows in enumerate(starts)
    )


def test_a_row_has_an_epoch_and_no_step():
    parsed = read(log([(1, 100, 0.201), (1, 200, 0.111), (2, 66, 0.215)]))
    assert by_epoch(parsed, "D_A", "train") == [(1, 0.201), (1, 0.111), (2, 0.215)]
    assert by_epoch(parsed, "time", "train") == [(1, 0.507), (1, 0.507), (2, 0.507)]
    assert (parsed.source.format, parsed.source.unread_lines) == ("cyclegan_log", 0)


STARTS = [
    ([[(1, 100, 0.2), (2, 100, 0.1)], [(1, 100, 0.3)]], [[0.2, 0.1], [0.3]]),
    ([[(1, 100, 0.2)], [(1, 100, 0.3)], [], [(1, 100, 0.4), (2, 100, 0.5)]], [[0.2], [0.3], [0.4, 0.5]]),
    ([[(1, 100, 0.2), (3, 100, 0.1)], [(3, 100, 0.3)]], [[0.2, 0.1, 0.3]]),
    ([[(5, 100, 0.2), (6, 100, 0.1)], [(1, 100, 0.3)]], [[0.2, 0.1], [0.3]]),
]


@pytest.mark.parametrize(("starts", "values"), STARTS)
def test_a_start_from_the_first_epoch_is_a_run_and_a_later_one_goes_on(starts, values):
    parsed = console.read(LogFile("loss_log.txt", log(*starts).encode()))
    assert [[v for _, v in by_epoch(one, "D_A", "train")] for one in parsed] == values


@pytest.mark.parametrize("prefix", ["[Rank 0] ", ""])
def test_the_newer_spelling_with_commas(prefix):
    parsed = read(f"{prefix}(epoch: 1, iters: 100, time: 0.2, data: 0.1) , D_A: 0.3, G_A: nan\n")
    assert by_epoch(parsed, "D_A", "train") == [(1, 0.3)]
    assert by_epoch(parsed, "G_A", "train") == [pytest.approx((1, float("nan")), nan_ok=True)]


def test_a_damaged_line_gives_no_number_at_all():
    assert read("(epoch: 1, iters: 100, time: 0.2, data: 0.1) D_A: 0.3.1 G_A: 0.2\n").series == ()


@needs_shared
def test_four_headers_without_a_row_are_no_points():
    file = open_log(str(REAL / "cyclegan_loss_log" / "JunlinHan__DCLGAN__loss_log.txt"))
    (parsed,) = detect(file).read(file)
    assert (parsed.series, parsed.source.lines, parsed.source.unread_lines) == ((), 4, 0)
