"""What is in force of a token now: read within a transaction, so that nothing can move before what is written by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from callout.adapters.store import bodies
from callout.adapters.store.tables import DEFINITION, SECRET, of_key
from callout.core.model.credentials import ExternalCredential, UserExternalCredentialKey
from callout.core.model.org import SECTIONS
from callout.core.model.own_certificates import Certificate, named_certificates
from callout.core.refresh.epoch import fingerprint_of, lineage_of


@dataclass(frozen=True, slots=True)
class Epoch:
    """The fingerprint and the lineage that a token of one key has to have; see `core.refresh.epoch`."""

    fingerprint: str
    lineage: str


def epoch_of(connection: Connection, key: UserExternalCredentialKey) -> Epoch | None:
    """Return what is in force; None where the principal is not defined any more."""
    section = SECTIONS[ExternalCredential]
    row = connection.execute(
        select(DEFINITION).where(DEFINITION.c.section == section, DEFINITION.c.name == key.external_credential)
    ).one_or_none()
    external = bodies.decode(*row) if row is not None else None
    principal = external.principal(key.principal) if isinstance(external, ExternalCredential) else None
    if not isinstance(external, ExternalCredential) or principal is None:
        return None
    parameters = (external.parameters, principal.parameters)
    certificates = named_certificates(parameters, _certificates(connection, parameters))
    columns = (SECRET.c.name, SECRET.c.version, SECRET.c.own_version)
    secrets = connection.execute(select(*columns).where(of_key(SECRET, key))).all()
    version = secrets[0].version if secrets else 0
    versions = {secret.name: secret.own_version for secret in secrets}
    return Epoch(fingerprint_of(external, principal, version, certificates), lineage_of(external, principal, versions))


def _certificates(connection: Connection, parameters: Iterable[Mapping[str, str]]) -> dict[str, Certificate]:
    """Read the certificates whose name is the value of any of these parameters."""
    values = {value for given in parameters for value in given.values()}
    wanted = (DEFINITION.c.section == SECTIONS[Certificate]) & DEFINITION.c.name.in_(values)
    rows = connection.execute(select(DEFINITION).where(wanted)).all()
    found = (bodies.decode(*row) for row in rows)
    return {each.name: each for each in found if isinstance(each, Certificate)}
