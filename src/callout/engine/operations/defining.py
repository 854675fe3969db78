"""Rows of the table that set or remove one definition whole, as a form does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from callout.core.model.people import Caller
from callout.core.secret import Secret
from callout.engine import defining, removing
from callout.engine.operations import requests as r
from callout.engine.operations.operation import Operation, Uses
from callout.engine.setup import Result

_PRINCIPAL = "/external-credentials/{external_credential}/principals/{principal}"


class Defined(r.Request):
    """A definition: the JSON that a manifest has under its name. What is left out has its default.

    `expects` is the `version` that was shown when the form was made: where the definition is another by now, it is
    refused; 0: the name has to be free. `references` are the values of its `{env: …}` and `{file: …}`, by `env:NAME`.
    `dry_run`: show the plan, and change nothing.
    """

    name: str
    definition: dict[str, Any]
    expects: int | None = None
    references: dict[str, Secret] = msgspec.field(default_factory=dict)
    dry_run: bool = False


class DefinedPrincipal(r.Request):
    """A principal: the JSON that a manifest has under its name; secrets that are left out stay. The rest as `Defined`."""

    external_credential: str
    principal: str
    definition: dict[str, Any]
    expects: int | None = None
    references: dict[str, Secret] = msgspec.field(default_factory=dict)
    dry_run: bool = False


class Removal(r.Name):
    """A definition that goes. `dry_run`: show what would go with it, and remove nothing."""

    dry_run: bool = False


class PrincipalRemoval(r.Request):
    """A principal that goes. `dry_run`: show what would go with it, and remove nothing."""

    external_credential: str
    principal: str
    dry_run: bool = False


def _wanted(q: Defined | DefinedPrincipal) -> defining.Wanted:
    return defining.Wanted(q.definition, q.expects, q.references, q.dry_run)


async def set_principal(uses: Uses, q: DefinedPrincipal, caller: Caller) -> Result:
    """Define a principal whole."""
    return await defining.set_principal(uses.setup, str(caller), q.external_credential, q.principal, _wanted(q))


async def remove_principal(uses: Uses, q: PrincipalRemoval, caller: Caller) -> Result:
    """Remove a principal with its values."""
    return await removing.remove_principal(
        uses.setup, str(caller), q.external_credential, q.principal, dry_run=q.dry_run
    )


def _setting(noun: str, path: str, section: str, verb: str = "set") -> Operation:
    async def run(uses: Uses, q: Defined, caller: Caller) -> Result:
        return await defining.set_definition(uses.setup, str(caller), section, q.name, _wanted(q))

    called = defining.NOUNS[section][0]
    return Operation(
        f"{noun}.{verb}", "PUT", f"{path}/{{name}}", Defined, f"Define {called}, or put another in its place", run
    )


def _defining(noun: str, path: str, section: str) -> Operation:
    """Return the row of what has a row of its own at its path, which changes fields of it singly."""
    setting = _setting(noun, path, section, "define")
    return replace(setting, path=f"{setting.path}/definition")


DEFINING: tuple[Operation, ...] = (
    _setting("named_credential", "/named-credentials", "named_credentials"),
    _setting("external_credential", "/external-credentials", "external_credentials"),
    _setting("identity_provider", "/external-auth-identity-providers", "external_auth_identity_providers"),
    _setting("permission_set", "/permission-sets", "permission_sets"),
    _setting("permission_set_group", "/permission-set-groups", "permission_set_groups"),
    _setting("profile", "/profiles", "profiles"),
    _setting("trusted_issuer", "/trusted-issuers", "trusted_issuers"),
    _defining("user", "/users", "users"),
    _defining("client_certificate", "/client-certificates", "client_certificates"),
    Operation(
        "principal.set",
        "PUT",
        _PRINCIPAL,
        DefinedPrincipal,
        "Define a principal, or put another in its place; its sealed values stay unless others are given",
        set_principal,
    ),
    Operation(
        "named_credential.remove",
        "DELETE",
        "/named-credentials/{name}",
        Removal,
        "Remove a named credential; its external credential stays",
        lambda u, q, c: removing.remove_named_credential(u.setup, str(c), q.name, dry_run=q.dry_run),
    ),
    Operation(
        "external_credential.remove",
        "DELETE",
        "/external-credentials/{name}",
        Removal,
        "Remove an external credential that nothing uses, with its sealed values; its tokens are revoked",
        lambda u, q, c: removing.remove_external_credential(u.setup, str(c), q.name, dry_run=q.dry_run),
    ),
    Operation(
        "principal.remove",
        "DELETE",
        _PRINCIPAL,
        PrincipalRemoval,
        "Remove a principal that nobody is granted, with its sealed values; its tokens are revoked",
        remove_principal,
    ),
)
