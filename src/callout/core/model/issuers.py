"""Issuers of tokens that prove who calls (OpenID Connect Core 1.0, RFC 7519): what is trusted, and what is mapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from callout.core.model.credentials import UserExternalCredentialKey

#: Signatures that are accepted: public keys alone (RFC 7518 section 3.1, RFC 8037, RFC 9864). A shared secret proves nothing here.
SIGNATURE_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)

#: The secret that is kept of a trusted issuer, and before its name what the key of that starts with.
CLIENT_SECRET = "client_secret"
_PREFIX = "trusted_issuer:"


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An OpenID Connect issuer whose tokens prove a caller.

    `issuer` and `audience` are compared letter for letter with `iss` and `aud`. `users` maps values of `user_claim` to
    users; with `users_by_name` a value that it does not hold is itself the name of a user. With a `namespace_claim`
    every token must carry one of `namespaces`; the empty namespace is the admin's own code. `jwks_uri` left empty is
    discovered. `algorithms` left empty: all of `SIGNATURE_ALGORITHMS`.

    With a `client_id` people sign in to Setup at this issuer (OpenID Connect Core 1.0 section 3.1), as the users whom
    the mapping leads them to; `scope` is what is asked for then. The secret of that client is sealed apart, under `key`.
    """

    name: str
    issuer: str
    audience: str
    jwks_uri: str = ""
    user_claim: str = "sub"
    users: Mapping[str, str] = field(default_factory=dict)
    users_by_name: bool = False
    namespace_claim: str = ""
    namespaces: Mapping[str, str] = field(default_factory=dict)
    algorithms: tuple[str, ...] = ()
    allow_private_network: bool = False
    label: str = ""
    description: str = ""
    client_id: str = ""
    scope: str = "openid profile email"

    @property
    def key(self) -> UserExternalCredentialKey:
        """Under which the secret of the client is sealed."""
        return key_of_issuer(self.name)

    def leads_to(self, user: str) -> bool:
        """Say whether a token of this issuer can be this user's."""
        return self.users_by_name or user in self.users.values()

    @property
    def accepted_algorithms(self) -> tuple[str, ...]:
        """The signature algorithms that tokens may be signed with."""
        return self.algorithms or SIGNATURE_ALGORITHMS

    @property
    def verification(self) -> tuple[object, ...]:
        """What a verified token was verified by: where this is the same, it need not be verified again."""
        return (self.issuer, self.audience, self.jwks_uri, self.accepted_algorithms, self.allow_private_network)


def key_of_issuer(name: str) -> UserExternalCredentialKey:
    """Name what is sealed of a trusted issuer. No external credential has a colon in its name."""
    return UserExternalCredentialKey(f"{_PREFIX}{name}", "client")


def issuer_of_key(key: UserExternalCredentialKey) -> str | None:
    """Return the name of the trusted issuer whose secret a key names; None for any other key."""
    return key.external_credential.removeprefix(_PREFIX) if key.external_credential.startswith(_PREFIX) else None
