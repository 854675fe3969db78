"""From the texts of presets to presets. Each text is a mapping of ids; an error names text and line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from callout.core.errors import DefinitionError, Problem
from callout.engine.manifest.nodes import Kind, ListNode, MapNode, Node, ScalarNode, compose
from callout.engine.presets.preset import Preset
from callout.engine.presets.search import Presets


def read_presets(texts: Mapping[str, str]) -> Presets:
    """Read presets from texts (YAML) by their names. Raises `DefinitionError` for the first thing that is wrong."""
    found: dict[str, Preset] = {}
    for source in sorted(texts):
        root = compose(texts[source], source)
        for identifier, node in _entries(root, source):
            place = f"presets.{identifier}"
            where = f"{source}:{node.line}"
            if identifier in found:
                raise DefinitionError([Problem(place, "a second preset of this id", "each id once", where=where)])
            try:
                found[identifier] = msgspec.convert({"id": identifier, **_mapping(node, source)}, Preset)
            except msgspec.ValidationError as error:
                raise DefinitionError([Problem(place, str(error), "the fields of a preset", where=where)]) from None
    return Presets(found)


def _mapping(node: Node, source: str) -> dict[str, Any]:
    return {key: _value(child, source) for key, child in _entries(node, source)}


def _value(node: Node, source: str) -> Any:
    if isinstance(node, MapNode):
        return _mapping(node, source)
    if isinstance(node, ListNode):
        return [_value(item, source) for item in node.items]
    match node.kind:
        case Kind.TEXT:
            return node.text
        case Kind.INTEGER:
            return int(node.text)
        case Kind.BOOLEAN:
            return node.text == "true"
        case _:
            raise _refusal(node, source, node.kind.value, "text, a whole number, true or false")


def _entries(node: Node, source: str) -> list[tuple[str, Node]]:
    if not isinstance(node, MapNode):
        raise _refusal(node, source, "no mapping", "a mapping")
    found: dict[str, Node] = {}
    for key, child in node.entries:
        if not isinstance(key, ScalarNode) or key.kind is not Kind.TEXT or key.text in found:
            raise _refusal(key, source, "a key that is no text, or a second time", "each key once, as text")
        found[key.text] = child
    return list(found.items())


def _refusal(node: Node, source: str, got: str, expected: str) -> DefinitionError:
    return DefinitionError([Problem("presets", got, expected, where=f"{source}:{node.line}")])
