"""The sentences that cite the evidence."""

from __future__ import annotations

from trainvitals.diagnostics.normalisation.grad_accum.pairs import Comparison
from trainvitals.diagnostics.normalisation.grad_accum.settings import Settings
from trainvitals.diagnostics.normalisation.grad_accum.versions import era, parse

OPINIONS = {
    "scaled": "{name} does this to such models ({source})",
    "possible": "{name} does this where the model or the trainer ignores num_items_in_batch ({source})",
    "never": "{name} is not known to do this ({source})",
}


def number(value: float) -> str:
    """8 as `8`, 0.125 as `1/8`, 2.7183 as `2.72`."""
    if 0 < value < 1 and abs(1 / value - round(1 / value)) < 1e-9:
        return f"1/{round(1 / value)}"
    return f"{value:.3g}"


def ratio(comparison: Comparison) -> str:
    """What was compared, the ratio and the number of pairs."""
    pairs = "1 matched pair" if comparison.pairs == 1 else f"{comparison.pairs} matched pairs"
    return (
        f"train loss is {_times(comparison.level)} times the eval loss at the same steps "
        f"({pairs}, the first {_times(comparison.early)})"
    )


def _times(octaves: float) -> str:
    """Ratios beyond what a float holds are cut: nobody reads them."""
    return f"{2 ** max(-1000.0, min(1000.0, octaves)):.3g}"


def accumulation(settings: Settings) -> str:
    """K, and where it was read or how it was computed."""
    if settings.accumulation:
        return f"gradient accumulation is {settings.accumulation} ({settings.where})"
    if settings.together:
        return f"accumulation times processes is {settings.together}, {settings.where}"
    return "the gradient accumulation is not in any file"


def opinion(settings: Settings) -> str:
    """What the version table says, or nothing."""
    version = parse(settings.transformers)
    template = OPINIONS.get(settings.opinion, "")
    if version is None:
        return template.format(name="this release of ms-swift", source="label smoothing") if template else ""
    return template.format(name=f"transformers {settings.transformers}", source=era(version).source)


def gradient(settings: Settings, factor: float) -> str:
    """What else carries the factor."""
    exception = "" if settings.deepspeed else " (not under DeepSpeed with transformers <= 4.48.3)"
    if settings.deepspeed:
        exception = " (unless this DeepSpeed run used transformers <= 4.48.3)"
    return (
        f"the mean train_loss of the summary carries the same factor, and grad_norm probably too{exception}, "
        f"so that max_grad_norm acts as if divided by {number(factor)}"
    )


def join(*parts: str) -> str:
    """Clauses to one sentence; empty ones vanish."""
    return "; ".join(part for part in parts if part)
