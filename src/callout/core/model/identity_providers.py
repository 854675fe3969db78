"""External auth identity providers: an authorization server and our client there, kept once for several credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from callout.core.model.credentials import UserExternalCredentialKey

#: The parameter by which an external credential names its provider.
NAMED_BY = "identity_provider"
#: What the client of a provider is known by; a provider keeps no other secret.
CLIENT_SECRETS = ("client_id", "client_secret")
#: Before the name of a provider, where the key of its sealed values stands. No external credential has a colon.
_PREFIX = "identity_provider:"


@dataclass(frozen=True, slots=True)
class ExternalAuthIdentityProvider:
    """An authorization server, and our client there.

    `parameters` are those of the OAuth protocols. Those of an external credential that names it win over them, and
    those of a principal win over both. Its client id and secret are sealed apart, under `key`.
    """

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    description: str = ""
    created_by_namespace: str | None = None

    @property
    def key(self) -> UserExternalCredentialKey:
        """Under which its client id and secret are sealed."""
        return key_of_provider(self.name)


def key_of_provider(name: str) -> UserExternalCredentialKey:
    """Name the sealed values of a provider."""
    return UserExternalCredentialKey(f"{_PREFIX}{name}", "client")


def provider_of_key(key: UserExternalCredentialKey) -> str | None:
    """Return the name of the provider whose sealed values a key names; None for the key of a principal."""
    return key.external_credential.removeprefix(_PREFIX) if key.external_credential.startswith(_PREFIX) else None
