"""What is in force of a token now: read within a transaction, so that nothing can move before what is written by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from callout.adapters.store import bodies
from callout.adapters.store.tables import DEFINITION, SECRET, of_key
from callout.core.model.credentials import ExternalCredential, UserExternalCredentialKey
from callout.core.model.identity_providers import NAMED_BY, ExternalAuthIdentityProvider
from callout.core.model.org import SECTIONS, Org
from callout.core.model.own_certificates import Certificate
from callout.core.model.sources import parameters_of, rows_of
from callout.core.refresh.epoch import fingerprint_of, lineage_of


@dataclass(frozen=True, slots=True)
class Epoch:
    """The fingerprint and the lineage that a token of one key has to have; see `core.refresh.epoch`."""

    fingerprint: str
    lineage: str


def epoch_of(connection: Connection, key: UserExternalCredentialKey) -> Epoch | None:
    """Return what is in force; None where the principal is not defined any more."""
    section = SECTIONS[ExternalCredential]
    external = _definition(connection, section, key.external_credential)
    principal = external.principal(key.principal) if isinstance(external, ExternalCredential) else None
    if not isinstance(external, ExternalCredential) or principal is None:
        return None
    org = Org(external_credentials={external.name: external})
    if NAMED_BY in external.parameters:
        section = SECTIONS[ExternalAuthIdentityProvider]
        provider = _definition(connection, section, external.parameters[NAMED_BY])
        if isinstance(provider, ExternalAuthIdentityProvider):
            org = replace(org, external_auth_identity_providers={provider.name: provider})
    org = replace(org, certificates=_certificates(connection, parameters_of(org, external, principal)))
    columns = (SECRET.c.name, SECRET.c.version, SECRET.c.own_version)
    versions: dict[UserExternalCredentialKey, int] = {}
    own_versions: dict[str, int] = {}
    for sealed in rows_of(org, external, principal, key):
        for secret in connection.execute(select(*columns).where(of_key(SECRET, sealed))):
            versions[sealed] = secret.version
            own_versions[secret.name] = secret.own_version
    org = replace(org, secret_versions=versions)
    return Epoch(fingerprint_of(org, external, principal, key), lineage_of(org, external, principal, own_versions))


def _definition(connection: Connection, section: str, name: str) -> object:
    found = (DEFINITION.c.section == section) & (DEFINITION.c.name == name)
    row = connection.execute(select(DEFINITION).where(found)).one_or_none()
    return bodies.decode(*row) if row is not None else None


def _certificates(connection: Connection, parameters: Mapping[str, str]) -> dict[str, Certificate]:
    """Read the certificates whose name is the value of any of these parameters."""
    wanted = (DEFINITION.c.section == SECTIONS[Certificate]) & DEFINITION.c.name.in_(set(parameters.values()))
    found = (bodies.decode(*row) for row in connection.execute(select(DEFINITION).where(wanted)))
    return {each.name: each for each in found if isinstance(each, Certificate)}
