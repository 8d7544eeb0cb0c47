"""Scalars of runs as one long table, for other tools: Parquet, or CSV that no spreadsheet runs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from trainvitals.parsers.model import Run

if TYPE_CHECKING:
    import polars


def scalars(run: Run) -> polars.DataFrame:
    """One row per value, with the name of the run."""
    import polars as pl

    return run.to_polars().select(pl.lit(run.name).alias("run"), pl.all())


def csv(table: polars.DataFrame) -> bytes:
    """The table as CSV, its text cells made harmless."""
    return without_formulas(table).write_csv().encode("utf-8", "replace")


def parquet(table: polars.DataFrame) -> bytes:
    """The table as Parquet, as it is: nothing runs what stands in it."""
    made = io.BytesIO()
    table.write_parquet(made)
    return made.getvalue()


def without_formulas(table: polars.DataFrame) -> polars.DataFrame:
    """The table with text cells that no spreadsheet runs as a formula; numbers stay numbers."""
    import polars as pl
    import polars.selectors as cs

    from trainvitals.diagnostics.render.sanitise import CSV_FORMULA

    texts = cs.string()
    return table.with_columns(
        pl.when(texts.str.contains(CSV_FORMULA)).then(pl.lit("'") + texts).otherwise(texts).name.keep()
    )
