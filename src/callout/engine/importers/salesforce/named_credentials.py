"""NamedCredential files of today's kind: URL, external credential, headers, namespaces, options."""

from __future__ import annotations

from dataclasses import dataclass

from callout.core.formula.functions import FUNCTIONS
from callout.core.formula.values import Use
from callout.core.model.credentials import NamedCredential
from callout.engine.importers.salesforce.commands import certificate_command, enable_command, package_command
from callout.engine.importers.salesforce.definitions import (
    Origins,
    created_by,
    headers_in,
    judge_certificate,
    listed,
    literal_secrets,
)
from callout.engine.importers.salesforce.markup import Element
from callout.engine.importers.salesforce.report import Draft
from callout.engine.importers.salesforce.schema import INTERNAL_TYPES, LEGACY_FIELDS, Judgement

_ROW = "namedCredentialParameters"


@dataclass(slots=True)
class NamedReading:
    """A named credential as read: its entry, and the definition where one could be made."""

    draft: Draft
    origins: Origins
    definition: NamedCredential | None = None


def is_legacy(top: Element) -> bool:
    """Say whether a file has its authentication in itself, as credentials before version 56 have."""
    kind = top.value("namedCredentialType")
    return kind == "Legacy" or (not kind and any(child.tag in LEGACY_FIELDS for child in top.children))


def read_named_credential(name: str, top: Element, judgement: Judgement, draft: Draft) -> NamedReading:
    """Read one file, judged by its shape before. The rules judge it later, beside its external credential."""
    reading = NamedReading(draft, Origins(judgement, top.line, top.tag))
    kind = top.value("namedCredentialType")
    if kind != "SecuredEndpoint":
        if not kind:
            judgement.add(top.line, top.tag, "no <namedCredentialType> and no <endpoint>", "SecuredEndpoint")
        elif kind in ("PrivateEndpoint", "Standard"):
            draft.reasons.append(
                f"namedCredentialType {kind} is not available in this version; available: SecuredEndpoint"
            )
        return reading
    for child in top.children:
        if child.tag in LEGACY_FIELDS:
            expected = "no element of a Legacy credential in a SecuredEndpoint"
            judgement.add(child.line, f"{top.tag}.{child.tag}", f"element <{child.tag}>", expected)
    url_row, authentication = _one(top, "Url", judgement), _one(top, "Authentication", judgement)
    if url_row is None or authentication is None:
        return reading
    reading.definition = _definition(name, top, reading.origins, url_row, authentication)
    _read_options(reading.definition, top, draft)
    return reading


def judge_url(url: str, origins: Origins) -> None:
    """Note a merge field in a URL; the rules judge everything else."""
    if "{!" in url:
        line, element = origins.parts["url"]
        expected = "the URL itself: the path and query of a callout follow it as they are"
        origins.judgement.add(line, element, "a merge field", expected)


def note_merge_fields(top: Element, draft: Draft) -> None:
    """Tell what merge fields in what the calling program writes can read and call here."""
    kinds = (
        ("allowMergeFieldsInHeader", "headers", Use.CALLER_HEADER),
        ("allowMergeFieldsInBody", "bodies", Use.BODY),
    )
    for tag, where, use in kinds:
        if top.value(tag) == "true":
            functions = ", ".join(each.name for each in FUNCTIONS.values() if use in each.uses)
            draft.notes.append(
                f"{tag} is true: {{!…}} in {where} that the calling program writes is evaluated. It may read $Credential, "
                f"of its own external credential, and call {functions}: whoever may call it can send its values there"
            )


def named_credential(
    name: str, top: Element, *, url: str, external_credential: str, origins: Origins
) -> NamedCredential:
    """Build the definition from what both kinds of file have."""
    rows = top.all(_ROW)
    namespaces = listed([row for row in rows if row.value("parameterType") == "AllowedManagedPackageNamespaces"])
    for namespace, row in namespaces:
        origins.note(f"allowed_namespaces[{namespace}]", row, "parameterValue")
    judge_url(url, origins)
    return NamedCredential(
        name,
        url,
        external_credential,
        enabled_for_callouts=top.value("calloutStatus", "Enabled") == "Enabled",
        allowed_namespaces=tuple(namespace for namespace, _ in namespaces),
        generate_authorization_header=top.value("generateAuthorizationHeader", "true") == "true",
        allow_merge_fields_in_header=top.value("allowMergeFieldsInHeader") == "true",
        allow_merge_fields_in_body=top.value("allowMergeFieldsInBody") == "true",
        headers=headers_in([row for row in rows if row.value("parameterType") == "HttpHeader"], origins),
        label=top.value("label"),
        description=top.value("description"),
        created_by_namespace=created_by(name, rows),
        client_certificate=_client_certificate(top, origins),
    )


def ask_for_certificate(draft: Draft, certificate: str) -> None:
    """Tell of a client certificate: it is not in metadata, so that Callout would make one."""
    draft.by_hand_too(
        f"client certificate {certificate!r} is not in metadata: Callout makes one of this name, which the external system "
        "does not know; import the one that it knows",
        certificate_command(certificate),
    )


def _client_certificate(top: Element, origins: Origins) -> str:
    rows = [row for row in top.all(_ROW) if row.value("parameterType") == "ClientCertificate"]
    place = f"{top.tag}.{'ClientCertificate' if rows else 'certificate'}"
    if len(rows) > 1:
        origins.judgement.add(rows[1].line, place, "a second client certificate", "one")
    row, tag = (rows[0], "parameterValue") if rows else (top, "certificate")
    tag = "certificate" if row.value("certificate") else tag
    name = row.value(tag)
    return name if name and judge_certificate(name, row.line_of(tag), place, origins.judgement) else ""


def _one(top: Element, kind: str, judgement: Judgement) -> Element | None:
    rows = [row for row in top.all(_ROW) if row.value("parameterType") == kind]
    if len(rows) != 1:
        line = rows[1].line if rows else top.line
        judgement.add(line, f"{top.tag}.{_ROW}", f"{len(rows) or 'no'} parameters of type {kind}", "one")
        return None
    return rows[0]


def _definition(
    name: str, top: Element, origins: Origins, url_row: Element, authentication: Element
) -> NamedCredential:
    external = authentication.value("externalCredential")
    if not external:
        place = f"{top.tag}.{_ROW}"
        origins.judgement.add(authentication.line, place, "no <externalCredential>", "the name of one")
    origins.note("url", url_row, "parameterValue")
    origins.note("external_credential", authentication, "externalCredential")
    url = url_row.value("parameterValue")
    return named_credential(name, top, url=url, external_credential=external, origins=origins)


def _read_options(definition: NamedCredential, top: Element, draft: Draft) -> None:
    note_merge_fields(top, draft)
    draft.notes += literal_secrets(definition.headers)
    if not definition.enabled_for_callouts:
        draft.notes.append(f"it is disabled for callouts, as in Salesforce: {enable_command(definition.name)}")
    for namespace in definition.allowed_namespaces:
        draft.by_hand_too(f"install package {namespace}, if it is not yet", package_command(namespace))
    for row in top.all(_ROW):
        kind = row.value("parameterType")
        if kind == "ClientCertificate" and definition.client_certificate:
            ask_for_certificate(draft, definition.client_certificate)
        elif kind == "ClientCertificate":
            draft.notes.append(f"ClientCertificate, line {row.line}, was left out: it names none")
        elif kind == "OutboundNetworkConnection":
            place = f"{top.tag}.{kind}"
            got = "an outbound network connection"
            draft.judgement.add(row.line, place, got, "none: private connections are not available in this version")
        elif kind in INTERNAL_TYPES:
            draft.ignored += 1
