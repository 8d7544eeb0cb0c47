"""Checkpoints as folders and files hold them, read as plain tensors: nothing in them is ever executed."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainvitals.diagnostics.weights.errors import CheckpointError
from trainvitals.parsers.patterns import pattern

SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")
OF_MODEL = ("model.safetensors", "pytorch_model.bin", "model.pt", "model.pth")
"""Names of the weights within the folder of a checkpoint, the first that is there."""
INDICES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
"""Names of lists that say in which files the weights of a large model lie."""
HOLDERS = ("model", "state_dict", "model_state_dict", "module", "net", "network", "weights")
"""Keys below which trainers keep the weights beside the state of the optimizer."""
PREFIXES = ("module.", "_orig_mod.", "model.", "net.")
"""What wrappers (data parallel, compile, Lightning) put in front of every name."""

_NUMBER = pattern(r"(\d{1,12})(?!.*\d)", re.ASCII)

Weights = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where the weights of one step lie; `step` is NaN where the name has no number."""

    name: str
    step: float
    path: str


def find(paths: Sequence[str]) -> tuple[Checkpoint, ...]:
    """The checkpoints at these paths in the order of their steps; files that are named stay in the order given.

    A folder is one checkpoint, if it holds the weights of one, or holds files or folders with a number in their names.
    Of several kinds, those are taken that are most: a single one beside them is the state to resume from.

    Raises:
        CheckpointError: a path that does not exist, or has no checkpoint.
    """
    found: list[Checkpoint] = []
    for path in paths:
        if not os.path.exists(path):
            raise CheckpointError(f"{path}: does not exist")
        here = _in_folder(path) if os.path.isdir(path) else [_checkpoint(path)]
        if not here:
            raise CheckpointError(f"{path}: no checkpoint ({', '.join(SUFFIXES)}, or folders such as checkpoint-100)")
        found += here
    return tuple(found)


def _in_folder(folder: str) -> list[Checkpoint]:
    if _weights_in(folder):
        return [_checkpoint(folder)]
    inside = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    each = [_checkpoint(p) for p in inside if (_weights_in(p) if os.path.isdir(p) else p.endswith(SUFFIXES))]
    families = Counter(_family(one) for one in each if one.step == one.step)
    if not families:
        return each
    largest = families.most_common(1)[0][0]
    return sorted((one for one in each if _family(one) == largest), key=lambda one: one.step)


def _family(checkpoint: Checkpoint) -> str:
    """The name without the number of its step: checkpoints of one kind share it."""
    return _NUMBER.sub("", checkpoint.name) if checkpoint.step == checkpoint.step else ""


def _weights_in(folder: str) -> str | None:
    """The file of a checkpoint's folder that has the weights, or lists those that have."""
    if not os.path.isdir(folder):
        return None
    names = set(os.listdir(folder))
    return next((os.path.join(folder, name) for name in (*OF_MODEL, *INDICES) if name in names), None)


def _checkpoint(path: str) -> Checkpoint:
    name = os.path.basename(os.path.normpath(path))
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    number = _NUMBER.search(name)
    return Checkpoint(name, float(number[1]) if number else float("nan"), path)


def load(checkpoint: Checkpoint, model: nn.Module) -> Weights:
    """The parameters of the model, and its buffers of floating point, as a checkpoint has them; so has the model then.

    Raises:
        CheckpointError: it holds more than tensors, or tensors that are not those of the model.
    """
    held = _fitting(_tensors(checkpoint.path), model, checkpoint.path)
    try:
        missing, unexpected = model.load_state_dict(held, strict=False)
    except RuntimeError as error:
        raise CheckpointError(f"{checkpoint.path}: does not fit the model: {_first_lines(error)}") from error
    known = {id(tensor) for name, tensor in model.state_dict(keep_vars=True).items() if name in held}
    # Weights that are tied are kept once; buffers that older versions did not keep can be made again.
    own = dict(model.named_parameters(remove_duplicate=False))
    lost = [name for name in missing if name in own and id(own[name]) not in known]
    if lost or unexpected:
        what = f"lacks {lost[0]}" if lost else f"has {unexpected[0]}, which the model has not"
        raise CheckpointError(f"{checkpoint.path}: {what} ({len(lost)} missing, {len(unexpected)} too many)")
    return current(model)


def current(model: nn.Module) -> Weights:
    """Copies of the parameters and floating buffers of a model, on the CPU."""
    every = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {n: t.detach().to("cpu", copy=True) for n, t in every.items() if t.is_floating_point()}


def _first_lines(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _fitting(held: Mapping[str, Tensor], model: nn.Module, path: str) -> Weights:
    """The weights by the names of the model, without what wrappers put in front of them."""
    wanted = set(model.state_dict())
    names = {name: name for name in held}
    for _ in PREFIXES:
        if wanted & set(names.values()):
            break
        prefix = next((p for p in PREFIXES if names and all(n.startswith(p) for n in names.values())), None)
        if prefix is None:
            break
        names = {name: shown.removeprefix(prefix) for name, shown in names.items()}
    found = {shown: held[name] for name, shown in names.items()}
    if wanted and not wanted & set(found):
        raise CheckpointError(
            f"{path}: has {next(iter(held), 'no tensor')}, the model has {min(wanted)}: not its weights"
        )
    return found


def _tensors(path: str) -> dict[str, Tensor]:
    """All tensors of a file, or of the files of a checkpoint's folder."""
    place = _weights_in(path) or path
    if not place.endswith(".index.json"):
        return _read(place)
    found: dict[str, Tensor] = {}
    for name in _shards(place):
        found |= _read(os.path.join(os.path.dirname(place), name))
    return found


def _shards(index: str) -> Iterable[str]:
    try:
        with open(index, encoding="utf-8") as file:
            names = set(json.load(file)["weight_map"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index}: no index of weights: {error}") from error
    if not all(isinstance(name, str) and os.path.basename(name) == name for name in names):
        raise CheckpointError(f"{index}: names files outside of its folder")
    return sorted(names)


def _read(path: str) -> dict[str, Tensor]:
    try:
        if path.endswith(".safetensors"):
            return _safetensors(path)
        held = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}") from error
    except CheckpointError:
        raise
    except Exception as error:  # a damaged archive raises whatever its bytes lead to
        raise CheckpointError(f"{path}: {_why(error)}") from error
    return _state(held, path)


def _why(error: Exception) -> str:
    """What to do about a file that torch does not load."""
    if "weights_only" in str(error) or "Unsupported" in str(error):
        return (
            "refused, as it holds more than tensors, which could run code when it is loaded; "
            "save the weights alone: torch.save(model.state_dict(), path)"
        )
    return f"cannot be read as weights: {_first_lines(error)}"


def _safetensors(path: str) -> dict[str, Tensor]:
    try:
        from safetensors.torch import load_file
    except ModuleNotFoundError:
        raise CheckpointError(f"{path}: reading it needs safetensors: pip install safetensors") from None
    return load_file(path)


def _state(held: Any, path: str) -> dict[str, Tensor]:
    """The names and tensors among what a file holds, wherever its trainer put them."""
    for _ in range(3):
        if not isinstance(held, Mapping):
            break
        found = {str(name): value for name, value in held.items() if isinstance(value, Tensor)}
        inner = next((held[key] for key in HOLDERS if isinstance(held.get(key), Mapping)), None)
        if found and inner is None:
            return found
        held = inner
    raise CheckpointError(f"{path}: no weights in it: neither tensors by name nor any of {', '.join(HOLDERS)}")
