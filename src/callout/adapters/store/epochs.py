"""What is in force of a token now: read within a transaction, so that nothing can move before what is written by it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from callout.adapters.store import bodies
from callout.adapters.store.tables import DEFINITION, SECRET, of_key
from callout.core.model.credentials import ExternalCredential, UserExternalCredentialKey
from callout.core.model.identity_providers import NAMED_BY, ExternalAuthIdentityProvider
from callout.core.model.org import SECTIONS, Org
from callout.core.refresh.epoch import fingerprint_of, lineage_of


@dataclass(frozen=True, slots=True)
class Epoch:
    """The fingerprint and the lineage that a token of one key has to have; see `core.refresh.epoch`."""

    fingerprint: str
    lineage: str


def epoch_of(connection: Connection, key: UserExternalCredentialKey) -> Epoch | None:
    """Return what is in force; None where the principal is not defined any more."""
    external = _definition(connection, SECTIONS[ExternalCredential], key.external_credential)
    principal = external.principal(key.principal) if isinstance(external, ExternalCredential) else None
    if not isinstance(external, ExternalCredential) or principal is None:
        return None
    version, versions = _versions(connection, key)
    named = external.parameters.get(NAMED_BY, "")
    section = SECTIONS[ExternalAuthIdentityProvider]
    provider = _definition(connection, section, named) if named else None
    if not isinstance(provider, ExternalAuthIdentityProvider):
        return Epoch(fingerprint_of(external, principal, version), lineage_of(external, principal, versions))
    whole = Org.of(external, provider).whole(external)
    of_provider, each = _versions(connection, provider.key)
    return Epoch(fingerprint_of(whole, principal, version, of_provider), lineage_of(whole, principal, versions, each))


def _definition(connection: Connection, section: str, name: str) -> object:
    row = connection.execute(
        select(DEFINITION).where(DEFINITION.c.section == section, DEFINITION.c.name == name)
    ).one_or_none()
    return bodies.decode(*row) if row is not None else None


def _versions(connection: Connection, key: UserExternalCredentialKey) -> tuple[int, dict[str, int]]:
    """Return the version of the values of a key, and that of each value."""
    columns = (SECRET.c.name, SECRET.c.version, SECRET.c.own_version)
    secrets = connection.execute(select(*columns).where(of_key(SECRET, key))).all()
    return (secrets[0].version if secrets else 0), {secret.name: secret.own_version for secret in secrets}
