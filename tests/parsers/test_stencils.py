"""Reading by stencils gives what reading line by line gives, whatever the digits; and it is used for what it is for."""

import random
import re
import sys
from pathlib import Path

import pytest
from shared_logs import REAL, needs_shared

from trainvitals.parsers.formats.console import LINE_FORMATS
from trainvitals.parsers.model import Parsed
from trainvitals.parsers.text import reader, stencils
from trainvitals.parsers.text.bulk import Stretch
from trainvitals.parsers.text.reader import ConsoleReader
from trainvitals.parsers.text.stencils import Stencil, shapes_of

SAMPLES = {one.name: one.sample for one in LINE_FORMATS}
NEVER = sys.maxsize

MIXED = "".join(
    f"{{'loss': {2 - i / 100:.4f}, 'grad_norm': {1 + i / 7:.5f}, 'epoch': 1.{i:02d}}}\n"
    f"\rTrain:  {i:02d}%|##  | {i:02d}/99 [00:{i:02d}<01:{i:02d},  5.{i:02d}it/s, loss=1.{i:03d}]\n"
    f"Step {i:03d} | Loss: {2 - i / 100:.4f} | PPL: 7.{i:02d}\n"
    f"Article Loss: 4.{i:02d} | Other Loss: 2.{i:02d} | Ratio: 2.{i:02d}x\n"
    f"iter {i:03d}: loss 2.{i:04d}, time 20{i:02d}.12ms\n"
    f"GPU 0: 61.{i:02d}GiB / 79.15GiB (78%) 12:00:{i:02d}\n"
    for i in range(60)
)


KINDS = (
    "{'loss': ~.~~~~, 'grad_norm': ~.~~~~~~~~~~~~~~~~~, 'epoch': 1.~~}\n",
    "{'eval_loss': ~.~~~~, 'epoch': 1.0~}\n",
    "\r ~~%|##  | ~~/99 [00:11<01:22,  5.~~it/s, loss=1.~~~]",
    "\rTrain:  ~~%|\u2588\u258f  | ~~/99 [00:11<01:22,  5.~~it/s]",
    "\rTrain:  ~~%|\u2588\u258f  | ~~/88 [00:11<01:22,  5.~~it/s]",
    "\rEpoch ~: ~~%|##  | ~~/99 [00:11<01:22,  5.~~it/s, loss=2.~~~]",
    "\rEval: ~~%|##  | ~~/99 [00:11<01:22,  5.~~it/s]\n",
    "Step ~~~ | Loss: ~.~~~~ | PPL: 7.~~\n",
    "Article Loss: 4.~~ | Other Loss: 2.~~ | Ratio: 2.~~x\n",
    "iter ~~~: loss 2.~~~~, time 20~.12ms\n",
    "  Num examples = ~~,000\n",
    "  Num Epochs = ~\n",
    "saved in ~.~~ s\n",
    "\n",
    "  \n",
)
"""Lines with a digit for each ~."""


def read(
    text: str, enough: int, monkeypatch: pytest.MonkeyPatch, stretch: int = NEVER
) -> tuple[ConsoleReader, tuple[Parsed, ...]]:
    """By stencils from so many lines of a shape on, and by stretches of so many lines on."""
    monkeypatch.setattr(stencils, "ENOUGH", enough)
    monkeypatch.setattr(reader, "_STRETCH", stretch)
    monkeypatch.setattr(reader, "_LATE", 5)
    console = ConsoleReader("a.log", LINE_FORMATS)
    console.take(text.encode())
    return console, console.parsed("console")


def told(runs: tuple[Parsed, ...]) -> list[object]:
    """Everything that was read, comparable also where numbers are NaN."""
    columns = ("value", "step", "epoch", "time", "line")
    return [
        (
            repr((run.source, run.config, run.summary, run.notes, run.name)),
            [(s.metric, s.split, *(getattr(s, column).tobytes() for column in columns)) for s in run.series],
        )
        for run in runs
    ]


def other_digits(text: str, dice: random.Random) -> str:
    """The text with some of its digits changed, mostly in one number only."""
    often = dice.choice((0.02, 0.1, 0.5, 1.0))
    return "".join(dice.choice("0123456789") if c in "0123456789" and dice.random() < often else c for c in text)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", SAMPLES)
def test_samples_with_other_digits_are_read_alike(name, seed, monkeypatch):
    dice = random.Random(seed)
    text = "".join(other_digits(SAMPLES[name], dice) for _ in range(30))
    _, slow = read(text, NEVER, monkeypatch)
    _, fast = read(text, 1 + 2 * seed, monkeypatch)
    _, at_once = read(text, 1 + 2 * seed, monkeypatch, stretch=2)
    assert told(fast) == told(slow)
    assert told(at_once) == told(slow)


def test_all_samples_in_one_file_are_read_alike(monkeypatch):
    dice = random.Random(5)
    samples = [other_digits(dice.choice(list(SAMPLES.values())), dice) for _ in range(400)]
    lines = "".join(samples).splitlines(keepends=True)
    text = "".join(lines) + "".join(dice.sample(lines, len(lines)))
    slow = told(read(text, NEVER, monkeypatch)[1])
    assert told(read(text, 2, monkeypatch)[1]) == slow
    assert told(read(text, 2, monkeypatch, stretch=2)[1]) == slow


@needs_shared
@pytest.mark.parametrize("path", sorted(p for p in REAL.rglob("*") if p.is_file()), ids=lambda path: path.name)
def test_real_logs_are_read_alike(path: Path, monkeypatch):
    data = path.read_bytes()[:50_000]
    if b"\0" in data:
        pytest.skip("no text")
    text = data.decode("utf-8", "replace")
    dice = random.Random(1)
    lines = text.splitlines(keepends=True)[:100]
    again = text + "".join(other_digits(line, dice) for _ in range(3) for line in lines)
    slow = told(read(again, NEVER, monkeypatch)[1])
    assert told(read(again, 1, monkeypatch)[1]) == slow
    assert told(read(again, 1, monkeypatch, stretch=3)[1]) == slow


@pytest.mark.parametrize("seed", range(40))
def test_stretches_of_mixed_lines_are_read_as_one_by_one(seed, monkeypatch):
    """Rows that wait for bars, bars of two loops that start anew, headings near and far, settings, gaps in epochs."""
    dice = random.Random(seed)
    kinds = dice.sample(KINDS, dice.randint(2, len(KINDS)))
    mixed = "".join(dice.choice(kinds) for _ in range(250))
    lines = re.sub("~", lambda _: dice.choice("0123456789"), mixed)
    slow = told(read(lines, NEVER, monkeypatch)[1])
    assert told(read(lines, 1, monkeypatch, stretch=dice.choice((2, 5, 40)))[1]) == slow


def test_stretches_are_read_at_once(monkeypatch):
    lengths = []
    monkeypatch.setattr(
        reader, "Stretch", lambda pieces, *more: lengths.append(len(pieces.kinds)) or Stretch(pieces, *more)
    )
    read(MIXED * 40, 2, monkeypatch, stretch=20)
    assert max(lengths) > 1000


def test_lines_of_one_shape_are_read_by_its_stencil(monkeypatch):
    console, fast = read(MIXED, 12, monkeypatch)
    assert told(fast) == told(read(MIXED, NEVER, monkeypatch)[1])
    made = {one.name for one in console._stencils.known.values() if isinstance(one, Stencil)}
    assert made == {"hf_dict", "progress_bar", "article", "nanogpt", ""}


def test_a_number_that_decides_what_a_line_is_keeps_its_shape_from_having_a_stencil(monkeypatch):
    """Only rank 0 is read, and nothing at step 0: lines of one shape, and of two meanings."""
    line = (
        "[2023-11-07 01:55:23,711] [INFO] [logging.py:96:log_dist] [Rank {}] step={:02d}, skipped=4, lr=[5e-05], mom=["
    )
    text = "".join(line.format(i % 3, i % 40) + "(0.9, 0.95)]\n" for i in range(200))
    console, fast = read(text, 1, monkeypatch)
    assert told(fast) == told(read(text, NEVER, monkeypatch)[1])
    assert not [one for one in console._stencils.known.values() if isinstance(one, Stencil)]


def test_a_shape_keeps_every_character_at_its_place():
    assert shapes_of("é 12%|█\t3.5 ٣".encode()).decode() == "é 00%|█\t0.0 ٣"
