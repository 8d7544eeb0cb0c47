"""The logs that are read: generated, the same bytes every time.

    python workloads.py NAME PATH SIZE

Prints the number of scalars in them, which a reader must find.
"""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path

import records

_START = 1.7e9
_NOT_METRICS = frozenset({"epoch", "global_step/max_steps", "percentage", "elapsed_time", "remaining_time"})

_SIMPLE = ("train/loss", "train/grad_norm", "train/learning_rate", "train/epoch", "train/token_acc")
_TENSORS = ("t/loss", "t/aux_loss", "t/z_loss", "t/router_entropy", "t/kl")
_MORE_SIMPLE = ("train/mem", "eval/loss", "eval/ppl", "perf/tokens_per_second", "perf/mfu")
_MORE_TENSORS = ("t/reward/mean", "t/reward/std", "t/lr", "t/weight_norm", "t/activation_max")


def jsonl(path: Path, rows: int, *, non_finite: bool = False) -> int:
    """Rows as ms-swift writes them, 17 columns, the first evaluation in row 101; a thousandth may be non-finite."""
    dice, points = random.Random(1), 0
    with path.open("w") as file:
        for i in range(rows):
            row = _evaluation(dice, i, rows) if i and i % 100 == 0 else _training(dice, i, rows)
            if non_finite and i % 1000 == 501:
                row["loss" if i // 1000 % 2 else "grad_norm"] = math.nan if i // 1000 % 2 else math.inf
            points += len(row.keys() - _NOT_METRICS)
            file.write(json.dumps(row) + "\n")
    return points


def _progress(i: int, rows: int) -> dict[str, float | str]:
    return {
        "epoch": round(i / rows * 3, 8),
        "global_step/max_steps": f"{i + 1}/{rows}",
        "percentage": f"{(i + 1) / rows * 100:.2f}%",
        "elapsed_time": _clock(i * 0.41),
        "remaining_time": _clock((rows - i) * 0.41),
    }


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes}m {rest}s" if hours else f"{minutes}m {rest}s"


def _training(dice: random.Random, i: int, rows: int) -> dict[str, float | str]:
    return {
        "loss": round(2.2 / (1 + i / rows * 9) + dice.random() * 0.2, 8),
        "grad_norm": round(0.3 + dice.expovariate(3), 8),
        "learning_rate": 5e-5 * (1 + math.cos(math.pi * i / rows)),
        "token_acc": round(0.5 + i / rows * 0.4 + dice.random() * 0.05, 8),
        **_progress(i, rows),
        "memory(GiB)": round(60 + dice.random() * 2, 2),
        "train_speed(iter/s)": round(2.4 + dice.random() * 0.1, 6),
        "num_tokens": float(i * 4096),
    }


def _evaluation(dice: random.Random, i: int, rows: int) -> dict[str, float | str]:
    return {
        "eval_loss": round(2 / (1 + i / rows * 9) + dice.random() * 0.02, 8),
        "eval_token_acc": round(0.5 + i / rows * 0.4, 8),
        "eval_runtime": round(20 + dice.random(), 4),
        "eval_samples_per_second": round(40 + dice.random(), 3),
        "eval_steps_per_second": round(5 + dice.random(), 3),
        **_progress(i, rows),
        "memory(GiB)": 61.97,
        "train_speed(iter/s)": 2.438889,
    }


def one_event_file(path: Path, points: int) -> int:
    """One file of 20 tags, half simple values, half tensors."""
    path.mkdir(exist_ok=True)
    return _regular(path, points // 20, _SIMPLE + _MORE_SIMPLE, _TENSORS + _MORE_TENSORS, 2)


def many_event_files(path: Path, points: int) -> int:
    """Runs of 2,000 points each, 10 tags, one file a run."""
    total = 0
    for run in range(points // 2000):
        folder = path / f"run_{run:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        total += _regular(folder, 200, _SIMPLE, _TENSORS, 100 + run)
    return total


def _regular(folder: Path, steps: int, simple: tuple[str, ...], tensors: tuple[str, ...], seed: int) -> int:
    dice = random.Random(seed)
    writers: list[tuple[str, Callable[[float, int, str, float], bytes]]] = [(tag, records.simple) for tag in simple]
    writers += [(tag, records.tensor) for tag in tensors]

    def events() -> Iterator[bytes]:
        for step in range(steps):
            for k, (tag, write) in enumerate(writers):
                yield write(
                    _START + step * 0.37 + k * 1e-4, step, tag, 2 / (1 + step / steps * 9) + dice.random() * 0.1
                )

    _write_events(folder, events())
    return steps * len(writers)


def irregular_event_file(path: Path, points: int) -> int:
    """One file in which every step logs some of 200 tags in any order, with histograms between them."""
    path.mkdir(exist_ok=True)
    dice = random.Random(7)
    tags = [f"layer/{i % 37}/{'x' * (3 + i * 7 % 29)}_{i}" for i in range(200)]

    def events() -> Iterator[bytes]:
        step = written = 0
        while written < points:
            step += dice.choice((1, 1, 1, 10, 100))
            chosen = dice.sample(range(200), dice.randrange(1, 30))
            for i in chosen[: points - written]:
                time = _START + step * 0.01 + dice.random()
                if dice.random() < 0.002:
                    yield records.histogram(time, step, tags[i] + "/hist", [dice.random()] * dice.randrange(5, 60))
                yield (records.tensor if i % 2 else records.simple)(time, step, tags[i], dice.random() * 3)
                written += 1

    _write_events(path, events())
    return points


def _write_events(folder: Path, events: Iterable[bytes]) -> None:
    with (folder / "events.out.tfevents.1700000000.host.1.0").open("wb") as file:
        file.writelines(map(records.record, chain((records.version(_START),), events)))


_NOISE = (
    "/opt/python3.11/site-packages/torch/optim/lr_scheduler.py:143: UserWarning: Detected a call too early.",
    "Token indices sequence length is longer than the specified maximum for this model (2145 > 2048).",
    "",
    "***** Running training *****",
    "  Num examples = 52,002",
    "Saving model checkpoint to output/checkpoint-500",
    "GPU 0: 61.97GiB / 79.15GiB (78%) 12:00:11",
    "2026-11-20 12:00:01,123 - INFO - loading shard 3/128 in 1.25 s (no loss of precision)",
)


def console(path: Path, lines: int) -> int:
    """What five trainers print, mixed: dicts, two kinds of fields, `iter 5: loss 2.1`, bars; two fifths are noise."""
    dice = random.Random(3)
    with path.open("w", newline="") as file:
        file.writelines(islice(_console_lines(dice, lines), lines))
    return lines


def _console_lines(dice: random.Random, lines: int) -> Iterator[str]:
    for i in range(lines):
        loss, kind = 2 / (1 + i / lines * 9) + dice.random() * 0.1, dice.random()
        if kind < 0.22:
            norm, rate = dice.random() * 3, 1e-4 * (1 - i / lines)
            head = f"{{'loss': {loss:.4f}, 'grad_norm': {norm!r}, 'learning_rate': {rate!r}, "
            yield f"{head}'epoch': {i / lines * 3:.2f}}}\n"
        elif kind < 0.33:
            yield f"Step {i} | Loss: {loss:.4f} | PPL: {math.exp(loss):.2f}\n"
            yield f"Article Loss: {loss * 2:.2f} | Other Loss: {loss:.2f} | Ratio: {2 + dice.random():.2f}x\n"
        elif kind < 0.55:
            yield f"iter {i}: loss {loss:.4f}, time {200 + dice.random() * 9:.2f}ms\n"
        elif kind < 0.605:
            yield "".join(_refresh(dice, (i // 10 + j) % 1000, loss) for j in range(8)) + "\n"
        else:
            yield dice.choice(_NOISE) + "\n"


def _refresh(dice: random.Random, n: int, loss: float) -> str:
    bar = f"{n // 10:3d}%|{'#' * (n // 100):<10}| {n}/1000 [{n // 300:02d}:{n // 5 % 60:02d}"
    return f"\r{bar}<{(1000 - n) // 300:02d}:{n % 60:02d},  {5 + dice.random():.2f}it/s, loss={loss:.3f}]"


WORKLOADS: dict[str, Callable[[Path, int], int]] = {
    "jsonl": jsonl,
    "jsonl_nan": partial(jsonl, non_finite=True),
    "events_one": one_event_file,
    "events_many": many_event_files,
    "events_irregular": irregular_event_file,
    "console": console,
}

if __name__ == "__main__":
    print(WORKLOADS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3])))
