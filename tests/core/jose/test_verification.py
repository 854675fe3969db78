"""A token proves a caller where everything about it holds, and nothing else does."""

import base64
import json
import warnings

import pytest
from joserfc.errors import SecurityWarning
from joserfc.jwk import OctKey

from callout.core.jose import LEEWAY, LONGEST_TOKEN, TokenRefused, UnknownKey, expires_at, peek, read_keys, verify
from callout.core.model.issuers import TrustedIssuer
from tests.tokens import AUDIENCE, ISSUER, TokenIssuer

NOW = 1_800_000_000.0
TRUSTED = TrustedIssuer("Example", ISSUER, AUDIENCE, users_by_name=True)


@pytest.fixture(scope="module")
def signer() -> TokenIssuer:
    return TokenIssuer()


def judged(signer: TokenIssuer, token: bytes, trusted: TrustedIssuer = TRUSTED):
    return verify(token, trusted, read_keys(signer.jwks), NOW)


def refused(signer: TokenIssuer, token: bytes, trusted: TrustedIssuer = TRUSTED) -> str:
    with pytest.raises(TokenRefused) as caught:
        judged(signer, token, trusted)
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "algorithm"), [("EC", "ES256"), ("RSA", "RS256"), ("RSA", "PS256"), ("OKP", "EdDSA"), ("OKP", "Ed25519")]
)
def test_a_token_signed_by_the_issuers_key_holds(kind, algorithm) -> None:
    signer = TokenIssuer()
    signer.rotate("k", kind)
    claims = {"iss": ISSUER, "aud": ["other", AUDIENCE], "sub": "alice", "exp": NOW + 5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # of signing with the older name of Ed25519
        token = signer.sign(claims, algorithm=algorithm)
    assert judged(signer, token)["sub"] == "alice"


def test_a_token_ends_at_its_exp_and_a_little_for_clocks_that_differ(signer) -> None:
    assert expires_at(judged(signer, signer.token(NOW, exp=NOW - LEEWAY + 1))) == NOW + 1
    assert "expired" in refused(signer, signer.token(NOW, exp=NOW - LEEWAY))


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"exp": None}, "without `exp`"),
        ({"exp": "tomorrow"}, "without `exp`"),
        ({"exp": True}, "without `exp`"),
        ({"nbf": NOW + LEEWAY + 1}, "`nbf` is to come"),
        ({"iat": NOW + LEEWAY + 1}, "`iat` is to come"),
        ({"nbf": "soon"}, "`nbf` is to come"),
        ({"iss": ISSUER + "/"}, "issuer"),
        ({"aud": "callout2"}, "another audience"),
        ({"aud": None}, "another audience"),
        ({"aud": ["call", "out"]}, "another audience"),
    ],
)
def test_a_claim_that_does_not_hold_is_named(signer, claims, says) -> None:
    assert says in refused(signer, signer.token(NOW, **claims))


def test_an_algorithm_that_was_not_allowed_is_refused(signer) -> None:
    rs_only = TrustedIssuer("Example", ISSUER, AUDIENCE, algorithms=("RS256",))
    assert "expected one of RS256" in refused(signer, signer.token(NOW), rs_only)


def test_a_shared_secret_never_verifies_not_even_the_public_key_used_as_one(signer) -> None:
    secret = OctKey.import_key(signer.jwks)
    forged = signer.sign({"iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 9}, algorithm="HS256", key=secret)
    assert "HS256" in refused(signer, forged)


def test_a_token_without_a_signature_is_refused(signer) -> None:
    head, claims, _ = signer.token(NOW).split(b".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=")
    assert "algorithm 'none'" in refused(signer, none + b"." + claims + b".")
    assert "signature" in refused(signer, head + b"." + claims + b".")


def test_changed_claims_and_anothers_signature_under_a_known_key_id_are_refused(signer) -> None:
    head, _, signature = signer.token(NOW).split(b".")
    other = signer.token(NOW, sub="admin").split(b".")[1]
    assert "signature" in refused(signer, b".".join((head, other, signature)))
    assert "signature" in refused(signer, TokenIssuer(kid=signer.kid).token(NOW))


def test_a_key_that_is_not_published_is_told_apart_since_the_issuer_may_have_rotated(signer) -> None:
    with pytest.raises(UnknownKey):
        judged(signer, TokenIssuer(kid="another").token(NOW))


def test_a_token_without_a_key_id_is_accepted_only_where_one_key_is_published(signer) -> None:
    nameless = signer.sign({"iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 9}, kid=None)
    assert judged(signer, nameless)["aud"] == AUDIENCE
    two = TokenIssuer(kid=signer.kid, keys={})
    two.keys = {**signer.keys, "two": TokenIssuer(kid="two").keys["two"]}
    assert "2 keys" in refused(two, nameless)


@pytest.mark.parametrize("kind", ["logout+jwt", "dpop+jwt", "secevent+jwt"])
def test_a_token_made_for_something_else_is_no_proof(signer, kind) -> None:
    token = signer.sign({"iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 9}, typ=kind)
    assert "type" in refused(signer, token)


@pytest.mark.parametrize(
    "text", [b"", b"co_abc", b"eyJ", b"eyJ.eyJ.", b"eyJhbGci.!!.x", b"eyJ0.e30.x.y.z", b"eyJ" + b"a" * LONGEST_TOKEN]
)
def test_what_is_no_token_is_not_read(text) -> None:
    assert peek(text) is None


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [{"kty": "oct"}]}']
)
def test_what_is_no_set_of_public_keys_is_refused(body) -> None:
    with pytest.raises(TokenRefused):
        read_keys(body)


def test_keys_of_a_kind_that_is_not_known_are_passed_over(signer) -> None:
    listed = json.loads(signer.jwks)["keys"]
    odd = [{"kty": "EC", "crv": "P-999", "kid": "odd"}, {"kty": "RSA", "use": "enc"}, "text", {"kty": "oct", "k": "aa"}]
    assert [key.kid for key in read_keys(json.dumps({"keys": odd + listed}).encode()).keys] == [signer.kid]
