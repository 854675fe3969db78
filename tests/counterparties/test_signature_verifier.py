"""What the verifier of HTTP message signatures takes and refuses, shown with signatures made by hand (RFC 9421 2.5, 3.1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.counterparties.signature_verifier import SignatureVerifier
from tests.journeys.processes import PATIENCE

ED25519 = ed25519.Ed25519PrivateKey.generate()
P256 = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
SHARED = secrets.token_bytes(32)


def by_p256(base: bytes) -> bytes:
    r, s = decode_dss_signature(P256.sign(base, ec.ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


SIGN: dict[str, Callable[[bytes], bytes]] = {
    "ed25519": ED25519.sign,
    "ecdsa-p256-sha256": by_p256,
    "rsa-pss-sha512": lambda base: RSA.sign(base, padding.PSS(padding.MGF1(SHA512()), 64), SHA512()),
    "rsa-v1_5-sha256": lambda base: RSA.sign(base, padding.PKCS1v15(), SHA256()),
    "hmac-sha256": lambda base: hmac.digest(SHARED, base, "sha256"),
}


def public(key) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignatureVerifier]:
    keys = {
        "ed25519": public(ED25519),
        "ecdsa-p256-sha256": public(P256),
        "rsa-pss-sha512": public(RSA),
        "rsa-v1_5-sha256": public(RSA),
        "hmac-sha256": base64.b64encode(SHARED).decode(),
    }
    known = {algorithm: (algorithm, key) for algorithm, key in keys.items()}
    with SignatureVerifier(tmp_path_factory.mktemp("verifier"), known, required=["@method", "content-digest"]) as it:
        yield it


@dataclass
class Request:
    """A request that is signed as a whole."""

    address: str
    algorithm: str = "ed25519"
    method: str = "POST"
    body: bytes = b"order 7"
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(8))
    expires: float = 60
    covered: tuple[str, ...] = ("@method", "@authority", "@path", "@query", "content-digest")

    def headers(self) -> dict[str, str]:
        at = urlsplit(self.address)
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(self.body).digest()).decode()}:"
        values = {"@method": self.method, "@authority": at.netloc, "@path": at.path, "@query": f"?{at.query}"}
        values["content-digest"] = digest
        now = int(time.time())
        told = f'created={now};expires={now + int(self.expires)};keyid="{self.algorithm}";nonce="{self.nonce}"'
        quoted = " ".join(f'"{name}"' for name in self.covered)
        parameters = f"({quoted});{told}"
        lines = [*(f'"{name}": {values[name]}' for name in self.covered), f'"@signature-params": {parameters}']
        signature = base64.b64encode(SIGN[self.algorithm]("\n".join(lines).encode())).decode()
        signed = {"Signature-Input": f"sig1={parameters}", "Signature": f"sig1=:{signature}:"}
        return {"Content-Digest": digest, **signed}


def send(request: Request, headers: dict[str, str]) -> httpx2.Response:
    with httpx2.Client(trust_env=False, timeout=PATIENCE) as client:
        return client.request(request.method, request.address, content=request.body, headers=headers)


@pytest.fixture
def request_7(verifier) -> Request:
    return Request(f"{verifier.url}/orders/a%20b?q=1&q=%2B")


@pytest.mark.parametrize("algorithm", SIGN)
def test_a_request_signed_by_hand_is_taken(verifier, request_7, algorithm):
    request = replace(request_7, algorithm=algorithm)
    answer = send(request, request.headers())
    assert (answer.status_code, answer.json().get("keyid")) == (200, algorithm), answer.text
    assert verifier.seen()[-1]["nonce"] == request.nonce


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"address": "/orders/8"},
        {"address": "?q=2"},
        {"body": b"order 8"},
    ],
    ids=str,
)
@pytest.mark.parametrize("algorithm", ["ed25519", "hmac-sha256"])
def test_what_was_changed_after_it_was_signed_is_refused(request_7, change, algorithm):
    request = replace(request_7, algorithm=algorithm)
    headers = request.headers()
    if "address" in change:
        change = {"address": request.address.split("?")[0] + change["address"]}
    answer = send(replace(request, **change), headers)
    assert answer.status_code == 401
    assert answer.json()["error"].startswith("got a s"), "a signature, or a sha-256, that is not that of what came"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"expires": -60}, "Signature has expired"),
        ({"covered": ("@method",)}, "Missing required signed fields"),
    ],
)
def test_what_is_signed_too_late_or_too_little_is_refused(request_7, wrong, error):
    request = replace(request_7, **wrong)
    assert send(request, request.headers()).json()["error"] == error


def test_a_nonce_is_good_once_and_no_signature_is_none(request_7):
    first = send(request_7, request_7.headers())
    again = send(request_7, request_7.headers())
    assert (first.status_code, again.status_code) == (200, 401)
    assert send(request_7, {}).json()["error"] == "got no signature"
