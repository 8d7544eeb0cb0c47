"""YAML settings as flat values with their lines. Only the syntax is read: no tag of a file ever builds an object.

The composer of libyaml recurses and crashes the process on deep nesting, so depth is checked on the flat stream of
events first. Aliases may multiply a document a billionfold; the number of nodes is bounded instead of forbidding them,
as PyYAML itself writes aliases for every list that stands in two places.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from trainvitals.parsers.limits import MAX_JSON_DEPTH
from trainvitals.parsers.numbers import number

MAX_NODES = 50_000
"""Nodes met, each as often as aliases repeat it; settings have hundreds. Counted before they are put on the stack."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TYPED = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null"))
_MERGE = "tag:yaml.org,2002:merge"


class YamlError(ValueError):
    """Text that is no YAML, or more of it than any settings need; `line` is 1-based, None where unknown."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


def entries(text: str) -> Iterator[tuple[tuple[str, ...], Any, int]]:
    """(path of keys, value, line) of every scalar and every list of scalars.

    Raises:
        YamlError: no YAML, nested too deeply, or more than `MAX_NODES` nodes with all aliases followed.
    """
    try:
        _check_depth(text)
        for document in yaml.compose_all(text, Loader=_LOADER):
            yield from _walk(document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(str(error.problem or error.context), mark.line + 1 if mark else None) from error
    except yaml.YAMLError as error:
        raise YamlError(str(error).splitlines()[0]) from error


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_JSON_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else None
            raise YamlError(f"nested more than {MAX_JSON_DEPTH} levels deep", line)


def _walk(document: yaml.Node | None) -> Iterator[tuple[tuple[str, ...], Any, int]]:
    """All leaves in order. Depth is counted again: an alias inside its own anchor has no end."""
    stack: list[tuple[yaml.Node, tuple[str, ...], int]] = [(document, (), 0)] if document else []
    nodes = 0
    while stack:
        node, path, depth = stack.pop()
        nodes += 1 if isinstance(node, yaml.ScalarNode) else len(node.value)
        if nodes > MAX_NODES:
            raise YamlError(f"holds more than {MAX_NODES} nodes, aliases followed")
        if isinstance(node, yaml.MappingNode) and depth < MAX_JSON_DEPTH:
            stack += [(value, inner, depth + 1) for value, inner in reversed(_children(node, path))]
        elif isinstance(node, yaml.SequenceNode):
            if all(isinstance(item, yaml.ScalarNode) for item in node.value):
                yield path, [_scalar(item) for item in node.value], node.start_mark.line + 1
        elif isinstance(node, yaml.ScalarNode):
            yield path, _scalar(node), node.start_mark.line + 1


def _children(node: yaml.MappingNode, path: tuple[str, ...]) -> list[tuple[yaml.Node, tuple[str, ...]]]:
    """Values with their paths; what a merge key (`<<`) brings in comes first, so that own keys override it."""
    ordered = sorted(node.value, key=lambda pair: pair[0].tag != _MERGE)
    return [(value, path if key.tag == _MERGE else (*path, str(key.value))) for key, value in ordered]


def _scalar(node: yaml.ScalarNode) -> Any:
    if node.tag in _TYPED:
        try:
            return yaml.SafeLoader("").construct_object(node)
        except (ValueError, yaml.YAMLError):
            return node.value
    # YAML 1.1 takes `1e-5` for a text, as it has no point; whoever wrote it meant the number.
    value = number(node.value) if not node.style and node.tag.endswith(":str") else None
    return node.value if value is None else value
