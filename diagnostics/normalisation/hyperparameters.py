"""One vocabulary for hyperparameters: trainers call gradient accumulation by a dozen names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from trainvitals.parsers.model import ConfigValue

ALIASES: dict[str, tuple[str, ...]] = {
    "gradient_accumulation_steps": (
        "grad_accum_steps",
        "accumulate_grad_batches",
        "accum_iter",
        "update_freq",
        "grad_accum",
        "gradient_accumulation",
    ),
    "per_device_train_batch_size": (
        "micro_batch_size",
        "train_micro_batch_size_per_gpu",
        "device_train_microbatch_size",
    ),
    "world_size": ("global_world_size", "num_processes", "n_gpu", "data_parallel_size"),
    "learning_rate": ("lr", "lr0", "base_lr"),
    "max_steps": ("total_steps", "max_iters", "max_iter", "train_iters", "num_training_steps"),
    "num_train_epochs": ("epochs", "max_epochs", "num_epochs"),
    "label_smoothing_factor": ("label_smoothing",),
    "max_grad_norm": ("clip_max_norm", "clip_grad", "gradient_clip_val", "grad_clip", "clip_grad_norm"),
    "vocab_size": ("padded_vocab_size",),
    "article_weight": (),
    "eos_weight": (),
    "w1_weight": (),
    "gate_weight": (),
}
"""Canonical name -> other names, best first. Names that stand nowhere here keep their own."""


def canonical(config: Mapping[str, ConfigValue]) -> dict[str, ConfigValue]:
    """The configuration with canonical names added; the names as found stay.

    A value of None counts as absent, as trainers dump unset options so; a list of one (fairseq's `update_freq=[4]`, a
    schedule that never changes) as its only item. Where the accumulation is not told but follows from the batch sizes
    and the number of replicas, as in Megatron-LM's table, it is added.
    """
    found = {name: value for name, value in config.items() if value.value is not None}
    lower = {name.lower().replace("-", "_").rpartition(".")[2]: value for name, value in reversed(found.items())}
    for name, others in ALIASES.items():
        if name not in found:
            value = next((lower[other] for other in (name, *others) if other in lower), None)
            if value is not None:
                found[name] = _only_item(value)
    accumulation = _accumulation(lower)
    if accumulation is not None:
        found.setdefault("gradient_accumulation_steps", accumulation)
    return found


def _only_item(value: ConfigValue) -> ConfigValue:
    inside = value.value
    return replace(value, value=inside[0]) if isinstance(inside, (list, tuple)) and len(inside) == 1 else value


def _accumulation(config: Mapping[str, ConfigValue]) -> ConfigValue | None:
    """Global batch / (micro batch * replicas), where all three are told and it is a whole number."""
    values = [config.get(name) for name in ("global_batch_size", "micro_batch_size", "data_parallel_size")]
    whole = [v.value for v in values if v is not None and type(v.value) is int and v.value > 0]
    if len(whole) < len(values) or values[0] is None:
        return None
    steps, rest = divmod(whole[0], whole[1] * whole[2])
    return replace(values[0], value=steps) if steps and not rest else None
