"""The admin's side of client certificates: which are mapped to whom."""

from __future__ import annotations

import shlex

from callout.core.errors import DefinitionError, Problem
from callout.core.model.certificates import ClientCertificate
from callout.core.model.org import Org
from callout.core.ports import Change
from callout.engine.manifest import plain_fields
from callout.engine.setup import Edit, Result, Setup, found, put

_SECTION = "client_certificates"


async def list_client_certificates(setup: Setup) -> Result:
    """List the mappings of client certificates, with everything that they are judged by."""
    org = await setup.org()
    rows = [
        {"name": name, **plain_fields(org.client_certificates[name], everything=True)}
        for name in sorted(org.client_certificates)
    ]
    return {_SECTION: rows}


async def trust_client_certificate(setup: Setup, who: str, mapping: ClientCertificate) -> Result:
    """Map a client certificate to a user. What a name maps is not changed: it is forgotten first.

    Raises `DefinitionError` where the name is taken, the mapping is not well formed, or another names the same.
    """

    def edit(org: Org) -> Edit:
        known = org.client_certificates.get(mapping.name)
        if known is not None and known != mapping:
            _, value = known.identity
            command = f"callout client-certificate forget {shlex.quote(mapping.name)}"
            expected = f"a new name, or {mapping.name} forgotten before ({command})"
            raise DefinitionError(
                [Problem(f"{_SECTION}.{mapping.name}", f"a name that maps {value} already", expected)]
            )
        return Edit(put(mapping), "trust client certificate", _worded(mapping))

    _, moved = await setup.write(who, edit)
    return {
        "name": mapping.name,
        **plain_fields(mapping, everything=True),
        "changed": moved,
        "message": f"Client certificate {_worded(mapping)}",
    }


async def forget_client_certificate(setup: Setup, who: str, name: str) -> Result:
    """Forget a mapping: its certificates prove nothing from now on, on open connections too."""

    def edit(org: Org) -> Edit:
        known = found(org.client_certificates, name, _SECTION, "a mapping of a client certificate")
        return Edit((Change(_SECTION, name, None),), "forget client certificate", _worded(known))

    await setup.write(who, edit)
    return {"name": name, "changed": True, "message": f"Client certificate {name} is forgotten"}


def _worded(mapping: ClientCertificate) -> str:
    field, value = mapping.identity
    package = f" (package {mapping.namespace})" if mapping.namespace else ""
    return f"{mapping.name}: {field} {value} is {mapping.user}{package}"
