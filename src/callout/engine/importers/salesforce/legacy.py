"""NamedCredential files of the legacy kind: the authentication is in the file, and no grant was needed.

Each becomes a named credential and an external credential with one principal. A password in the file is never
read: files of a project are in its history, so the report asks for it to be changed.
"""

from __future__ import annotations

from dataclasses import dataclass

from callout.core.model.credentials import ExternalCredential, NamedCredential, Principal, PrincipalType
from callout.core.protocols.basic import Basic
from callout.core.protocols.none import NoAuthentication
from callout.engine.importers.salesforce.commands import grant_command
from callout.engine.importers.salesforce.definitions import Origins, created_by
from callout.engine.importers.salesforce.external_credentials import unavailable
from callout.engine.importers.salesforce.markup import Element
from callout.engine.importers.salesforce.named_credentials import (
    NamedReading,
    ask_for_certificate,
    named_credential,
    note_merge_fields,
)
from callout.engine.importers.salesforce.report import Draft
from callout.engine.importers.salesforce.schema import LEGACY_FIELDS, LEGACY_PROTOCOLS, Judgement

#: Protocol and principal type, and what they are here: protocol, principal, its type.
_PROTOCOLS = {
    ("NoAuthentication", "Anonymous"): (NoAuthentication.name, Principal("Anonymous", PrincipalType.ANONYMOUS)),
    ("Password", "NamedUser"): (Basic.name, Principal("NamedUser", PrincipalType.NAMED)),
    ("Password", "PerUser"): (Basic.name, Principal("PerUser", PrincipalType.PER_USER)),
}

#: Elements that every legacy credential here may use.
_USED = frozenset({"certificate", "endpoint", "outboundNetworkConnection", "principalType", "protocol", "username"})


@dataclass(slots=True)
class LegacyReading(NamedReading):
    """A legacy credential as read, with the external credential that was made of it."""

    external: ExternalCredential | None = None


def read_legacy_credential(
    name: str, top: Element, judgement: Judgement, draft: Draft, taken: set[str]
) -> LegacyReading:
    """Read one file, judged by its shape before.

    `taken` are the names of external credentials, in small letters; the one made of this file joins them.
    """
    reading = LegacyReading(draft, Origins(judgement, top.line, top.tag))
    protocol, principal_type = top.value("protocol"), top.value("principalType")
    draft.protocol = "/".join(filter(None, (protocol, principal_type)))
    _note_clear_values(top, draft)
    if top.value("outboundNetworkConnection"):
        expected = "none: private connections are not available in this version"
        place = f"{top.tag}.outboundNetworkConnection"
        judgement.add(top.line_of("outboundNetworkConnection"), place, "an outbound network connection", expected)
    if protocol not in LEGACY_PROTOCOLS:
        if not protocol:
            judgement.add(top.line_of("protocol"), top.tag, "no <protocol>", "one of " + ", ".join(LEGACY_PROTOCOLS))
        return reading
    known = [key for key in _PROTOCOLS if key[0] == protocol]
    if not known:
        draft.reasons.append(unavailable(f"{protocol} (legacy)"))
    elif (protocol, principal_type) not in known:
        expected = " or ".join(kind for _, kind in known) + f" with protocol {protocol}"
        got = repr(principal_type) if principal_type else "no <principalType>"
        judgement.add(top.line_of("principalType"), f"{top.tag}.principalType", got, expected)
    else:
        _build(name, top, reading, taken)
    return reading


def _build(name: str, top: Element, reading: LegacyReading, taken: set[str]) -> None:
    draft, origins = reading.draft, reading.origins
    protocol, principal = _PROTOCOLS[top.value("protocol"), top.value("principalType")]
    external = name if name.lower() not in taken else f"{name}_Legacy"
    if external.lower() in taken:
        draft.reasons.append(f"external credentials {name} and {external} are both defined; expected one name free")
    taken.add(external.lower())
    origins.note("url", top, "endpoint")
    url = top.value("endpoint")
    reading.external = ExternalCredential(
        external,
        protocol,
        principals=(principal,),
        label=top.value("label"),
        description=f"Made of the legacy named credential {name}",
        created_by_namespace=created_by(name, ()),
    )
    reading.definition = named_credential(name, top, url=url, external_credential=external, origins=origins)
    _ask(top, draft, reading.definition, principal)


def _ask(top: Element, draft: Draft, named: NamedCredential, principal: Principal) -> None:
    reference = f"{named.external_credential}/{principal.name}"
    draft.notes.append(
        f"external credential {named.external_credential} with principal {principal.name} was made of it"
    )
    draft.by_hand_too(
        f"grant {reference}: a legacy credential needed no grant, here every caller does",
        grant_command(named.external_credential, principal.name),
    )
    if top.value("username"):
        draft.notes.append(f"the user name in the file is {top.value('username')!r}; set it with the password")
    if top.value("certificate"):
        ask_for_certificate(draft, top.value("certificate"))
    note_merge_fields(top, draft)
    for child in top.children:
        unused = child.tag in LEGACY_FIELDS and child.tag not in _USED and not LEGACY_FIELDS[child.tag].secret
        if unused and child.text:
            draft.notes.append(f"<{child.tag}> is not used by protocol {draft.protocol} and was left out")


def _note_clear_values(top: Element, draft: Draft) -> None:
    for child in top.children:
        known = LEGACY_FIELDS.get(child.tag)
        if known is not None and known.secret and child.text:
            draft.warnings.append(
                f"the file holds a value in clear in <{child.tag}>, line {child.line}: it was not imported; "
                "change it at the external system and take it out of the file"
            )
