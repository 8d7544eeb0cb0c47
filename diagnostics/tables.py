"""Status tables: what a run looks like by step or epoch, for the loss type that it was recognised as."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.loss_type import Level, Ratio, Stage, Target
from trainvitals.diagnostics.pixels import pixel_errors, tier_rows
from trainvitals.diagnostics.ratio import (
    RatioValues,
    Trajectory,
    band_of,
    course_of,
    matched,
    ratio_values,
    reading,
    recent,
)
from trainvitals.diagnostics.report import Cell, Table
from trainvitals.parsers.model import Floats, Ints, Series, Split

MOST_ROWS = 10
"""Rows of a table: a glance, not a listing."""

SMALL = 0.1
"""Ratios below are told with two digits that mean something, others with two decimals."""

STABLE = 0.05
"""A loss that changed by less is called stable: the scatter of one logged window."""


def status_tables(case: Case) -> tuple[Table, ...]:
    """The health tables of a run; empty where its loss type has none or its series are absent."""
    kind = case.loss_type
    tables: list[Table | None] = [ratio_table(case, ratio) for ratio in kind.ratios]
    if kind.name == "eos":
        tables.append(_course(case, "token and coordinate losses", ("loss_ce", "loss_coords", "pck", "eos_recall")))
        tables.append(_class_shares(case))
    elif kind.name == "softce":
        tables.append(_signals(case))
    elif kind.name == "spatial":
        tables += [_levels(case), tier_rows(case)]
    elif kind.levels and not kind.ratios:
        tables.append(_levels(case))
    elif kind.watched and not kind.ratios:
        tables.append(_course(case, kind.title, kind.watched))
    return tuple(table for table in tables if table is not None)


def percent(share: float, digits: int = 1) -> str:
    """A fraction as a percentage: 45.9 %."""
    return f"{share * 100:.{digits}f} %"


def change(first: float, now: float) -> str:
    """A relative change with its sign, and 'stable' where it is small: -33.0 %, +2.5 % (stable)."""
    if not (np.isfinite(first) and np.isfinite(now)) or first == 0:
        return "-"
    relative = (now - first) / abs(first)
    return f"{relative * 100:+.1f} %" + (" (stable)" if abs(relative) < STABLE else "")


def chosen_rows(n: int, most: int = MOST_ROWS) -> Ints:
    """Indices of at most `most` points, spread evenly, with the first and the last."""
    count = min(n, most)
    # With no more rows than points, no two of the places are rounded to one.
    return (np.arange(count) * ((n - 1) / max(count - 1, 1))).round().astype(np.int64)


def _place(case: Case, step: float, epoch: float) -> Cell:
    """Where a row stands: its step, or its epoch where steps are counted in epochs."""
    place = epoch if case.step_unit == "epoch" and epoch == epoch else step
    if place != place:
        return None
    return int(place) if float(place).is_integer() else round(float(place), 3)


def _has_epochs(case: Case, epoch: Floats) -> bool:
    return case.step_unit != "epoch" and bool(np.isfinite(epoch).any())


def ratio_table(case: Case, ratio: Ratio) -> Table | None:
    """A ratio by step and epoch, with its status at each; None where it cannot be formed."""
    found = ratio_values(case, ratio)
    if isinstance(found, str):
        return None
    points, epochs = found.points, _has_epochs(case, found.points.epoch)
    names = (
        ("train loss", "eval loss") if ratio.numerator == ratio.denominator else (ratio.numerator, ratio.denominator)
    )
    rows: list[tuple[Cell, ...]] = []
    course = course_of(found, step_unit=case.step_unit)
    for path in (course[i] for i in chosen_rows(len(course)).tolist()):
        i = path.at
        value = recent(found.value[: i + 1]) if len(points) > MOST_ROWS else float(found.value[i])
        row: list[Cell] = [_place(case, points.step[i], points.epoch[i])]
        row += [round(float(points.epoch[i]), 2) if np.isfinite(points.epoch[i]) else None] if epochs else []
        row += [
            _digits(points.values[0, i]),
            _digits(points.values[1, i]),
            _quotient(value),
        ]
        row += [_target_text(ratio, points.epoch[i])] if epochs and ratio.targets else []
        rows.append((*row, _losses(found, path), _status(ratio, value, path)))
    columns = [case.step_unit, *(["epoch"] if epochs else []), *names, "ratio"]
    columns += ["target"] if epochs and ratio.targets else []
    return Table(f"{ratio.name} by {case.step_unit}", (*columns, "losses", "status"), tuple(rows))


def _digits(value: float) -> float:
    return float(f"{value:.5g}")


def _losses(found: RatioValues, path: Trajectory) -> str:
    """How the two losses moved over the last half of what had been logged then."""
    if not np.isfinite(path.reference_fall):
        return "-"
    if path.stuck:
        return f"{found.ratio.reference} stuck"
    falls = (path.weighted_fall, path.reference_fall)
    return "both falling" if min(falls) > 0 else "neither falling" if max(falls) <= 0 else "one falling"


def _status(ratio: Ratio, value: float, path: Trajectory) -> str:
    band = band_of(ratio, value)
    if band is None:
        return "-"
    read = reading(band, path)
    return f"{read.severity}: {read.status}" if read.severity else read.status


def _quotient(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= SMALL or value == 0 else f"{value:.2g}"


def _target_text(ratio: Ratio, epoch: float) -> str:
    reached: Target | None = max((t for t in ratio.targets if t.epoch <= epoch), key=lambda t: t.epoch, default=None)
    return f"{reached.low:.2f}-{reached.high:.2f}" if reached else "-"


def _first_split(case: Case, metrics: Iterable[str], splits: tuple[Split, ...]) -> Split | None:
    wanted = tuple(metrics)
    return next((s for s in splits if any(case.get(m, s) for m in wanted)), None)


def _course(case: Case, title: str, metrics: tuple[str, ...]) -> Table | None:
    """Values and changes since the start of a few metrics, at the points that they share."""
    split = _first_split(case, metrics[:1], ("train", *HELD_OUT))
    found = [s for m in metrics if split and (s := case.get(m, split)) and len(s)]
    if not found:
        return None
    points = matched(*found)
    if not len(points):
        return None
    rows: list[tuple[Cell, ...]] = []
    for i in chosen_rows(len(points)).tolist():
        cells: list[Cell] = [_place(case, points.step[i], points.epoch[i])]
        for values in points.values:
            cells += [_digits(values[i]), change(values[0], values[i]) if i else "-"]
        rows.append((*cells, _course_status(case, points.values[:, : i + 1])))
    columns = [column for s in found for column in (s.metric, f"{s.metric} change")]
    shown = f"{title} ({split}) by {case.step_unit}"
    return Table(shown, (case.step_unit, *columns, "status"), tuple(rows))


def _course_status(case: Case, values: Floats) -> str:
    """Health of the token loss beside the coordinate loss; for other types whether the first metric falls."""
    if values.shape[1] < 2:
        return "start"
    moved = [float(v[-1] / v[0] - 1) if v[0] > 0 else float("nan") for v in values[:2]]
    if moved[0] <= -STABLE:
        crowded = case.loss_type.name == "eos" and len(moved) > 1 and moved[1] >= 2 * STABLE
        return "coordinates worse" if crowded else "healthy"
    return "rising" if moved[0] >= STABLE else "not falling yet"


def _class_shares(case: Case) -> Table | None:
    """Share of each class in a class-weighted cross-entropy at weight 1 and at the weight in effect.

    The last columns say what the weight does to a class's gradient: with a weighted mean, which divides by the sum of
    weights, the other classes lose what the weighted one gains; with a sum they keep theirs.
    """
    weight = case.loss_type.weight
    if weight is None or not weight.counts:
        return None
    logged = case.number(*weight.settings)
    w = weight.usual if logged is None else logged
    plain, weighted = weight.shares(1.0), weight.shares(w)
    rows: list[tuple[Cell, ...]] = []
    for name, count in weight.counts.items():
        if count and name in weighted:
            factor = w if name == weight.weighted else 1.0
            mean = weighted[name] / plain[name]
            rows.append(
                (name, count, factor, percent(plain[name]), percent(weighted[name]), f"x{mean:.2f}", f"x{factor:g}")
            )
    tokens = " + ".join(f"{count:g} {name}" for name, count in weight.counts.items() if count)
    origin = "from the configuration" if logged is not None else "usual; the log does not say"
    columns = ("class", "tokens", "weight", "share at 1", f"share at {w:g}")
    return Table(
        f"share of the token loss at {weight.name} {w:g} ({origin}), for {tokens}",
        (*columns, "grad (mean)", "grad (sum)"),
        tuple(rows),
    )


SIGNALS: tuple[tuple[str, Callable[[float], str]], ...] = (
    ("soft_ce", lambda moved: "healthy: the main signal falls" if moved <= -0.02 else "does not fall"),
    ("w1", lambda moved: "falls" if moved <= -0.02 else "flat: W1 may be redundant"),
    ("gate", lambda moved: "leaks more" if moved >= 0.2 else "holds"),
    ("coord_vocab_mass", lambda moved: "leaks" if moved <= -0.005 else "holds"),
    ("p_gt_mean", lambda moved: "falls: judge with soft_ce" if moved <= -0.02 else "holds"),
    ("margin", lambda _: "-"),
    ("coord_token_acc", lambda moved: "may fall: the optimum is not a peak" if moved <= -0.02 else "holds"),
    ("acc_top5", lambda moved: "may fall: the optimum is not a peak" if moved <= -0.02 else "holds"),
)
"""The signals of a soft cross-entropy, and the reading of their relative change since the start."""


def _signals(case: Case) -> Table | None:
    """First and present value of each signal, on held-out data where there are as many points."""
    rows: list[tuple[Cell, ...]] = []
    for metric, read in SIGNALS:
        series = next((s for split in ("eval", "train", "test") if (s := case.get(metric, split)) and len(s) > 1), None)
        values = series.value[np.isfinite(series.value)] if series else np.empty(0)
        if series is None or values.size < 2:
            continue
        first, now = recent(values[: max(1, values.size // 20)]), recent(values)
        moved = (now - first) / abs(first) if first else float("nan")
        rows.append((metric, series.split, _digits(first), _digits(now), change(first, now), read(moved)))
    columns = ("signal", "split", "first", "now", "change", "status")
    return Table("signals of the soft cross-entropy", columns, tuple(rows)) if rows else None


def _levels(case: Case) -> Table | None:
    """The main loss by epoch or step, with the band that it lies in."""
    split = case.loss_type.levels[0].split if case.loss_type.levels else "train"
    series = case.get(case.loss_type.main, split)
    good = np.flatnonzero(np.isfinite(series.value)) if series else np.empty(0, np.int64)
    if series is None or not good.size:
        return None
    stages, scale = case.loss_type.stages, case.loss_type.pixels_per_unit
    epochs = _has_epochs(case, series.epoch)
    bands = _bands(case, series)
    rows: list[tuple[Cell, ...]] = []
    for i in good[chosen_rows(good.size)].tolist():
        value = float(series.value[i])
        row: list[Cell] = [_place(case, series.step[i], series.epoch[i])]
        row += [round(float(series.epoch[i]), 2) if np.isfinite(series.epoch[i]) else None] if epochs else []
        row += [_digits(value)] + ([_pixels(stages, scale, value)] if stages else [])
        rows.append((*row, _level_status(bands, case, series, i)))
    columns = [case.step_unit, *(["epoch"] if epochs else []), f"{split} {series.metric}"]
    columns += ["as constant error"] if stages else []
    return Table(f"{series.metric} ({split}) by {case.step_unit}", (*columns, "status"), tuple(rows))


def _pixels(stages: tuple[Stage, ...], scale: float, value: float) -> str:
    errors = pixel_errors(stages, scale, value)
    return " or ".join(f"{e:.3g} px" for e in errors) or "-"


def _bands(case: Case, series: Series) -> list[Level]:
    return [b for b in case.loss_type.levels if (b.metric, b.split) == (series.metric, series.split)]


def _level_status(bands: list[Level], case: Case, series: Series, index: int) -> str:
    """The band of a value at its epoch or step; a dash where none applies."""
    value, epoch, step = float(series.value[index]), float(series.epoch[index]), float(series.step[index])
    due = [b for b in bands if _is_due(b, epoch, step)]
    found = next((b for b in reversed(due) if b.low <= value < b.high), None)
    if found is None:
        return "within the target" if due and case.loss_type.tiers else "-"
    return found.reading.status


def _is_due(level: Level, epoch: float, step: float) -> bool:
    timed = level.after_epoch > float("-inf")
    return (not timed or epoch >= level.after_epoch) and (level.after_step == float("-inf") or step >= level.after_step)
