"""Issuers of tokens that prove who calls (OpenID Connect Core 1.0, RFC 7519): what is trusted, and what is mapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Signatures that are accepted: public keys alone (RFC 7518 section 3.1, RFC 8037, RFC 9864). A shared secret proves nothing here.
SIGNATURE_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An OpenID Connect issuer whose tokens prove a caller.

    `issuer` and `audience` are compared letter for letter with `iss` and `aud`. `users` maps values of `user_claim` to
    users; with `users_by_name` a value that it does not hold is itself the name of a user. With a `namespace_claim`
    every token must carry one of `namespaces`; the empty namespace is the admin's own code. `jwks_uri` left empty is
    discovered. `algorithms` left empty: all of `SIGNATURE_ALGORITHMS`.
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

    @property
    def accepted_algorithms(self) -> tuple[str, ...]:
        """The signature algorithms that tokens may be signed with."""
        return self.algorithms or SIGNATURE_ALGORITHMS

    @property
    def verification(self) -> tuple[object, ...]:
        """What a verified token was verified by: where this is the same, it need not be verified again."""
        return (self.issuer, self.audience, self.jwks_uri, self.accepted_algorithms, self.allow_private_network)
