"""The remedies of a loss type, with the weight of the run at hand filled in."""

from __future__ import annotations

from trainvitals.diagnostics.case import Case


def class_weight(case: Case) -> float | None:
    """The class weight that the configuration states, or None."""
    weight = case.loss_type.weight
    return case.number(*weight.settings) if weight else None


def remedy(case: Case, key: str, default: str = "", **more: str) -> str:
    """What the loss type advises under this key.

    `{name}`, `{weight}`, `{lower}` and `{higher}` stand for its class weight, the value in effect (the usual one where
    the log does not say), and the next ones worth trying; `more` holds further words.
    """
    text = case.loss_type.remedies.get(key, default)
    words = dict(more)
    if case.loss_type.weight:
        kind, value = case.loss_type.weight, class_weight(case)
        value = kind.usual if value is None else value
        words |= {"name": kind.name, "weight": f"{value:g}"}
        words |= {"lower": f"{kind.lower(value):g}", "higher": f"{kind.higher(value):g}"}
    for word, replacement in words.items():
        text = text.replace(f"{{{word}}}", replacement)
    return text
