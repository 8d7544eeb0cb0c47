"""The user's own code: what `--model module:function` and `--data module:function` give.

It is imported because a command or a caller names it, never because it lies beside a log.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

from torch import Tensor, nn

from trainvitals.diagnostics.weights.errors import TaskError

MOST_PARTS = 4096
"""Batches that are taken from data without an end."""

Loss: TypeAlias = Callable[[nn.Module, Any], Any]


@dataclass(frozen=True, slots=True)
class Data:
    """Batches, and how the loss of a model on one of them is computed.

    Attributes:
        parts: the batches, tensors or tuples, lists or dictionaries of them. Chance is judged by how they differ, so
            they should be drawn alike: shuffled, and not few and large.
        loss: (model, batch) -> the mean loss over the batch, which then counts by its number of examples; or a pair of
            a sum and a weight, such as the summed loss of the tokens and their number. The loss of all is the sum of
            the sums over the sum of the weights.
    """

    parts: Sequence[Any]
    loss: Loss


def own_loss(model: nn.Module, batch: Any) -> Tensor:
    """The `.loss` of what the model returns, as models of transformers have it."""
    output = model(**batch) if isinstance(batch, Mapping) else model(*batch)
    found = output["loss"] if isinstance(output, Mapping) else getattr(output, "loss", None)
    if found is None:
        raise TaskError("the model returns no loss: let --data return (batches, loss)")
    assert isinstance(found, Tensor)
    return found


def data_of(given: Any) -> Data:
    """Data from what a user's function returned: `Data`, a pair of batches and a loss, or batches alone.

    Raises:
        TaskError: it is none of these, or has no batch.
    """
    if isinstance(given, Data):
        return given
    loss: Loss = own_loss
    if isinstance(given, tuple) and len(given) == 2 and callable(given[1]):
        given, loss = given
    try:
        parts = tuple(islice(iter(given), MOST_PARTS))
    except TypeError:
        raise TaskError(f"--data gave {type(given).__name__}, not batches or (batches, loss)") from None
    if not parts:
        raise TaskError("--data gave no batch")
    return Data(parts, loss)


def model_of(given: Any) -> nn.Module:
    """The model that a user's function returned.

    Raises:
        TaskError: it is none.
    """
    if not isinstance(given, nn.Module):
        raise TaskError(f"--model gave {type(given).__name__}, not a torch.nn.Module")
    return given


def call(target: str) -> Any:
    """What `module:function` or `path/to/file.py:function` returns when it is called without arguments.

    Modules are looked for beside those that are installed in the current folder.

    Raises:
        TaskError: there is no such module or function.
    """
    place, _, name = target.rpartition(":")
    if not place or not name:
        raise TaskError(f"{target!r} is not like module:function")
    with _current_folder():
        function = getattr(_module(place), name, None)
        if not callable(function):
            raise TaskError(f"{place} has no function {name!r}")
        return function()


@contextlib.contextmanager
def _current_folder() -> Iterator[None]:
    here = os.getcwd()
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        yield
    finally:
        if added:
            sys.path.remove(here)


def _module(place: str) -> Any:
    if not place.endswith(".py"):
        try:
            return importlib.import_module(place)
        except ModuleNotFoundError as error:
            raise TaskError(f"no module {place!r}: {error}") from error
    spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(place))[0], place)
    if spec is None or spec.loader is None or not os.path.isfile(place):
        raise TaskError(f"{place}: no such file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickles look there
    spec.loader.exec_module(module)
    return module


def moved(batch: Any, device: Any) -> Any:
    """A batch on a device, whatever tuples, lists and dictionaries it consists of."""
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {name: moved(item, device) for name, item in batch.items()}
    if isinstance(batch, tuple | list):
        return tuple(moved(item, device) for item in batch)
    return batch


def tensors(batch: Any) -> Iterator[Tensor]:
    """All tensors of a batch."""
    if isinstance(batch, Tensor):
        yield batch
    elif isinstance(batch, Mapping | tuple | list):
        for item in batch.values() if isinstance(batch, Mapping) else batch:
            yield from tensors(item)


def total_and_weight(loss: Loss, model: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
    """The sum and the weight of a batch, both scalars."""
    found = loss(model, batch)
    if isinstance(found, tuple):
        total, weight = found
        if not isinstance(weight, Tensor):
            weight = total.new_tensor(float(weight))
        return total, weight
    size = next((float(t.shape[0]) for t in tensors(batch) if t.ndim), 1.0)
    return found * size, found.new_tensor(size)
