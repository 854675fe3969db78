"""What a manifest may hold, derived from the definitions' own fields: the reader, the writer and the schema read it.

The dataclasses of `core.model` are the one declaration. What is not the admin's to set (who made it, what is
standard) is left out; a principal's `secrets` are added, because they are kept apart from its definition.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from callout.core.model.credentials import (
    BodySign,
    CustomHeader,
    ExternalCredential,
    HeaderSign,
    NamedCredential,
    Principal,
    PrincipalReference,
    RateLimit,
    RefreshRule,
)
from callout.core.model.identity_providers import ExternalAuthIdentityProvider
from callout.core.model.issuers import TrustedIssuer
from callout.core.model.org import SECTIONS, Definition, Org
from callout.core.model.own_certificates import DERIVED, PRIVATE_KEY, Certificate
from callout.core.model.people import Assignment, Muted, Package


@dataclass(frozen=True, slots=True)
class TextShape:
    """Text; a number or boolean has to stand in quotes."""


@dataclass(frozen=True, slots=True)
class BooleanShape:
    """`true` or `false`."""


@dataclass(frozen=True, slots=True)
class IntegerShape:
    """A whole number in decimal digits."""


@dataclass(frozen=True, slots=True)
class ReferenceShape:
    """`ExternalCredential/Principal`."""


@dataclass(frozen=True, slots=True)
class GrantShape:
    """`ExternalCredential/Principal`, or a mapping that narrows it: see `NarrowedGrant`."""


@dataclass(frozen=True, slots=True)
class SecretShape:
    """A secret: text, `{env: NAME}` or `{file: PATH}`."""


@dataclass(frozen=True, slots=True)
class PrivateKeyShape:
    """A private key with its certificates, as a file holds them: text of several lines, `{env: NAME}` or `{file: PATH}`."""


@dataclass(frozen=True, slots=True)
class TimeShape:
    """A time: ISO 8601 with its zone, or without one for UTC."""


@dataclass(frozen=True, slots=True)
class ChoiceShape:
    """One of the values of an enumeration."""

    of: type[StrEnum]


@dataclass(frozen=True, slots=True)
class ListShape:
    """A list; `container` is what the definition keeps it in. `single`: one value may stand for a list of it."""

    item: Shape
    container: Callable[[list[Any]], Any]
    single: bool = False


@dataclass(frozen=True, slots=True)
class EntryShape:
    """A name, or a record that has it as its field `name`."""

    record: RecordShape


@dataclass(frozen=True, slots=True)
class MapShape:
    """A mapping from free names to values of one shape; a record's name is its key."""

    item: Shape
    container: Callable[[Mapping[str, Any]], Any] = dict


@dataclass(frozen=True, slots=True)
class FieldShape:
    """One field of a record."""

    shape: Shape
    required: bool


@dataclass(frozen=True, slots=True)
class RecordShape:
    """A mapping with fixed fields. `key` is the field that the mapping above names it by, if one does."""

    of: type[Any]
    fields: Mapping[str, FieldShape]
    key: str | None


Scalar = (
    TextShape | BooleanShape | IntegerShape | ReferenceShape | SecretShape | PrivateKeyShape | TimeShape | ChoiceShape
)
Shape = Scalar | EntryShape | ListShape | MapShape | RecordShape | GrantShape


@dataclass(frozen=True, slots=True)
class NarrowedGrant:
    """A grant of a principal for some methods and paths, as a manifest writes it."""

    principal: PrincipalReference
    methods: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    @property
    def reference(self) -> PrincipalReference:
        """The grant as definitions keep it; the order of methods and paths says nothing."""
        return replace(self.principal, methods=tuple(sorted(self.methods)), paths=tuple(sorted(self.paths)))


#: Records that stand in lists.
_LISTED = (CustomHeader, RateLimit, NarrowedGrant, RefreshRule)
#: Records that are the value of a field.
_SINGLE = (Muted, HeaderSign, BodySign)
#: Records that no mapping names.
_NAMELESS = (*_LISTED, *_SINGLE, Assignment)
#: Records in whose lists one value may stand without brackets.
_UNBRACKETED = (RefreshRule, HeaderSign, BodySign)

#: Fields that no manifest sets, and why.
NOT_IN_A_MANIFEST: Mapping[str, str] = {
    "standard": "what is standard was shipped with Callout",
    "created_by_namespace": "it is noted when code of a package makes a credential",
    "name": "the name is the key above it",
    "namespace": "the namespace is the key above it",
    "rejected": "`callout approvals reject` notes it",
    **dict.fromkeys(DERIVED, "it comes with the key: see `callout certificate`"),
}

#: The name of the field of a principal that holds its secrets.
SECRETS = "secrets"

_STANDARD = Org.of()


@cache
def shape_of_narrowed_grant() -> RecordShape:
    """Return the shape of a narrowed grant."""
    return _record(NarrowedGrant)


@cache
def shape_of_section(section: str) -> RecordShape:
    """Return the shape of the definitions of one section."""
    return next(_record(kind) for kind, name in SECTIONS.items() if name == section)


def standard_of(section: str, name: str) -> Definition | None:
    """Return the definition of this name that Callout ships, or None."""
    found: Definition | None = getattr(_STANDARD, section).get(name)
    return found


def defaults_of(shape: RecordShape, section: str = "", name: str = "") -> dict[str, Any]:
    """Return the value that each field has where it is left out: the standard definition's, or the dataclass's."""
    standard = standard_of(section, name) if section else None
    if standard is not None:
        return {key: getattr(standard, key) for key in shape.fields}
    declared = {f.name: f for f in fields(shape.of)}
    return {key: _default(declared[key]) for key in shape.fields if key in declared and not shape.fields[key].required}


def _default(declared: Field[Any]) -> Any:
    if declared.default_factory is not MISSING:
        return declared.default_factory()
    return declared.default


def _record(kind: type[Any]) -> RecordShape:
    hints = get_type_hints(kind)
    key = None if kind in _NAMELESS else "namespace" if kind is Package else "name"
    keys = {"name", "namespace"} - {key}  # a field of this name that is not the key above it is the admin's to set
    hidden = NOT_IN_A_MANIFEST.keys() - keys if key is not None else ()
    found = {
        declared.name: FieldShape(
            _shape(hints[declared.name]), declared.default is MISSING and declared.default_factory is MISSING
        )
        for declared in fields(kind)
        if declared.name not in hidden
    }
    if kind is Muted:  # it mutes a principal, however far the grants of it are narrowed
        found["principals"] = FieldShape(ListShape(ReferenceShape(), frozenset), required=False)
    for name, field in found.items() if kind in _UNBRACKETED else ():
        if isinstance(field.shape, ListShape):
            found[name] = replace(field, shape=replace(field.shape, single=True))
    if kind is Certificate:
        found[PRIVATE_KEY] = FieldShape(PrivateKeyShape(), required=False)
    if kind in (Principal, ExternalAuthIdentityProvider, TrustedIssuer):
        found[SECRETS] = FieldShape(MapShape(SecretShape()), required=False)
    return RecordShape(kind, found, key)


def _shape(hint: Any) -> Shape:
    """Turn the type of a field into the shape of what stands for it."""
    if Assignment in get_args(hint):
        return EntryShape(_record(Assignment))
    if hint in _SINGLE:
        return _record(hint)
    if isinstance(hint, types.UnionType):  # `bool | None`: None is what a field has that is left out
        return _shape(next(part for part in get_args(hint) if part is not types.NoneType))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return ChoiceShape(hint)
    scalars: Mapping[Any, Scalar] = {
        str: TextShape(),
        bool: BooleanShape(),
        int: IntegerShape(),
        datetime: TimeShape(),
        PrincipalReference: ReferenceShape(),
    }
    if hint in scalars:
        return scalars[hint]
    container, arguments = get_origin(hint), get_args(hint)
    if container is Mapping or container is get_origin(Mapping[str, str]):
        return MapShape(_shape(arguments[1]))
    if arguments[:1] in ((Principal,), (NamedCredential,), (ExternalCredential,)):
        return MapShape(_record(arguments[0]), lambda named: tuple(named.values()))
    if container is frozenset and arguments[0] is PrincipalReference:
        return ListShape(GrantShape(), container)
    if container in (tuple, frozenset):
        return ListShape(_record(arguments[0]) if arguments[0] in _LISTED else _shape(arguments[0]), container)
    msg = f"no shape for a field of type {hint!r}"
    raise TypeError(msg)
