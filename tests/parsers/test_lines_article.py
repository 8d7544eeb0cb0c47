"""Lines of trainers with a weighted class of tokens, alone and together with their progress bar."""

import math

import pytest
from console_text import points, read, series

BAR = "loss: 2.05 | ppl: 7.78 | a_loss: 4.23 | o_loss: 1.98 | lr: 3.0e-04 | grad: 0.85"
STEP = "Step 100 | Loss: 2.0543 (↓ Improving) | PPL: 7.81\n"
PAIR = "Article Loss: 4.2345 | Other Loss: 1.9876 | Ratio: 2.13x\n"
TOGETHER = {
    "loss": [(100, 2.0543)],
    "ppl": [(100, 7.81)],
    "article_loss": [(100, 4.2345)],
    "other_loss": [(100, 1.9876)],
    "ratio": [(100, 2.13)],
}


def test_the_pair_of_lines_is_one_step():
    parsed = read(STEP + PAIR)
    assert {s.logged_as: points(parsed, s.logged_as) for s in parsed.series} == TOGETHER
    assert series(parsed, "article_loss").line.tolist() == [2]


def bar(n, postfix):
    return f"\r {n // 10:2d}%|█         | {n}/1000 [00:10<01:30, 9.9it/s, {postfix}]"


BARS = {
    "alone": BAR + "\n",
    "of tqdm": bar(100, BAR) + "\n",
    "printed behind": bar(100, BAR),
    "drawn twice": bar(100, BAR) + bar(100, BAR) + "\n",
    "with equal signs": bar(100, "loss=2.05, ppl=7.78, a_loss=4.23, lr=3.0e-04, grad=0.85") + "\n",
}


@pytest.mark.parametrize("name", BARS)
def test_a_bar_of_the_same_step_doubles_no_point_and_adds_its_own_metrics(name):
    parsed = read(BARS[name] + STEP + PAIR)
    both = {s.logged_as: points(parsed, s.logged_as) for s in parsed.series}
    assert both == {**TOGETHER, "lr": [(100, 3e-4)], "grad": [(100, 0.85)]}
    assert parsed.source.unread_lines == 0


def test_refreshes_of_other_steps_fill_the_series():
    parsed = read(bar(50, BAR) + bar(100, BAR) + "\n" + STEP + PAIR + bar(110, BAR) + "\n")
    assert points(parsed, "article_loss") == [(50, 4.23), (100, 4.2345), (110, 4.23)]
    assert points(parsed, "ratio") == [(100, 2.13)]


GOOD = [(100, 4.5, 10.1, 0.45), (500, 3.2, 6.5, 0.49), (1000, 2.3, 3.2, 0.72), (2000, 2.0, 2.3, 0.87)]
REMARKS = ["  ← Starting point", "  â†\x90 Other loss dropping!", "", " ✅ balanced"]


@pytest.mark.parametrize("times", ["x", "×", "Ã—"])
def test_one_line_a_step_with_a_remark_that_may_be_mojibake(times):
    lines = [
        f"Step {step}:  Article Loss: {a} | Other Loss: {o}  | Ratio: {ratio}{times}{remark}\n"
        for (step, a, o, ratio), remark in zip(GOOD, REMARKS, strict=True)
    ]
    parsed = read("".join(lines))
    assert points(parsed, "article_loss") == [(step, a) for step, a, _, _ in GOOD]
    assert points(parsed, "other_loss") == [(step, o) for step, _, o, _ in GOOD]
    assert points(parsed, "ratio") == [(step, ratio) for step, _, _, ratio in GOOD]


HEADS = [
    "Step 100 | Loss: 2.5",
    "📊 Step 100 | Loss: 2.5 (â†“ Improving)",
    "2025-10-25 10:00:00,123 - INFO - Step 100 | Loss: 2.5",
    "Step 100/1000 | Loss: 2.5",
    "Step: 100 | Loss: 2.5",
    "Epoch 3 | Step 100 | Loss: 2.5",
    "Step 100 | Epoch 3 | Loss: 2.5",
    "[rank0]: Step 100 | Loss: 2.5 | time: 12.5ms | eta: 0:01:10",
]


@pytest.mark.parametrize("line", HEADS)
def test_what_may_stand_around_the_step(line):
    parsed = read(line + " | PPL: 7.81\n")
    assert points(parsed, "loss") == [(100, 2.5)]
    assert points(parsed, "ppl") == [(100, 7.81)]
    if "Epoch" in line:
        assert series(parsed, "loss").epoch.tolist() == [3]


def test_a_validation_line_is_of_its_own_split():
    assert points(read("Validation step 100 | Loss: 2.5 | PPL: 7.81\n"), "loss", "eval") == [(100, 2.5)]


def test_a_pair_without_a_head_has_no_step():
    assert math.isnan(points(read(PAIR), "article_loss")[0][0])


def test_a_pair_far_from_a_head_has_the_step_of_the_bar():
    assert points(read(STEP + "\n" * 20 + bar(150, "")[:-3] + "]\n" + PAIR), "article_loss") == [(150, 4.2345)]


DAMAGED = [
    "Step 100 | Loss: 2.0543.81 | PPL: 7.81",
    "Step 100 | Loss: 2.0543 | PPL: 7.81.5",
    "Article Loss: 4.23.45 | Other Loss: 1.9876 | Ratio: 2.13x",
]


@pytest.mark.parametrize("line", DAMAGED)
def test_a_damaged_line_gives_no_number_at_all(line):
    parsed = read(line + "\n")
    assert parsed.series == ()
    assert parsed.source.unread_lines == 1
