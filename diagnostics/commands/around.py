"""`landscape CHECKPOINTS`: the loss around trained weights, measured within a budget, or drawn from a file of such."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from trainvitals.diagnostics.commands import console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainvitals.diagnostics.weights.request import Progress, Request
    from trainvitals.diagnostics.weights.surface import LossSurface

PICTURES = (".svg", ".png", ".html")
SURFACE = ".parquet"
BAR = 24
"""Cells of the progress bar."""
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


class Seconds(click.ParamType[float]):
    """A time such as 60s, 2m or 1h; a number alone is in seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds, above 0."""
        found = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(s|m|min|h|)\s*", str(value))
        if found is None or not float(found[1]):
            self.fail(f"{value!r} is no time such as 60s, 2m or 1h", param, ctx)
        return float(found[1]) * UNITS[found[2]]


@click.command(short_help="Show the loss around trained weights.")
@click.argument("checkpoints", nargs=-1, required=True, metavar="CHECKPOINTS...")
@click.option("--model", metavar="MODULE:FUNCTION", help="Your function that returns the torch.nn.Module.")
@click.option("--data", metavar="MODULE:FUNCTION", help="Your function that returns (batches, loss), see above.")
@click.option("--plane", type=click.Choice(["random", "pca", "line"]), help="[default: by the number of checkpoints]")
@click.option("--grid", type=click.IntRange(5, 101), default=41, show_default=True, help="Cells along each axis.")
@click.option("--extent", type=click.FloatRange(0.0, min_open=True), default=1.0, show_default=True, help="Of a random plane, in lengths of the weights.")  # fmt: skip # noqa: E501
@click.option("--budget", type=Seconds(), default="60s", show_default=True, help="Time that measuring may take.")
@click.option("--tolerance", type=click.FloatRange(0.0), default=0.001, show_default=True, help="Error to stop at, as a share of the surface's standard deviation.")  # fmt: skip # noqa: E501
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of directions and data.")
@click.option("--sharpness/--no-sharpness", default=True, help="Look for the largest eigenvalue of the Hessian.")
@click.option("--device", default="", help="cpu, cuda, cuda:1, mps.  [default: the fastest there is]")
@click.option("-o", "--output", "outputs", multiple=True, metavar="FILE", help="X.parquet, X.svg, X.png or X.html; may be given several times.")  # fmt: skip # noqa: E501
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Standard output.")
def weights(
    checkpoints: tuple[str, ...],
    model: str | None,
    data: str | None,
    outputs: tuple[str, ...],
    form: str,
    **options: Any,
) -> int:
    """Measure the loss around trained weights, or draw X.parquet, which was measured before.

    CHECKPOINTS are files (.pt, .safetensors), folders of such files, or Hugging Face's checkpoint-N folders; nothing
    in them is executed. One gives a random plane around it (filter-normalised, Li et al. 2018), two the line between
    them, more the plane of the training (PCA). FUNCTION of --data returns batches, or (batches, loss), where
    loss(model, batch) is the mean over the batch, or a sum and a weight. MODULE may be a path such as task.py; it is
    imported.

    With -o X.parquet the measurement can be continued: the same command goes on from what is there, with a new budget.

    \b
    trainvitals landscape runs/mine --model task.py:model --data task.py:data -o mine.parquet -o mine.svg
    trainvitals landscape mine.parquet -o mine.html
    """  # noqa: D301 (the backslash is click's)
    for output in outputs:
        if not output.lower().endswith((*PICTURES, SURFACE)):
            raise click.BadParameter(f"{output!r} must end in {', '.join((*PICTURES, SURFACE))}", param_hint="'-o'")
    surface = _kept(checkpoints) if model is None and data is None else None
    if surface is None:
        if model is None or data is None:
            raise click.UsageError("checkpoints need --model MODULE:FUNCTION and --data MODULE:FUNCTION")
        surface = _measured(checkpoints, model, data, outputs, options)
    _show(surface, outputs, form)
    return console.OK


def _kept(paths: tuple[str, ...]) -> LossSurface | None:
    """The surface in a file that is given instead of checkpoints."""
    if len(paths) != 1 or not paths[0].lower().endswith(SURFACE):
        return None
    from trainvitals.diagnostics.weights import read_surface

    return read_surface(paths[0])


def _measured(
    paths: tuple[str, ...], model: str, data: str, outputs: tuple[str, ...], options: dict[str, Any]
) -> LossSurface:
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise click.ClickException("measuring needs torch, which made the checkpoints: pip install torch")
    from trainvitals.diagnostics.weights import task
    from trainvitals.diagnostics.weights.checkpoints import find
    from trainvitals.diagnostics.weights.compute import compute
    from trainvitals.diagnostics.weights.request import Request

    kept = [output for output in outputs if output.lower().endswith(SURFACE)]
    if len(kept) > 1:
        raise click.UsageError("name one .parquet file")
    found = find(paths)
    request: Request = Request(**options)
    made = task.model_of(task.call(model))
    names = {"model": _shown(model), "data": _shown(data)}
    with _bar() as say:
        return compute(made, task.call(data), found, request, *kept, names=names, say=say)


def _shown(target: str) -> str:
    """A function's name without the folders of its file: a result may be shared."""
    return re.split(r"[/\\]", target)[-1]


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    """A line on standard error while it is measured, if that is a terminal."""
    live = sys.stderr.isatty()

    def say(now: Progress) -> None:
        if live:
            done = round(BAR * min(now.spent / now.budget, 1.0))
            sys.stderr.write(
                f"\r\x1b[K[{'#' * done}{'.' * (BAR - done)}] {now.spent:.0f}/{now.budget:g} s  {now.doing}"
            )
            sys.stderr.flush()

    try:
        yield say
    finally:
        if live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _show(surface: LossSurface, outputs: tuple[str, ...], form: str) -> None:
    from trainvitals.diagnostics.commands.landscape import draw, text
    from trainvitals.diagnostics.weights.picture import landscape

    shown = landscape(surface)
    for output in outputs:
        if not output.lower().endswith(SURFACE):
            draw(shown, output)
    console.write(text(shown, form))
