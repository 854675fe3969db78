"""What decides a token, and what a refresh token hangs on: two digests that change when any of it does.

The *fingerprint* covers every input: protocol, parameters (the token endpoint's URL among them), those of the
principal, the version of the secrets, and the certificates that parameters name. A token of another fingerprint is never sent.

The *lineage* covers less: the protocol, the token endpoint, the client, and the refresh token that everything began
with. A new scope or a rotated client secret changes the fingerprint and leaves the lineage: the access token is not
used any more, the refresh token is (RFC 6749 section 6 binds it to the client, not to its secret). Without the
difference, to rotate a client secret would be to lose every connection.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from callout.core.model.credentials import ExternalCredential, Principal, UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.model.sources import certificates_of, parameters_of, rows_of

#: The secrets that a refresh token hangs on: set anew, the chain begins anew. `connection` is an authorization given.
LINEAGE_SECRETS = frozenset({"refresh_token", "client_id", "connection"})


def fingerprint_of(org: Org, external: ExternalCredential, principal: Principal, key: UserExternalCredentialKey) -> str:
    """Digest everything that decides a token, so that a token of other definitions or secrets is never used."""
    own = org.secret_versions.get(key, 0)
    others = [
        [str(row), org.secret_versions.get(row, 0)] for row in rows_of(org, external, principal, key) if row != key
    ]
    parameters = sorted(parameters_of(org, external, principal).items())
    named = certificates_of(org, external, principal)
    keys = [[name, certificate.version] for name, certificate in sorted(named.items())]
    return _digest(
        [external.protocol, parameters, own, *([others] if others else []), *([{"keys": keys}] if keys else [])]
    )


def lineage_of(org: Org, external: ExternalCredential, principal: Principal, versions: Mapping[str, int]) -> str:
    """Digest what a refresh token hangs on. `versions` holds for each secret a number that no other value of it had.

    Where no token endpoint is declared it is the issuer, whose metadata names the endpoint.
    """
    parameters = parameters_of(org, external, principal)
    endpoint = parameters.get("token_endpoint") or parameters.get("issuer", "")
    began = sorted((name, version) for name, version in versions.items() if name in LINEAGE_SECRETS)
    return _digest([external.protocol, endpoint, began])


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
