"""Progress bars that carry metrics."""

import pytest
from console_text import points, read, series


def bar(n, total, postfix, description=""):
    return f"\r{description}{100 * n // total:3d}%|██        | {n}/{total} [00:01<00:09, 9.98it/s, {postfix}]"


def test_every_step_that_was_shown_is_a_point_once():
    parsed = read(bar(1, 3, "loss=2.5") + bar(1, 3, "loss=2.4") + bar(2, 3, "loss=2.25, acc=81.5%") + "\n")
    assert points(parsed, "loss") == [(1, 2.4), (2, 2.25)]
    assert points(parsed, "acc") == [(2, 81.5)]
    assert parsed.source.format == "progress_bar"


def test_steps_go_on_over_epochs_by_their_number():
    text = "".join(
        bar(n, 10, f"loss={e}.{n}", f"Epoch {e}/3: ") + bar(10, 10, "loss=1", f"Epoch {e}/3: ")
        for e in (1, 2)
        for n in (5,)
    )
    parsed = read(text + "\n")
    assert points(parsed, "loss") == [(5, 1.5), (10, 1), (15, 2.5), (20, 1)]
    assert series(parsed, "loss").epoch.tolist() == [1, 1, 2, 2]


def test_epochs_may_count_from_zero():
    text = "".join(bar(5, 10, "loss=2.5", f"Epoch {e}: ") for e in (0, 1))
    assert [step for step, _ in points(read(text), "loss")] == [5, 15]


def test_a_filled_bar_that_starts_anew_goes_on_counting():
    text = "".join(bar(n, 10, "train_loss=2.5, v_num=0") + "\n" for n in (5, 10, 1, 10, 2))
    parsed = read(text)
    assert [step for step, _ in points(parsed, "train_loss")] == [5, 10, 11, 20, 22]
    assert [s.logged_as for s in parsed.series] == ["train_loss"]


def test_a_bar_that_was_not_filled_starts_over():
    text = "".join(bar(n, 10, "loss=2.5") + "\n" for n in (5, 1, 2))
    assert [step for step, _ in points(read(text), "loss")] == [5, 1, 2]


def test_the_running_value_of_an_evaluation_is_left_out():
    parsed = read(bar(5, 10, "loss=2.5") + "\n" + bar(1, 2, "loss=9.0", "Validating: ") + "\n")
    assert points(parsed, "loss") == [(5, 2.5)]
    assert parsed.source.unread_lines == 0


def test_values_with_a_unit_and_words_are_passed_over():
    parsed = read(bar(5, 10, "loss=2.5, mem=12.3G, time=12ms, name=abc") + "\n")
    assert [s.logged_as for s in parsed.series] == ["loss"]


def test_the_rest_of_an_overwritten_bar_gives_no_number():
    parsed = read(bar(5, 10, "loss=0.8513.8369, acc=0.5") + "\n")
    assert parsed.series == ()
    assert parsed.source.unread_lines == 1


def test_a_bar_cut_off_by_the_end_of_the_file_loses_its_last_number():
    parsed = read((bar(5, 10, "loss=2.5, acc=0.51") + bar(6, 10, "loss=2.4, acc=0.52"))[:-2])
    assert points(parsed, "loss") == [(5, 2.5), (6, 2.4)]
    assert points(parsed, "acc") == [(5, 0.51)]


DESCRIBED = [
    "loss: {}: ",
    "Epoch 1 loss {}: ",
    "Epoch 1 | Loss: {}: ",
    "Epoch [1/8] - train_loss={}: ",
    "Train Loss: {}: ",
]


@pytest.mark.parametrize("description", DESCRIBED)
def test_a_loss_in_the_description_is_one_behind_the_speed(description):
    parsed = read("".join(bar(n, 10, "", description.format(1 / n)) for n in (2, 4, 5, 8)) + "\n")
    (one,) = parsed.series
    assert one.logged_as.lower().replace("train_", "") == "loss"
    assert list(zip(one.step, one.value, strict=True)) == [(n, 1 / n) for n in (2, 4, 5, 8)]


def test_a_loss_in_the_description_of_an_evaluation_is_left_out():
    assert read(bar(5, 10, "", "Val loss: 0.5: ") + bar(6, 10, "", "Test | loss: 0.5: ") + "\n").series == ()
