"""How the client proves itself to an authorization server, at every endpoint of it alike.

By a secret (RFC 6749 section 2.3.1), by a JWT that it signs (RFC 7523 section 2.2), by its certificate in TLS (RFC 8705
section 2), or not at all (a public client names itself, RFC 6749 section 3.2.1).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus

from callout.core.jose import identifying, sign, unique
from callout.core.jose.parameters import SIGNING_ALGORITHM, SIGNING_CERTIFICATE
from callout.core.key_pair import KeyPair
from callout.core.oauth2.parameters import (
    CLIENT_AUTHENTICATION,
    CLIENT_CERTIFICATE,
    CLIENT_SECRET_BASIC,
    CLIENT_SECRET_POST,
    ISSUER,
    NO_CLIENT_SECRET,
    PRIVATE_KEY_JWT,
    SELF_SIGNED_TLS_CLIENT_AUTH,
    TLS_CLIENT_AUTH,
)
from callout.core.protocol import Moment, Values
from callout.core.secret import Secret, reveal

Field = tuple[str, str | Secret]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: How long an assertion of the client holds, in seconds: long enough for a clock that is a little behind.
ASSERTION_LIFETIME = 120


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves the client in one request: fields of the body, the Authorization header, a certificate in TLS."""

    fields: tuple[Field, ...] = ()
    authorization: Secret | None = None
    certificate: KeyPair | None = None


def client_proof(values: Values, moment: Moment, url: str, fields: Sequence[Field]) -> Proof:
    """Return what proves the client at `url`. `fields` are the rest of the body: no two requests have one assertion.

    Raises `Refused(principal_not_configured)` where a secret or a certificate is not there.
    """
    method = values.text(CLIENT_AUTHENTICATION.name) or CLIENT_SECRET_BASIC
    shown = method in (TLS_CLIENT_AUTH, SELF_SIGNED_TLS_CLIENT_AUTH) or values.text(CLIENT_CERTIFICATE.name)
    certificate = values.key_pair(CLIENT_CERTIFICATE.name) if shown else None
    if method == NO_CLIENT_SECRET and "client_id" not in values.secrets:  # a grant that says by itself who asks
        return Proof(certificate=certificate)
    client_id = values.secret("client_id")
    if method == CLIENT_SECRET_BASIC:
        pair = f"{quote_plus(reveal(client_id))}:{quote_plus(reveal(values.secret('client_secret')))}"
        basic = Secret("Basic " + base64.b64encode(pair.encode()).decode())
        return Proof(authorization=basic, certificate=certificate)
    own: tuple[Field, ...] = (("client_id", client_id),)
    if method == CLIENT_SECRET_POST:
        own = (*own, ("client_secret", values.secret("client_secret")))
    if method == PRIVATE_KEY_JWT:
        assertion = _assertion(values, moment, url, fields)
        own = (*own, ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion))
    return Proof(own, certificate=certificate)


def audience_of(values: Values, url: str) -> str:
    """Return who assertions are made out to: the issuer where it is known, else the endpoint (RFC 7523 section 3)."""
    return values.text(ISSUER.name) or url


def _assertion(values: Values, moment: Moment, url: str, fields: Sequence[Field]) -> Secret:
    """Sign who the client is (RFC 7523 sections 2.2 and 3)."""
    key_pair = values.key_pair(SIGNING_CERTIFICATE.name)
    client_id = reveal(values.secret("client_id"))
    now = int(moment.now.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience_of(values, url),
        "jti": unique(moment, "client_assertion", url, *(reveal(value) for _, value in fields)),
        "iat": now,
        "exp": now + ASSERTION_LIFETIME,
    }
    return sign(claims, key_pair, values.text(SIGNING_ALGORITHM.name), identifying(key_pair))
