"""Rows of the table that show one definition whole, and the protocols that forms are drawn from."""
# ruff: noqa: ARG005 - every row takes the same three

from __future__ import annotations

from callout.engine import credentials, protocol_forms
from callout.engine.operations import requests as r
from callout.engine.operations.operation import Operation, Uses
from callout.engine.setup import Result
from callout.engine.showing import show_definition, show_principal, with_definition


class PrincipalName(r.Request):
    """One principal by name."""

    external_credential: str
    principal: str


def _showing(noun: str, path: str, section: str, summary: str) -> Operation:
    async def run(uses: Uses, q: r.Name, _: object) -> Result:
        return await show_definition(uses.setup, section, q.name)

    return Operation(f"{noun}.show", "GET", f"{path}/{{name}}", r.Name, summary, run)


SHOWING: tuple[Operation, ...] = (
    Operation(
        "named_credential.show",
        "GET",
        "/named-credentials/{name}",
        r.Name,
        "Show a named credential",
        lambda u, q, c: with_definition(
            u.setup, "named_credentials", q.name, lambda s: credentials.show_named_credential(s, q.name)
        ),
    ),
    Operation(
        "external_credential.show",
        "GET",
        "/external-credentials/{name}",
        r.Name,
        "Show an external credential and what its protocol can be told",
        lambda u, q, c: with_definition(
            u.setup, "external_credentials", q.name, lambda s: credentials.show_external_credential(s, q.name)
        ),
    ),
    Operation(
        "principal.show",
        "GET",
        "/external-credentials/{external_credential}/principals/{principal}",
        PrincipalName,
        "Show a principal, and who was granted it",
        lambda u, q, c: show_principal(u.setup, q.external_credential, q.principal),
    ),
    _showing("permission_set", "/permission-sets", "permission_sets", "Show a permission set, and what has it"),
    _showing(
        "permission_set_group",
        "/permission-set-groups",
        "permission_set_groups",
        "Show a permission set group, and who has it",
    ),
    _showing("profile", "/profiles", "profiles", "Show a profile, and who has it"),
    _showing("trusted_issuer", "/trusted-issuers", "trusted_issuers", "Show an issuer whose tokens prove a caller"),
    _showing(
        "client_certificate",
        "/client-certificates",
        "client_certificates",
        "Show which client certificate is mapped to whom",
    ),
    Operation(
        "protocol.list",
        "GET",
        "/protocols",
        r.Nothing,
        "List authentication protocols, and what each is told",
        lambda u, q, c: protocol_forms.list_protocols(u.setup),
    ),
    Operation(
        "protocol.show",
        "GET",
        "/protocols/{name}",
        r.Name,
        "Show an authentication protocol, and what it is told",
        lambda u, q, c: protocol_forms.show_protocol(u.setup, q.name),
    ),
)
