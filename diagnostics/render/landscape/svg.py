"""Shapes as SVG: alone in a file, light or dark as the reader has it, or within a page that has the style."""

from __future__ import annotations

from trainvitals.diagnostics.landscape.picture import Landscape
from trainvitals.diagnostics.render.landscape.layout import whole
from trainvitals.diagnostics.render.landscape.shapes import PALETTE, Box, Dot, Drawing, Line, Shape, Text, heat_colour
from trainvitals.diagnostics.render.sanitise import xml

COLOURS = (
    "--ink:#1c2024;--soft:#5b6570;--line:#d9dee3;--ground:#fff",
    "--ink:#e6e9ec;--soft:#9aa5b1;--line:#3a4148;--ground:#14171a",
)
"""In light and in dark: the same names as in the style of the HTML report."""

STYLE = (
    ".land text{font:11px system-ui,sans-serif;fill:var(--soft)}.land .title{font-size:13px;"
    "font-weight:600;fill:var(--ink)}.land .note{fill:var(--ink);stroke:var(--ground);"
    "stroke-width:3px;paint-order:stroke}"
    ".land .plain{font-size:12px;fill:var(--ink)}"
    ".land path{fill:none;stroke-width:1.8;stroke-linejoin:round}"
    ".land .dashed{stroke-dasharray:6 4}.land .thin{stroke-width:1}"
    ".land .dotted{stroke-dasharray:2 2}.land .dashdot{stroke-dasharray:8 3 2 3}"
    ".land .faint{stroke-width:1;opacity:.35}"
    ".land .grid{stroke:var(--line);stroke-width:1}.land .mark{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 3}"
    ".land circle{fill:var(--ink);stroke:var(--ground);stroke-width:1.5}.land .band{opacity:.09}"
    ".land .cell{shape-rendering:crispEdges}"
    + "".join(f".land .c{i}{{stroke:{colour}}}.land .b{i}{{fill:{colour}}}" for i, colour in enumerate(PALETTE))
)


def render(landscape: Landscape) -> str:
    """All panels as one SVG file that needs nothing else."""
    one = whole(landscape)
    style = f"svg{{{COLOURS[0]}}}@media(prefers-color-scheme:dark){{svg{{{COLOURS[1]}}}}}{STYLE}"
    ground = f'<style>{style}</style><rect width="100%" height="100%" style="fill:var(--ground)"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(one.width)}" height="{_n(one.height)}" '
        f'viewBox="0 0 {_n(one.width)} {_n(one.height)}" class="land">{_title(one)}{ground}{_body(one)}</svg>\n'
    )


def inline(one: Drawing) -> str:
    """One panel for a page that has `STYLE` and the colours."""
    size = f"0 0 {_n(one.width)} {_n(one.height)}"
    return f'<svg viewBox="{size}" role="img" class="chart land">{_title(one)}{_body(one)}</svg>'


def _title(one: Drawing) -> str:
    return f"<title>{xml(one.title)}</title>"


def _body(one: Drawing) -> str:
    return "\n".join(map(_shape, one.shapes))


def _shape(shape: Shape) -> str:
    match shape:
        case Line(points, style, colour):
            drawn = " ".join(f"{_n(x)} {_n(y)}" for x, y in points)
            kind = style if style in ("grid", "mark") else f"{style} c{colour}"
            return f'<path class="{kind}" d="M{drawn}"/>'
        case Box(x, y, width, height, None, colour):
            return f'<rect class="band b{colour}" {_place(x, y, width, height)}/>'
        case Box(x, y, width, height, heat):
            # A little too large, and not smoothed, as seams show between rectangles that only touch.
            return f'<rect class="cell" {_place(x, y, width + 0.4, height + 0.4)} fill="{_hex(heat or 0.0)}"/>'
        case Dot(x, y):
            return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="4"/>'
        case Text(x, y, words, role, anchor):
            end = "" if anchor == "start" else f' text-anchor="{anchor}"'
            return f'<text class="{role}" x="{_n(x)}" y="{_n(y)}"{end}>{xml(words)}</text>'


def _place(x: float, y: float, width: float, height: float) -> str:
    return f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'


def _hex(share: float) -> str:
    return "#{:02x}{:02x}{:02x}".format(*heat_colour(share))


def _n(value: float) -> str:
    """A coordinate with one decimal and without a needless one."""
    return f"{value:.1f}".removesuffix(".0")
