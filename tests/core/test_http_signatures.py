"""Signatures against RFC 9421 appendix B.2, letter for letter where they are deterministic."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms

from callout.core.http_signatures import HMAC, Message, Signing, signature
from callout.core.key_pair import KeyPair
from callout.core.message import HttpRequest
from callout.core.protocol import Moment
from callout.core.secret import Redactable, Secret, reveal
from tests.core.rfc_9421 import KEYS, SHARED_SECRET, SIGNATURES

BODY = b'{"hello": "world"}'
#: The test-request of appendix B.2.
REQUEST = HttpRequest(
    "POST",
    "https://example.com/foo?param=Value&Pet=dog",
    (
        ("Host", Redactable.of("example.com")),
        ("Date", Redactable.of("Tue, 20 Apr 2021 02:07:55 GMT")),
        ("Content-Type", Redactable.of("application/json")),
    ),
    BODY,
)
CREATED = Moment(datetime.fromtimestamp(1618884473, UTC), entropy=bytes(32))

#: What each signature of appendix B.2 covers and says, and the key that it is made with.
CASES = {
    "sig-b21": ("rsa-pss-sha512", "", {"nonce": "b3k2pp5k7z-50gnwp.yemd"}, "test-key-rsa-pss"),
    "sig-b22": (
        "rsa-pss-sha512",
        '@authority content-digest "@query-param";name="Pet"',
        {"tag": "header-example"},
        "test-key-rsa-pss",
    ),
    "sig-b23": (
        "rsa-pss-sha512",
        "date @method @path @query @authority content-type content-digest content-length",
        {},
        "test-key-rsa-pss",
    ),
    "sig-b25": (HMAC, "date @authority content-type", {}, "test-shared-secret"),
    "sig-b26": ("ed25519", "date @method @path @authority content-type content-length", {}, "test-key-ed25519"),
}
#: The Signature-Input of each, letter for letter.
INPUTS = {
    "sig-b21": '();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"',
    "sig-b22": '("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss"'
    ';tag="header-example"',
    "sig-b23": '("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length")'
    ';created=1618884473;keyid="test-key-rsa-pss"',
    "sig-b25": '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
    "sig-b26": '("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473'
    ';keyid="test-key-ed25519"',
}


def key_of(keyid: str):
    return (
        base64.b64decode(SHARED_SECRET) if keyid == "test-shared-secret" else KeyPair(keyid, keyid, Secret(KEYS[keyid]))
    )


def public_pem(keyid: str) -> bytes:
    public = load_pem_private_key(KEYS[keyid].encode(), None).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def rfc_message(body: bytes = BODY) -> Message:
    digest = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
    fields = [(name, reveal(value)) for name, value in REQUEST.headers]
    return Message("POST", REQUEST.url, [*fields, ("Content-Digest", digest), ("Content-Length", str(len(body)))])


class Keys(HTTPSignatureKeyResolver):
    def __init__(self, key: bytes) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> bytes:
        return self._key


class Received:
    """A request as a server sees it."""

    def __init__(self, request: HttpRequest, fields: list[tuple[str, str]]) -> None:
        self.method, self.url = request.method, request.url
        self.headers = Message("", "", fields).headers


def verify(fields, described: str, signed: str, algorithm: str, key: bytes) -> None:
    """Verify as the library does, but for the age."""
    fields = [*fields, ("Signature-Input", described), ("Signature", signed)]
    kind = {each.algorithm_id: each for each in vars(algorithms).values() if getattr(each, "algorithm_id", None)}
    verifier = HTTPMessageVerifier(signature_algorithm=kind[algorithm], key_resolver=Keys(key))
    verifier.verify(Received(REQUEST, fields), max_age=None)


@pytest.mark.parametrize("label", CASES)
def test_what_is_signed_is_that_of_the_rfc(label: str) -> None:
    """Deterministic signatures are compared; of the others, whose salt is random, both are verified over one base."""
    algorithm, covered, more, keyid = CASES[label]
    signing = Signing(
        algorithm, covered.split(), CREATED.now, keyid, key_of(keyid), label=label, names_algorithm=False, **more
    )
    described, signed = signature(rfc_message(), signing)
    assert described == f"{label}={INPUTS[label]}"
    if algorithm.startswith("rsa-pss"):
        for value in (signed, f"{label}=:{SIGNATURES[label]}:"):
            verify(rfc_message().fields, described, value, algorithm, public_pem(keyid))
    else:
        assert signed == f"{label}=:{SIGNATURES[label]}:"


def test_the_p_256_signature_of_the_rfc_is_one_of_its_key() -> None:
    """B.2.4 signs an answer, which Callout does not: only the kind of signature is the same, r and s in a row."""
    algorithm = algorithms.ECDSA_P256_SHA256(public_key=public_pem("test-key-ecc-p256"))
    base = (
        '"@status": 200\n"content-type": application/json\n"content-digest": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvl'
        'CFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:\n"content-length": 23\n"@signature-params": ("@status" '
        '"content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"'
    )
    algorithm.verify(base64.b64decode(SIGNATURES["sig-b24"]), base.encode())
    pair = KeyPair("test-key-ecc-p256", "", Secret(KEYS["test-key-ecc-p256"]))
    _, ours = signature(rfc_message(), Signing("ecdsa-p256-sha256", ["@method"], CREATED.now, "k", pair))
    assert len(base64.b64decode(ours.removeprefix("sig1=:").removesuffix(":"))) == len(
        base64.b64decode(SIGNATURES["sig-b24"])
    )
