"""What goes with a user, a package, a certificate or an issuer: callers' keys, sealed values, and what a package was trusted with.

A later one of the same name must find none of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from callout.core.model.credentials import NamedCredential, UserExternalCredentialKey
from callout.core.model.issuers import TrustedIssuer, key_of_issuer
from callout.core.model.org import SECTIONS, Org
from callout.core.model.own_certificates import Certificate, key_of_certificate
from callout.core.model.people import CallerKey, Package, User
from callout.core.ports import Change


@dataclass(frozen=True, slots=True)
class Leaving:
    """The keys that changes revoke, and the names of the sealed values that they remove."""

    keys: tuple[CallerKey, ...] = ()
    values: Mapping[UserExternalCredentialKey, frozenset[str]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many sealed values go."""
        return sum(map(len, self.values.values()))

    def acts(self) -> Iterator[tuple[str, str]]:
        """Yield what the audit trail says of each: act, and what."""
        for key in self.keys:
            yield "revoke key", f"{key.prefix}… of {key.user}"
        for holder, names in self.values.items():
            yield "remove secrets", f"{holder}: {', '.join(sorted(names))}"


def leaving(org: Org, changes: Iterable[Change]) -> Leaving:
    """Return what goes with the users, packages and certificates that changes remove, as the store removes it."""
    gone = {(change.section, change.name) for change in changes if change.definition is None}
    users = {name for section, name in gone if section == SECTIONS[User]}
    packages = {name for section, name in gone if section == SECTIONS[Package]}
    stores = {
        key_of_certificate(name).external_credential for section, name in gone if section == SECTIONS[Certificate]
    }
    stores |= {key_of_issuer(name).external_credential for section, name in gone if section == SECTIONS[TrustedIssuer]}
    if not users and not packages and not stores:
        return Leaving()
    keys = (key for key in org.keys.values() if key.user in users or key.namespace in packages)
    values = {
        key: names
        for key, names in sorted(org.configured.items())
        if key.user in users or key.external_credential in stores
    }
    return Leaving(tuple(sorted(keys, key=lambda key: key.prefix)), values)


def goes_with(key: UserExternalCredentialKey, forget: Collection[str]) -> bool:
    """Say whether a key's values go with what is forgotten: an external credential, or one principal (`EC/Principal`)."""
    return key.external_credential in forget or f"{key.external_credential}/{key.principal}" in forget


def without_package(named: NamedCredential, namespace: str) -> NamedCredential:
    """Return a named credential as it is without a package: not allowed to it, and disabled if the package made it."""
    return replace(
        named,
        allowed_namespaces=tuple(allowed for allowed in named.allowed_namespaces if allowed != namespace),
        enabled_for_callouts=named.enabled_for_callouts and named.created_by_namespace != namespace,
    )


def kept_without(org: Org, namespace: str) -> tuple[NamedCredential, ...]:
    """Return, as the admin's own, the named credentials that stayed enabled when the package that made them went.

    A package that is installed under its namespace later did not make them: whether its code may call is asked anew.
    """
    if namespace in org.packages:
        return ()
    left = (named for _, named in sorted(org.named_credentials.items()) if named.created_by_namespace == namespace)
    return tuple(replace(named, created_by_namespace=None) for named in left if named.enabled_for_callouts)
