"""YAML text as a tree of nodes, each with its line. Nothing is constructed: tags are refused, aliases are bounded.

Plain scalars are typed by the core schema of YAML 1.2.2 (section 10.3.2), which agrees with JSON: `yes` is text and
`true` is a boolean. JSON is read by the same parser. No error shows text of the document: it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import yaml

from callout.core.errors import DefinitionError, Problem

#: Longest text accepted, in characters, most nodes with every alias written out, deepest nesting.
LONGEST_TEXT = 8 * 1024 * 1024
MOST_NODES = 1_000_000
DEEPEST = 32

#: The place that problems of the text itself name.
WHOLE = "manifest"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_QUOTED = re.compile(r"'(?![-,\]}:?]'|<[a-z ]+>')[^']*'")
_SURROGATE_PAIR = re.compile(r"(\\\\)|\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


class Kind(StrEnum):
    """What a scalar is; the values are how errors call it."""

    NOTHING = "nothing"
    BOOLEAN = "a boolean"
    INTEGER = "a whole number"
    NUMBER = "a number"
    MERGE = "a merge key"
    TEXT = "text"


_PLAIN: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"~|null|Null|NULL|"), Kind.NOTHING),
    (re.compile(r"<<"), Kind.MERGE),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), Kind.BOOLEAN),
    (re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"), Kind.INTEGER),
    (
        re.compile(
            r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
        ),
        Kind.NUMBER,
    ),
)


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """One value as it was written; the line counts from 1."""

    text: str = field(repr=False)
    kind: Kind
    line: int


@dataclass(frozen=True, slots=True)
class ListNode:
    """A sequence."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping; its entries are in order, and may hold one key twice."""

    entries: tuple[tuple[Node, Node], ...]
    line: int


Node = ScalarNode | ListNode | MapNode


def kind_of(plain: str) -> Kind:
    """Return what a scalar written without quotes is."""
    return next((kind for pattern, kind in _PLAIN if pattern.fullmatch(plain)), Kind.TEXT)


def compose(text: str, source_name: str) -> Node:
    """Read one document. Raises `DefinitionError` with file and line; never shows what was read."""
    if len(text) > LONGEST_TEXT:
        raise _error(source_name, 1, f"{len(text)} characters", f"at most {LONGEST_TEXT}")
    composer = _Composer(source_name)
    try:
        for event in _events(text, as_json=source_name.lower().endswith(".json")):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        got = " ".join(filter(None, (error.context, error.problem)))
        raise _error(
            source_name, _line(mark), f"text that is not YAML ({_QUOTED.sub('…', got)})", "YAML or JSON"
        ) from None
    except (yaml.YAMLError, UnicodeError) as error:
        line = text.count("\n", 0, getattr(error, "position", getattr(error, "start", 0))) + 1
        raise _error(source_name, line, "a character that YAML does not allow", "printable text") from None
    if composer.root is None or (isinstance(composer.root, ScalarNode) and composer.root.kind is Kind.NOTHING):
        raise _error(source_name, 1, "an empty manifest", "at least one section, or {}")
    return composer.root


def _events(text: str, *, as_json: bool) -> Iterator[yaml.Event]:
    if as_json:  # JSON writes characters beyond U+FFFF as two escapes (RFC 8259 section 7), YAML as one
        text = _SURROGATE_PAIR.sub(lambda m: m[1] or f"\\U{_joined(int(m[2], 16), int(m[3], 16)):08x}", text)
    return yaml.parse(text, Loader=_LOADER)


def _joined(high: int, low: int) -> int:
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read."""

    anchor: str | None
    line: int
    is_map: bool
    children: list[Node] = field(default_factory=list)
    size: int = 1


class _Composer:
    """Builds the tree from events, so that depth, aliases and tags are judged before anything is built."""

    def __init__(self, source_name: str) -> None:
        self.source_name = source_name
        self.root: Node | None = None
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        line = _line(event.start_mark)
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None) is not None:
            expected = "plain YAML; text that starts with '!' stands in quotes"
            raise _error(self.source_name, line, "a tag (!…)", expected)
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise _error(self.source_name, line, "a second document", "one document a file")
            case yaml.AliasEvent():
                self._take_alias(event.anchor, line)
            case yaml.ScalarEvent():
                kind = kind_of(event.value) if event.implicit[0] else Kind.TEXT
                self._add(ScalarNode(event.value, kind, line), 1, event.anchor)
            case yaml.CollectionStartEvent():
                if len(self._stack) == DEEPEST:
                    raise _error(self.source_name, line, "deeper nesting", f"at most {DEEPEST} levels")
                self._anchors.pop(event.anchor or "", None)
                self._stack.append(_Open(event.anchor, line, isinstance(event, yaml.MappingStartEvent)))
            case yaml.CollectionEndEvent():
                self._close()
            case _:
                pass  # the other events carry nothing

    def _take_alias(self, anchor: str | None, line: int) -> None:
        found = self._anchors.get(anchor or "")
        if found is None:
            expected = "an alias of an anchor above, or text in quotes"
            raise _error(self.source_name, line, "an alias (*…) without an anchor", expected)
        self._add(*found, None)

    def _close(self) -> None:
        closed = self._stack.pop()
        children = closed.children
        node: Node
        if closed.is_map:
            node = MapNode(tuple(zip(children[::2], children[1::2], strict=True)), closed.line)
        else:
            node = ListNode(tuple(children), closed.line)
        self._add(node, closed.size, closed.anchor)

    def _add(self, node: Node, size: int, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, size)
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        parent.children.append(node)
        parent.size += size
        if parent.size > MOST_NODES:
            raise _error(self.source_name, node.line, "aliases that multiply", f"at most {MOST_NODES} values in all")


def _line(mark: Any) -> int:  # PyYAML has two classes of marks, one of them in C
    return mark.line + 1 if mark is not None else 1


def _error(source_name: str, line: int, got: str, expected: str) -> DefinitionError:
    return DefinitionError((Problem(WHOLE, got, expected, where=f"{source_name}:{line}"),))
