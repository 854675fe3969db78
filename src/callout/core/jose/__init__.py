"""JOSE, whole: tokens that others signed are verified, tokens of Callout's own are signed, keys are published.

The one owner of joserfc. Left to others: where keys are kept (the vault), and what a token is for.
"""

from callout.core.jose.claims import declared, identifying, self_signed, unique
from callout.core.jose.jwk import thumbprint
from callout.core.jose.keys import (
    ALGORITHMS,
    algorithm_of,
    certificate_thumbprint,
    public_jwk,
)
from callout.core.jose.signing import SECRET_ALGORITHMS, base64url, sign, sign_with_secret
from callout.core.jose.verification import (
    LEEWAY,
    LONGEST_TOKEN,
    Keys,
    Peeked,
    TokenRefused,
    UnknownKey,
    claim_text,
    expires_at,
    peek,
    read_keys,
    verify,
)

__all__ = [
    "ALGORITHMS",
    "LEEWAY",
    "LONGEST_TOKEN",
    "SECRET_ALGORITHMS",
    "Keys",
    "Peeked",
    "TokenRefused",
    "UnknownKey",
    "algorithm_of",
    "base64url",
    "certificate_thumbprint",
    "claim_text",
    "declared",
    "expires_at",
    "identifying",
    "peek",
    "public_jwk",
    "read_keys",
    "self_signed",
    "sign",
    "sign_with_secret",
    "thumbprint",
    "unique",
    "verify",
]
