"""What a run says about itself that matters for the scale of its loss, and where it says so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainvitals.diagnostics.normalisation.grad_accum import versions
from trainvitals.parsers.model import ConfigValue, Run

STANDARD_MODELS = frozenset(
    {
        "cohere",
        "gemma",
        "gemma2",
        "glm",
        "granite",
        "llama",
        "mistral",
        "mixtral",
        "nemotron",
        "olmo",
        "olmo2",
        "phi3",
        "qwen2",
        "qwen2_moe",
        "qwen3",
        "qwen3_moe",
    }
)
"""Model types whose causal head takes `num_items_in_batch`, for runs that do not name their architecture."""

CAUSAL = "ForCausalLM"

HF_CONFIG = ("transformers_version", "swift_version", "average_tokens_across_devices", "logging_nan_inf_filter")
HF_SUMMARY = ("train_samples_per_second", "train_steps_per_second", "total_flos")
HF_SERIES = (("runtime", "eval"), ("samples_per_second", "eval"), ("token_acc", "train"))

NEAR_INTEGER = 0.1
"""A computed accumulation counts only this close to a whole number; a last partial window moves it further off."""

NEAR_PROCESSES = 0.2
"""The same for the number of processes, when the accumulation is read and only the quotient is wanted."""


MOST = 10**7
"""No accumulation, number of processes or vocabulary is larger; what is, is something else."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Numbers that decide, and the words that cite them.

    Attributes:
        accumulation: gradient accumulation K as read from a file; None where no file says it.
        where: the file and line it was read from, or how `together` was computed.
        together: K times the number of processes, computed from rates or epochs; None where it cannot be.
        processes: number of processes W, read or computed; None where unknown.
        vocabulary: size of the vocabulary.
        labels: number of classes of a classification head, where the model's configuration lists them.
        averaging: tokens are averaged over processes, which multiplies losses by W.
        family: the log is of the Hugging Face Trainer or of a trainer built on it.
        opinion: what the version table expects.
    """

    accumulation: int | None = None
    where: str = ""
    together: int | None = None
    processes: int | None = None
    transformers: str = ""
    vocabulary: int | None = None
    labels: int | None = None
    averaging: bool = False
    eval_by_processes: bool = False
    family: bool = False
    deepspeed: bool = False
    opinion: versions.Opinion = "unknown"

    @property
    def processes_in_doubt(self) -> bool:
        """Train and eval loss may both carry the number of processes, which their ratio cannot show."""
        return self.family and self.processes != 1 and self.averaging and self.eval_by_processes


def read(run: Run) -> Settings:
    """The settings of a run; absent ones stay None."""
    accumulation, where = _accumulation(run)
    together, how = _together(run)
    transformers = _text(run.config, "transformers_version")
    version, swift = versions.parse(transformers), versions.parse(_value(run.config, "swift_version"))
    is_swift = swift is not None or (find(run.config, "template_backend") is not None)
    labels = _labels(run.config)
    smoothing = _number(run.config, "label_smoothing_factor") or 0.0
    return Settings(
        accumulation=accumulation,
        where=where if accumulation else how,
        together=together,
        processes=_processes(run, accumulation, together),
        transformers=transformers if version else "",
        vocabulary=_whole(_number(run.config, "vocab_size"), least=2),
        labels=labels,
        averaging=_averaging(run.config, version),
        eval_by_processes=versions.eval_by_processes(version, swift),
        family=_family(run),
        deepspeed=bool(_value(run.config, "deepspeed")),
        opinion=versions.opinion(
            version, standard=_standard(run.config, labels), smoothing=smoothing > 0, swift=is_swift
        ),
    )


def find(config: Mapping[str, ConfigValue], name: str) -> ConfigValue | None:
    """A setting under its own name or at the end of a dotted one (`model_config.vocab_size`)."""
    if name in config:
        return config[name]
    return next((value for key, value in config.items() if key.rpartition(".")[2] == name), None)


def _value(config: Mapping[str, ConfigValue], name: str) -> Any:
    found = find(config, name)
    return None if found is None else found.value


def _text(config: Mapping[str, ConfigValue], name: str) -> str:
    value = _value(config, name)
    return "" if value is None else str(value)


def _number(config: Mapping[str, ConfigValue], name: str) -> float | None:
    return _as_number(_value(config, name))


def _as_number(value: Any) -> float | None:
    """Finite numbers only; `"auto"` and switches are none."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _whole(number: float | None, least: int = 1) -> int | None:
    return int(number) if number is not None and least <= number <= MOST and number == int(number) else None


def _accumulation(run: Run) -> tuple[int | None, str]:
    found = find(run.config, "gradient_accumulation_steps")
    number = _whole(_as_number(found.value)) if found else None
    return (number, cite(found)) if found and number else (None, "")


def cite(value: ConfigValue) -> str:
    """`path:line`, or the path alone where there are no lines."""
    return f"{value.path}:{value.line}" if value.line else value.path


def _together(run: Run) -> tuple[int | None, str]:
    """K times W, from the final rates or from epochs, where it comes out close enough to a whole number."""
    quotient, error = _quotient(run)
    nearest = round(quotient)
    if nearest < 1 or abs(quotient - nearest) > NEAR_INTEGER or error * quotient > 4 * NEAR_INTEGER:
        return None, ""
    return nearest, f"computed from the rates, epochs and batch size of the run ({quotient:.2f})"


def _quotient(run: Run) -> tuple[float, float]:
    """Samples per optimizer step per device batch, with the relative error of its rounding; NaN-free, 0 if unknown."""
    batch = _number(run.config, "per_device_train_batch_size") or _number(run.config, "train_batch_size") or 0.0
    samples, steps = (_number(run.summary, name) or 0.0 for name in HF_SUMMARY[:2])
    if batch <= 0:
        return 0.0, 0.0
    if samples > 0 and steps > 0:
        return _limited(samples / steps / batch), _rounding(samples) + _rounding(steps)
    return _limited(_by_epochs(run, batch)), 0.0


def _limited(quotient: float) -> float:
    return quotient if 0 < quotient <= MOST else 0.0


def _rounding(rate: float) -> float:
    """Rates are printed with three decimals."""
    return 0.0005 / rate


def _by_epochs(run: Run, batch: float) -> float:
    """Epochs times data set size over steps, at the last row that has both."""
    size = _number(run.summary, "train_dataset_size") or _number(run.config, "train_dataset_size") or 0.0
    loss = run.get("loss")
    if loss is None or size <= 0:
        return 0.0
    seen = np.flatnonzero((loss.step >= 20) & (loss.epoch > 0))
    return float(loss.epoch[seen[-1]] * size / loss.step[seen[-1]] / batch) if seen.size else 0.0


def _processes(run: Run, accumulation: int | None, together: int | None) -> int | None:
    """W as read; else what the rates leave after K. The devices of one process (`n_gpu`) are not processes."""
    found = find(run.config, "world_size")
    if found is not None and found is not run.config.get("n_gpu"):
        number = _whole(_as_number(found.value))
        if number:
            return number
    if not accumulation:
        return 1 if together == 1 else None
    quotient, error = _quotient(run)
    quotient /= accumulation
    nearest = max(1, round(quotient))
    return nearest if abs(quotient - nearest) <= NEAR_PROCESSES and error < NEAR_PROCESSES else None


def _averaging(config: Mapping[str, ConfigValue], version: versions.Version | None) -> bool:
    value = _value(config, "average_tokens_across_devices")
    if value is None:
        return version is not None and version >= versions.AVERAGING_BY_DEFAULT
    return str(value).lower() in ("true", "1")


def _family(run: Run) -> bool:
    return (
        any(find(run.config, name) is not None for name in HF_CONFIG)
        or any(name in run.summary for name in HF_SUMMARY)
        or any(run.get(metric, "eval" if split == "eval" else "train") is not None for metric, split in HF_SERIES)
    )


def _labels(config: Mapping[str, ConfigValue]) -> int | None:
    """Length of the model's `id2label`, as one value or flattened to dotted keys."""
    value = _value(config, "id2label")
    if isinstance(value, dict):
        return len(value) if len(value) > 1 else None
    count = sum(1 for key in config if "id2label." in key)
    return count if count > 1 else None


def _standard(config: Mapping[str, ConfigValue], labels: int | None) -> bool:
    architectures = _value(config, "architectures")
    names = architectures if isinstance(architectures, (list, tuple)) else [architectures] if architectures else []
    if names:
        return any(str(name).strip("[]'\" ").endswith(CAUSAL) for name in names)
    return labels is None and _text(config, "model_type").lower() in STANDARD_MODELS
