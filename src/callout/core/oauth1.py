"""OAuth 1.0a (RFC 5849): the `Authorization` header of one request. The one owner of oauthlib.

oauthlib builds the signature base string and the header. It is given query and form anew, percent-encoded as it wants
them: what is signed are decoded names and values (section 3.4.1.3), so that the request itself stays as it came.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from oauthlib.oauth1 import rfc5849
from oauthlib.oauth1.rfc5849 import Client

from callout.core.errors import Refused
from callout.core.key_pair import KeyPair
from callout.core.private_key import loaded

PLAINTEXT = "PLAINTEXT"
RSA_METHODS = ("RSA-SHA1", "RSA-SHA256")
#: The first is what a server without a documented choice takes (RFC 5849 section 3.4.2).
METHODS = ("HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", *RSA_METHODS, PLAINTEXT)
FORM = "application/x-www-form-urlencoded"
#: Written here, and once in a request (RFC 5849 section 3.1).
_OWN = frozenset(
    f"oauth_{name}"
    for name in ("consumer_key", "token", "signature_method", "timestamp", "nonce", "version", "signature", "body_hash")
)
_DIGESTS = {"SHA256": hashlib.sha256, "SHA512": hashlib.sha512}
_HASHES: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {"RSA-SHA1": hashes.SHA1, "RSA-SHA256": hashes.SHA256}

rfc5849.log.disabled = True  # its debug lines hold what is signed, tokens included


@dataclass(frozen=True, slots=True)
class Signing:
    """What one signature is made with. The client credentials, the token credentials, and what is fresh.

    `timestamp` is in seconds since 1970.
    `body_hash` is the parameter `oauth_body_hash`; that and `version` are empty where they are left out.
    """

    method: str
    consumer_key: str = field(repr=False)
    consumer_secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    token_secret: str = field(default="", repr=False)
    key_pair: KeyPair | None = None
    nonce: str = ""
    timestamp: int = 0
    realm: str = ""
    body_hash: str = ""
    version: str = "1.0"


def body_hash(method: str, body: bytes) -> str:
    """Return `oauth_body_hash` (OAuth Request Body Hash 1.0 draft 4, section 3.2), by the hash of the signature."""
    digest = _DIGESTS.get(method.rpartition("-")[2], hashlib.sha1)
    return base64.b64encode(digest(body).digest()).decode()


def authorization(method: str, url: str, form: bytes | None, signing: Signing) -> str:
    """Return the value of the `Authorization` header (RFC 5849 section 3.5.1).

    `form` is the body where it is one of section 3.4.1.3.1. Raises `Refused(malformed_request)` for a query or form that
    is not UTF-8 or names a parameter that is written here, `Refused(principal_not_configured)` for a key of another kind.
    """
    parts = urlsplit(url)
    query = _encoded_anew("query", parts.query.encode())
    body = None if form is None else _encoded_anew("form", form)
    signer = _Signer(signing)
    headers = {"Content-Type": FORM} if body else {}
    _, signed, _ = signer.sign(urlunsplit(parts._replace(query=query)), method, body or None, headers)  # type: ignore[arg-type]
    return str(signed["Authorization"])


def _encoded_anew(place: str, content: bytes) -> str:
    """Encode names and values as oauthlib wants them: it refuses characters that browsers and programs leave as they are."""
    try:
        pairs = parse_qsl(content.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        detail = f"got a {place} that is not UTF-8; expected UTF-8, percent-encoded (RFC 5849 section 3.6)"
        raise Refused("malformed_request", detail) from None
    own = next((name for name, _ in pairs if name in _OWN), None)
    if own is not None:
        detail = f"got {own} in the {place} of the request; expected it left out, as Callout writes it"
        raise Refused("malformed_request", detail)
    return urlencode(pairs)


class _Signer(Client):
    """A client of oauthlib that is given nonce and timestamp, and signs with a key pair."""

    def __init__(self, signing: Signing) -> None:
        super().__init__(
            signing.consumer_key,
            client_secret=signing.consumer_secret,
            resource_owner_key=signing.token,
            resource_owner_secret=signing.token_secret,
            signature_method=signing.method,
            realm=signing.realm or None,
            nonce=signing.nonce,
            timestamp=str(signing.timestamp),
        )
        self._signing = signing

    def get_oauth_params(self, request: Any) -> list[tuple[str, str]]:
        """Return the protocol parameters. PLAINTEXT goes without nonce and timestamp, as it may (RFC 5849 section 3.1)."""
        without = {"oauth_nonce", "oauth_timestamp"} if self._signing.method == PLAINTEXT else set()
        without |= set() if self._signing.version else {"oauth_version"}
        whole: list[tuple[str, str]] = super().get_oauth_params(request)  # type: ignore[no-untyped-call]
        found = [pair for pair in whole if pair[0] not in without]
        if self._signing.body_hash:
            found.append(("oauth_body_hash", self._signing.body_hash))
        return found

    def sign_rsa(self, base_string: str) -> str:
        """Sign by RSASSA-PKCS1-v1_5 (RFC 5849 section 3.4.3)."""
        assert self._signing.key_pair is not None  # the protocol asked for it
        digest = _HASHES[self._signing.method]()
        signature = _private_key(self._signing.key_pair).sign(base_string.encode(), padding.PKCS1v15(), digest)
        return base64.b64encode(signature).decode()

    SIGNATURE_METHODS = {  # noqa: RUF012 - that of the class it extends
        **Client.SIGNATURE_METHODS,
        **{method: (lambda base_string, signer: signer.sign_rsa(base_string)) for method in RSA_METHODS},
    }


def _private_key(key_pair: KeyPair) -> rsa.RSAPrivateKey:
    key = loaded(key_pair.private_key)
    if not isinstance(key, rsa.RSAPrivateKey):
        detail = f"got certificate {key_pair.name!r} with another key; expected an RSA key (RFC 5849 section 3.4.3)"
        raise Refused("principal_not_configured", detail)
    return key
