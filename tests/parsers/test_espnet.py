"""train.log of ESPnet and FunASR."""

import math

from console_text import by_epoch, points, read

HOST = "[hostname] 2023-10-27 13:37:46,484 (trainer:753) INFO: "
BATCHES = HOST + "{e}epoch:train:{a}-{b}batch: iter_time=1.924e-04, loss_ctc=174.564, loss={v}, optim0_lr0=1.007e-05\n"
RESULTS = (
    HOST + "{e}epoch results: [train] loss=39.899, acc=1.022e-04, optim0_lr0=1.697e-04, time=6 hours, 22 minutes and "
    "55.09 seconds, total_count={n}, gpu_max_cached_mem_GB=33.186, [valid] loss={v}, acc=0.817, cer=0.132, "
    "time=34.18 seconds, total_count=4017, [att_plot] time=3.2 seconds, total_count=0\n"
)


def epoch(e, value, valid):
    rows = BATCHES.format(e=e, a=1, b=4025, v=value) + BATCHES.format(e=e, a=4026, b=8050, v=value)
    return rows + RESULTS.format(e=e, n=8050 * e, v=valid)


def test_a_line_stands_at_its_last_batch_of_the_whole_training():
    parsed = read(epoch(1, 153.944, 100.5) + epoch(2, 118.274, 90.5))
    assert points(parsed, "loss", "train") == [(4025, 153.944), (8050, 153.944), (12075, 118.274), (16100, 118.274)]
    assert by_epoch(parsed, "optim0_lr0", "train")[0] == (1, 1.007e-05)
    assert (parsed.source.format, parsed.source.unread_lines) == ("espnet", 0)


def test_the_results_of_an_epoch_are_a_mean_of_the_training_and_a_point_of_the_validation():
    parsed = read(epoch(1, 153.944, 100.5) + epoch(2, 118.274, 90.5))
    assert points(parsed, "valid/loss") == [(8050, 100.5), (16100, 90.5)]
    assert points(parsed, "train/loss_epoch") == [(8050, 39.899), (16100, 39.899)]
    assert points(parsed, "train/optim0_lr0") == [(8050, 1.697e-04), (16100, 1.697e-04)]
    assert not any("time" in s.logged_as.split("/")[-1] and "iter" not in s.logged_as for s in parsed.series)


def test_a_log_that_begins_later_has_epochs_only():
    parsed = read(BATCHES.format(e=4, a=1, b=50, v=0.192).replace("50batch:", "50batch:50num_updates:"))
    assert by_epoch(parsed, "loss", "train") == [(4, 0.192)]
    assert math.isnan(points(parsed, "loss", "train")[0][0])


def test_nan_is_kept_and_a_damaged_line_is_told():
    parsed = read(BATCHES.format(e=1, a=1, b=10, v="nan") + BATCHES.format(e=1, a=11, b=20, v="1.5.2"))
    assert [step for step, _ in points(parsed, "loss", "train")] == [10]
    assert math.isnan(points(parsed, "loss", "train")[0][1])
    assert parsed.source.unread_lines == 1
