"""Hyperparameters inside console text: argument dumps, banners, command lines, versions.

Nothing is evaluated. Where several lines name the same hyperparameter the last one counts: trainers print the command
line first, then what became of it. Names that could hold a secret are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from trainvitals.parsers.model import ConfigValue
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.secret_names import may_be_secret
from trainvitals.parsers.text.literals import arguments, literal

_REMEMBERED = 300
_CALL = pattern(r"(?<!\w)(?:Namespace|\w{0,40}(?:Arguments|Args|TrainingConfig|TrainConfig))\(")
_COMMAND = pattern(r"\.py\b|torchrun|launch|run sh:|deepspeed")
_OPTION = pattern(r"(?:(?<=\s)|\A)--([A-Za-z][\w-]*+)(?:[= ](?!-[-A-Za-z])([^\s\[\]`]++))?(?=[\s`]|\Z)", re.ASCII)
_DOTS = pattern(r"(?<![\w.])([A-Za-z_]\w{0,80}+) (\.{2,200}+):? (\S[^\n]{0,500})", re.ASCII)
_VERSION = pattern(r"(?i)\b(torch|transformers|accelerate|trl|peft|deepspeed|swift)[\s=:v]{1,4}(\d+\.\d+[\w.+]*+)")
_BANNER = pattern(r"([A-Z][A-Za-z][^=|\n]{3,90}?) = (\d[\d,]*+)(?:\.0|\s+of [\d,]+[^|]*+)?\s*+(?=\||\Z)")
_KNOWN = pattern(
    r"(?<![\w.])(gradient[ _]accumulation[ _]steps|gradient_accumulation|grad_accum_steps|accumulate_grad_batches"
    r"|accum_iter|update_freq|per_device_train_batch_size|train_micro_batch_size_per_gpu|train_batch_size|micro_batch_size"
    r"|world_size|num_processes|learning_rate|max_steps|num_train_epochs|label_smoothing_factor|max_grad_norm|vocab_size"
    r"|transformers_version|model_accepts_loss_kwargs|logging_steps"
    r"|article[ _]weight|eos[ _]weight|w1_weight|gate_weight)"
    r"[\"']?\s?[:= ]\s?[\"']?(-?\d[\w.+-]*+|\.\d[\w.+-]*+|True|False|None)[\"']?\s*(?=[,;}\])|]|\Z)",
    re.IGNORECASE | re.ASCII,
)

_LOOKED_AT = 4096
"""Characters of a line that are looked at, of all but argument dumps and command lines."""

_BANNER_NAMES = {
    "num examples": "num_examples",
    "num epochs": "num_train_epochs",
    "instantaneous batch size per device": "per_device_train_batch_size",
    "total train batch size (w. parallel, distributed & accumulation)": "total_train_batch_size",
    "gradient accumulation steps": "gradient_accumulation_steps",
    "total optimization steps": "max_steps",
    "number of trainable parameters": "trainable_parameters",
    # Unsloth has several of these on a line
    "batch size per device": "per_device_train_batch_size",
    "data parallel gpus": "world_size",
    "total batch size": "total_train_batch_size",
    "total steps": "max_steps",
    "trainable parameters": "trainable_parameters",
}
_PRODUCT = pattern(r" \([\dx ]+\)\Z")

MAX_VALUES = 5_000
"""Hyperparameters of one file; a dump has some hundreds."""


class ConfigText:
    """Collects the hyperparameters of a file, line by line."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._found: dict[str, ConfigValue] = {}
        self._before: dict[str, ConfigValue | None] = {}
        self.in_call = False
        """Whether a call such as `TrainingArguments(` goes on over the next lines."""

    def read(self, text: str, line: int) -> bool:
        """Take a line; whether it was a part of a configuration."""
        if self.in_call:
            return self._continue(text, line)
        call = _CALL.search(text)
        if call:
            self.in_call = text.rstrip().endswith(("(", ","))
            self._keep({name: literal(value) for name, value in arguments(text[call.end() :]).items()}, line)
            return True
        return self._keep(_said(text), line)

    def finish(self) -> Mapping[str, ConfigValue]:
        """All that was found, by the names that the trainers use."""
        return self._found

    def settle(self) -> None:
        """What was found so far belongs to the run of the row that has come."""
        if self._before:
            self._before.clear()

    def settled(self) -> Mapping[str, ConfigValue]:
        """What was found before the last row: what has come since may be of the next run."""
        before = {name: value for name, value in {**self._found, **self._before}.items() if value is not None}
        return {name: before[name] for name in self._found if name in before}

    def _continue(self, text: str, line: int) -> bool:
        """One `name=value,` of a call over several lines; anything else than that, or `)`, ends it."""
        body = text.strip()
        found = arguments(body)
        self._keep({name: literal(value) for name, value in found.items()}, line)
        self.in_call = bool(found) and not (body.endswith(")") and body.count("(") < body.count(")"))
        return bool(found) or body == ")"

    def _keep(self, values: Mapping[str, object], line: int) -> bool:
        for name, value in values.items():
            known = name in self._found
            if value is not None and not may_be_secret(name) and (known or len(self._found) < MAX_VALUES):
                self._before.setdefault(name, self._found.get(name))
                self._found[name] = ConfigValue(value, self._path, line)
        return bool(values)


def opens_call(text: str) -> bool:
    """Whether a line holds a call, which may go on over the next lines."""
    return _CALL.search(text) is not None


def says_something(text: str) -> bool:
    """Whether a line outside of calls is part of a configuration."""
    return bool(_said(text))


def _said(text: str) -> Mapping[str, object]:
    return _said_again(text) if len(text) <= _REMEMBERED else _read(text)


@lru_cache(maxsize=256)
def _said_again(text: str) -> Mapping[str, object]:
    """Banners and warnings come again and again. Nobody changes what is returned."""
    return _read(text)


def _read(text: str) -> dict[str, object]:
    readers = [reader for needles, reader in _READERS if any(needle in text for needle in needles)]
    return {name: value for reader in readers for name, value in reader(text).items()}


def command_line(text: str) -> dict[str, object]:
    """`--name value` and `--name=value` of a command line; a usage message is none."""
    if not _COMMAND.search(text) or "usage:" in text:
        return {}
    options = ((name.replace("-", "_"), value) for name, value in _OPTION.findall(text))
    return {name: literal(value) if value else True for name, value in options if value != name.upper()}


def dotted(text: str) -> dict[str, object]:
    """`name ........ value`, as Megatron and DeepSpeed print their arguments."""
    match = _DOTS.search(text, 0, _LOOKED_AT)
    return {match[1]: literal(match[3])} if match else {}


def versions(text: str) -> dict[str, object]:
    """`transformers 4.48.0` as transformers_version."""
    return {f"{name.lower()}_version": value for name, value in _VERSION.findall(text)}


def banner(text: str) -> dict[str, object]:
    """The lines below Hugging Face's `***** Running training *****`, and those of Unsloth's and PaddleNLP's banners."""
    found: dict[str, object] = {}
    for name, value in _BANNER.findall(text) if len(text) <= _LOOKED_AT else ():
        # What a logger wrote before the name ends in a wide gap.
        known_as = _BANNER_NAMES.get(_PRODUCT.sub("", name.rpartition("  ")[2].strip()).lower())
        if known_as:
            found[known_as] = int(value.replace(",", "")[:18])
    return found


def known(text: str) -> dict[str, object]:
    """Well-known hyperparameters in lines of YAML, JSON or free text."""
    found = ((re.sub(" ", "_", name.lower()), value) for name, value in _KNOWN.findall(text[:_LOOKED_AT]))
    return {name: literal(value.rstrip(".x")) for name, value in found}


_READERS: tuple[tuple[tuple[str, ...], Callable[[str], dict[str, object]]], ...] = (
    ((" --",), command_line),
    ((" ..",), dotted),
    (("ransformers", "torch"), versions),
    ((" = ",), banner),
    (
        ("ccum", "_size", "weight", "update_freq", "num_", "learning_rate", "_steps", "label_", "max_grad", "_kwargs"),
        known,
    ),
)

NEEDLES = ("Namespace(", "Arguments(", "Args(", "Config(", *(needle for needles, _ in _READERS for needle in needles))
