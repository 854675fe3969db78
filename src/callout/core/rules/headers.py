"""Rules over the headers that Callout writes: names (RFC 9110 section 5.1), values, and what formulas may read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from callout.core.errors import Problem
from callout.core.formula import FormulaError, Reads, parse
from callout.core.formula.credential import short_fields_of
from callout.core.formula.scope import SHORT_FIELDS
from callout.core.message import HOP_BY_HOP
from callout.core.model.credentials import CustomHeader, ExternalCredential, PrincipalType
from callout.core.protocol import AuthenticationProtocol, Needs
from callout.core.rules.names import nearest

#: A token (RFC 9110 section 5.6.2).
HEADER_NAME = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
#: What says where a message goes or where it ends is Callout's own (RFC 9110 sections 7.2, 8.6, RFC 9112 section 6).
FRAMING = frozenset({"host", "content-length", "expect"})

_HEADER_NAME = re.compile(HEADER_NAME)
_CALLOUTS_OWN = "callout-"


def header_problems(
    headers: Iterable[CustomHeader],
    place: str,
    external_credential: str,
    written: tuple[str, ...],
    *,
    protocol: type[AuthenticationProtocol] | None = None,
    shared: Collection[str] = (),
) -> Iterator[Problem]:
    """Judge the custom headers at a place. `written` are the headers that the protocol generates beside them.

    `protocol` is that of the external credential, where it is known; `shared` are its named principals.
    """
    generated = {name.lower() for name in written}
    for index, header in enumerate(headers):
        here = f"{place}[{index}]"
        name = header.name.lower()
        if _HEADER_NAME.fullmatch(header.name) is None:
            yield Problem(f"{here}.name", repr(header.name), "a header name: visible ASCII, no space, no separator")
        elif name in HOP_BY_HOP or name in FRAMING:
            expected = "no header that says how the message is sent: Callout writes those itself"
            yield Problem(f"{here}.name", repr(header.name), expected)
        elif name in generated:
            expected = f"no custom {header.name} beside the generated one; set generate_authorization_header: false"
            yield Problem(f"{here}.name", f"a custom {header.name} header", expected)
        yield from formula_problems(header.value, f"{here}.value", external_credential, protocol, shared)


def idempotency_header_problems(name: str, place: str, written: Iterable[str]) -> Iterator[Problem]:
    """Judge the header that carries one value per callout. `written` are the headers that Callout writes otherwise."""
    lower = name.lower()
    if not name:
        return
    if _HEADER_NAME.fullmatch(name) is None:
        yield Problem(place, repr(name), "a header name: visible ASCII, no space, no separator")
    elif lower in HOP_BY_HOP or lower in FRAMING or lower == "authorization" or lower.startswith(_CALLOUTS_OWN):
        yield Problem(place, repr(name), "a header of the external system's, such as Idempotency-Key")
    elif lower in {header.lower() for header in written}:
        yield Problem(place, repr(name), "a header that Callout does not write with another value already")


def names_read(texts: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Return (external credential, parameter) of everything that readable formulas in these texts read."""
    found: set[tuple[str, str]] = set()
    for text in texts:
        try:
            found |= parse(text).names
        except FormulaError:
            continue  # it is a problem of its own, at its own place
    return frozenset(found)


def short_fields_read(headers: Iterable[CustomHeader]) -> frozenset[str]:
    """Return the short fields that readable formulas in these headers read."""
    found: set[str] = set()
    for header in headers:
        try:
            found |= parse(header.value).reads.short
        except FormulaError:
            continue  # as above
    return frozenset(found)


def signs_with_certificate(header: CustomHeader) -> bool:
    """True where a readable formula in this header signs with the key of a certificate of Callout's."""
    try:
        return parse(header.value).reads.keys
    except FormulaError:
        return False  # as above


def shared_principals(external: ExternalCredential | None) -> tuple[str, ...]:
    """Return the principals that are one identity for many users."""
    principals = external.principals if external is not None else ()
    return tuple(principal.name for principal in principals if principal.type is PrincipalType.NAMED)


def formula_problems(
    text: str,
    place: str,
    external_credential: str,
    protocol: type[AuthenticationProtocol] | None,
    shared: Collection[str],
) -> Iterator[Problem]:
    """Judge a text with formulas: that it can be parsed, and what it reads."""
    try:
        template = parse(text)
    except FormulaError as error:
        at = f"line {error.line}, column {error.column}" if error.line > 1 else f"column {error.column}"
        yield Problem(place, f"{error.got}, at {at}", error.expected, shown=error.pointed)
        return
    yield from _global_problems(template.reads, place, external_credential, protocol, shared)
    for credential, name in sorted(template.names):
        if credential != external_credential:
            got = f"$Credential.{credential}.{name}"
            hint = nearest(credential, (external_credential,))
            expected = f"a value of its own external credential: $Credential.{external_credential}.{name}"
            yield Problem(place, got, expected, f"$Credential.{hint}.{name}" if hint else None)


def request_problems(text: str, place: str, protocol: type[AuthenticationProtocol], needs: Needs) -> Iterator[Problem]:
    """Judge a parameter with formulas: it reads no more of a request than its protocol looks at."""
    try:
        reads = parse(text).reads
    except FormulaError:
        return  # it is a problem of its own
    read = [f"$Request.{name}" for name in sorted(reads.request)] + [
        f"$Callout.{name}" for name in sorted(reads.callout)
    ]
    if read and needs is Needs.NOTHING:
        expected = f"nothing of a request: {protocol.name} writes the same for many; a custom header may read it"
        yield Problem(place, read[0], expected)
    if reads.bodies and needs is not Needs.BODY:
        expected = f"no body: {protocol.name} does not look at it here; a custom header may read it"
        yield Problem(place, f"$Credential.{min(reads.bodies)}.Body", expected)


def _global_problems(
    reads: Reads,
    place: str,
    external_credential: str,
    protocol: type[AuthenticationProtocol] | None,
    shared: Collection[str],
) -> Iterator[Problem]:
    """Judge what formulas read beside parameters: bodies, short fields, and fields of the user."""
    for credential in sorted(reads.bodies - {external_credential}):
        expected = f"the header's own external credential: $Credential.{external_credential}.Body"
        yield Problem(place, f"$Credential.{credential}.Body", expected)
    if protocol is not None:
        known = short_fields_of(protocol)
        for field in sorted(reads.short - known):
            fields = ", ".join(each for each in SHORT_FIELDS if each in known)
            yield Problem(place, f"$Credential.{field}", f"a field that protocol {protocol.name} has: {fields}")
    if reads.user and shared:
        got = f"$User.{min(reads.user)}, while principal {min(shared)} is one identity for many users"
        yield Problem(place, got, "per-user principals alone where it says who the user is")
