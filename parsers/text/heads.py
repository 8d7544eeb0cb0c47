"""Lines that head others: `Step 100 | Loss: 2.05`, and a few lines below it further numbers of that step."""

from __future__ import annotations

from trainvitals.parsers.text.line_format import Context


def headed(step: float, epoch: float, near: int, context: Context) -> tuple[float, float]:
    """Step and epoch of a row; with a step it heads those up to `near` lines below it, without one it is below."""
    if step == step:  # not NaN
        epoch = epoch if epoch == epoch else context.epoch
        context.headed = (step, epoch, context.line)
        return step, epoch
    step, epoch, line = context.headed
    return (step, epoch) if 0 < context.line - line <= near else (context.step, context.epoch)
