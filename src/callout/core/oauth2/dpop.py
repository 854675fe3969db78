"""Proofs that the sender has the key that a token is bound to (DPoP, RFC 9449), and the nonces that servers want in them."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from callout.core.jose import public_jwk, sign, unique
from callout.core.key_pair import KeyPair
from callout.core.message import HttpResponse
from callout.core.oauth2.refusal import USE_DPOP_NONCE, members_of
from callout.core.protocol import Moment
from callout.core.secret import Secret, reveal

DPOP = "DPoP"
NONCE = "dpop-nonce"
#: Longest nonce that is repeated, in characters.
LONGEST_NONCE = 1024

#: A nonce (section 8.1: 1*NQCHAR), and the challenge of a resource server (section 9).
_NONCE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_CHALLENGE = re.compile(rf'\berror\s*=\s*"?{USE_DPOP_NONCE}\b', re.IGNORECASE)


def proof(
    key_pair: KeyPair, moment: Moment, *, method: str, url: str, nonce: str = "", access_token: Secret | None = None
) -> Secret:
    """Sign a proof for one request (section 4.2). With an `access_token` it is for a resource server (section 7)."""
    htu = _normalised(url)
    ath = _digest(access_token) if access_token is not None else ""
    claims: dict[str, Any] = {
        "jti": unique(moment, DPOP, method, url, nonce, ath),
        "htm": method,
        "htu": htu,
        "iat": int(moment.now.timestamp()),
    }
    claims |= {"ath": ath} if ath else {}
    claims |= {"nonce": nonce} if nonce else {}
    header = {"typ": "dpop+jwt", "jwk": public_jwk(key_pair), "kid": None}
    return sign(claims, key_pair, header=header)


def _normalised(url: str) -> str:
    """Return a URL as the server sees it, without query and fragment.

    A host in capitals or the scheme's own port does not reach it so, and not every server normalises (section 4.3).
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path or '/'}"


def _digest(access_token: Secret) -> str:
    """Return the hash that a proof names its token by (section 4.2, `ath`)."""
    digest = hashlib.sha256(reveal(access_token).encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def nonce_in(value: str | None) -> str | None:
    """Return a nonce as it may be repeated; None where there is none."""
    if value is None or len(value) > LONGEST_NONCE or _NONCE.fullmatch(value) is None:
        return None
    return value


def nonce_wanted(response: HttpResponse) -> str | None:
    """Return the nonce with which a token request is to be sent again (section 8); None: it is not that."""
    if response.status not in (400, 401) or members_of(response).get("error") != USE_DPOP_NONCE:
        return None
    return nonce_in(response.header(NONCE))


def is_challenge(status: int, headers: Mapping[str, str]) -> bool:
    """Say whether a resource server wants the request once more, with the nonce that it sends (section 9)."""
    challenge = headers.get("www-authenticate", "")
    return status == 401 and nonce_in(headers.get(NONCE)) is not None and _CHALLENGE.search(challenge) is not None
