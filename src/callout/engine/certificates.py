"""Client certificates as proofs of a caller: what TLS found genuine is mapped to a user and a namespace by an admin.

What stands for a certificate in the memo of routes is `Shown`, a type of its own that only the gateway makes, of what
TLS told it of the connection: no bytes of a header can be one, nor be equal to one.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from callout.core.access.sources import admin_permissions_of
from callout.core.certificates import CertificateRefused, Presented, read_certificate
from callout.core.explanation import Remedy, Step
from callout.core.model.certificates import ClientCertificate
from callout.core.model.org import Org
from callout.core.model.people import GUEST, Caller
from callout.engine.callers import Identified

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_OPTIONS = {"spiffe_id": "--spiffe-id", "dns": "--dns", "subject": "--subject", "sha256": "--sha256"}


@dataclass(frozen=True, slots=True)
class Shown:
    """The certificate (DER) that a caller has shown on a connection, and that TLS has found genuine."""

    der: bytes


def identified_by_certificate(org: Org, shown: Shown, now: datetime) -> Identified:
    """Return whom a certificate proves. One that no mapping names is nobody, and never the guest."""
    try:
        presented = read_certificate(shown.der)
    except CertificateRefused as error:
        return Identified(None, _refused(str(error), Remedy("Send the certificate of a workload, or a key")))
    if presented.not_after <= now:
        detail = f"got a client certificate of {_named(presented)} that ended at {presented.not_after.isoformat()}"
        return Identified(None, _refused(f"{detail}; expected a valid one", Remedy("Connect with a new certificate")))
    mappings = [each for _, each in sorted(org.client_certificates.items()) if presented.is_named_by(each)]
    if not mappings:
        return Identified(None, _unmapped(org, presented, now))
    if len({(each.user, each.namespace) for each in mappings}) > 1:
        return Identified(None, _ambiguous(presented, mappings))
    mapping = mappings[0]
    proven = Caller(mapping.user, mapping.namespace or None, proof=f"certificate {mapping.name}, {_named(presented)}")
    return Identified(proven, expires_at=presented.not_after)


def _named(presented: Presented) -> str:
    field, value = presented.identity
    return f"{field} {value[:200]}"


def _refused(detail: str, *remedies: Remedy) -> Step:
    return Step("caller", held=False, detail=detail, reason="caller_unknown", remedies=remedies)


def _unmapped(org: Org, presented: Presented, now: datetime) -> Step:
    """Name what was seen, and the commands that map it: to the user of its last name, unless that one administers."""
    field, value = presented.identity
    user = _last_name(field, value)
    remedies = []
    if not user or user == GUEST or admin_permissions_of(org, user, now):
        user = "USER"
    elif user not in org.users:
        remedies.append(Remedy(f"Define the user {user}", f"callout user set {shlex.quote(user)}"))
    name = _free_name(user if user != "USER" else "caller", org.client_certificates)
    command = f"callout client-certificate trust {name} {_OPTIONS[field]} {shlex.quote(value)} --user {user}"
    remedies.append(Remedy("Map the certificate to a user, if that is who calls", command))
    detail = f"got a client certificate with {_named(presented)}; expected one that is mapped to a user"
    return _refused(detail, *remedies)


def _last_name(field: str, value: str) -> str:
    """Return what a user of this certificate would be called: by the end of its path, or the start of its host."""
    match field:
        case "spiffe_id":
            last = value.rpartition("/")[2]
        case "dns":
            last = value.partition(".")[0]
        case "subject":
            common = re.search(r"(?:^|,)CN=([^,+]+)", value)
            last = common[1] if common else ""
        case _:
            last = ""
    return _NOT_IN_A_NAME.sub("-", last).strip("-.")[:60]


def _free_name(wanted: str, taken: Collection[str]) -> str:
    """Return a name that none has yet, also in another case."""
    lower = {each.lower() for each in taken}
    names = (wanted, *(f"{wanted}-{number}" for number in range(2, len(lower) + 3)))
    return next(name for name in names if name.lower() not in lower)


def _ambiguous(presented: Presented, mappings: Collection[ClientCertificate]) -> Step:
    named = ", ".join(
        f"{each.name} ({each.user}{f' in {each.namespace}' if each.namespace else ''})" for each in mappings
    )
    detail = f"got a client certificate with {_named(presented)} that several map to different callers: {named}"
    remedies = (
        Remedy(
            f"Keep the one that is meant: forget {each.name}",
            f"callout client-certificate forget {shlex.quote(each.name)}",
        )
        for each in mappings
    )
    return _refused(f"{detail}; expected one of them alone", *remedies)
