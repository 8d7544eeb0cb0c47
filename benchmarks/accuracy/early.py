"""How early `watch` names the fault of each reference log, beside the step at which the loss itself is visibly broken.

python early.py [--looks 100] [--only WORDS] [--write]

A log is replayed: a piece is appended, `watch` looks, and so on. Its settings file is there from the start, as trainers
write it. Prints Markdown tables; `--write` leaves them in EARLY.md. Nothing is drawn: the same logs, the same tables.
"""

from __future__ import annotations

import argparse
import math
import shutil
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from reference import SAMPLES
from score import markdown
from tools import HERE

from trainvitals.diagnostics.diagnosis import case_of
from trainvitals.diagnostics.normalisation import normalise
from trainvitals.diagnostics.settings import Settings
from trainvitals.diagnostics.watching.news import Found, Gone, News
from trainvitals.diagnostics.watching.watcher import Watcher
from trainvitals.parsers import read
from trainvitals.parsers.following import Follower
from trainvitals.parsers.model import Floats, Run

RESUMED = "B101"
"""Tells what has happened, and not what is wrong."""
FROM_THE_START = "args.json"
"""The one file that trainers write before they train."""
WINDOW = 5
"""Rows whose median the eye sees."""
RISE, NOISE = 0.1, 5.0
"""A loss is visibly broken when that median lies above its lowest one by this share and so many times the scatter.

Losses above 0 are looked at as logarithms, as their scatter falls with them."""
PACE = 60.0
"""Seconds of the watcher's clock between two looks."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A reference log and when what was said of it; steps are NaN for never.

    Attributes:
        codes: rules of the fault that named it first.
        step: the last step of the log when it was first named.
        broken: the step at which the loss is visibly broken.
        last: the last step of the whole run.
        alarms: warnings and failures that were told.
        withdrawn: those of them that were taken back.
    """

    name: str
    codes: tuple[str, ...]
    step: float
    broken: float
    last: float
    alarms: tuple[str, ...]
    withdrawn: tuple[str, ...]


def main() -> None:
    """Replay, and count."""
    options = _options()
    words = [word for word in options.only.split(",") if word]
    folders = [path.parent for path in sorted(SAMPLES.glob("*/*/expected.toml"))]
    cases = [f for f in folders if not words or any(word in f.as_posix() for word in words)]
    sick, well = [], []
    for folder in cases:
        expected = tomllib.loads((folder / "expected.toml").read_text("utf-8"))
        wanted = tuple(code for code in expected["must"] if code != RESUMED)
        if expected["verdict"] in ("fail", "warn") and wanted:
            sick.append(replay(folder, wanted, options.looks))
        elif expected["verdict"] == "pass":
            well.append(replay(folder, (), options.looks))
    text = _document(sick, well, options.looks)
    print(text)
    if options.write:
        (HERE / "EARLY.md").write_text(text)


def replay(folder: Path, wanted: Sequence[str], looks: int) -> Replayed:
    """Watch a log grow, and note when one of the wanted codes is first told as a warning or a failure."""
    run = read(folder)
    with tempfile.TemporaryDirectory() as temporary:
        grown = Path(temporary) / folder.name
        news = list(_news(folder, grown, looks))
    found = [one for told in news for one in told if isinstance(one, Found) and one.finding.severity != "info"]
    alarms = tuple(dict.fromkeys(one.finding.code for one in found))
    gone = {one.finding.code for told in news for one in told if isinstance(one, Gone)}
    named = [one for one in found if one.finding.code in wanted]
    return Replayed(
        f"{folder.parent.name}/{folder.name}",
        tuple(dict.fromkeys(one.finding.code for one in named if one.known_at == named[0].known_at)),
        named[0].known_at if named else math.nan,
        visibly_broken(run),
        max(float(np.nanmax(series.step)) for series in run.series),
        alarms,
        tuple(code for code in alarms if code in gone),
    )


def _news(folder: Path, grown: Path, looks: int) -> Iterator[tuple[News, ...]]:
    """What each look tells while the logs in `folder` are written anew into `grown`."""
    grown.mkdir()
    logs = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in (".log", ".jsonl"):
            logs[path.name] = path.read_bytes().splitlines(keepends=True)
    shutil.copy(folder / FROM_THE_START, grown)
    now = [0.0]
    watcher = Watcher(Follower(grown), Settings(), lambda: now[0])
    for look in range(looks):
        for name, lines in logs.items():
            with (grown / name).open("ab") as file:
                file.writelines(lines[len(lines) * look // looks : len(lines) * (look + 1) // looks])
        now[0] += PACE
        yield watcher.look()
    yield watcher.look(last=True)


def visibly_broken(run: Run) -> float:
    """The first step at which anybody would stop the run for its training or validation loss; NaN for none.

    That is a value that is not finite, or a median of `WINDOW` rows that lies above the lowest one before it.
    """
    case = case_of(normalise(run), Settings())
    curves = [(s.step, s.value) for s in (case.loss, case.validation) if s is not None]
    return min((float(step[i]) for step, value in curves if (i := _breaks(value)) >= 0), default=math.nan)


def _breaks(value: Floats) -> int:
    """The row at which a curve breaks, -1 for none."""
    wrong = np.flatnonzero(~np.isfinite(value))
    good = value[: wrong[0]] if wrong.size else value
    if good.size > 2 * WINDOW:
        above = bool((good > 0).all())
        good = np.log(good) if above else good
        seen = np.median(np.lib.stride_tricks.sliding_window_view(good, WINDOW), axis=1)
        lowest = np.minimum.accumulate(seen)
        scatter = 1.4826 * np.median(np.abs(np.diff(good))) / np.sqrt(2)
        least = math.log1p(RISE) if above else RISE * np.abs(lowest)
        risen = np.flatnonzero(seen - lowest > np.maximum(least, NOISE * scatter))
        if risen.size:
            return int(risen[0]) + WINDOW - 1
    return int(wrong[0]) if wrong.size else -1


def _document(sick: Sequence[Replayed], well: Sequence[Replayed], looks: int) -> str:
    rows = [
        (one.name, ", ".join(one.codes) or "-", *_place(one.step, one.last), *_place(one.broken, one.last))
        for one in sick
    ]
    heads = ("reference log", "named as", "at step", "share of the run", "loss broken at step", "share of the run")
    alarmed = [(one.name, ", ".join(one.alarms), ", ".join(one.withdrawn) or "-") for one in well if one.alarms]
    return (
        f"# How early a fault is named\n\nEach reference log with a fault is written anew in {looks} pieces under "
        "`trainvitals watch`. Named: the last step of the log when a rule of the fault was first told as a warning or "
        "a failure. Loss broken: the first training or validation loss that is not finite, or at which the median of "
        f"{WINDOW} rows has risen above its lowest by {_percent(RISE)} and {NOISE:g} times the scatter of rows: what "
        f"anybody would see.\n\n{_summary(sick, looks)}\n{markdown(heads, rows)}\n## Told on the way of runs that pass"
        f"\n\n{len(well)} runs, {len(alarmed)} with a warning or a failure at any time of the watch. Loss "
        f"broken, by the measure above, in {sum(one.broken == one.broken for one in well)} of them.\n\n"
        + (markdown(("reference log", "told", "taken back"), alarmed) if alarmed else "")
    )


def _summary(sick: Sequence[Replayed], looks: int) -> str:
    named = [one for one in sick if one.step == one.step]
    broken = [one for one in sick if one.broken == one.broken]
    both = [one for one in named if one in broken]
    first = sum(one.step < one.broken for one in both)
    # What breaks within a piece cannot be told before the piece has been written.
    late = sum(one.step >= one.broken + one.last / looks for one in both)
    return (
        f"- named: {len(named)} of {len(sick)}, at the median after {_median(one.step / one.last for one in named)} of "
        f"the run\n- loss visibly broken: {len(broken)} of {len(sick)}, at the median after "
        f"{_median(one.broken / one.last for one in broken)}; never in the other {len(sick) - len(broken)}\n"
        f"- where both: named after {_median(one.step / one.last for one in both)}, broken after "
        f"{_median(one.broken / one.last for one in both)}; of {len(both)} runs, {first} are named before the loss is "
        f"broken, {len(both) - first - late} in the piece in which it breaks, {late} later\n"
    )


def _median(shares: Iterable[float]) -> str:
    found = list(shares)
    return _percent(float(np.median(found))) if found else "-"


def _place(step: float, last: float) -> tuple[str, str]:
    return ("never", "-") if step != step else (f"{step:g}", _percent(step / last))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--looks", type=int, default=100, help="pieces that a log is written in")
    parser.add_argument("--only", default="", help="parts of names of reference logs, separated by commas")
    parser.add_argument("--write", action="store_true", help="leave the tables in EARLY.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
