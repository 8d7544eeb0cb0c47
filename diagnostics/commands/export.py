"""`export`: normalised scalars as a table, for other tools."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from trainvitals.diagnostics.commands import console

if TYPE_CHECKING:
    import polars

    from trainvitals.parsers.text.template import Template

SUFFIXES = (".parquet", ".csv")


@click.command(short_help="Write normalised scalars as Parquet or CSV.")
@click.argument("paths", metavar="PATH...", type=console.FILE, nargs=-1, required=True)
@click.option("-o", "--output", metavar="FILE", type=console.FILE, required=True, help="X.parquet or X.csv.")
@click.option("--isolated", is_flag=True, help="Read no settings file.")
def export(paths: tuple[str, ...], output: str, isolated: bool) -> int:
    """Write the normalised scalars of runs as Parquet or CSV, one row per value."""
    suffix = os.path.splitext(output)[1].lower()
    if suffix not in SUFFIXES:
        raise click.BadParameter(f"{output!r} must end in {' or '.join(SUFFIXES)}", param_hint="'-o'")
    tables, unreadable = _tables(paths, console.patterns(paths, isolated=isolated))
    if not any(map(len, tables)):
        console.complain(f"no usable series in {', '.join(paths)}")
        return console.WRONG if unreadable else console.NOTHING
    import polars as pl

    _write(pl.concat(tables), output)
    return console.WRONG if unreadable else console.OK


def _tables(paths: tuple[str, ...], patterns: tuple[Template, ...]) -> tuple[list[polars.DataFrame], bool]:
    """(a table per run, whether a source could not be read)."""
    from trainvitals.diagnostics.normalisation import normalise
    from trainvitals.diagnostics.scalars import scalars
    from trainvitals.parsers import discover, read_all

    tables, unreadable = [], False
    for files in console.progress(discover(paths), "reading runs:"):
        for run in read_all(files, patterns=patterns):
            for source in run.sources:
                if source.error:
                    unreadable = True
                    console.complain(f"{source.path}: {source.error}")
            if run.points:
                tables.append(scalars(normalise(run).run))
    return tables, unreadable


def _write(table: polars.DataFrame, output: str) -> None:
    from trainvitals.diagnostics.scalars import without_formulas

    try:
        if output.lower().endswith(".csv"):
            without_formulas(table).write_csv(output)
        else:
            table.write_parquet(output)
    except OSError as error:
        raise click.FileError(output, error.strerror or str(error)) from error
