"""The conversation with IAM Roles Anywhere, as its User Guide has it ("Signing process for CreateSession")."""

import base64
import hashlib
import json
import re
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA256

from callout.core.errors import Refused
from callout.core.message import HttpRequest
from callout.core.oauth2 import TokenRefused
from callout.core.protocol import Moment, Values
from callout.core.protocols.aws_roles_anywhere import AwsRolesAnywhere
from callout.core.secret import reveal
from tests.keys import key_pair, self_signed
from tests.play import answer, play

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MOMENT = Moment(NOW)
CREATED = {
    "credentialSet": [
        {
            "assumedRoleUser": {
                "arn": "arn:aws:sts::123456789012:assumed-role/demo/a1b2c3",
                "assumedRoleId": "ARO:a1b2c3",
            },
            "credentials": {
                "accessKeyId": "c4n4ry-Zq7-issued",
                "secretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                "sessionToken": "AQoDYXdzEJr",
                "expiration": "2030-01-01T01:00:00Z",
            },
            "packedPolicySize": 10,
            "roleArn": "arn:aws:iam::123456789012:role/demo",
            "sourceIdentity": "CN=orders",
        }
    ],
    "subjectArn": "arn:aws:rolesanywhere:eu-central-1:123456789012:subject/x",
}
CONFORMING = answer(201, json.dumps(CREATED))
ARNS = {
    "role_arn": "arn:aws:iam::123456789012:role/demo",
    "profile_arn": "arn:aws:rolesanywhere:eu-central-1:123456789012:profile/p",
    "trust_anchor_arn": "arn:aws:rolesanywhere:eu-central-1:123456789012:trust-anchor/t",
}


def protocol(kind: str = "RSA", chain: tuple[str, ...] = (), **parameters: str) -> AwsRolesAnywhere:
    pair = key_pair(kind, certificates=(self_signed(kind), *chain))
    given = {"region": "eu-central-1", "service": "s3", "signing_certificate": "orders", **ARNS, **parameters}
    return AwsRolesAnywhere(Values(given, {}, {"signing_certificate": pair}))


def asked(made: AwsRolesAnywhere) -> tuple[HttpRequest, dict[str, str]]:
    _, (request,) = play(made.obtain(MOMENT, None), CONFORMING)
    return request, {name.lower(): reveal(value) for name, value in request.headers}


def string_to_sign(request: HttpRequest, headers: dict[str, str], algorithm: str) -> bytes:
    """Build the string to sign as the User Guide says, from what is sent."""
    names = sorted({*headers, "host"} - {"authorization"})
    values = {**headers, "host": "rolesanywhere.eu-central-1.amazonaws.com"}
    body = hashlib.sha256(reveal(request.body).encode()).hexdigest()
    canonical = ["POST", "/sessions", "", *(f"{n}:{values[n]}" for n in names), "", ";".join(names), body]
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    return f"{algorithm}\n20300101T000000Z\n20300101/eu-central-1/rolesanywhere/aws4_request\n{digest}".encode()


@pytest.mark.parametrize(
    ("kind", "algorithm", "scheme"),
    [
        ("RSA", "AWS4-X509-RSA-SHA256", (padding.PKCS1v15(), SHA256())),
        ("P-256", "AWS4-X509-ECDSA-SHA256", (ec.ECDSA(SHA256()),)),
        ("P-384", "AWS4-X509-ECDSA-SHA256", (ec.ECDSA(SHA256()),)),
    ],
)
def test_the_request_is_signed_by_the_key_of_the_certificate_that_it_bears(kind, algorithm, scheme) -> None:
    request, headers = asked(protocol(kind))
    certificate = x509.load_der_x509_certificate(base64.b64decode(headers["x-amz-x509"]))
    found = re.fullmatch(
        rf"{algorithm} Credential=10597059/20300101/eu-central-1/rolesanywhere/aws4_request, "
        r"SignedHeaders=accept;content-type;host;x-amz-date;x-amz-x509, Signature=([0-9a-f]+)",
        headers["authorization"],
    )
    assert found is not None, headers["authorization"]
    text = string_to_sign(request, headers, algorithm)
    certificate.public_key().verify(bytes.fromhex(found[1]), text, *scheme)


def test_the_certificates_that_lead_to_the_trust_anchor_go_along_and_are_signed() -> None:
    _, headers = asked(protocol("RSA", (self_signed("P-256"), self_signed("P-384"))))
    chain = [x509.load_der_x509_certificate(base64.b64decode(each)) for each in headers["x-amz-x509-chain"].split(",")]
    expected = [x509.load_pem_x509_certificate(self_signed(kind).encode()) for kind in ("P-256", "P-384")]
    assert chain == expected
    assert "x-amz-x509;x-amz-x509-chain" in headers["authorization"]


def test_a_session_is_created_where_and_for_what_is_set() -> None:
    request, _ = asked(protocol(duration_seconds="900"))
    assert (request.method, request.url) == ("POST", "https://rolesanywhere.eu-central-1.amazonaws.com/sessions")
    assert json.loads(reveal(request.body)) == {
        "profileArn": ARNS["profile_arn"],
        "roleArn": ARNS["role_arn"],
        "trustAnchorArn": ARNS["trust_anchor_arn"],
        "durationSeconds": 900,
    }
    request, _ = asked(protocol(roles_anywhere_endpoint="https://ra.example/"))
    assert request.url == "https://ra.example/sessions"


def test_the_credentials_of_the_answer_sign_requests_until_they_expire() -> None:
    made = protocol()
    token, _ = play(made.obtain(MOMENT, None), CONFORMING)
    assert token.expires_at == datetime(2030, 1, 1, 1, tzinfo=UTC)
    headers = dict(made.apply(HttpRequest("GET", "https://b.s3.example/"), token, MOMENT).headers)
    assert reveal(headers["X-Amz-Security-Token"]) == "AQoDYXdzEJr"
    assert reveal(headers["Authorization"]).startswith("AWS4-HMAC-SHA256 Credential=c4n4ry-Zq7-issued/20300101/")


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (key_pair("Ed25519", certificates=(self_signed("RSA"),)), "of another kind"),
        (key_pair("RSA"), "without a certificate"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_before_anything_is_sent(pair, said) -> None:
    made = AwsRolesAnywhere(Values({"region": "r", "service": "s3", **ARNS}, {}, {"signing_certificate": pair}))
    with pytest.raises(Refused, match=said) as refused:
        next(made.obtain(MOMENT, None))
    assert refused.value.reason.code == "principal_not_configured"


@pytest.mark.parametrize(
    "response",
    [
        answer(
            403, '{"message": "Untrusted certificate. Insufficient certificate", "__type": "x#AccessDeniedException"}'
        ),
        answer(403, '{"message": "Untrusted certificate. Insufficient certificate"}'),
    ],
)
def test_a_certificate_that_is_not_trusted_is_refused_with_what_aws_says(response) -> None:
    with pytest.raises(TokenRefused, match="Untrusted certificate") as refused:
        play(protocol().obtain(MOMENT, None), response)
    assert refused.value.reason.code == "token_endpoint_refused"


@pytest.mark.parametrize(
    "answered",
    [{}, {"credentialSet": []}, {"credentialSet": [{"credentials": {"accessKeyId": 1}}]}, {"credentialSet": {}}],
)
def test_an_answer_of_success_without_whole_credentials_is_refused(answered) -> None:
    with pytest.raises(TokenRefused, match="expected 201 with credentials that expire"):
        play(protocol().obtain(MOMENT, None), answer(201, json.dumps(answered)))


def test_the_regions_of_china_are_under_a_domain_of_their_own() -> None:
    request, _ = asked(protocol(region="cn-north-1"))
    assert request.url == "https://rolesanywhere.cn-north-1.amazonaws.com.cn/sessions"
