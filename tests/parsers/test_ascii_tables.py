"""Tables of OpenAI baselines and Stable-Baselines3."""

import pytest
from console_text import by_epoch, points, read
from shared_logs import REAL, needs_shared

from trainvitals.parsers import read as read_run

BASELINES = """\
-----------------------------------
| epoch              | {e}         |
| stats_o/mean       | 0.20171978 |
| test/success_rate  | {v}        |
| train/status       | running    |
-----------------------------------
"""

STABLE = """\
Logging to a folder
-----------------------------------------
| rollout/                |             |
|    ep_len_mean          | 22.3        |
|    ep_rew_mean          | {v}        |
| time/                   |             |
|    fps                  | 1134        |
|    total_timesteps      | {n}        |
| train/                  |             |
|    approx_kl            | 0.008539    |
|    loss                 | 6.85e+00    |
-----------------------------------------
"""


def test_a_table_with_an_epoch_is_one_row():
    parsed = read(BASELINES.format(e=0, v=0.08125) + "New best success rate\n" + BASELINES.format(e=1, v="nan"))
    assert by_epoch(parsed, "test/success_rate") == [
        (0, 0.08125),
        pytest.approx((1, float("nan")), nan_ok=True),
    ]
    assert {s.logged_as for s in parsed.series} == {"stats_o/mean", "test/success_rate"}


def test_a_table_with_headings_stands_at_the_step_that_it_says_further_down():
    parsed = read(STABLE.format(n=2048, v=20.5) + STABLE.format(n=4096, v=25.5))
    assert points(parsed, "rollout/ep_rew_mean") == [(2048, 20.5), (4096, 25.5)]
    assert points(parsed, "train/loss") == [(2048, 6.85), (4096, 6.85)]
    assert points(parsed, "time/fps") == [(2048, 1134), (4096, 1134)]
    assert "time/total_timesteps" not in {s.logged_as for s in parsed.series}


def test_a_table_is_cited_at_its_closing_border():
    (first, *_) = read(BASELINES.format(e=0, v=0.5)).series
    assert first.line.tolist() == [6]


def test_a_lone_border_before_a_table_and_rows_outside_of_one():
    parsed = read("--------------------\nsetup\n" + BASELINES.format(e=3, v=0.5) + "| loss | 1.5 |\n")
    assert by_epoch(parsed, "test/success_rate") == [(3, 0.5)]
    assert {s.logged_as for s in parsed.series} == {"stats_o/mean", "test/success_rate"}


FIRST_AND_EVALUATION = """\
------------------------------
| time/              |       |
|    fps             | 1395  |
|    total_timesteps | 32768 |
------------------------------
Eval num_timesteps=70000, episode_reward=-1.32 +/- 0.50
----------------------------------------
| eval/                   |            |
|    mean_ep_length       | 150        |
|    mean_reward          | -1.3       |
| time/                   |            |
|    total_timesteps      | 70000      |
| train/                  |            |
|    policy_gradient_l... | -0.00035   |
|    value_loss           | 1.04e+05   |
----------------------------------------
"""
PROGRESS = [
    (
        "progress.csv",
        "rollout/ep_rew_mean,time/fps,time/time_elapsed,time/total_timesteps,train/loss\n"
        "22.4,1134,1,2048,\n28.1,900,4,4096,8.14\n",
    ),
    (
        "progress.json",
        '{"time/fps": 1134, "time/time_elapsed": 1, "time/total_timesteps": 2048, "rollout/ep_rew_mean": 22.4}\n'
        '{"time/fps": 900, "time/time_elapsed": 4, "time/total_timesteps": 4096, "rollout/ep_rew_mean": 28.1, '
        '"train/loss": 8.14}\n',
    ),
]


def test_tables_differ_in_their_sections_and_cut_names_stay_cut():
    parsed = read(FIRST_AND_EVALUATION)
    assert points(parsed, "time/fps") == [(32768, 1395)]
    assert points(parsed, "eval/mean_reward") == [(70000, -1.3)]
    assert points(parsed, "train/policy_gradient_l...") == [(70000, -0.00035)]
    assert points(parsed, "train/value_loss") == [(70000, 104000)]
    assert parsed.source.unread_lines == 0


@pytest.mark.parametrize(("name", "text"), PROGRESS, ids=lambda value: value[:13])
def test_the_progress_files_of_stable_baselines_count_time_steps(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    run = read_run(str(tmp_path / name))
    series = {s.logged_as: s for s in run.series}
    assert series["rollout/ep_rew_mean"].step.tolist() == [2048, 4096]
    assert series["rollout/ep_rew_mean"].time.tolist() == [1, 4]
    assert (series["train/loss"].step.tolist(), series["train/loss"].value.tolist()) == ([4096], [8.14])
    assert not {"time/total_timesteps", "time/time_elapsed"} & series.keys()


@needs_shared
def test_the_real_log_of_38_epochs():
    run = read_run(
        str(REAL / "openai_baselines_table_stdout" / "CS15B001__HER_Improvements__Fetch_Push_openai_run1.txt")
    )
    rate = next(s for s in run.series if s.logged_as == "test/success_rate")
    assert rate.epoch.tolist() == list(range(38))
    assert (rate.value[0], rate.value[-1]) == (0.08125, 1.0)
    last_q = next(s for s in run.series if s.logged_as == "test/mean_Q").value[-1]
    assert last_q == -1.0674648
    assert [len(s) for s in run.series] == [38] * 9
