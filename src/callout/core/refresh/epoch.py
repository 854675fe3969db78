"""What decides a token, and what a refresh token hangs on: two digests that change when any of it does.

The *fingerprint* covers every input: protocol, parameters (the token endpoint's URL among them), those of the
principal, and the version of the secrets. A token of another fingerprint is never sent.

The *lineage* covers less: the protocol, the token endpoint, the client, and the refresh token that everything began
with. A new scope or a rotated client secret changes the fingerprint and leaves the lineage: the access token is not
used any more, the refresh token is (RFC 6749 section 6 binds it to the client, not to its secret). Without the
difference, to rotate a client secret would be to lose every connection.

Of an external credential that names an identity provider, `external` is the whole one (`Org.whole`), and the provider's
secrets count beside the principal's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from callout.core.model.credentials import ExternalCredential, Principal, UserExternalCredentialKey
from callout.core.model.org import Org

#: The secrets that a refresh token hangs on: set anew, the chain begins anew. `connection` is an authorization given.
LINEAGE_SECRETS = frozenset({"refresh_token", "client_id", "connection"})


def fingerprint_of(
    external: ExternalCredential, principal: Principal, secret_version: int, provider_version: int | None = None
) -> str:
    """Digest everything that decides a token, so that a token of other definitions or secrets is never used.

    `provider_version` is that of the secrets of its identity provider; None where it has none.
    """
    parts: list[object] = [external.protocol, sorted(_parameters(external, principal).items()), secret_version]
    return _digest(parts if provider_version is None else [*parts, provider_version])


def fingerprint_in(org: Org, external: ExternalCredential, principal: Principal, key: UserExternalCredentialKey) -> str:
    """Return the fingerprint that a token of this principal (and user) has to have, as everything is defined."""
    provider = org.provider_of(external)
    of_provider = org.secret_versions.get(provider.key, 0) if provider is not None else None
    return fingerprint_of(org.whole(external), principal, org.secret_versions.get(key, 0), of_provider)


def lineage_of(
    external: ExternalCredential,
    principal: Principal,
    versions: Mapping[str, int],
    of_provider: Mapping[str, int] | None = None,
) -> str:
    """Digest what a refresh token hangs on. `versions` holds for each secret a number that no other value of it had.

    `of_provider` holds those of the secrets of its identity provider, which count where the principal has none itself.
    """
    endpoint = _parameters(external, principal).get("token_endpoint", "")
    began = sorted(
        (name, version) for name, version in {**(of_provider or {}), **versions}.items() if name in LINEAGE_SECRETS
    )
    return _digest([external.protocol, endpoint, began])


def _parameters(external: ExternalCredential, principal: Principal) -> dict[str, str]:
    return {**external.parameters, **principal.parameters}


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
