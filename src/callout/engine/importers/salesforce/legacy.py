"""NamedCredential files of the legacy kind: the authentication is in the file, and no grant was needed.

Each becomes a named credential and an external credential with one principal. A password in the file is never
read: files of a project are in its history, so the report asks for it to be changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from callout.core.model.credentials import ExternalCredential, NamedCredential, Principal, PrincipalType
from callout.core.model.identity_providers import NAMED_BY, ExternalAuthIdentityProvider
from callout.core.protocols.aws_sigv4 import AwsSigV4
from callout.core.protocols.basic import Basic
from callout.core.protocols.none import NoAuthentication
from callout.engine.importers.salesforce.asking import ask_for_signing_certificate
from callout.engine.importers.salesforce.claims import audience
from callout.engine.importers.salesforce.commands import grant_command
from callout.engine.importers.salesforce.definitions import Origins, created_by, judge_certificate
from callout.engine.importers.salesforce.markup import Element
from callout.engine.importers.salesforce.named_credentials import (
    NamedReading,
    ask_for_certificate,
    named_credential,
    note_merge_fields,
)
from callout.engine.importers.salesforce.protocols import BROWSER_FLOW, JWT_BEARER, SIGNED_JWT, Meaning
from callout.engine.importers.salesforce.providers import IdentityProvider
from callout.engine.importers.salesforce.report import Draft
from callout.engine.importers.salesforce.schema import LEGACY_FIELDS, LEGACY_PROTOCOLS, Judgement, nearest

_PRINCIPALS = {
    "Anonymous": Principal("Anonymous", PrincipalType.ANONYMOUS),
    "NamedUser": Principal("NamedUser", PrincipalType.NAMED),
    "PerUser": Principal("PerUser", PrincipalType.PER_USER),
}
_JWT = {
    "jwtIssuer": "claims.iss",
    "jwtTextSubject": "claims.sub",
    "jwtValidityPeriodSeconds": "jwt_lifetime",
    "jwtSigningCertificate": "signing_certificate",
}
_PERSONS = ("NamedUser", "PerUser")


@dataclass(frozen=True, slots=True)
class _Legacy:
    """What a legacy protocol is here: its meaning, who its principals are, and which elements are parameters."""

    meaning: Meaning
    principals: tuple[str, ...] = _PERSONS
    elements: Mapping[str, str] = field(default_factory=dict)


_LEGACY: Mapping[str, _Legacy] = {
    "NoAuthentication": _Legacy(Meaning(NoAuthentication.name), ("Anonymous",)),
    "Password": _Legacy(Meaning(Basic.name)),
    "Oauth": _Legacy(BROWSER_FLOW, elements={"oauthScope": "scope"}),
    "Jwt": _Legacy(SIGNED_JWT, elements=_JWT),
    "JwtExchange": _Legacy(
        JWT_BEARER, elements={**_JWT, "authTokenEndpointUrl": "token_endpoint", "oauthScope": "scope"}
    ),
    "AwsSv4": _Legacy(Meaning(AwsSigV4.name), ("NamedUser",), {"awsRegion": "region", "awsService": "service"}),
}

#: Elements that every legacy credential here may use.
_USED = frozenset({"certificate", "endpoint", "outboundNetworkConnection", "principalType", "protocol", "username"})


@dataclass(slots=True)
class LegacyReading(NamedReading):
    """A legacy credential as read, with the external credential that was made of it, and who has its OAuth client.

    `external_origins` say where in the file the parts of that external credential stand.
    """

    external: ExternalCredential | None = None
    external_origins: Origins | None = None
    provider: ExternalAuthIdentityProvider | None = None


def read_legacy_credential(
    name: str,
    top: Element,
    judgement: Judgement,
    draft: Draft,
    taken: set[str],
    auth_providers: Mapping[str, IdentityProvider],
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
    known = _LEGACY[protocol]
    if principal_type not in known.principals:
        expected = " or ".join(known.principals) + f" with protocol {protocol}"
        got = repr(principal_type) if principal_type else "no <principalType>"
        judgement.add(top.line_of("principalType"), f"{top.tag}.principalType", got, expected)
    else:
        _build(name, top, reading, taken, _parameters(top, known, reading, auth_providers))
    return reading


def _parameters(
    top: Element, known: _Legacy, reading: LegacyReading, auth_providers: Mapping[str, IdentityProvider]
) -> dict[str, str]:
    origins = reading.external_origins = Origins(reading.origins.judgement, top.line, top.tag)
    parameters = dict(known.meaning.settings)
    for tag, parameter in known.elements.items():
        if top.value(tag):
            parameters[parameter] = top.value(tag)
            origins.note(f"parameters.{parameter}", top, tag)
    if known.elements.get("jwtSigningCertificate"):
        _read_jwt(top, parameters, reading, origins)
    if known.meaning is BROWSER_FLOW:
        _read_provider(top, parameters, reading, auth_providers)
    return parameters


def _read_jwt(top: Element, parameters: dict[str, str], reading: LegacyReading, origins: Origins) -> None:
    if top.value("jwtAudience"):
        claim = audience(top.value("jwtAudience"))
        if claim.expected:
            got = repr(top.value("jwtAudience")[:80])
            origins.judgement.add(top.line_of("jwtAudience"), f"{top.tag}.jwtAudience", got, claim.expected)
        parameters["claims.aud"] = claim.value
        origins.note("parameters.claims.aud", top, "jwtAudience")
    formula = top.value("jwtFormulaSubject")
    if formula and top.value("principalType") == "PerUser":
        parameters["claims.sub"] = formula if formula.startswith("{!") else f"{{!{formula}}}"
        origins.note("parameters.claims.sub", top, "jwtFormulaSubject")
    certificate = parameters.get("signing_certificate", "")
    line, place = top.line_of("jwtSigningCertificate"), f"{top.tag}.jwtSigningCertificate"
    if judge_certificate(certificate, line, place, origins.judgement):
        ask_for_signing_certificate(reading.draft, certificate)


def _read_provider(
    top: Element,
    parameters: dict[str, str],
    reading: LegacyReading,
    auth_providers: Mapping[str, IdentityProvider],
) -> None:
    named = top.value("authProvider")
    provider = auth_providers.get(named)
    if provider is None:
        got = repr(named[:80]) if named else "no <authProvider>"
        hint = nearest(named, tuple(auth_providers)) if named else None
        line, place = top.line_of("authProvider"), f"{top.tag}.authProvider"
        reading.origins.judgement.add(line, place, got, "an auth provider of this project", hint)
    elif provider.definition is None:
        why = "; ".join(provider.draft.refusals)
        reading.draft.reasons.append(f"its auth provider {named} is refused: {why}")
    else:
        reading.provider = provider.definition
        parameters[NAMED_BY] = provider.definition.name


def _build(name: str, top: Element, reading: LegacyReading, taken: set[str], parameters: Mapping[str, str]) -> None:
    draft, origins = reading.draft, reading.origins
    principal = _PRINCIPALS[top.value("principalType")]
    external = name if name.lower() not in taken else f"{name}_Legacy"
    if external.lower() in taken:
        draft.reasons.append(f"external credentials {name} and {external} are both defined; expected one name free")
    taken.add(external.lower())
    origins.note("url", top, "endpoint")
    url = top.value("endpoint")
    reading.external = ExternalCredential(
        external,
        _LEGACY[top.value("protocol")].meaning.protocol,
        parameters=parameters,
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
    if named.client_certificate:
        ask_for_certificate(draft, named.client_certificate)
    note_merge_fields(top, draft)
    used = {*_USED, *_LEGACY[top.value("protocol")].elements, *_read_apart(top)}
    for child in top.children:
        if child.tag in LEGACY_FIELDS and child.tag not in used and not LEGACY_FIELDS[child.tag].secret and child.text:
            why = f"protocol {draft.protocol} does not use it"
            draft.notes.append(f"<{child.tag}>, line {child.line}, was left out: {why}")


def _read_apart(top: Element) -> tuple[str, ...]:
    """Return the elements that are read, but are no parameter as they are."""
    if top.value("protocol") == "Oauth":
        return ("authProvider",)
    if top.value("protocol") not in ("Jwt", "JwtExchange"):
        return ()
    return ("jwtAudience", "jwtFormulaSubject") if top.value("principalType") == "PerUser" else ("jwtAudience",)


def _note_clear_values(top: Element, draft: Draft) -> None:
    for child in top.children:
        known = LEGACY_FIELDS.get(child.tag)
        if known is not None and known.secret and child.text:
            draft.warnings.append(
                f"the file holds a value in clear in <{child.tag}>, line {child.line}: it was not imported; "
                "change it at the external system and take it out of the file"
            )
