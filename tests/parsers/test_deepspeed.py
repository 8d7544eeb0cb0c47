"""Lines of DeepSpeed's engine, alone and beside those of a trainer."""

import math

from console_text import config, points, read

STEP = (
    "[2023-11-07 01:55:23,711] [INFO] [logging.py:96:log_dist] [Rank 0] "
    "step={n}, skipped={s}, lr={lr}, mom=[(0.9, 0.95)]\n"
)
SPEED = (
    "[2023-08-02 00:41:17,936] [INFO] [timer.py:215:stop] epoch=0/micro_step=40/global_step={n}, "
    "RunningAvgSamplesPerSec=220.69530887096045, CurrSamplesPerSec=222.8, MemAllocated=0.07GB, MaxMemAllocated=1.36GB\n"
)
OLD_SPEED = (
    "[2022-08-29 06:58:56,176] [INFO] [timer.py:198:stop] 0/{n}, RunningAvgSamplesPerSec=232.7340551694273, "
    "CurrSamplesPerSec=227.48090316379353, MemAllocated=0.36GB, MaxMemAllocated=15.06GB\n"
)
TIMERS = "[2024-04-04 09:09:53,313] [INFO] [logging.py:96:log_dist] [Rank 0] time (ms) | fwd: 6567.66 | bwd: 17950.35\n"
SETTING = "[2023-07-24 13:21:32,185] [INFO] [config.py:964:print]   gradient_accumulation_steps .. 4\n"


def test_rates_and_skipped_steps_are_points_of_the_step():
    parsed = read(STEP.format(n=10, s=4, lr="[4.998e-05, 4.998e-05]") + STEP.format(n=20, s=4, lr="[4e-05, 1e-06]"))
    assert points(parsed, "lr", "train") == [(10, 4.998e-05), (20, 4e-05)]
    assert points(parsed, "lr/1", "train") == [(20, 1e-06)]
    assert points(parsed, "skipped", "train") == [(10, 4), (20, 4)]
    assert (parsed.source.format, parsed.source.unread_lines) == ("deepspeed", 0)


def test_the_line_before_the_first_step_is_none():
    text = "worker-0: [INFO 2020-02-06 19:53:56] rank:0 step=0, skipped=0, lr=[0.001], mom=[[0.8, 0.999]]\n"
    assert read(text).series == ()
    assert points(read(text.replace("step=0", "step=7")), "lr", "train") == [(7, 0.001)]


def test_speed_memory_and_timers():
    parsed = read(STEP.format(n=10, s=0, lr="[1e-4]") + SPEED.format(n=10) + TIMERS + OLD_SPEED.format(n=20))
    assert points(parsed, "RunningAvgSamplesPerSec", "train") == [(10, 220.69530887096045), (20, 232.7340551694273)]
    assert points(parsed, "MaxMemAllocated", "train") == [(10, 1.36), (20, 15.06)]
    assert points(parsed, "time (ms)/bwd", "train") == [(10, 17950.35)]
    assert parsed.source.unread_lines == 0


def test_a_timer_before_any_step_has_none():
    assert math.isnan(points(read(TIMERS), "time (ms)/fwd", "train")[0][0])


def test_a_file_is_named_after_the_trainer_whose_lines_stand_between():
    rows = "{'loss': 2.0, 'learning_rate': 1e-05, 'epoch': 0.1}\n"
    parsed = read(SETTING + STEP.format(n=1, s=0, lr="[1e-5]") + SPEED.format(n=1) + TIMERS + rows)
    assert parsed.source.format == "hf_dict"
    assert {s.logged_as for s in parsed.series} > {"loss", "learning_rate", "lr", "skipped"}
    assert config(parsed)["gradient_accumulation_steps"] == 4


def test_a_line_that_was_cut_in_the_middle_is_no_row():
    assert read(STEP.format(n=10, s=4, lr="[4.9")[:110] + "\n").series == ()
