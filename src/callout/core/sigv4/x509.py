"""Signs with the key of a certificate in place of an access key, as IAM Roles Anywhere asks for its sessions.

Source: IAM Roles Anywhere User Guide, "Signing process for CreateSession". The signatures are RSASSA-PKCS1-v1_5 (RFC 8017
section 8.2) or ECDSA with SHA-256, deterministic (RFC 6979): the same input gives the same output.
"""

from __future__ import annotations

import base64
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from callout.core.errors import Refused
from callout.core.key_pair import KeyPair
from callout.core.message import HttpRequest
from callout.core.private_key import loaded
from callout.core.secret import Secret
from callout.core.sigv4.signing import (
    AUTHORIZATION,
    DATE,
    CredentialScope,
    authorization,
    canonical_of,
    payload_hash_of,
    string_to_sign,
    timestamp,
)

CERTIFICATE, CHAIN = "X-Amz-X509", "X-Amz-X509-Chain"
_RSA, _ECDSA = "AWS4-X509-RSA-SHA256", "AWS4-X509-ECDSA-SHA256"


def sign_with_certificate(
    request: HttpRequest, key_pair: KeyPair, scope: CredentialScope, now: datetime
) -> HttpRequest:
    """Return the request signed by a key, with its certificate and the certificates that lead to the trust anchor.

    Raises `Refused(principal_not_configured)` for a key without a certificate, or of another kind than RSA or EC.
    """
    if not key_pair.certificates:
        detail = f"got key {key_pair.name!r} without a certificate; expected one that the trust anchor has signed"
        raise Refused("principal_not_configured", detail)
    leaf, *chain = (x509.load_pem_x509_certificate(pem.encode()) for pem in key_pair.certificates)
    headers = [(DATE, timestamp(now)), (CERTIFICATE, _base64(leaf))]
    if chain:
        headers.append((CHAIN, ",".join(map(_base64, chain))))
    dated = request.with_headers(*headers)
    canonical = canonical_of(dated, scope, payload_hash_of(request.body))
    private_key = loaded(key_pair.private_key)
    if isinstance(private_key, rsa.RSAPrivateKey):
        algorithm = _RSA
        signed = private_key.sign(string_to_sign(_RSA, canonical, scope, now).encode(), padding.PKCS1v15(), SHA256())
    elif isinstance(private_key, ec.EllipticCurvePrivateKey):
        algorithm, method = _ECDSA, ec.ECDSA(SHA256(), deterministic_signing=True)
        signed = private_key.sign(string_to_sign(_ECDSA, canonical, scope, now).encode(), method)
    else:
        detail = f"got key {key_pair.name!r} of another kind; expected RSA or EC: IAM Roles Anywhere takes no other"
        raise Refused("principal_not_configured", detail)
    serial = str(leaf.serial_number)
    return dated.with_headers(
        (AUTHORIZATION, authorization(algorithm, serial, scope, now, canonical, Secret(signed.hex())))
    )


def _base64(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
