"""`train`: the reference trainer, which is imported here and nowhere else, and only when it is asked for."""

from __future__ import annotations

from pathlib import Path

import click

from trainvitals.diagnostics.commands import console

PACKAGES = ("torch", "transformers", "tensorboard")
"""What the extra `trainer` brings."""


@click.command(short_help="Train a small model for real logs.")
@click.argument("kind", metavar="TYPE", required=False)
@click.option("--fault", default="healthy", show_default=True, help="What is wrong with the training.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Decides all chance.")
@click.option("--out", type=click.Path(file_okay=False), help="Folder of the logs.  [default: runs/TYPE-FAULT-SEED]")
@click.option("--steps", type=click.IntRange(min=1), help="Optimizer steps.  [default: those of the type]")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in the folder.")
@click.option("--checkpoints", type=click.IntRange(min=0), default=0, help="Snapshots of the weights to be kept.")
@click.option("--all", "everything", is_flag=True, help="Train the whole corpus (TYPE: that of one type) into --out.")
@click.option("--cost", is_flag=True, help="Print what the losses over coordinate bins cost on this device.")
@click.option("--list", "listing", is_flag=True, help="List the types and their faults.")
@click.pass_context
def train(
    context: click.Context,
    kind: str | None,
    fault: str,
    seed: int,
    out: str | None,
    steps: int | None,
    resume: bool,
    checkpoints: int,
    everything: bool,
    cost: bool,
    listing: bool,
) -> None:
    """Train a small model of TYPE, healthy or with a fault, and leave the logs that such a training leaves."""
    from trainvitals.sample_logs.trainer import faults

    if kind is not None and kind not in faults.FAULTS:
        console.unknown(f"no type {kind!r}", kind, faults.FAULTS, context)
    if listing:
        console.write(_listing(kind))
        return
    _need_packages()
    if cost:
        from trainvitals.sample_logs.trainer.cost import table

        console.write(table())
        return
    from trainvitals.sample_logs.trainer import command
    from trainvitals.sample_logs.trainer.writers import Output

    if everything:
        failed = command.train_corpus(Path(out or "sample_logs"), kind, console.complain)
        if failed:
            raise click.ClickException(f"{len(failed)} trainings ended early: {'; '.join(failed)}")
    elif kind is None:
        raise click.UsageError("TYPE is missing; --list names the types", ctx=context)
    else:
        faults.find(kind, fault)
        folder = Path(out or f"runs/{kind}-{fault}-{seed}")
        command.train(
            command.Request(kind, fault, seed, steps or 0), Output(folder, resume=resume, weights=checkpoints)
        )
        console.complain(f"logs are in {folder}")


def _listing(kind: str | None) -> str:
    from trainvitals.sample_logs.trainer.faults import FAULTS

    shown = {name: found for name, found in FAULTS.items() if kind in (None, name)}
    width = max((len(fault.name) for found in shown.values() for fault in found), default=0)
    lines = [
        f"{name}\n" + "".join(f"  {f.name:{width}}  {f.description}\n" for f in found) for name, found in shown.items()
    ]
    return "".join(lines)


def _need_packages() -> None:
    from importlib.util import find_spec

    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise click.ClickException(f"training needs {', '.join(missing)}: pip install 'trainvitals[trainer]'")
