"""DPoP proofs, made here and not by Callout: for showing what the verifiers of others take and refuse."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time

from joserfc import jwk, jwt


def proof(key: jwk.ECKey, address: str, method: str = "POST", *, token: str = "", **claims: str) -> str:
    """Return a DPoP proof (RFC 9449 4.2) for a request; with `token` one that shows it."""
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    told = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": address, "iat": int(time.time()), **claims}
    if token:
        told["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    return jwt.encode(header, told, key)
