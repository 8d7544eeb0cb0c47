"""Lines of PaddleNLP, PaddleOCR and PaddleDetection."""

import math

import pytest
from console_text import by_epoch, config, points, read

OCR = """\
[2024/11/05 03:46:19] ppocr INFO: epoch: [3/5], global_step: 150, lr: 0.000500, loss: 0.952552, \
loss_shrink_maps: 0.457240, loss_cbn: 0.000000, avg_reader_cost: 0.00038 s, avg_batch_cost: 0.41964 s, \
avg_samples: 16.0, ips: 38.12752 samples/s, eta: {eta}, max_mem_reserved: 12221 MB, max_mem_allocated: 10612 MB
eval model:: 100%|██████████| 205/205 [00:04<00:00, 47.62it/s]
[2024/11/05 03:46:23] ppocr INFO: cur metric, precision: 0.9395348837209302, recall: 0.9758454106280193, fps: 29.7
[2024/11/05 03:46:23] ppocr INFO: best metric, hmean: 0.957, precision: 0.99, recall: 0.97, fps: 29.7, best_epoch: 3
"""
DETECTION = """\
[08/15 04:02:46] ppdet.engine INFO: Epoch: [0] [   0/1929] learning_rate: 0.040000 loss_vfl: 1.216707 \
loss_bbox: 1.142163 loss: 2.903065 eta: 17 days, 13:50:26 batch_cost: 15.7452 data_cost: 2.9112 ips: 1.5243 images/s
[08/15 04:03:19] ppdet.engine INFO: Epoch: [1] [  20/1929] learning_rate: 0.064000 loss_vfl: nan \
loss_bbox: 0.939552 loss: nan eta: 2:18:53 batch_cost: 1.5 data_cost: 0.1 ips: 17.5 images/s, max_mem_reserved: 12 MB
"""
NLP = """\
[2022-08-31 14:25:42,867] [    INFO] -   Gradient Accumulation steps = 4
[2022-08-31 14:25:42,867] [    INFO] -   Total optimization steps = 306100.0
[2022-08-31 14:25:49,741] [    INFO] - loss: 1.21554871, learning_rate: 2.9999019928128062e-05, global_step: 10, \
interval_runtime: 6.8718, interval_samples_per_second: 9.313, interval_steps_per_second: 1.455, epoch: 0.0016
[2024-03-03 18:06:33,568] [    INFO] - loss: 1.08327329, learning_rate: 4e-08, global_step: 20, \
interval_runtime: 4.8704, progress_or_epoch: 0.0032
[2024-08-28 18:19:59,371] [    INFO] - eval_loss: 0.030200611799955368, eval_micro_f1: 1.0, eval_runtime: 3.0676, \
eval_samples_per_second: 0.652, epoch: 0.0032
[2022-08-31 15:00:00,000] [    INFO] - train_runtime: 6.8718, train_samples_per_second: 9.313, train_loss: 0.9, \
epoch: 1.0
"""


@pytest.mark.parametrize("eta", ["0:00:51", "9 days, 2:29:27", "1 day, 2:29:27"])
def test_ocr_rows_know_their_step_and_an_evaluation_follows_its_row(eta):
    parsed = read(OCR.format(eta=eta))
    assert points(parsed, "loss", "train") == [(150, 0.952552)]
    assert points(parsed, "ips", "train") == [(150, 38.12752)]
    assert points(parsed, "max_mem_allocated", "train") == [(150, 10612)]
    assert points(parsed, "precision", "eval") == [(150, 0.9395348837209302)]
    assert by_epoch(parsed, "precision", "eval") == [(3, 0.9395348837209302)]
    assert (parsed.source.format, parsed.source.unread_lines) == ("paddle", 0)


def test_an_ocr_row_without_a_step_has_its_epoch():
    line = (
        "[2025/07/22 00:22:10] ppocr INFO: epoch: [1/10], lr: 0.000024, CTCLoss: 36.289278, loss: 38.9, eta: 4:30:02\n"
    )
    parsed = read(line)
    assert by_epoch(parsed, "CTCLoss", "train") == [(1, 36.289278)]
    assert math.isnan(points(parsed, "loss", "train")[0][0])


def test_detection_counts_the_batches_of_all_epochs():
    parsed = read(DETECTION)
    assert points(parsed, "loss", "train")[0] == (0, 2.903065)
    assert points(parsed, "loss_bbox", "train") == [(0, 1.142163), (1949, 0.939552)]
    assert math.isnan(points(parsed, "loss", "train")[1][1])
    assert parsed.source.unread_lines == 0


def test_nlp_rows_evaluations_and_means_over_the_run():
    parsed = read(NLP)
    assert points(parsed, "loss", "train") == [(10, 1.21554871), (20, 1.08327329)]
    assert by_epoch(parsed, "loss", "train") == [(0.0016, 1.21554871), (0.0032, 1.08327329)]
    assert points(parsed, "eval_loss") == [(20, 0.030200611799955368)]
    assert parsed.summary["train_loss"].value == 0.9
    assert config(parsed) == {"gradient_accumulation_steps": 4, "max_steps": 306100}
    assert (parsed.source.format, parsed.source.unread_lines) == ("paddle", 0)


@pytest.mark.parametrize(
    "line",
    [
        "[2022/08/16 03:07:33] ppocr INFO: epoch: [1/400], global_step: 20, lr: 0.0.1, loss: 3.915012",
        "[08/15 04:02:46] ppdet.engine INFO: Epoch: [0] [   0/1929] learning_rate: 0.04 loss: 2.9.0 eta: 0:00:01",
    ],
)
def test_a_damaged_line_is_told_and_no_row(line):
    parsed = read(line + "\n")
    assert parsed.series == ()
    assert parsed.source.unread_lines == 1
