"""HTTP message signatures (RFC 9421) of requests, and Content-Digest (RFC 9530). The one owner of http-message-signatures.

The library resolves components and builds the signature base from the message that it is given; nothing else is read,
the clock neither: `created` is given. ECDSA signatures are those of RFC 6979, so that what is signed twice has one
signature; only that of `rsa-pss-sha512` has a random salt.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPSignatureAlgorithm,
    algorithms,
)

from callout.core.errors import Refused
from callout.core.key_pair import KeyPair
from callout.core.private_key import loaded

HMAC = "hmac-sha256"


class _P256(algorithms.ECDSA_P256_SHA256):
    """ECDSA as RFC 6979 says."""

    def __init__(self, **keys: Any) -> None:
        super().__init__(**keys)  # type: ignore[no-untyped-call]
        self.signature_algorithm = ec.ECDSA(self._hash(), deterministic_signing=True)


class _P384(algorithms.ECDSA_P384_SHA384):
    """ECDSA as RFC 6979 says."""

    def __init__(self, **keys: Any) -> None:
        super().__init__(**keys)  # type: ignore[no-untyped-call]
        self.signature_algorithm = ec.ECDSA(self._hash(), deterministic_signing=True)


_KINDS: dict[str, type[HTTPSignatureAlgorithm]] = {
    kind.algorithm_id: kind
    for kind in (
        algorithms.RSA_PSS_SHA512,
        algorithms.RSA_V1_5_SHA256,
        _P256,
        _P384,
        algorithms.ED25519,
        algorithms.HMAC_SHA256,
    )
}
#: The algorithms of RFC 9421 section 3.3, by their names in its registry.
ALGORITHMS = tuple(_KINDS)
DIGESTS = ("sha-256", "sha-512")  # those of RFC 9530 section 5 that are not broken


class _Sha512(ContentDigest):
    algorithm = "sha-512"


_DIGESTS = {"sha-256": ContentDigest, "sha-512": _Sha512}


@dataclass(slots=True)
class Message:
    """A request as it will be sent. `url` is absolute; `headers` are all of its fields, in order."""

    method: str
    url: str
    fields: Sequence[tuple[str, str]]

    @property
    def headers(self) -> _Fields:
        """The fields, as the library reads them."""
        return _Fields(self.fields)


@dataclass(slots=True)
class _Fields:
    """Header fields that are read only, with their duplicates."""

    fields: Sequence[tuple[str, str]]

    def items(self) -> Sequence[tuple[str, str]]:
        """Return every line."""
        return self.fields


@dataclass(frozen=True, slots=True)
class Signing:
    """What one signature is made with, and its parameters (RFC 9421 section 2.3); None: left out."""

    algorithm: str
    covered: Sequence[str]
    created: datetime
    keyid: str
    key: KeyPair | bytes = field(repr=False)
    label: str = "sig1"
    expires: datetime | None = None
    nonce: str | None = None
    tag: str | None = None
    names_algorithm: bool = True


def content_digest(body: bytes, algorithm: str) -> str:
    """Return the value of Content-Digest (RFC 9530 section 2)."""
    return _DIGESTS[algorithm].create(body)


def signature(message: Message, signing: Signing) -> tuple[str, str]:
    """Return the values of Signature-Input and Signature (RFC 9421 section 4).

    Raises `Refused(malformed_request)` for a message that lacks a covered component, or holds what no signature base may;
    `Refused(principal_not_configured)` for components that are none, and for a key of another kind.
    """
    algorithm = _with_key(signing.algorithm, signing.key)
    try:
        prepared = HTTPMessageSigner(signature_algorithm=_KINDS[signing.algorithm]).prepare(
            message,
            key_id=signing.keyid,
            created=signing.created,
            expires=signing.expires,
            nonce=signing.nonce,
            label=signing.label,
            tag=signing.tag,
            include_alg=signing.names_algorithm,
            covered_component_ids=tuple(signing.covered),
            use_existing_digest=any(name.lower() == "content-digest" for name, _ in message.fields),
        )
    except (HTTPMessageSignaturesException, ValueError, TypeError) as error:
        detail = f"got a request that cannot be signed: {error}; expected one with every covered component"
        raise Refused("malformed_request", detail) from None
    encoded = base64.b64encode(algorithm.sign(prepared.signature_base)).decode()
    return f"{prepared.label}={prepared.signature_params}", f"{prepared.label}=:{encoded}:"


def _with_key(algorithm: str, key: KeyPair | bytes) -> HTTPSignatureAlgorithm:
    if isinstance(key, bytes):
        return _KINDS[algorithm](private_key=key)
    try:
        return _KINDS[algorithm](private_key=loaded(key.private_key))
    except HTTPMessageSignaturesException:
        detail = f"got certificate {key.name!r} with another key; expected one for {algorithm}"
        raise Refused("principal_not_configured", detail) from None
