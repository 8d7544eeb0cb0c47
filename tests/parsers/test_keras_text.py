"""What Keras prints: only refreshes that end an epoch count."""

import pytest
from console_text import by_epoch, read

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import console
from trainvitals.parsers.reading import read_bytes

BAR = "[==============================]"


def fit(losses, total=None, validation=True):
    """What a fit prints, with a line per refresh as it goes into a file."""
    text = ""
    for epoch, loss in enumerate(losses, 1):
        text += f"Epoch {epoch}/{total or len(losses)}\n"
        text += f"  70/1875 [>.............................] - ETA: 22s - loss: {loss + 1:.4f} - accuracy: 0.1\n"
        text += f"1875/1875 {BAR} - 2s 1ms/step - loss: {loss:.4f} - accuracy: 0.8330"
        text += f" - val_loss: {loss + 0.1:.4f}\n" if validation else "\n"
    return text


def test_an_epoch_is_one_point():
    parsed = read(fit([0.483, 0.3712]))
    assert by_epoch(parsed, "loss") == [(1, 0.483), (2, 0.3712)]
    assert by_epoch(parsed, "val_loss") == [(1, 0.583), (2, 0.4712)]
    assert parsed.source.unread_lines == 0


RESIDUE = [
    "  70/1875 [>.............................] - ETA: 22s - loss: 0.4035 - accuracy: 0.8513.8369 - val_loss: 0.4645",
    "  70/1875 [>.............................] - ETA: 22s - loss: 0.4035 - accuracy: 0.8513 - val_loss: 0.4645",
    f"1875/1875 {BAR} - ETA: 0s - loss: 0.4035 - accuracy: 0.8513 - val_loss: 0.4645",
    "1874/1875 [============================>.] - 2s 1ms/step - loss: 0.4035 - val_loss: 0.4645",
    f"1875/1875 {BAR} - 2s 1ms/step - loss: 0.4035 - accuracy: 0.8513.8369 - val_loss: 0.4645",
    f"1875/1875 {BAR} - 2s 1ms/step - loss: 0.4035 - val_loss: 0.4645 - val_loss: 0.4111",
    f"1875/1875 {BAR} - 2s 1ms/step - loss: 0.4035 - val_loss: 0.4645 - accura",
]


@pytest.mark.parametrize("line", RESIDUE)
def test_what_is_left_of_overwritten_bars_gives_no_number(line):
    assert read(f"Epoch 1/10\n{line}\n").series == ()


STYLES = {
    "Keras 2": f"1875/1875 {BAR} - 2s 1ms/step - loss: 0.4830 - val_loss: 0.5206",
    "samples": f"60000/60000 {BAR} - 5s 83us/sample - loss: 0.4830 - val_loss: 0.5206",
    "Keras 3": "1875/1875 ━━━━━━━━━━━━━━━━━━━━ 2s 1ms/step - loss: 0.4830 - val_loss: 0.5206",
    "Keras 3 in colour": "\x1b[1m1875/1875\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m2s\x1b[0m "
    "1ms/step - loss: 0.4830 - val_loss: 0.5206",
    "verbose=2": "1875/1875 - 2s - loss: 0.4830 - val_loss: 0.5206 - 2s/epoch - 1ms/step",
    "verbose=2 of Keras 3": "1875/1875 - 2s - 1ms/step - loss: 0.4830 - val_loss: 0.5206",
    "verbose=2 of old versions": " - 5s - loss: 0.4830 - val_loss: 0.5206",
}


@pytest.mark.parametrize("line", STYLES.values(), ids=STYLES)
def test_the_styles_of_versions_and_settings(line):
    parsed = read(f"Epoch 3/10\n{line}\n")
    assert by_epoch(parsed, "loss") == [(3, 0.483)]
    assert by_epoch(parsed, "val_loss") == [(3, 0.5206)]
    assert parsed.source.unread_lines == 0


def test_of_two_last_refreshes_of_an_epoch_the_later_one_counts():
    text = (
        "Epoch 1/2\r\n 1/10 ━━━━━━━━━━━━━━━━━━━━ 9s 1s/step - loss: 0.9\r"
        "10/10 ━━━━━━━━━━━━━━━━━━━━ 0s 1ms/step - loss: 0.5\b\b\b\b\r"
        "10/10 ━━━━━━━━━━━━━━━━━━━━ 1s 2ms/step - loss: 0.4 - val_loss: 0.6\n"
    )
    parsed = read(text)
    assert by_epoch(parsed, "loss") == [(1, 0.4)]
    assert by_epoch(parsed, "val_loss") == [(1, 0.6)]


def test_an_evaluation_after_the_training_is_a_summary():
    evaluation = f"  1/313 [....] - ETA: 3s - loss: 0.1\n313/313 {BAR} - 0s 1ms/step - loss: 0.33 - accuracy: 0.88\n"
    parsed = read(fit([0.5, 0.4]) + evaluation)
    assert by_epoch(parsed, "loss") == [(1, 0.5), (2, 0.4)]
    assert {name: found.value for name, found in parsed.summary.items()} == {
        "evaluate/loss": 0.33,
        "evaluate/accuracy": 0.88,
    }


def test_each_fit_is_a_run():
    data = (fit([0.5, 0.4], total=10) + fit([0.9], total=10) + fit([0.8, 0.3], total=10)).encode()
    first, second, third = console.read(LogFile("train.log", data))
    assert by_epoch(first, "loss") == [(1, 0.5), (2, 0.4)]
    assert by_epoch(second, "loss") == [(1, 0.9)]
    assert by_epoch(third, "loss") == [(1, 0.8), (2, 0.3)]
    assert [run.name for run in read_bytes("train.log", data)] == [f"train.log: run {i}" for i in (1, 2, 3)]


def test_a_crash_belongs_to_the_run_that_it_ended():
    data = (fit([0.5, 0.4]) + "RuntimeError: CUDA out of memory. Tried\n" + fit([0.9, 0.8])).encode()
    first, second = console.read(LogFile("train.log", data))
    assert ([n.kind for n in first.notes], [n.kind for n in second.notes]) == (["crash"], [])


def test_fits_of_one_epoch_in_a_row_are_rounds_of_one_training():
    parsed = read(fit([0.5]) + fit([0.4]) + fit([0.3]))
    assert by_epoch(parsed, "loss") == [(1, 0.5), (2, 0.4), (3, 0.3)]


def test_a_fit_that_goes_on_where_the_last_one_stopped_is_the_same_run():
    parsed = read(fit([0.5, 0.4], total=3) + f"Epoch 3/3\n1875/1875 {BAR} - 2s 1ms/step - loss: 0.3 - val_loss: 0.4\n")
    assert by_epoch(parsed, "loss") == [(1, 0.5), (2, 0.4), (3, 0.3)]
