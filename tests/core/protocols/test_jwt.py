"""The self-signed token as a protocol: judged by joserfc as a server would, and by the published example of RFC 7515."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from joserfc.jwk import OctKey, import_key
from joserfc.jws import JWSRegistry, deserialize_compact

from callout.core.errors import Refused
from callout.core.jose import sign_with_secret
from callout.core.message import HttpRequest
from callout.core.protocol import Moment, Values, required_secrets
from callout.core.protocols.jwt import Jwt
from callout.core.secret import Redactable, Secret, reveal
from tests.keys import key_pair, pem_of, private_key

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
MOMENT = Moment(NOW, entropy=bytes(range(32)))
REQUEST = HttpRequest("GET", "https://orders.example/x")
KINDS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    "ES256": "P-256",
    "ES384": "P-384",
    "ES512": "P-521",
    "EdDSA": "Ed25519",
}


def signed(kind: str = "P-256", moment: Moment = MOMENT, secret: str = "", **parameters: str) -> str:
    secrets = {"signing_secret": Secret(secret)} if secret else {}
    values = Values(parameters, secrets, {"signing_certificate": key_pair(kind)} if kind else {})
    ((name, value),) = Jwt(values).apply(REQUEST, None, moment).headers
    assert (name, value.redacted.partition(" ")[2]) == ("Authorization", "…")
    return reveal(value)


def members(token: str, part: int = 1) -> dict:
    text = token.rpartition(" ")[2].split(".")[part]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


@pytest.mark.parametrize("algorithm", KINDS)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_each_algorithm_is_verified_with_the_public_key(algorithm: str) -> None:
    token = signed(KINDS[algorithm], signing_algorithm=algorithm).removeprefix("Bearer ")
    key = import_key(
        pem_of(private_key(KINDS[algorithm])), {"RSA": "RSA", "Ed25519": "OKP"}.get(KINDS[algorithm], "EC")
    )
    whole = deserialize_compact(token, key, registry=JWSRegistry(algorithms=[algorithm]))
    assert whole.headers() == {"alg": algorithm, "typ": "JWT", "kid": key_pair(KINDS[algorithm]).kid}


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize(("encoding", "written"), [("text", "p" * 64), ("base64", "cHBw" * 22), ("hex", "70" * 66)])
def test_a_shared_secret_signs_however_it_is_written(algorithm: str, encoding: str, written: str) -> None:
    token = signed("", secret=written, signing_algorithm=algorithm, signing_secret_encoding=encoding)
    key = OctKey.import_key(b"p" * (64 if encoding == "text" else 66))
    deserialize_compact(token.removeprefix("Bearer "), key, registry=JWSRegistry(algorithms=[algorithm]))


def test_a_token_with_the_secret_of_rfc_7515_appendix_a_1_is_verified() -> None:
    """Its header and claims have other white space than ours: the signature is over what it signs."""
    k = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    secret = base64.urlsafe_b64decode(k + "==")
    ours = reveal(sign_with_secret({"iss": "joe"}, secret, "HS256"))
    key = OctKey.import_key(secret)
    assert deserialize_compact(ours, key, registry=JWSRegistry(algorithms=["HS256"])).payload == b'{"iss":"joe"}'


def test_claims_are_text_json_and_formulas_and_dates_are_there_by_themselves() -> None:
    moment = replace(MOMENT, evaluate=lambda text: Redactable.of(text.replace("{!$User.Email}", "a@example.com")))
    claims = {"claims.sub": "{!$User.Email}", "claims.aud": '["https://a.example", "b"]', "claims.admin": "true"}
    token = signed(moment=moment, nbf="written", jwt_lifetime="600", **claims)
    assert members(token) == {
        "iat": SECONDS,
        "exp": SECONDS + 600,
        "nbf": SECONDS,
        "sub": "a@example.com",
        "aud": ["https://a.example", "b"],
        "admin": True,
    }


def test_what_callout_writes_by_itself_is_replaced_or_left_out() -> None:
    token = signed(
        **{"claims.iat": "", "claims.exp": "1999999999", "header_claims.kid": "mine", "header_claims.typ": ""}
    )
    assert members(token) == {"exp": 1999999999}
    assert members(token, 0)["kid"] == "mine"


def test_the_prefix_is_what_the_external_system_wants() -> None:
    assert signed(prefix="Ghost").startswith("Ghost ey")


def test_a_token_is_used_for_half_its_life_and_one_with_an_identifier_once() -> None:
    assert Jwt(Values()).holds() == timedelta(seconds=60)
    assert Jwt(Values({"jwt_lifetime": "3600"})).holds() == timedelta(minutes=30)
    assert Jwt(Values({"jti": "written"})).holds() == timedelta()


def test_identifiers_are_those_of_the_moment() -> None:
    again = replace(MOMENT, entropy=bytes(32))
    one, same, other = (members(signed(moment=m, jti="written"))["jti"] for m in (MOMENT, MOMENT, again))
    assert one == same != other


def test_a_key_that_does_not_fit_the_algorithm_is_refused() -> None:
    with pytest.raises(Refused, match="expected one of ES256") as refused:
        signed("P-256", signing_algorithm="RS256")
    assert refused.value.reason.code == "principal_not_configured"


def test_a_secret_is_needed_where_it_signs_and_a_wrong_form_is_refused_and_not_shown() -> None:
    assert required_secrets(Jwt) == set()
    assert required_secrets(Jwt, {"signing_algorithm": "HS256"}) == {"signing_secret"}
    for encoding in ("base64", "hex"):
        with pytest.raises(Refused, match=f"expected {encoding}") as refused:
            signed("", secret="canary!", signing_algorithm="HS256", signing_secret_encoding=encoding)
        assert "canary" not in repr(refused.value)


def test_a_certificate_is_named_by_its_thumbprint() -> None:
    key = private_key("P-256")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "callout")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(days=1))
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    certificate = builder.sign(key, hashes.SHA256())
    pair = replace(key_pair("P-256"), certificates=(certificate.public_bytes(Encoding.PEM).decode(),))
    ((_, value),) = Jwt(Values({}, {}, {"signing_certificate": pair})).apply(REQUEST, None, MOMENT).headers
    digest = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    assert members(reveal(value), 0)["x5t#S256"] == digest
