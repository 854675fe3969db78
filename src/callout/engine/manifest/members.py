"""The text of one definition, YAML or JSON, as the members that an operation is given."""

from __future__ import annotations

from typing import Any

from callout.core.errors import DefinitionError, Problem
from callout.engine.manifest.nodes import WHOLE, Kind, ListNode, MapNode, Node, ScalarNode, compose


def members_of(text: str, source_name: str) -> dict[str, Any]:
    """Read one mapping. Raises `DefinitionError` with file and line; never shows what was read."""
    root = compose(text, source_name)
    if not isinstance(root, MapNode):
        raise _refused(source_name, root, "a value that is no mapping", "the fields of one definition")
    return _members(root, source_name)


def _members(node: MapNode, source_name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, child in node.entries:
        if not isinstance(key, ScalarNode):
            raise _refused(source_name, key, "a name that is no text", "text")
        if key.kind is Kind.MERGE:
            raise _refused(source_name, key, "a merge key (<<)", "one definition, written out")
        if key.text in found:
            raise _refused(source_name, key, f"a second {key.text!r}", "each name once")
        found[key.text] = _plain(child, source_name)
    return found


def _plain(node: Node, source_name: str) -> Any:
    if isinstance(node, MapNode):
        return _members(node, source_name)
    if isinstance(node, ListNode):
        return [_plain(item, source_name) for item in node.items]
    match node.kind:
        case Kind.NOTHING:
            return None
        case Kind.BOOLEAN:
            return node.text.lower() == "true"
        case Kind.INTEGER if node.text.lstrip("+-").isdecimal() and len(node.text) < 19:
            return int(node.text)
        case Kind.TEXT:
            return node.text
        case _:
            raise _refused(source_name, node, node.kind.value, "text in quotes, a whole number, true or false")


def _refused(source_name: str, node: Node, got: str, expected: str) -> DefinitionError:
    return DefinitionError([Problem(WHOLE, got, expected, where=f"{source_name}:{node.line}")])
