"""What mlx-lm prints."""

import pytest
from console_text import points, read

TEXT = """\
Starting training..., iters: 400
Iter 1: Val loss 3.770, Val took 57.861s
Iter 5: Val loss 3.044, Val took 57.845s
Iter 5: Train loss 3.361, Learning Rate 1.000e-05, It/sec 0.165, Tokens/sec 282.648, Trained Tokens 8557, Peak 56.494 GB
Iter 5: Saved adapter weights to adapters/adapters.safetensors and adapters/0000005_adapters.safetensors.
Iter 10: Train loss 2.669, Learning Rate 1.000e-05, It/sec 0.160, Tokens/sec 282.493, Trained Tokens 17373, Peak58.9 GB
Iter 20: Train loss nan, Learning Rate 1.000e-05, It/sec 37.140, Tokens/sec 2487.446, Trained Tokens 17459, Peak 1.1 GB
Test loss 3.214, Test ppl 24.886.
"""


def test_reports_are_points_of_their_split_and_iteration():
    parsed = read(TEXT)
    assert points(parsed, "loss", "eval") == [(1, 3.77), (5, 3.044)]
    assert points(parsed, "loss", "train")[:2] == [(5, 3.361), (10, 2.669)]
    assert points(parsed, "loss", "train")[2] == pytest.approx((20, float("nan")), nan_ok=True)
    assert points(parsed, "Learning Rate", "train")[0] == (5, 1e-05)
    assert points(parsed, "Trained Tokens", "train") == [(5, 8557), (10, 17373), (20, 17459)]
    assert parsed.source.unread_lines == 0


def test_the_test_at_the_end_stands_at_the_last_iteration():
    parsed = read(TEXT)
    assert points(parsed, "loss", "test") == [(20, 3.214)]
    assert points(parsed, "ppl", "test") == [(20, 24.886)]


def test_older_lines_without_a_learning_rate_and_lines_in_colour():
    parsed = read("Iter 370: Train loss 1.146, It/sec 1.238\nIter 380: Train loss \x1b[1m1.187\x1b[0m, It/sec 1.266\n")
    assert points(parsed, "loss", "train") == [(370, 1.146), (380, 1.187)]


def test_a_line_behind_a_progress_bar():
    bar = "Calculating loss...: 100%|██████████| 25/25 [00:15<00:00,  1.63it/s]"
    assert points(read(f"{bar}Iter 1: Val loss 2.688, Val took 15.355s\n"), "loss", "eval") == [(1, 2.688)]


@pytest.mark.parametrize("rest", ["Train loss 1.1.46, It/sec 1.238", "Train loss 1.14, It/sec 1.238 done"])
def test_a_damaged_line_gives_no_number_at_all(rest):
    parsed = read(f"Iter 370: {rest}\n")
    assert (parsed.series, parsed.source.unread_lines) == ((), 1)
