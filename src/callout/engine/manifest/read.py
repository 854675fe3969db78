"""From the text of a manifest to what it asks for. Every problem is found in one reading, each with file and line.

Judged here is the form: sections, fields, types, names given twice, and the secrets that can be read. Whether the
definitions are acceptable together is for `core.rules`, when a plan is made. Nothing under `secrets`, and nothing
written where something else belongs, is ever shown: it may be a secret in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from callout.core.errors import DefinitionError, Problem
from callout.core.model.credentials import ExternalCredential, PrincipalReference, UserExternalCredentialKey
from callout.core.model.identity_providers import ExternalAuthIdentityProvider
from callout.core.model.issuers import TrustedIssuer
from callout.core.model.org import SECTIONS, Definition
from callout.core.model.own_certificates import PRIVATE_KEY, Certificate
from callout.core.rules import nearest, refusal_of_secret
from callout.core.secret import Secret
from callout.engine.manifest.desired import Manifest, Resolve, SecretOrigin, SecretSource
from callout.engine.manifest.nodes import WHOLE, Kind, ListNode, MapNode, Node, ScalarNode, compose
from callout.engine.manifest.shape import (
    NOT_IN_A_MANIFEST,
    SECRETS,
    BooleanShape,
    ChoiceShape,
    EntryShape,
    GrantShape,
    IntegerShape,
    ListShape,
    MapShape,
    PrivateKeyShape,
    RecordShape,
    ReferenceShape,
    Scalar,
    SecretShape,
    Shape,
    TextShape,
    TimeShape,
    defaults_of,
    shape_of_narrowed_grant,
    shape_of_section,
    standard_of,
)

_DECIMAL = re.compile(r"[-+]?[0-9]{1,18}")
_REFERENCE = re.compile(r"([^/]+)/([^/]+)")
_SECRET_FORMS = "a text in quotes, {env: NAME} or {file: PATH}"
#: Sections that are not read: what a file keeps for its anchors, and what editors find their schema by.
_NOT_READ = re.compile(r"x-.*|\$schema")


def read_manifest(text: str, source_name: str, resolve: Resolve) -> Manifest:
    """Read a manifest, YAML or JSON; `source_name` is the file's name in errors.

    `resolve` reads the secrets that stand elsewhere. Raises `DefinitionError` with every problem.
    """
    reader = _Reader(source_name, resolve)
    reader.read(compose(text, source_name))
    if reader.problems:
        raise DefinitionError(Manifest((), places=reader.places).located(reader.problems))
    return Manifest(tuple(reader.definitions), reader.secrets, reader.places, frozenset(reader.sections))


class _Reader:
    """Walks the nodes beside the shapes and collects what it finds. After a problem the values do not matter."""

    def __init__(self, source_name: str, resolve: Resolve) -> None:
        self.problems: list[Problem] = []
        self.definitions: list[Definition] = []
        self.secrets: dict[UserExternalCredentialKey, Mapping[str, Secret]] = {}
        self.places: dict[str, str] = {}
        self.sections: set[str] = set()
        self._source_name = source_name
        self._resolve = resolve
        self._secrets_at: dict[str, Mapping[str, Secret]] = {}

    def read(self, root: Node) -> None:
        """Read every section."""
        for section, node in self._entries(root, ""):
            if _NOT_READ.fullmatch(section):
                continue
            if section not in SECTIONS.values():
                expected = f"a section: {', '.join(SECTIONS.values())}"
                self._note(section, node, f"section {section!r}", expected, nearest(section, SECTIONS.values()))
                continue
            self.sections.add(section)
            shape = shape_of_section(section)
            for name, child in self._entries(node, section):
                definition = self._record(shape, child, f"{section}.{name}", section=section, name=name)
                if definition is not None:
                    self.definitions.append(definition)
                    self._keep_secrets(definition)

    def _keep_secrets(self, definition: Definition) -> None:
        if isinstance(definition, Certificate) and (found := self._secrets_at.get(f"certificates.{definition.name}")):
            self.secrets[definition.key] = found
        if isinstance(definition, ExternalCredential):
            for principal in definition.principals:
                found = self._secrets_at.get(f"external_credentials.{definition.name}.principals.{principal.name}")
                if found:
                    self.secrets[UserExternalCredentialKey(definition.name, principal.name)] = found
        elif isinstance(definition, ExternalAuthIdentityProvider | TrustedIssuer):
            found = self._secrets_at.get(f"{SECTIONS[type(definition)]}.{definition.name}")
            if found:
                self.secrets[definition.key] = found

    def _record(self, shape: RecordShape, node: Node, place: str, *, section: str = "", name: str = "") -> Any:
        """Read one mapping with fixed fields; None where it has a problem."""
        problems_before = len(self.problems)
        values = defaults_of(shape, section, name)
        for key, child in self._entries(node, place):
            here = f"{place}.{key}"
            if key not in shape.fields:
                values.setdefault(self._note_unknown_field(shape, key, child, here), None)
            elif isinstance(child, ScalarNode) and child.kind is Kind.NOTHING and values.get(key, here) is None:
                continue  # null says what leaving out says
            elif key == SECRETS and place.startswith("packages."):
                expected = "none: they are set on the external credential itself, by an admin"
                self._note(here, child, "secrets among the defaults of a package", expected)
            elif key == PRIVATE_KEY and shape.of is Certificate:
                value = self._value(shape.fields[key].shape, child, here)
                self._secrets_at[place] = {key: value} if value is not None else {}
            elif key == SECRETS:
                self._secrets_at[place] = self._value(shape.fields[key].shape, child, here)
            else:
                values[key] = self._value(shape.fields[key].shape, child, here)
        for key, declared in shape.fields.items():
            if declared.required and key not in values:
                where = self.places.get(place) or self._where(node)
                self.problems.append(Problem(place, f"no {key}", f"the field {key}", where=where))
        if len(self.problems) > problems_before:
            return None
        standard = standard_of(section, name) if section else None
        if standard is not None:
            return replace(standard, **values)
        return shape.of(**({shape.key: name} if shape.key is not None else {}), **values)

    def _value(self, shape: Shape, node: Node, place: str) -> Any:
        self.places.setdefault(place, self._where(node))
        match shape:
            case MapShape(item, container):
                return container(
                    {key: self._item(item, child, place, key) for key, child in self._entries(node, place)}
                )
            case ListShape(item, container):
                return container(self._list(shape, node, place))
            case RecordShape():
                return self._record(shape, node, place)
            case EntryShape(record):
                return self._record(record, node, place) if isinstance(node, MapNode) else self._text(node, place)
            case SecretShape():
                return self._secret(node, place)
            case PrivateKeyShape():
                return self._secret(
                    node, place, judge=lambda _: None
                )  # it has several lines; whoever takes it judges it
            case GrantShape():
                if not isinstance(node, MapNode):
                    return self._scalar(ReferenceShape(), node, place)
                grant = self._record(shape_of_narrowed_grant(), node, place)
                return grant.reference if grant is not None else None
            case _:
                return self._scalar(shape, node, place)

    def _item(self, shape: Shape, node: Node, place: str, key: str) -> Any:
        if isinstance(shape, RecordShape):
            return self._record(shape, node, f"{place}.{key}", name=key)
        return self._value(shape, node, f"{place}.{key}")

    def _list(self, shape: ListShape, node: Node, place: str) -> list[Any]:
        if isinstance(node, ScalarNode) and node.kind is Kind.NOTHING:
            return []
        if shape.single and isinstance(node, ScalarNode):
            node = ListNode((node,), node.line)
        if not isinstance(node, ListNode):
            self._note(place, node, _kind(node), "a list")
            return []
        values: list[Any] = []
        seen: set[Any] = set()
        for index, child in enumerate(node.items):
            named = not isinstance(shape.item, RecordShape) and isinstance(child, ScalarNode)
            here = f"{place}[{_text_of(child) if named else index}]"
            self.places[here] = self._where(child)
            value = self._value(shape.item, child, here)
            if shape.container is frozenset:
                if value in seen and value is not None:
                    self._note(here, child, f"{_text_of(child)!r} twice", "each once")
                seen.add(value)
            values.append(value)
        return values

    def _text(self, node: Node, place: str) -> Any:
        return self._scalar(TextShape(), node, place)

    def _scalar(self, shape: Scalar, node: Node, place: str) -> Any:
        scalar = node if isinstance(node, ScalarNode) else ScalarNode("", Kind.NOTHING, node.line)
        text = scalar.text
        match shape:
            case TextShape() if scalar.kind is Kind.TEXT:
                return text
            case BooleanShape() if scalar.kind is Kind.BOOLEAN:
                return text.lower() == "true"
            case IntegerShape() if scalar.kind is Kind.INTEGER and _DECIMAL.fullmatch(text):
                return int(text)
            case ChoiceShape(of) if text in [choice.value for choice in of] and scalar.kind is Kind.TEXT:
                return of(text)
            case TimeShape() if scalar.kind is Kind.TEXT and (time := time_of(text)) is not None:
                return time
            case ReferenceShape() if scalar.kind is Kind.TEXT and _REFERENCE.fullmatch(text):
                external_credential, _, principal = text.partition("/")
                return PrincipalReference(external_credential, principal)
        self._note_scalar(shape, node, place)
        return None

    def _note_scalar(self, shape: Scalar, node: Node, place: str) -> None:
        match shape:
            case BooleanShape():
                meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(_text_of(node).lower())
                self._note(place, node, _shown(node), "true or false", meant)
            case IntegerShape():
                self._note(place, node, _shown(node), "a whole number")
            case TimeShape():
                self._note(place, node, _shown(node), "a time such as 2030-01-31T12:00:00Z")
            case ChoiceShape(of):
                choices = [choice.value for choice in of]
                expected = f"one of {', '.join(choices)}"
                self._note(place, node, _shown(node), expected, nearest(_text_of(node), choices))
            case ReferenceShape():
                self._note(place, node, _shown(node), "EXTERNAL_CREDENTIAL/PRINCIPAL")
            case TextShape() if isinstance(node, MapNode) and ".parameters." in place:
                name = place.rpartition(".parameters.")[2]
                self._note(place, node, _kind(node), f"text; a parameter with keys is written as {name}.KEY: text")
            case _:
                quotes = isinstance(node, ScalarNode) and node.kind is not Kind.NOTHING
                self._note(place, node, _kind(node), "text; put it in quotes" if quotes else "text")

    def _secret(
        self,
        node: Node,
        place: str,
        judge: Callable[[str], tuple[str, str] | None] = refusal_of_secret,
    ) -> Secret | None:
        value: str | None = None
        if isinstance(node, ScalarNode) and node.kind is Kind.TEXT:
            value = node.text
        elif isinstance(node, MapNode):
            value = self._resolved(node, place)
        else:
            self._note(place, node, _kind(node), _SECRET_FORMS)
        if value is None:
            return None
        refusal = judge(value)
        if refusal is not None:
            self._note(place, node, *refusal)
        return Secret(value)

    def _resolved(self, node: MapNode, place: str) -> str | None:
        entries = self._entries(node, place)
        key, child = entries[0] if len(entries) == 1 else ("", node)
        known = key in tuple(SecretOrigin)
        if not known or not isinstance(child, ScalarNode) or child.kind is not Kind.TEXT or not child.text:
            self._note(place, node, "a mapping of another form", _SECRET_FORMS)
            return None
        source = SecretSource(SecretOrigin(key), child.text)
        expected = "one that can be read where the manifest is applied"
        try:
            value = self._resolve(source)
        except LookupError:
            self._note(place, node, f"variable {source.name!r}, which is not set", expected)
        except OSError as error:
            self._note(place, node, f"file {source.name!r}: {error.strerror or 'it cannot be read'}", expected)
        except ValueError:
            self._note(place, node, f"{source.origin} {source.name!r}, which is not text", expected)
        else:
            return _without_line_end(value) if source.origin is SecretOrigin.FILE else value
        return None

    def _entries(self, node: Node, place: str) -> list[tuple[str, Node]]:
        """Return the entries of a mapping, merged (`<<`) ones last; notes keys that stand twice or are no text."""
        if isinstance(node, ScalarNode) and node.kind is Kind.NOTHING:
            return []
        if not isinstance(node, MapNode):
            self._note(place or WHOLE, node, _kind(node), "a mapping")
            return []
        found: dict[str, tuple[Node, int]] = {}
        merged: list[Node] = []
        for key, child in node.entries:
            if not isinstance(key, ScalarNode):
                self._note(place or WHOLE, key, f"{_kind(key)} as a name", "text")
            elif key.kind is Kind.MERGE:
                merged += child.items if isinstance(child, ListNode) else (child,)
            elif key.text in found:
                got = f"a second {key.text!r} (the first is on line {found[key.text][1]})"
                self._note(_joined(place, key.text), key, got, "each name once")
            else:
                found[key.text] = (child, key.line)
                self.places.setdefault(_joined(place, key.text), self._where(key))
        whole = {name: child for name, (child, _) in found.items()}
        for source in merged:
            for name, child in self._entries(source, place):
                whole.setdefault(name, child)
        return list(whole.items())

    def _note_unknown_field(self, shape: RecordShape, key: str, node: Node, place: str) -> str:
        """Note it and return the field that was meant, or an empty name."""
        hint = nearest(key, shape.fields)
        if key in NOT_IN_A_MANIFEST and key in shape.of.__dataclass_fields__:
            self._note(place, node, f"field {key!r}", f"no such field: {NOT_IN_A_MANIFEST[key]}")
        else:
            expected = f"a field: {', '.join(shape.fields)}"
            self._note(place, node, f"field {key!r}", expected, hint)
        return hint or ""

    def _note(self, place: str, node: Node, got: str, expected: str, hint: str | None = None) -> None:
        self.problems.append(Problem(place, got, expected, hint, self._where(node)))

    def _where(self, node: Node) -> str:
        return f"{self._source_name}:{node.line}"


def time_of(text: str) -> datetime | None:
    """Read an ISO 8601 time; one without a zone is UTC. None where it is none."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _joined(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _text_of(node: Node) -> str:
    return node.text if isinstance(node, ScalarNode) else _kind(node)


def _kind(node: Node) -> str:
    if isinstance(node, ScalarNode):
        return node.kind.value
    return "a list" if isinstance(node, ListNode) else "a mapping"


def _shown(node: Node) -> str:
    """Show what was written, where only a few words can be right."""
    if not isinstance(node, ScalarNode) or node.kind is Kind.NOTHING:
        return _kind(node)
    return f"text {node.text[:60]!r}" if node.kind is Kind.TEXT else node.text[:60]


def _without_line_end(value: str) -> str:
    return value.removesuffix("\n").removesuffix("\r")
