"""Declared claims: text, JSON and formulas; what Callout writes by itself, and what wins."""

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime

import pytest

from callout.core.errors import Refused
from callout.core.jose import declared, self_signed, unique
from callout.core.protocol import Moment, Values
from callout.core.secret import Redactable, Secret, reveal
from tests.certificates import Authority
from tests.keys import key_pair

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


def evaluated(text: str) -> Redactable:
    """Stand in for formulas: `{!user}` is a name with quotes in it."""
    return Redactable.of(text.replace("{!user}", 'a"lice'))


MOMENT = Moment(NOW, entropy=bytes(range(32)), evaluate=evaluated)


def values(signing=None, **parameters: str) -> Values:
    return Values(parameters, {}, {"signing_certificate": signing or key_pair()})


def parts(token: Secret) -> list[dict]:
    return [json.loads(urlsafe_b64decode(p + "=" * (-len(p) % 4))) for p in reveal(token).split(".")[:2]]


def claims(**given: str) -> dict:
    return declared(values(**{f"claims.{name}": text for name, text in given.items()}), MOMENT, "claims")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("https://rs.example", "https://rs.example"),
        ('"https://rs.example"', "https://rs.example"),
        ('["a", "b"]', ["a", "b"]),
        ('["{!user}", "b"]', ['a"lice', "b"]),
        ('{"who": ["{!user}"], "n": 5}', {"who": ['a"lice'], "n": 5}),
        ("{!user}", 'a"lice'),
        ("true", True),
        ("12345", "12345"),
        ("[not json", "[not json"),
        ("truely", "truely"),
        ("", ""),
    ],
)
def test_a_claim_is_text_or_json_and_no_value_changes_its_shape(text: str, value) -> None:
    assert claims(aud=text) == {"aud": value}


def test_dates_are_numbers_and_anything_else_there_is_refused() -> None:
    assert claims(exp=str(SECONDS + 9), nbf="1.5") == {"exp": SECONDS + 9, "nbf": 1}
    with pytest.raises(Refused, match="claim exp: got another text than a number") as caught:
        claims(exp="soon")
    assert caught.value.reason.code == "formula_failed"


def test_what_callout_writes_is_there_and_what_is_declared_wins() -> None:
    given = {"claims.sub": "{!user}", "claims.role": "clerk", "jwt_lifetime": "60"}
    header, whole = parts(self_signed(values(**given), MOMENT, {"iss": "c", "sub": "c", "aud": "a"}, purpose="p"))
    assert header == {"alg": "ES256", "typ": "JWT", "kid": "kid-P-256"}
    assert whole.pop("jti")
    assert whole == {"iss": "c", "sub": 'a"lice', "aud": "a", "role": "clerk", "iat": SECONDS, "exp": SECONDS + 60}


def test_an_empty_claim_leaves_out_what_callout_writes_by_itself() -> None:
    given = {"claims.sub": "", "claims.jti": "", "header_claims.kid": "mine", "header_claims.typ": ""}
    header, whole = parts(self_signed(values(**given), MOMENT, {"iss": "c", "sub": "c"}, purpose="p"))
    assert header == {"alg": "ES256", "kid": "mine"}
    assert whole.keys() == {"iss", "iat", "exp"}


def test_a_certificate_is_named_by_its_thumbprint() -> None:
    pair = key_pair(certificates=(Authority().pem.decode(),))
    header, _ = parts(self_signed(values(pair), MOMENT, {"iss": "c"}, purpose="p"))
    assert len(header["x5t#S256"]) == 43


def test_no_two_tokens_have_one_name() -> None:
    names = {unique(moment, *texts) for moment in (MOMENT, Moment(NOW, bytes(32))) for texts in (("a",), ("a", "b"))}
    assert len(names) == 4
    assert all(len(name) == 22 for name in names)


def test_without_a_key_nothing_is_signed() -> None:
    with pytest.raises(Refused, match="signing_certificate") as caught:
        self_signed(Values(), MOMENT, {}, purpose="p")
    assert caught.value.reason.code == "principal_not_configured"
