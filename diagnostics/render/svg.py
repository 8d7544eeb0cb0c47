"""Curves as inline SVG: no script, no font, no network, the same bytes for the same input."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trainvitals.diagnostics.downsample import thin
from trainvitals.diagnostics.render.sanitise import NAME_CELLS, clip, xml
from trainvitals.parsers.model import Floats, Series

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 14, 30
LABEL_HEIGHT, LETTER = 14.0, 6.2
"""Pixels that a label of an area needs: its height, and the width of a letter."""
COLUMNS = 300
"""Intervals of x whose extremes are drawn: finer than the eye follows at this width."""
WIDE = 30.0
"""A positive curve whose largest value is this many times its smallest is drawn on a logarithmic axis."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of steps to shade, as a finding names it."""

    start: float
    end: float
    severity: str


@dataclass(frozen=True, slots=True)
class Patch:
    """A rectangle behind the curves, with a few words in its corner; values may be infinite.

    `kind` is `fail`, `warn`, `good` or `plain`, or `aim` for a range to be reached at a step.
    """

    start: float
    end: float
    low: float
    high: float
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Axis:
    """From values to pixels: `pixel(value)` of the interval `low` to `high`, logarithmic or not."""

    low: float
    high: float
    first: float
    last: float
    log: bool = False

    def pixel(self, values: Floats) -> Floats:
        """Pixels of values, of the same shape; values outside lie at the edge."""
        low, high, at = self.low, self.high, np.clip(values, self.low, self.high)
        if self.log:
            low, high, at = math.log10(low), math.log10(high), np.log10(at)
        return np.asarray(self.first + (at - low) / (high - low) * (self.last - self.first))

    def ticks(self) -> list[float]:
        """Some round values within the interval."""
        if self.log:
            return _decades(self.low, self.high)
        unit = 10.0 ** math.floor(math.log10((self.high - self.low) / 4))
        size = next(unit * k for k in (1, 2, 5, 10) if (self.high - self.low) / (unit * k) <= 5)
        return [k * size for k in range(math.ceil(self.low / size), math.floor(self.high / size) + 1)]


def chart(
    series: Sequence[Series],
    windows: Sequence[Window] = (),
    unit: str = "step",
    raws: Sequence[Series] = (),
    patches: Sequence[Patch] = (),
) -> str:
    """A drawing of up to four curves over their steps; `raws`, as logged, lie dashed behind them.

    Windows of findings are shaded, values that are not finite are marks along the top. Patches lie behind everything;
    those to be reached (`aim`) are always within the drawing.
    """
    lines = [*((one, True) for one in raws), *((one, False) for one in series[:4])]
    placed = [(is_raw, *_drawn(one)) for one, is_raw in lines]
    aims = np.array([v for p in patches if p.kind == "aim" for v in (p.low, p.high)])
    x, y = _axes([p[1] for p in placed], [*(p[2] for p in placed), aims])
    labels = ", ".join(xml(one.logged_as, NAME_CELLS) for one in series[:4])
    body = [
        *(_patch(p, x, y) for p in patches if p.kind != "aim"),
        *(_window(w, x) for w in windows if w.start == w.start),
        *_grid(x, y, unit),
        *(_patch(p, x, y) for p in patches if p.kind == "aim"),
        *(_line(is_raw, i - len(raws), xs, ys, bad, x, y) for i, (is_raw, xs, ys, bad) in enumerate(placed)),
    ]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" class="chart"><title>{labels} by {xml(unit)}</title>'
        f"{''.join(body)}</svg>"
    )


def _drawn(series: Series) -> tuple[Floats, Floats, Floats]:
    """Positions and values of the points to draw, and positions of those that are not finite."""
    x = series.step if np.isfinite(series.step).all() else np.arange(len(series), dtype=np.float64)
    order = np.argsort(x, kind="stable")
    x, value = x[order], series.value[order]
    thinned = thin(x, value, COLUMNS)
    return x[thinned.keep], value[thinned.keep], thinned.broken


def _axes(xs: Sequence[Floats], ys: Sequence[Floats]) -> tuple[Axis, Axis]:
    x, y = np.concatenate([*xs, np.zeros(0)]), np.concatenate([*ys, np.zeros(0)])
    y = y[np.abs(y) < 1e300]
    left, right = (float(x.min()), float(x.max())) if x.size else (0.0, 1.0)
    low, high = (float(y.min()), float(y.max())) if y.size else (0.0, 1.0)
    log = low > 0 and high > WIDE * low
    if not log:
        margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
        low, high = low - margin, high + margin
    return (
        Axis(left, right if right > left else left + 1, LEFT, WIDTH - RIGHT),
        Axis(low, high, HEIGHT - BOTTOM, TOP, log),
    )


def _decades(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last - first < 1:
        return [low, high]
    return [10.0**k for k in range(first, last + 1, max(1, (last - first) // 5 + 1))]


def _grid(x: Axis, y: Axis, unit: str) -> Iterator[str]:
    for value in y.ticks():
        at = _n(float(y.pixel(np.array(value))))
        yield f'<path class="grid" d="M{LEFT} {at}H{WIDTH - RIGHT}"/>'
        yield f'<text x="{LEFT - 6}" y="{at}" class="y">{value:.4g}</text>'
    for value in x.ticks():
        at = _n(float(x.pixel(np.array(value))))
        # Words in the middle of the last tick would leave the drawing.
        kind = "x last" if float(at) > WIDTH - RIGHT - 20 else "x"
        yield f'<text x="{at}" y="{HEIGHT - BOTTOM + 14}" class="{kind}">{_steps(value)}</text>'
    yield f'<path class="axis" d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>'
    yield f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 3}" class="unit">{xml(unit)}</text>'


def _steps(value: float) -> str:
    """A place on the x axis: 250, 20k, 1.5M."""
    for least, size, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= least:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _window(window: Window, x: Axis) -> str:
    end = window.end if window.end == window.end else window.start
    left, right = x.pixel(np.array([window.start, end]))
    wide = max(2.0, float(right - left))
    place = f'x="{_n(float(left))}" y="{TOP}" width="{_n(wide)}" height="{HEIGHT - TOP - BOTTOM}"'
    return f'<rect class="window {window.severity}" {place}/>'


def _patch(patch: Patch, x: Axis, y: Axis) -> str:
    if patch.high <= y.low or patch.low >= y.high:
        return ""
    left, right = x.pixel(np.array([patch.start, patch.end])).tolist()
    top, bottom = y.pixel(np.array([patch.high, patch.low])).tolist()
    if patch.kind == "aim":
        left, right = left - 3, left + 3
    box = f'x="{_n(left)}" y="{_n(top)}" width="{_n(right - left)}" height="{_n(bottom - top)}"'
    room = int((right - left - 8) / LETTER)
    named = bottom - top >= LABEL_HEIGHT and room >= min(len(patch.label), 8) and patch.label
    said = xml(clip(patch.label, max(room, 1), "…"))
    words = f'<text x="{_n(left + 4)}" y="{_n(top + 11)}" class="area">{said}</text>'
    title = f"<title>{xml(patch.label)}</title>" if patch.label else ""
    return f'<rect class="patch {patch.kind}" {box}>{title}</rect>{words if named else ""}'


def _line(raw: bool, number: int, xs: Floats, ys: Floats, broken: Floats, x: Axis, y: Axis) -> str:
    kind = "raw" if raw else f"c{number}"
    across, up = x.pixel(xs), y.pixel(ys)
    points = " ".join(f"{_n(a)} {_n(b)}" for a, b in zip(across.tolist(), up.tolist(), strict=True))
    marks = "".join(f"M{_n(at)} {TOP - 8}v6" for at in x.pixel(broken).tolist())
    path = f'<path class="line {kind}" d="M{points}"/>' if xs.size > 1 else ""
    dot = f'<circle class="dot {kind}" cx="{_n(across[0])}" cy="{_n(up[0])}" r="2.5"/>' if xs.size == 1 else ""
    return f'{path}{dot}{f"""<path class="broken" d="{marks}"/>""" if marks else ""}'


def _n(value: float) -> str:
    """A coordinate with one decimal and without a needless one."""
    return f"{value:.1f}".removesuffix(".0")


def spark(values: Sequence[float], width: int = 120, height: int = 22) -> str:
    """A small line without axes; gaps where values are not finite."""
    y = np.array(values, np.float64)
    good = np.isfinite(y) & (np.abs(y) < 1e300)
    if good.sum() < 2:
        return ""
    low, high = float(y[good].min()), float(y[good].max())
    across = np.linspace(1, width - 1, y.size)
    # What is not drawn may be too far away to have a place.
    up = height - 2 - (np.where(good, y, low) - low) / ((high - low) or 1.0) * (height - 4)
    cuts = [0, *(np.flatnonzero(~good) + 1).tolist(), y.size]
    parts = [[i for i in range(a, b) if good[i]] for a, b in pairwise(cuts)]
    drawn = "".join("M" + " ".join(f"{_n(across[i])} {_n(up[i])}" for i in part) for part in parts if len(part) > 1)
    return f'<svg viewBox="0 0 {width} {height}" class="spark" aria-hidden="true"><path d="{drawn}"/></svg>'
