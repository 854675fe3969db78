"""Rules over mappings of client certificates: each knows a certificate by one thing, and no certificate is two callers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from callout.core.errors import Problem
from callout.core.model.certificates import DNS_NAME, IDENTITIES, ClientCertificate
from callout.core.model.org import Org
from callout.core.model.people import GUEST
from callout.core.rules.names import nearest, readable_name_rule
from callout.core.spiffe import is_pattern, overlap

#: A fingerprint, as tools write it: 64 hexadecimal digits, or 32 pairs with colons between them.
FINGERPRINT = r"^(?:[0-9A-Fa-f]{64}|(?:[0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2})$"


def client_certificate_problems(org: Org, mapping: ClientCertificate) -> Iterator[Problem]:
    """Judge one mapping."""
    place = f"client_certificates.{mapping.name}"
    rule = readable_name_rule(mapping.name)
    if rule is not None:
        yield Problem(place, f"name {mapping.name!r}", rule)
    field, value = mapping.identity
    if not field:
        given = " and ".join(each for each in IDENTITIES if getattr(mapping, each)) or "none of them"
        yield Problem(place, given, f"exactly one of {', '.join(IDENTITIES)}")
    elif (expected := _expected(field, value)) is not None:
        yield Problem(f"{place}.{field}", repr(value[:200]), expected)
    else:
        yield from _ambiguous(org, mapping, place, field)
    if mapping.user not in org.users or mapping.user == GUEST:
        expected = f"a user that is defined; a guest is who proves nothing{_forgetting(mapping)}"
        yield Problem(f"{place}.user", repr(mapping.user), expected, nearest(mapping.user, org.users))
    if mapping.namespace and mapping.namespace not in org.packages:
        expected = f"the namespace of an installed package, or '' for the admin's own code{_forgetting(mapping)}"
        yield Problem(f"{place}.namespace", repr(mapping.namespace), expected, nearest(mapping.namespace, org.packages))


def _forgetting(mapping: ClientCertificate) -> str:
    """Say what goes first where the user or the package is to go."""
    return f"; before either goes: callout client-certificate forget {shlex.quote(mapping.name)}"


def _expected(field: str, value: str) -> str | None:
    """Return what was expected of this field, or None where it is well formed."""
    match field:
        case "spiffe_id":
            if not is_pattern(value):
                return "spiffe://TRUST_DOMAIN/PATH, where a segment of the path may be * and the last **"
        case "dns":
            if re.fullmatch(DNS_NAME, value) is None:
                return "one DNS name, without a wildcard"
        case "sha256":
            if re.fullmatch(FINGERPRINT, value) is None:
                return "the 64 hexadecimal digits of the certificate's SHA-256 fingerprint"
        case _:
            if not value.isprintable():
                return "the whole subject as RFC 4514 writes it, such as CN=orders,O=Example"
    return None


def _ambiguous(org: Org, mapping: ClientCertificate, place: str, field: str) -> Iterator[Problem]:
    """Name every other mapping that would know the same certificate by the same thing."""
    for other in org.client_certificates.values():
        if other.name != mapping.name and other.identity[0] == field and _same(field, mapping, other):
            got = f"{getattr(mapping, field)!r}, which {other.name} names too ({getattr(other, field)})"
            yield Problem(f"{place}.{field}", got, "each certificate in one mapping alone")


def _same(field: str, one: ClientCertificate, other: ClientCertificate) -> bool:
    match field:
        case "spiffe_id":
            return overlap(one.spiffe_id, other.spiffe_id)
        case "sha256":
            return one.fingerprint == other.fingerprint
        case "dns":
            return one.dns.lower() == other.dns.lower()
        case _:
            return one.subject == other.subject
