"""`landscape`: the shape of a loss, in words on standard output and as a picture in a file."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from trainvitals.diagnostics.commands import console
from trainvitals.diagnostics.commands.around import weights

if TYPE_CHECKING:
    from trainvitals.diagnostics.landscape.article import Trajectory
    from trainvitals.diagnostics.landscape.picture import Landscape
    from trainvitals.diagnostics.loss_type import LossType

SUFFIXES = (".svg", ".png", ".html")

Command = Callable[..., Any]


class Landscapes(click.Group):
    """The types of losses; whatever else exists as a file or folder, or has a model with it, is taken for weights."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of a type, else that for weights, which gets all arguments."""
        known = self.get_command(ctx, args[0]) is not None
        if not known and (os.path.exists(args[0]) or any(a.split("=")[0] in ("--model", "--data") for a in args)):
            return weights.name, weights, args
        if not known and not args[0].startswith("-"):
            console.unknown(f"no type of loss and no file {args[0]!r}", args[0], self.list_commands(ctx), ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Landscapes, short_help="Show the shape of a loss, or of the loss around weights.")
def landscape() -> None:
    """Show the shape of a loss function, in words and numbers, and with -o as a picture.

    With checkpoints instead of a type, show the loss around trained weights; see `landscape weights --help`.

    \b
    trainvitals landscape spatial -o spatial.svg
    trainvitals landscape runs/mine --model task.py:model --data task.py:data -o mine.svg
    """  # noqa: D301 (the backslash is click's)


landscape.add_command(weights)


def _shown(made: Callable[..., Landscape]) -> Command:
    """The command that shows what `made` returns, and that turns its mistakes into those of usage."""

    @click.option("-o", "--output", metavar="FILE", type=console.FILE, help="Draw to X.svg, X.png or X.html as well.")
    @click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Standard output.")
    @functools.wraps(made)
    def command(output: str | None, form: str, **options: Any) -> int:
        if output is not None and not output.lower().endswith(SUFFIXES):
            raise click.BadParameter(f"{output!r} must end in {', '.join(SUFFIXES)}", param_hint="'-o'")
        try:
            found = made(**options)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        if output is not None:
            draw(found, output)
        console.write(text(found, form))
        return console.OK

    return command


def text(found: Landscape, form: str) -> str:
    """A landscape for standard output, as text or JSON."""
    if form == "json":
        from trainvitals.diagnostics.render.landscape import json

        return json.render(found)
    from trainvitals.diagnostics.render import page
    from trainvitals.diagnostics.render.landscape import text

    plain = console.can_encode(sys.stdout, page.UNICODE.dot)
    glyphs = page.UNICODE if plain else page.ASCII
    colour = console.wants_colour(sys.stdout, os.environ)
    return text.render(found, page.Page(console.width(sys.stdout), colour=colour, glyphs=glyphs))


def draw(found: Landscape, output: str) -> None:
    """Write a landscape to a picture, whose kind is that of the name.

    Raises:
        click.FileError: it cannot be written.
    """
    if output.lower().endswith(".png"):
        from trainvitals.diagnostics.render.landscape import png

        picture = png.render(found)
        try:
            with open(output, "wb") as file:
                file.write(picture)
        except OSError as error:
            raise click.FileError(output, error.strerror or str(error)) from error
        return
    from trainvitals.diagnostics.render.landscape import html, svg

    console.write((html if output.lower().endswith(".html") else svg).render(found), output)


def _kind(name: str) -> LossType:
    from trainvitals.diagnostics.loss_type_toml import builtin

    return next(kind for kind in builtin() if kind.name == name)


def _numbers(text: str | None, what: str) -> tuple[float, ...]:
    """Numbers between commas.

    Raises:
        ValueError: one is none.
    """
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise ValueError(f"{what}: {text!r} are not numbers between commas") from None


@landscape.command()
@click.option("--loss", default="", metavar="VALUE", help="A logged loss: which pixel errors can it stand for?")
@click.option("--thresholds", metavar="D,D", help="Where stages end, in normalised distance (0.05,0.1).")
@click.option("--multipliers", metavar="M,M", help="Factors of the squared distance (10,1).")
@click.option("--slope", type=float, help="Slope of the far stage (0.2).")
@click.option("--constant", type=float, help="Constant of the far stage (0.01).")
@_shown
def spatial(
    loss: str, thresholds: str | None, multipliers: str | None, slope: float | None, constant: float | None
) -> Landscape:
    """The staged distance loss: jumps, gradients, a repair, and the errors behind a logged loss."""
    from trainvitals.diagnostics.landscape import spatial

    kind = _kind("spatial")
    ends, factors = _numbers(thresholds, "--thresholds"), _numbers(multipliers, "--multipliers")
    stages = spatial.changed(kind.stages, ends, factors, slope, constant)
    return spatial.landscape(spatial.Options(stages, kind.pixels_per_unit, loss))


@landscape.command()
@click.option("--counts", metavar="CLASS=N,...", help="Tokens of each class in a sequence (COORD=17,EOS=1).")
@click.option("--weighted", metavar="CLASS", help="The class that has the weight (EOS).")
@click.option("--weight", type=float, help="Its weight (20).")
@_shown
def eos(counts: str | None, weighted: str | None, weight: float | None) -> Landscape:
    """Class-weighted cross-entropy: shares of loss and gradient over the weight, as mean and as sum."""
    from trainvitals.diagnostics.landscape import eos

    usual = _kind("eos").weight
    assert usual is not None
    given = _counts(counts) if counts else usual.counts
    return eos.landscape(given, weighted or usual.weighted, usual.usual if weight is None else weight)


def _counts(text: str) -> Mapping[str, float]:
    pairs = [part.partition("=") for part in text.split(",")]
    try:
        return {name.strip(): float(count) for name, _, count in pairs}
    except ValueError:
        raise ValueError(f"--counts: {text!r} is not like COORD=17,EOS=1") from None


@landscape.command()
@click.option("--weight", type=float, help="Weight of the articles (that of the run, else 5).")
@click.option("--share", type=float, default=0.06, show_default=True, help="Articles among the tokens.")
@click.option("--run", "path", metavar="PATH", type=console.FILE, help="A run whose losses are drawn over the surface.")
@_shown
def article(weight: float | None, share: float, path: str | None) -> Landscape:
    """Token-weighted cross-entropy: effective and implied share, and the way of a run over the surface."""
    from trainvitals.diagnostics.landscape import article

    kind = _kind("article")
    assert kind.weight is not None
    run, configured = (article.NOTE, None) if path is None else _trajectory(path, kind)
    known = (kind.shares[0].low, kind.shares[0].high)
    bounds = tuple(band.low for band in kind.ratios[0].bands if band.low > 0)
    used = next(w for w in (weight, configured, kind.weight.usual) if w is not None)
    return article.landscape(article.Options(used, share, known, bounds), run)


def _trajectory(path: str, kind: LossType) -> tuple[Trajectory, float | None]:
    """The losses of the one run at a path, and the weight in its configuration if there is one.

    Raises:
        ValueError: no run or several, or none of the losses.
    """
    from trainvitals.diagnostics.landscape.of_run import configured_weight, trajectory
    from trainvitals.diagnostics.normalisation import normalise
    from trainvitals.parsers import discover, read_all

    runs = [run for files in discover([path]) for run in read_all(files) if run.points]
    if len(runs) != 1:
        raise ValueError(f"{path} holds {len(runs)} runs with values, not one")
    run = normalise(runs[0]).run
    try:
        return trajectory(run, kind), configured_weight(run, kind)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


@landscape.command()
@click.option("--sigma", type=float, default=2.0, show_default=True, help="Width of the target in bins.")
@click.option("--truncate", type=float, default=8.0, show_default=True, help="Bins beyond which it is 0; 0 for never.")
@click.option("--temperature", type=float, default=1.0, show_default=True, help="By which logits are divided.")
@click.option("--bins", type=int, default=1000, show_default=True, help="Bins of a coordinate.")
@click.option("--vocabulary", type=int, default=150_000, show_default=True, help="Words, bins among them.")
@_shown
def softce(sigma: float, truncate: float, temperature: float, bins: int, vocabulary: int) -> Landscape:
    """Soft cross-entropy over bins, W1 and gate: what each tells of centre and width of a prediction."""
    from trainvitals.diagnostics.landscape import softce

    return softce.landscape(softce.Options(sigma, truncate or None, temperature, bins, vocabulary))


@landscape.command(name="causal_lm")
@click.option("--vocabulary", type=int, default=150_000, show_default=True, help="Words of the vocabulary.")
@click.option("--smoothing", type=float, default=0.1, show_default=True, help="Label smoothing.")
@_shown
def causal_lm(vocabulary: int, smoothing: float) -> Landscape:
    """Next-token cross-entropy: nats, bits and perplexity, ln(vocabulary), the floor under smoothing."""
    from trainvitals.diagnostics.landscape import causal_lm

    return causal_lm.landscape(vocabulary, smoothing)


@landscape.command(name="loss")
@click.argument("path", metavar="[FILE.toml]", type=console.FILE, required=False)
@click.option("--expression", metavar="TEXT", help="Such as 'where(e < 1, e**2 / 2, e - 0.5)'.")
@click.option("--low", type=float, default=0.0, show_default=True, help="Least error, for --expression.")
@click.option("--high", type=float, default=1.0, show_default=True, help="Largest error, for --expression.")
@_shown
def any_loss(path: str | None, expression: str | None, low: float, high: float) -> Landscape:
    """Any loss of one error: jumps, kinks, where larger errors cost less, flat and exploding gradients.

    FILE.toml has `loss`, an expression of `error`, and may have low, high, unit, factor (units per error) and title.
    """
    from trainvitals.diagnostics.landscape import generic

    if (path is None) == (expression is None):
        raise ValueError("give either a file or --expression")
    table = {"loss": expression, "low": low, "high": high} if path is None else _toml(path)
    return generic.landscape(generic.definition(table))


def _toml(path: str) -> Mapping[str, Any]:
    import tomllib

    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise click.FileError(path, error.strerror or str(error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
