"""Lines of GNMT."""

import pytest
from console_text import by_epoch, points, read, series
from shared_logs import REAL, needs_shared

from trainvitals.parsers.files import open_log
from trainvitals.parsers.formats import console

ROW = (
    "{rank}: TRAIN [{epoch}][{i}/100]\tTime 0.177 (0.169)\tTok/s 95834 (92124)\t"
    "Loss/tok {loss} (8.9248)\tLR 1.262e-04\n"
)
END = """\
0: TEST [0][0/3]\tTime 0.705 (0.705)\tDecoder iters 149.0 (149.0)\tTok/s 23165 (23165)
0: Summary: Epoch: 0\tTraining Loss: 4.5190\tTest BLEU: 19.90
0: Performance: Epoch: 0\tTraining: 699706 Tok/s
"""


def row(epoch, i, loss=8.0934, rank=0):
    return ROW.format(epoch=epoch, i=i, loss=loss, rank=rank)


def test_the_value_of_the_batch_is_taken_and_not_the_mean():
    parsed = read(row(0, 80) + row(1, 10, 5.5))
    assert points(parsed, "Loss/tok", "train") == [(80, 8.0934), (110, 5.5)]
    assert by_epoch(parsed, "Loss/tok", "train") == [(0, 8.0934), (1, 5.5)]
    assert points(parsed, "LR", "train") == [(80, 1.262e-4), (110, 1.262e-4)]
    assert points(parsed, "Tok/s", "train")[0] == (80, 95834)


def test_the_summary_gives_the_result_of_the_evaluation_at_the_end_of_the_epoch():
    parsed = read(row(0, 90) + END)
    assert points(parsed, "Test BLEU") == [(99, 19.9)]
    assert "Training Loss" not in {s.logged_as for s in parsed.series}, "a mean over rows that have been read"
    assert parsed.source.unread_lines == 0


def test_without_rows_the_summary_is_all_there_is():
    assert by_epoch(read(END), "Training Loss") == [(0, 4.519)]


def test_where_all_ranks_log_the_first_is_kept():
    text = "".join(row(0, i, 5 + rank, rank) for i in (0, 10, 20) for rank in range(8))
    assert points(read(text), "Loss/tok", "train") == [(0, 5), (10, 5), (20, 5)]


@pytest.mark.parametrize("loss", ["8.0.9", "8.09 9.1", "high"])
def test_a_damaged_line_gives_no_number_at_all(loss):
    assert read(row(0, 80, loss)).series == ()


@needs_shared
def test_the_real_log_against_its_own_lines():
    path = REAL / "mlperf_mllog_text" / "chuanli11__training_results_v0.6__gnmt_DGX1.log"
    (parsed,) = console.read(open_log(str(path)))
    lines = [line.split("Loss/tok ")[1].split()[0] for line in path.read_text().splitlines() if "TRAIN [" in line]
    loss = series(parsed, "Loss/tok", "train")
    assert (len(loss), loss.value[0], loss.value[-1], loss.step[-1]) == (776, 10.4636, 2.9624, 3 * 1938 + 1930)
    assert loss.value.tolist() == [float(value) for value in lines]
    assert points(parsed, "Test BLEU") == [(1937, 19.9), (3875, 21.91), (5813, 22.86), (7751, 24.15)]
    assert by_epoch(parsed, "eval_accuracy") == [(1, 19.9), (2, 21.91), (3, 22.86), (4, 24.15)]
    assert parsed.source.unread_lines == 0
