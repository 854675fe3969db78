"""What packages ask to reach and may not yet: requests that wait for an admin, each under the digest of what it asks.

A request is derived from what is defined, never stored: it is there while a package's endpoint is not open to it and
no admin has rejected it. Its id covers everything that decides where callouts go, what they send and what they spend,
so what an admin has seen under an id is what that id approves. Standard library only, no I/O.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from callout.core.access.proposing import least, new_name
from callout.core.access.sources import Source
from callout.core.explanation import Remedy, Step
from callout.core.model.credentials import ExternalCredential, NamedCredential, PrincipalReference
from callout.core.model.org import Org
from callout.core.model.people import Caller

#: Hexadecimal digits of an id: 128 bits, so that no package can make two requests with one id.
ID_DIGITS = 32

#: What an approval mends.
_MENDS_ENDPOINT = frozenset({"callouts_disabled", "namespace_not_allowed"})
_MENDS_GRANT = frozenset({"principal_not_granted", "user_external_credential_denied"})


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """A package asks to make callouts by a named credential, and so to spend an external credential.

    `made`: the package made the named credential; else it is an admin's that the package asks to use.
    """

    id: str
    namespace: str
    named_credential: NamedCredential
    external_credential: ExternalCredential
    made: bool


def request_of(org: Org, namespace: str, named: NamedCredential) -> AccessRequest | None:
    """Return what a package asks of this named credential, waiting or not; None where it asks nothing."""
    package = org.packages.get(namespace)
    external = org.external_credentials.get(named.external_credential)
    made = named.created_by_namespace == namespace
    if package is None or external is None or not (made or named.name in package.uses):
        return None
    return AccessRequest(_digest(namespace, named, external), namespace, named, external, made)


def pending_request(org: Org, namespace: str, named: NamedCredential) -> AccessRequest | None:
    """Return the request that waits for an admin, or None where there is nothing to judge or it was rejected."""
    request = request_of(org, namespace, named)
    if request is None or request.id in org.packages[namespace].rejected:
        return None
    waits = not named.enabled_for_callouts if request.made else namespace not in named.allowed_namespaces
    return request if waits else None


def pending_requests(org: Org) -> Iterator[AccessRequest]:
    """Yield every request that waits, by package and name."""
    for namespace in sorted(org.packages):
        for name in sorted(org.named_credentials):
            request = pending_request(org, namespace, org.named_credentials[name])
            if request is not None:
                yield request


def naming_approval(
    org: Org,
    caller: Caller,
    named: NamedCredential,
    external: ExternalCredential,
    steps: Sequence[Step],
    wanted: str | None,
    sources: Sequence[Source],
) -> list[Step]:
    """Return the steps with the one approval as the remedy of all that it mends, where a request waits.

    A grant whose time has ended is given for another time apart: an approval would give it for good.
    """
    request = pending_request(org, caller.namespace, named) if caller.namespace is not None else None
    if request is None:
        return list(steps)
    wished = [p for p in external.principals if wanted in (None, p.name)]
    ended = any(s.over and _concerns(s, external) for s in sources)
    mended = _MENDS_ENDPOINT | _MENDS_GRANT if wished and not ended else _MENDS_ENDPOINT
    # without a principal to grant, no approval can make the grant
    failing = {step.reason for step in steps if not step.held and step.reason in mended}
    command = f"callout approvals approve {request.id}"
    if failing & _MENDS_GRANT:
        principal = min(wished, key=lambda p: (p.sequence, p.name)).name
        chosen = set_for(org, PrincipalReference(external.name, principal))
        command += f" --assign {shlex.quote(chosen)} {shlex.quote(caller.user)}"
        if wanted is not None:
            command += f" --principal {shlex.quote(wanted)}"
    text = f"Judge what package {request.namespace} asks of {named.name} ({named.url}), then approve it"
    remedy = Remedy(text, command)
    return [replace(step, remedies=(remedy,)) if step.reason in failing else step for step in steps]


def _concerns(source: Source, external: ExternalCredential) -> bool:
    granted = any(reference.external_credential == external.name for reference in source.principals)
    return granted or bool(source.user_external_credential)


def set_for(org: Org, reference: PrincipalReference) -> str:
    """Name the permission set that has this principal and the least else; a new name where none has it."""
    best = least(org, lambda s: reference in s.principals)
    return best.name if best is not None else new_name(org, callers_of(reference))


def callers_of(reference: PrincipalReference) -> str:
    """Return how a new permission set is called that has this principal."""
    return f"{reference.external_credential[:72]} Callers"


def _digest(namespace: str, named: NamedCredential, external: ExternalCredential) -> str:
    """Digest everything that an admin judges: not what only people read, not what approving itself changes."""
    others = tuple(sorted(set(named.allowed_namespaces) - {namespace}))
    judged = (
        namespace,
        replace(named, label="", description="", enabled_for_callouts=False, allowed_namespaces=others),
        replace(
            external,
            label="",
            description="",
            additional_status_codes=tuple(sorted(external.additional_status_codes)),
            principals=tuple(sorted(external.principals, key=lambda principal: principal.name)),
        ),
    )
    text = json.dumps(_plain(judged), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]


def _plain(value: Any) -> Any:
    """Return a definition as JSON members, whatever fields it has: a field that is added later is judged too."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int) else str(value)
