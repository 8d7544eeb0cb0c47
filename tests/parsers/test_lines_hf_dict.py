"""Dicts of Hugging Face's Trainer, and where their steps come from."""

import math

import pytest
from console_text import by_epoch, points, read, series

BAR = "{percent:3d}%|███▏      | {n}/{total} [00:0{n}<00:09, 1.21it/s]"
CLEAR = "\r" + " " * 47 + "\r"
NESTED = "\x1b[A"


def bar(n, total=9):
    return BAR.format(percent=100 * n // total, n=n, total=total)


def train(epoch, loss=2.5):
    return f"{{'loss': {loss}, 'grad_norm': 0.5, 'learning_rate': 1e-05, 'epoch': {epoch}}}\n"


def evaluation(epoch, loss=3.5):
    return f"{{'eval_loss': {loss}, 'eval_runtime': 0.1, 'epoch': {epoch}}}\n"


def test_the_step_is_that_of_the_bar_which_is_drawn_anew_below_the_row():
    """Step 5 is logged while the bar, which is drawn ten times a second, still shows 4."""
    parsed = read(f"\r{bar(4)}{CLEAR}{train(0.5)}\r{bar(5)}\r{bar(7)}{CLEAR}{train(0.9, 2.25)}\r{bar(8)}")
    assert points(parsed, "loss") == [(5, 2.5), (8, 2.25)]
    assert by_epoch(parsed, "loss") == [(0.5, 2.5), (0.9, 2.25)]
    assert parsed.source.format == "hf_dict"


def test_the_bar_of_an_evaluation_is_never_the_step():
    text = (
        f"\r{bar(4)}{CLEAR}{train(0.5)}\r{bar(5)}\n\r{bar(1, 9)}{NESTED}{CLEAR}\n\r    \r{NESTED}{evaluation(0.5)}"
        f"\r{bar(5)}\n\r{bar(9, 9)}{NESTED}\n"
    )
    assert points(read(text), "eval_loss") == [(5, 3.5)]


@pytest.mark.parametrize("other", ["Map:", "Loading checkpoint shards:", "Val:", "Evaluating:", "Running tokenizer:"])
def test_bars_of_other_loops_are_never_the_step(other):
    parsed = read(f"\r{other} {bar(3, 8)}\n{train(0.5)}\r{other} {bar(8, 8)}\n\r{bar(5)}\n")
    assert points(parsed, "loss") == [(5, 2.5)]


def test_the_bar_of_another_length_after_an_evaluation_is_another_loop():
    parsed = read(f"{train(1.0)}\r{bar(9)}\n{evaluation(1.0)}\r{bar(0, 4)}\r{bar(4, 4)}\n")
    assert points(parsed, "eval_loss") == [(9, 3.5)]


def test_a_row_printed_behind_a_bar_has_the_step_of_that_bar():
    assert points(read(f"\r{bar(5)}{train(0.5)}\r{bar(6)}{train(0.6, 2.25)}\r{bar(7)}\n"), "loss") == [
        (5, 2.5),
        (6, 2.25),
    ]


def test_where_carriage_returns_are_lost_the_cleared_bar_is_told_by_its_blanks():
    assert points(read(f"{bar(4)}{' ' * 47}{train(0.5)}{bar(5)}{bar(7)}\n"), "loss") == [(5, 2.5)]


def test_where_refreshes_are_lines_of_their_own_nothing_changes():
    text = f"\r{bar(4)}{CLEAR}{train(0.5)}\r{bar(5)}\r{bar(7)}{CLEAR}{train(0.9)}\r{bar(8)}".replace("\r", "\n")
    assert points(read(text), "loss") == [(5, 2.5), (8, 2.5)]


def test_rows_of_buffered_output_have_no_step():
    parsed = read(f"\r{bar(4)}\n{train(0.1)}{train(0.2)}{train(0.3)}\r{bar(9)}\n")
    assert [step for step, _ in points(parsed, "loss")] == pytest.approx([math.nan] * 3, nan_ok=True)
    assert [epoch for epoch, _ in by_epoch(parsed, "loss")] == [0.1, 0.2, 0.3]


def test_without_bars_there_is_an_epoch_and_no_step():
    parsed = read(train(0.1) + train(0.2))
    assert math.isnan(series(parsed, "loss").step[0])
    assert series(parsed, "loss").epoch.tolist() == [0.1, 0.2]


def test_warnings_of_another_process_between_row_and_bar_do_not_matter():
    warning = "[rank1]:[W1120 13:37:31.09 reducer.cpp:1529] Warning: find_unused_parameters=True\n"
    parsed = read(f"\r{bar(0)}{warning}\r{bar(4)}{CLEAR}{train(0.5)}{warning}\r{bar(5)}\n")
    assert points(parsed, "loss") == [(5, 2.5)]
    assert parsed.source.unread_lines == 0


def test_ms_swift_prints_strings_and_says_its_step():
    parsed = read(
        "\rTrain:   3%|▎         | 1/30 [00:55<26:39, 55.16s/it]\r                  \r"
        "{'loss': '2.03', 'grad_norm': '152', 'learning_rate': '3.33e-06', 'token_acc': '0.6176', 'epoch': '0.003401', "
        "'global_step/max_steps': '1/30', 'percentage': '3.33%', 'elapsed_time': '1m 2s', 'memory(GiB)': '4.16'}\n"
    )
    assert points(parsed, "loss") == [(1, 2.03)]
    assert series(parsed, "loss").time.tolist() == [62]
    assert {s.logged_as for s in parsed.series} == {"loss", "grad_norm", "learning_rate", "token_acc", "memory(GiB)"}


def test_the_summary_is_no_point():
    parsed = read(
        "{'train_runtime': '1366', 'train_samples_per_second': '2.811', 'train_loss': '1.545', 'epoch': '0.1'}\n"
    )
    assert parsed.series == ()
    assert (parsed.summary["train_loss"].value, parsed.summary["train_loss"].line) == (1.545, 1)


VALUES = [
    ("nan", math.nan),
    ("inf", math.inf),
    ("'nan'", math.nan),
    ("np.float64(0.5)", 0.5),
    ("tensor(0.5, device='cuda:0')", 0.5),
    ("-2.2e-07", -2.2e-07),
]


@pytest.mark.parametrize(("printed", "value"), VALUES)
def test_values_as_python_prints_them(printed, value):
    (point,) = points(read(f"{{'eval_score': {printed}, 'step': 3}}\n"), "eval_score")
    assert point == pytest.approx((3, value), nan_ok=True)


@pytest.mark.parametrize("printed", ["None", "True", "[0.1, 0.2]", "'abc'", "'2.5 GiB'"])
def test_values_that_are_no_numbers_are_left_out(printed):
    assert [s.logged_as for s in read(f"{{'loss': 1.0, 'other': {printed}, 'step': 3}}\n").series] == ["loss"]


NO_ROWS = [
    "{'enabled': 'auto', 'loss_scale': 0, 'loss_scale_window': 1000, 'min_loss_scale': 1}",
    "[INFO:swift] model_kwargs: {'device_map': 'cuda:0', 'dtype': torch.bfloat16}",
    "{'lr': 0.001, 'epochs': 10, 'loss': 'mse'}",
]


@pytest.mark.parametrize("line", NO_ROWS)
def test_configurations_are_no_rows(line):
    parsed = read(line + "\n")
    assert (parsed.series, parsed.source.unread_lines) == ((), 0)


def test_a_torn_dict_gives_nothing_and_the_next_one_everything():
    parsed = read("{'loss': 2.5, 'gra{'loss': 2.25, 'step': 2}\n{'loss': 9.9, 'grad_norm': 1.\n")
    assert points(parsed, "loss") == [(2, 2.25)]
    assert parsed.source.unread_lines == 1


DPO = (
    "{'loss': 0.6931, 'learning_rate': 5.000000000000001e-07, 'rewards/chosen': 0.0, 'rewards/rejected': -0.0346, "
    "'rewards/accuracies': 0.0, 'rewards/margins': 0.0, 'logps/rejected': -271.842041015625, 'epoch': 0.0, 'step': 1}\n"
)
GRPO = (
    "  4%|▍         | 9/200 [03:00<1:04:17, 20.20s/it]{'loss': '-0.007415', 'grad_norm': '0.2584', "
    "'learning_rate': '9.6e-07', 'num_tokens': '4.996e+04', 'completions/mean_length': '8.938', "
    "'rewards/kernel_reward/mean': '0.9688', 'reward': '0.9688', 'frac_reward_zero_std': '0.75', 'kl': 'nan', "
    "'epoch': '0.01'}\n"
)
AXOLOTL = (
    "[2025-09-10 10:58:06,758] [INFO] [axolotl.core.trainers.base.evaluate:367] [RANK:0] Running evaluation step...\n"
    "{'eval_loss': 1.3642939329147339, 'eval_runtime': 16.2872, 'memory/max_active (GiB)': 1.92, 'epoch': 0}\n"
)


def test_rows_of_preference_and_reward_training():
    assert points(read(DPO), "rewards/rejected") == [(1, -0.0346)]
    assert points(read(DPO), "logps/rejected") == [(1, -271.842041015625)]
    parsed = read(GRPO)
    assert points(parsed, "loss") == [(9, -0.007415)]
    assert points(parsed, "num_tokens") == [(9, 49960)]
    assert points(parsed, "rewards/kernel_reward/mean") == [(9, 0.9688)]
    assert math.isnan(points(parsed, "kl")[0][1])


def test_names_with_units_as_axolotl_prints_them():
    parsed = read(AXOLOTL)
    assert by_epoch(parsed, "memory/max_active (GiB)") == [(0, 1.92)]
    assert by_epoch(parsed, "eval_loss") == [(0, 1.3642939329147339)]
    assert parsed.source.unread_lines == 0
