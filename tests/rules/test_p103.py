import numpy as np
import pytest
from article_runs import kind
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.p103_axis_asymmetry import check

N = 20
Y = 0.1 * np.exp(-np.arange(N) / 8) + 0.001


def noisy(values, scale=0.1, seed=0):
    return values * np.exp(scale * np.random.default_rng(seed).standard_normal(len(values)))


def judge(x, y, split="eval"):
    return check(case({f"{split}/loss_x": x, f"{split}/loss_y": y}, loss_type=kind("spatial")))


@pytest.mark.parametrize("split", ["train", "eval"])
@pytest.mark.parametrize(("factor", "axis"), [(2.0, "x"), (0.4, "y")])
def test_a_harder_axis_is_named(factor, axis, split):
    found = judge(noisy(factor * Y), Y, split)
    assert found.severity == "warn"
    assert found.message.startswith(f"the {axis} axis is harder")
    assert f"the head of the {axis} axis" in found.remedy


@pytest.mark.parametrize("factor", [1.0, 1.2, 0.8, 1.4])
def test_a_small_difference_passes(factor):
    assert isinstance(judge(noisy(factor * Y), Y), Pass)


def test_a_difference_that_went_away_or_came_once_passes():
    early = np.where(np.arange(N) < N // 2, 3.0, 1.0)
    spike = np.where(np.arange(N) == N - 2, 30.0, 1.0)
    assert isinstance(judge(early * Y, Y), Pass)
    assert isinstance(judge(spike * Y, Y), Pass)


@pytest.mark.parametrize(("pixels", "expected"), [(0.9, Pass), (1.5, Finding)])
def test_parts_of_a_pixel_are_no_matter(pixels, expected):
    loss = np.full(N, (pixels / 192) ** 2)
    assert isinstance(judge(loss, loss / 2), expected)


@pytest.mark.parametrize(
    ("x", "y"), [([1.0] * 3, [0.1] * 3), ([1.0] * 9, [0.0] * 9), ([np.nan] * 9, [1.0] * 9), ([], [])]
)
def test_too_little_is_not_run(x, y):
    assert isinstance(judge(x, y), NotRun)


def test_absent_axes_are_not_run():
    assert isinstance(check(case({"loss": [1.0]})), NotRun)
