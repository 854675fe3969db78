"""What protocols that sign tokens can be told: the key, the algorithm, the claims, and how long a token holds."""

from __future__ import annotations

from callout.core.jose.keys import ALGORITHMS
from callout.core.protocol import Parameter

_KEY = r"[!-~]+"

SIGNING_CERTIFICATE = Parameter("signing_certificate", "Certificate whose key signs the token", key_pair=True)
SIGNING_ALGORITHM = Parameter(
    "signing_algorithm",
    "Algorithm of signatures (RFC 7518 section 3.1, RFC 8037); left out: the first that fits the key",
    required=False,
    choices=ALGORITHMS,
)
CLAIMS = Parameter(
    "claims",
    "A claim of the token (RFC 7519 section 4): text with formulas, or JSON; an empty one leaves out a claim that Callout"
    " writes by itself",
    required=False,
    key=_KEY,
    formula=True,
)
HEADER_CLAIMS = Parameter(
    "header_claims",
    "A further member of the token's header (RFC 7515 section 4), such as kid, which is written by itself otherwise",
    required=False,
    key=_KEY,
    reserved=("alg", "crit", "b64"),
    formula=True,
)
JWT_LIFETIME = Parameter(
    "jwt_lifetime",
    "How long a signed token holds, in seconds",
    required=False,
    default="120",
    between=(1, 86_400),
)
