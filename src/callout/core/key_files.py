"""Keys and certificates as files hold them: PEM (RFC 7468), JWK (RFC 7517), PKCS #12 (RFC 7292).

What is read is judged: the key's kind and size, that the leaf is of this key, and that each certificate was issued by
the next. A refusal never quotes what came: it may be a key.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from callout.core.jose.jwk import NotAKey, private_key_in, public_jwk, thumbprint
from callout.core.private_key import LARGEST_RSA, SMALLEST_RSA, PrivateKey, PublicKey
from callout.core.secret import Secret, reveal

#: Curves of EC keys, by OpenSSL's names: those of RFC 7518 section 6.2.1.1.
CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
#: Most certificates of one chain.
LONGEST_CHAIN = 10

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_KEY_BLOCKS = frozenset({b"PRIVATE KEY", b"ENCRYPTED PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY"})
_EXPECTED = "a private key and its certificates in PEM, a private JWK, or a PKCS #12 file"


class NotReadable(ValueError):
    """Content that is not taken. `got` and `expected` quote nothing of it."""

    def __init__(self, got: str, expected: str) -> None:
        super().__init__(f"got {got}; expected {expected}")
        self.got = got
        self.expected = expected


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What a file held. No private key: certificates alone. `kid` is empty where the file names none."""

    private_key: Secret | None
    public_key: dict[str, str]
    algorithm: str
    kid: str
    certificates: tuple[str, ...]
    expires_at: datetime | None


def read_key_file(content: Secret, password: Secret | None = None) -> KeyFile:
    """Read a file: PEM or JSON as text, PKCS #12 as base64. Raises `NotReadable`."""
    text = reveal(content).strip().encode("utf-8", "surrogatepass")
    if b"-----BEGIN" in text:
        return _judged(*_from_pem(text, password))
    if text.startswith(b"{"):
        return _judged(*_from_jwk(text))
    try:
        binary = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotReadable("content of no known form", _EXPECTED) from None
    return _judged(*_from_pkcs12(binary, password))


def algorithm_of(key: PublicKey) -> str:
    """Name the kind of a key: `RSA-2048`, `P-256`, `Ed25519`. Raises `NotReadable` for one that is not taken."""
    match key:
        case rsa.RSAPublicKey():
            if not SMALLEST_RSA <= key.key_size <= LARGEST_RSA:
                raise NotReadable(f"an RSA key of {key.key_size} bits", f"one of {SMALLEST_RSA} to {LARGEST_RSA}")
            return f"RSA-{key.key_size}"
        case ec.EllipticCurvePublicKey():
            curve = CURVES.get(key.curve.name)
            if curve is None:
                raise NotReadable(f"a key on the curve {key.curve.name}", f"one on {', '.join(CURVES.values())}")
            return curve
        case _:
            return "Ed25519"


def pem_of_key(key: PrivateKey) -> Secret:
    """Write a private key as it is sealed."""
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def _judged(key: PrivateKey | None, kid: str, found: Iterable[x509.Certificate]) -> KeyFile:
    certificates = list(found)
    if len(certificates) > LONGEST_CHAIN:
        raise NotReadable(f"{len(certificates)} certificates", f"at most {LONGEST_CHAIN}")
    public = key.public_key() if key is not None else None
    chain = _chain(public, certificates)
    if public is None:
        if not chain:
            raise NotReadable("neither a private key nor a certificate", _EXPECTED)
        leaf = chain[0].public_key()
        if not isinstance(leaf, PublicKey):
            raise NotReadable("a certificate of another kind of key", "one for RSA, EC or Ed25519")
        public = leaf
    algorithm = algorithm_of(public)
    return KeyFile(
        pem_of_key(key) if key is not None else None,
        public_jwk(public),
        algorithm,
        kid,
        tuple(each.public_bytes(Encoding.PEM).decode() for each in chain),
        chain[0].not_valid_after_utc if chain else None,
    )


def _chain(public: PublicKey | None, certificates: list[x509.Certificate]) -> list[x509.Certificate]:
    """Put certificates in the order in which each was issued by the next, beginning with that of the key."""
    if not certificates:
        return []
    issuers = {each.issuer for each in certificates if each.issuer != each.subject}
    if public is not None:
        leaves = [each for each in certificates if each.public_key() == public]
        if not leaves:
            subjects = ", ".join(each.subject.rfc4514_string() or "no name" for each in certificates)
            raise NotReadable(f"a private key that none of the certificates is for ({subjects})", "that of the first")
    else:
        leaves = [each for each in certificates if each.subject not in issuers] or certificates
    chain = [leaves[0]]
    left = [each for each in certificates if each is not leaves[0]]
    while left:
        issuer = next((each for each in left if _issued(chain[-1], each)), None)
        if issuer is None:
            names = ", ".join(each.subject.rfc4514_string() or "no name" for each in left)
            raise NotReadable(f"certificates outside the chain ({names})", "the leaf and those that issued it, alone")
        chain.append(issuer)
        left.remove(issuer)
    return chain


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _from_pem(text: bytes, password: Secret | None) -> tuple[PrivateKey | None, str, list[x509.Certificate]]:
    blocks = [(match[1], match[0]) for match in _BLOCK.finditer(text)]
    keys = [block for kind, block in blocks if kind in _KEY_BLOCKS]
    if len(keys) > 1:
        raise NotReadable(f"{len(keys)} private keys", "one")
    if any(kind == b"OPENSSH PRIVATE KEY" for kind, _ in blocks):
        raise NotReadable("a key of OpenSSH's own form", "PKCS #8: ssh-keygen -p -m PKCS8 -f FILE writes it so")
    written = [block for kind, block in blocks if kind == b"CERTIFICATE"]
    found = [_certificate(x509.load_pem_x509_certificate, block) for block in written]
    return (_pem_key(keys[0], password) if keys else None), "", found


def _pem_key(block: bytes, password: Secret | None) -> PrivateKey:
    try:
        try:
            key = load_pem_private_key(block, None)
        except TypeError:  # it is encrypted
            if password is None:
                raise NotReadable("an encrypted private key", "its password beside it") from None
            key = load_pem_private_key(block, reveal(password).encode())
    except NotReadable:
        raise
    except (ValueError, TypeError, UnsupportedAlgorithm):  # their texts may quote the key
        raise _not_opened(password, "a private key that does not read") from None
    return _taken(key)


def _from_jwk(text: bytes) -> tuple[PrivateKey, str, list[x509.Certificate]]:
    try:
        members = json.loads(text)
        if isinstance(members.get("keys"), list) and len(members["keys"]) == 1:
            members = members["keys"][0]
        key, kid = private_key_in(json.dumps(members).encode())
        listed = members.get("x5c") or []
        ders = [base64.b64decode(each, validate=True) for each in listed]
    except NotAKey as error:
        raise NotReadable(str(error), "a private JWK") from None
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise NotReadable("JSON that is no JWK", "a private JWK") from None
    return key, kid, [_certificate(x509.load_der_x509_certificate, der) for der in ders]


def _from_pkcs12(binary: bytes, password: Secret | None) -> tuple[PrivateKey, str, list[x509.Certificate]]:
    try:
        opened = load_pkcs12(binary, reveal(password).encode() if password is not None else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _not_opened(password, "content that does not read as PKCS #12") from None
    if opened.key is None:
        raise NotReadable("a PKCS #12 file without a private key", "one with it")
    certificates = [each.certificate for each in (opened.cert, *opened.additional_certs) if each is not None]
    return _taken(opened.key), "", certificates


def _not_opened(password: Secret | None, what: str) -> NotReadable:
    if password is not None:
        return NotReadable("a password that does not open it, or content that is damaged", "the password of this file")
    return NotReadable(what, f"{_EXPECTED}; where it is encrypted, its password (--password -)")


def _taken(key: object) -> PrivateKey:
    if not isinstance(key, PrivateKey):
        raise NotReadable("a private key of a kind that is not taken", "RSA, EC or Ed25519")
    return key


def _certificate(load: Callable[[bytes], x509.Certificate], content: bytes) -> x509.Certificate:
    try:
        return load(content)
    except (ValueError, UnsupportedAlgorithm):
        raise NotReadable("a certificate that does not read", "one as RFC 5280 says") from None


def kid_of(read: KeyFile) -> str:
    """Return what the key is called: as its file says, else its thumbprint (RFC 7638)."""
    return read.kid or thumbprint(read.public_key)
