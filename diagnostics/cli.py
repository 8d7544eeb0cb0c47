"""The command `trainvitals`."""

from __future__ import annotations

import os

import click

from trainvitals import __version__
from trainvitals.diagnostics.commands import (
    catalogue,
    compare,
    console,
    dashboard,
    export,
    judge,
    landscape,
    train,
    watch,
)


@click.group(cls=console.Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="trainvitals", message="%(prog)s %(version)s")
def main() -> None:
    """Is a training run healthy, since when not, why, and what to change."""
    # Threads for linear algebra cost start-up time, and nothing here multiplies matrices. Numpy is not yet imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


for command in (
    judge.report,
    judge.check,
    compare.compare,
    watch.watch,
    dashboard.dashboard,
    export.export,
    landscape.landscape,
    catalogue.formats,
    catalogue.rules,
    catalogue.rule,
    catalogue.loss_types,
    train.train,
):
    main.add_command(command)
