"""NeMo's bars and progress lines."""

import math

from console_text import by_epoch, points, read

BAR = "\rEpoch {e}: : {p:3d}%|████▋     | {n}/15 [06:19<07:13, {postfix}]"
POSTFIX = "reduced_train_loss={v}, global_step={g}, consumed_samples=12288.0, train_step_timing in s=49.50{more}"
LINES = """\
Training epoch 0, iteration 0/249 | lr: 1.961e-06 | global_batch_size: 8 | global_step: 0 | \
reduced_train_loss: 1.315 | train_step_timing in s: 7.126
Training epoch 0, iteration 2/249 | lr: 5.882e-06 | global_batch_size: 8 | global_step: 2 | \
reduced_train_loss: nan | train_step_timing in s: 1.505 | consumed_samples: 24 | val_loss: 1.2
Training epoch 0, iteration 3/249 | lr: 5.882e-06 | global_batch_size: 8 | global_step: 3 | \
reduced_train_loss: 1.2 | train_step_timing in s: 1.505 | consumed_samples: 32 | val_loss: 1.2
"""


def bar(n, v, more="", g=None):
    postfix = POSTFIX.format(v=v, g=n - 1 if g is None else g, more=more)
    return BAR.format(e=0, p=100 * n // 15, n=n, postfix=postfix)


def test_a_bar_without_a_speed_gives_all_its_values_at_its_own_count():
    parsed = read(bar(7, 11.5) + bar(8, 11.4, g="2e+3") + "\n")
    assert points(parsed, "reduced_train_loss") == [(7, 11.5), (8, 11.4)]
    assert points(parsed, "train_step_timing in s") == [(7, 49.5), (8, 49.5)]
    assert "global_step" not in {s.logged_as for s in parsed.series}
    assert (parsed.source.format, parsed.source.unread_lines) == ("nemo", 0)


def test_a_validation_loss_that_stays_on_the_bar_is_one_point():
    parsed = read(bar(7, 11) + bar(8, 10, ", val_loss=0.212") + bar(9, 9, ", val_loss=0.212") + "\n")
    assert points(parsed, "val_loss") == [(8, 0.212)]
    assert points(parsed, "reduced_train_loss") == [(7, 11), (8, 10), (9, 9)]


def test_a_version_of_any_text_and_a_speed_do_no_harm():
    line = (
        "Epoch 0:   5%|▍         | 3/62 [02:59<58:44,  0.02it/s, v_num=8-06, reduced_train_loss=6.930, "
        "chosen_rewards=-0.81, lr=2.73e-5, parameter_norm=1.95e+3, global_step=1.000, gradient_norm=8.600]\n"
    )
    parsed = read(line)
    assert points(parsed, "reduced_train_loss") == [(3, 6.93)]
    assert points(parsed, "chosen_rewards") == [(3, -0.81)]
    assert parsed.source.unread_lines == 0


def test_a_bar_of_unknown_length_has_its_step_as_long_as_it_is_exact():
    line = "[2025-12-17 04:54:49,774] [INFO] Epoch 1: : {n}it [00:04,  4.36s/it, v_num=d3c7, {p}]     saved\n"
    text = line.format(n=1, p="reduced_train_loss=0.674, global_step=128.0, samples/sec=14.60")
    text += line.format(n=2, p="reduced_train_loss=0.6, global_step=2.56e+3, samples/sec=14.60")
    parsed = read(text)
    assert points(parsed, "reduced_train_loss")[0] == (128, 0.674)
    assert math.isnan(points(parsed, "reduced_train_loss")[1][0])
    assert by_epoch(parsed, "reduced_train_loss") == [(1, 0.674), (1, 0.6)]


def test_lines_of_the_progress_printer():
    parsed = read(LINES)
    assert [step for step, _ in points(parsed, "reduced_train_loss")] == [0, 2, 3]
    assert points(parsed, "reduced_train_loss")[0] == (0, 1.315)
    assert math.isnan(points(parsed, "reduced_train_loss")[1][1])
    assert points(parsed, "val_loss") == [(2, 1.2)]
    assert points(parsed, "consumed_samples") == [(2, 24), (3, 32)]
