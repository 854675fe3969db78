"""Everything that is defined, at one generation: the value that decisions read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from callout.core.model.certificates import ClientCertificate
from callout.core.model.credentials import ExternalCredential, NamedCredential, UserExternalCredentialKey
from callout.core.model.identity_providers import NAMED_BY, ExternalAuthIdentityProvider
from callout.core.model.issuers import TrustedIssuer
from callout.core.model.own_certificates import Certificate
from callout.core.model.people import (
    GUEST,
    STANDARD_PERMISSION_SETS,
    STANDARD_PROFILES,
    CallerKey,
    Package,
    PermissionSet,
    PermissionSetGroup,
    Profile,
    User,
    UserKind,
)

Definition = (
    NamedCredential
    | ExternalCredential
    | PermissionSet
    | PermissionSetGroup
    | Profile
    | User
    | Package
    | TrustedIssuer
    | ClientCertificate
    | ExternalAuthIdentityProvider
    | Certificate
)

#: The section of the manifest that holds each kind of definition, in the order in which they are written.
SECTIONS: Mapping[type[Definition], str] = {
    ExternalAuthIdentityProvider: "external_auth_identity_providers",
    ExternalCredential: "external_credentials",
    NamedCredential: "named_credentials",
    PermissionSet: "permission_sets",
    PermissionSetGroup: "permission_set_groups",
    Profile: "profiles",
    Package: "packages",
    User: "users",
    TrustedIssuer: "trusted_issuers",
    ClientCertificate: "client_certificates",
    Certificate: "certificates",
}


@dataclass(frozen=True, slots=True)
class Org:
    """An immutable snapshot. Build it with `Org.of`: the standard profiles and the guest user are always there.

    `configured` holds the *names* of the secret values that are set, never a value. `secret_versions` holds a number
    for each of the same keys that changes with every write of its values and never comes again: a token that was
    obtained at another number was obtained with older secrets.
    """

    generation: int = 0
    named_credentials: Mapping[str, NamedCredential] = field(default_factory=dict)
    external_credentials: Mapping[str, ExternalCredential] = field(default_factory=dict)
    permission_sets: Mapping[str, PermissionSet] = field(default_factory=dict)
    permission_set_groups: Mapping[str, PermissionSetGroup] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    users: Mapping[str, User] = field(default_factory=dict)
    packages: Mapping[str, Package] = field(default_factory=dict)
    trusted_issuers: Mapping[str, TrustedIssuer] = field(default_factory=dict)
    client_certificates: Mapping[str, ClientCertificate] = field(default_factory=dict)
    external_auth_identity_providers: Mapping[str, ExternalAuthIdentityProvider] = field(default_factory=dict)
    certificates: Mapping[str, Certificate] = field(default_factory=dict)
    keys: Mapping[bytes, CallerKey] = field(default_factory=dict)
    configured: Mapping[UserExternalCredentialKey, frozenset[str]] = field(default_factory=dict)
    secret_versions: Mapping[UserExternalCredentialKey, int] = field(default_factory=dict)
    _using: dict[str, tuple[NamedCredential, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        *definitions: Definition,
        generation: int = 0,
        keys: tuple[CallerKey, ...] = (),
        configured: Mapping[UserExternalCredentialKey, frozenset[str]] | None = None,
        secret_versions: Mapping[UserExternalCredentialKey, int] | None = None,
    ) -> Org:
        """Build an org from definitions; a definition replaces the standard one of the same name."""
        sections: dict[str, dict[str, Definition]] = {section: {} for section in SECTIONS.values()}
        standard: tuple[Definition, ...] = (
            *STANDARD_PROFILES,
            *STANDARD_PERMISSION_SETS,
            User(GUEST, profile="Guest User", label="Guest User", kind=UserKind.GUEST),
        )
        for definition in (*standard, *definitions):
            sections[SECTIONS[type(definition)]][name_of(definition)] = definition
        return cls(
            generation=generation,
            keys={key.digest: key for key in keys},
            configured=dict(configured or {}),
            secret_versions=dict(secret_versions or {}),
            **sections,  # type: ignore[arg-type]  # SECTIONS maps each type to its own section
        )

    def using(self, external_credential: str) -> tuple[NamedCredential, ...]:
        """Return the named credentials that use an external credential; they are looked through once for all."""
        if not self._using and self.named_credentials:
            found: dict[str, list[NamedCredential]] = {}
            for named in self.named_credentials.values():
                found.setdefault(named.external_credential, []).append(named)
            self._using.update({name: tuple(users) for name, users in found.items()})
        return self._using.get(external_credential, ())

    def provider_of(self, external: ExternalCredential) -> ExternalAuthIdentityProvider | None:
        """Return the identity provider that an external credential names, or None."""
        return self.external_auth_identity_providers.get(external.parameters.get(NAMED_BY, ""))

    def whole(self, external: ExternalCredential) -> ExternalCredential:
        """Return an external credential with the parameters of its identity provider under its own."""
        provider = self.provider_of(external)
        if provider is None:
            return external
        return replace(external, parameters={**provider.parameters, **external.parameters})

    def values_set(self, external: ExternalCredential, key: UserExternalCredentialKey) -> frozenset[str]:
        """Return the names of the secret values that one principal (and user) has, those of its provider among them."""
        provider = self.provider_of(external)
        shared = self.configured.get(provider.key, frozenset()) if provider is not None else frozenset()
        return self.configured.get(key, frozenset()) | shared

    def definitions(self) -> tuple[Definition, ...]:
        """Return every definition, section by section, each in the order of its names."""
        return tuple(
            section[name]
            for attribute in SECTIONS.values()
            for section in (getattr(self, attribute),)
            for name in sorted(section)
        )


def name_of(definition: Definition) -> str:
    """Return the name under which a definition is kept."""
    return definition.namespace if isinstance(definition, Package) else definition.name
