"""HTTP message signatures as a protocol, judged by the verifier of the library. RFC 9421's own are one folder up."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from http_message_signatures.exceptions import InvalidSignature as Refuted

from callout.core.errors import Refused
from callout.core.http_signatures import ALGORITHMS, HMAC
from callout.core.key_pair import KeyPair
from callout.core.message import HttpRequest
from callout.core.protocol import Moment, Needs, Values, required_secrets
from callout.core.protocols.http_message_signatures import HttpMessageSignatures
from callout.core.secret import Secret, reveal
from tests.core.rfc_9421 import KEYS, SIGNATURES
from tests.core.test_http_signatures import CASES, CREATED, INPUTS, REQUEST, rfc_message, verify
from tests.keys import key_pair, private_key

NOW = datetime(2021, 4, 20, tzinfo=UTC)
MOMENT = Moment(NOW, entropy=bytes(range(32)))

KINDS = {
    "rsa-pss-sha512": "RSA",
    "rsa-v1_5-sha256": "RSA",
    "ecdsa-p256-sha256": "P-256",
    "ecdsa-p384-sha384": "P-384",
    "ed25519": "Ed25519",
}
SECRET = base64.b64encode(b"shared with the external system").decode()


def signed_by(algorithm: str, request: HttpRequest = REQUEST, **parameters: str) -> HttpRequest:
    pairs = {"signing_certificate": key_pair(KINDS[algorithm])} if algorithm != HMAC else {}
    more = {"keyid": "ours"} if algorithm == HMAC else {}
    values = Values({"algorithm": algorithm, **more, **parameters}, {"shared_secret": Secret(SECRET)}, pairs)
    return HttpMessageSignatures(values).apply(request, None, MOMENT)


def fields_of(request: HttpRequest) -> list[tuple[str, str]]:
    return [(name, reveal(value)) for name, value in request.headers]


def verified(algorithm: str, request: HttpRequest) -> None:
    fields = dict(fields_of(request))
    rest = [(name, value) for name, value in fields_of(request) if not name.startswith("Signature")]
    if algorithm == HMAC:
        key = base64.b64decode(SECRET)
    else:
        public = private_key(KINDS[algorithm]).public_key()
        key = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    verify(rest, fields["Signature-Input"], fields["Signature"], algorithm, key)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_is_accepted_by_a_verifier_and_refuted_when_the_request_was_changed(algorithm: str) -> None:
    after = signed_by(algorithm)
    verified(algorithm, after)
    changed = after.with_headers(("Content-Type", "text/plain"))
    with pytest.raises((Refuted, InvalidSignature)):
        verified(algorithm, changed)


def test_a_request_without_content_is_signed_without_the_components_of_content() -> None:
    bare = HttpRequest("GET", REQUEST.url, REQUEST.headers[:2])
    after = dict(fields_of(signed_by("ed25519", bare)))
    assert after["Signature-Input"].startswith('sig1=("@method" "@authority" "@target-uri");created=1618876800;keyid=')
    assert "Content-Digest" not in after


def test_the_parameters_of_a_signature_are_those_that_are_asked_for() -> None:
    described = dict(fields_of(signed_by("ed25519", tag="shop", expires_in="300", label="callout")))["Signature-Input"]
    assert described.startswith("callout=(")
    expires = int((NOW + timedelta(minutes=5)).timestamp())
    assert described.endswith(f';alg="ed25519";expires={expires};nonce="AAECAwQFBgcICQoLDA0ODw";tag="shop"')
    assert f';keyid="{key_pair("Ed25519").kid}"' in described


def test_a_field_that_is_covered_and_not_there_is_refused() -> None:
    with pytest.raises(Refused, match="x-request-id") as refused:
        signed_by("ed25519", covered_components="@method x-request-id")
    assert refused.value.reason.code == "malformed_request"


def test_what_is_looked_at_is_what_is_covered() -> None:
    assert HttpMessageSignatures.needs({}) is Needs.BODY
    assert HttpMessageSignatures.needs({"covered_components": "@method date"}) is Needs.HEAD
    assert HttpMessageSignatures.needs({"covered_components": '"content-digest";key="sha-256"'}) is Needs.BODY


def test_the_shared_secret_is_needed_where_it_signs() -> None:
    assert required_secrets(HttpMessageSignatures) == set()
    assert required_secrets(HttpMessageSignatures, {"algorithm": HMAC}) == {"shared_secret"}


@pytest.mark.parametrize("algorithm", [each for each in ALGORITHMS if each != HMAC])
def test_a_key_of_another_kind_is_refused(algorithm: str) -> None:
    values = Values({"algorithm": algorithm}, {}, {"signing_certificate": key_pair("P-521")})
    with pytest.raises(Refused, match=f"expected one for {algorithm}") as refused:
        HttpMessageSignatures(values).apply(REQUEST, None, MOMENT)
    assert refused.value.reason.code == "principal_not_configured"


def test_a_shared_secret_that_is_not_base64_is_refused_and_not_shown() -> None:
    values = Values({"algorithm": HMAC}, {"shared_secret": Secret("canary!")})
    with pytest.raises(Refused, match="not Base64") as refused:
        HttpMessageSignatures(values).apply(REQUEST, None, MOMENT)
    assert "canary" not in repr(refused.value)


def test_the_protocol_writes_what_the_rfc_shows() -> None:
    """B.2.6 through the protocol's own parameters; B.2.3 for the digest."""
    parameters = {
        "algorithm": "ed25519",
        "covered_components": CASES["sig-b26"][1],
        "label": "sig-b26",
        "keyid": "test-key-ed25519",
        "alg": "none",
        "nonce": "none",
    }
    pair = KeyPair("rfc", "another", Secret(KEYS["test-key-ed25519"]))
    after = HttpMessageSignatures(Values(parameters, {}, {"signing_certificate": pair})).apply(REQUEST, None, CREATED)
    written = {name: reveal(value) for name, value in after.headers[-2:]}
    assert written == {
        "Signature-Input": f"sig-b26={INPUTS['sig-b26']}",
        "Signature": f"sig-b26=:{SIGNATURES['sig-b26']}:",
    }
    digested = signed_by("ed25519", digest_algorithm="sha-512")
    assert dict(fields_of(digested))["Content-Digest"] == dict(rfc_message().fields)["Content-Digest"]
