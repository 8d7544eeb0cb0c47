"""Numbers of many texts at once are those that `float` gives, to the last bit."""

import random

import numpy as np
import pytest

from trainvitals.parsers.text.digits import columns_of


@pytest.mark.parametrize("around", ["", "é", "█"])
@pytest.mark.parametrize(
    "like", ["0", "-0.0", "00.0000", "+0.000", "0.", ".00", "0.00000000000000000", "0.000e-00", "nan"]
)
def test_numbers_are_those_of_float(like, around):
    dice = random.Random(like + around)
    numbers = ["".join(dice.choice("0123456789") if c == "0" else c for c in like) for _ in range(500)] + [like] * 2
    texts = [f"{around}loss: {number}, step: {i:05d}" for i, number in enumerate(numbers)]
    start = len(f"{around}loss: ")
    places = [slice(start, start + len(like)), slice(len(texts[0]) - 5, len(texts[0]))]
    found, steps = columns_of(texts, places)
    assert found.tobytes() == np.array([float(number) for number in numbers]).tobytes()
    assert steps.tolist() == list(range(502))
