"""Our keys as JWK: against the examples of RFC 7638, RFC 7515 and RFC 8037."""

import json

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from callout.core.jose.jwk import NotAKey, belongs_to, private_key_in, public_jwk, thumbprint
from callout.core.secret import Secret
from tests.keys import KINDS, key, pem_of

#: RFC 7638 section 3.1.
RFC7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n"
    "3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu"
    "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awap"
    "Jzknqka",
    "e": "AQAB",
}
#: RFC 8037 appendix A.1 and A.3.
RFC8037 = {
    "kty": "OKP",
    "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}


def test_a_thumbprint_is_that_of_the_rfc() -> None:
    assert thumbprint({k: v for k, v in RFC8037.items() if k != "d"}) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("kind", KINDS)
def test_a_public_jwk_holds_no_private_member(kind) -> None:
    assert {"d", "p", "q", "k"}.isdisjoint(public_jwk(key(kind).public_key()))


@pytest.mark.parametrize(("kind", "of"), [("RSA-2048", RSAKey), ("P-256", ECKey), ("Ed25519", OKPKey)])
def test_a_private_jwk_is_read(kind, of) -> None:
    members = of.import_key(pem_of(key(kind)).encode()).as_dict(private=True)
    found, kid = private_key_in(json.dumps({**members, "kid": "mine"}).encode())
    assert pem_of(found) == pem_of(key(kind))
    assert kid == "mine"


def test_the_private_jwk_of_the_rfc_is_read() -> None:
    found, kid = private_key_in(json.dumps(RFC8037).encode())
    assert public_jwk(found.public_key())["x"] == RFC8037["x"]
    assert kid == ""


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", json.dumps(RFC7638), '{"kty": "oct", "k": "c2VjcmV0", "d": "x"}', '{"kty": "RSA", "d": "x"}'],
)
def test_what_is_no_private_jwk_is_refused_without_being_shown(text) -> None:
    with pytest.raises(NotAKey) as refused:
        private_key_in(text.encode())
    assert "c2VjcmV0" not in str(refused.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_private_key_belongs_to_its_own_public_key_alone(kind) -> None:
    own = json.dumps({**public_jwk(key(kind).public_key()), "kid": "of-another-name"})
    assert belongs_to(Secret(pem_of(key(kind))), own)
    assert not belongs_to(Secret(pem_of(key("P-256", 1))), own)
    assert not belongs_to(Secret(pem_of(key(kind))), "")
