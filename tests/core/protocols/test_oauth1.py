"""OAuth 1.0a as a protocol. The published signatures are in tests/core/test_oauth1.py."""

import base64
import hashlib
from datetime import UTC, datetime

import pytest

from callout.core.errors import Refused
from callout.core.message import HttpRequest
from callout.core.oauth1 import METHODS
from callout.core.protocol import Moment, Needs, Values, required_secrets
from callout.core.protocols.oauth1 import OAuth1
from callout.core.secret import Redactable, Secret, reveal
from tests.core.test_oauth1 import PHOTOS, RSA, members
from tests.keys import key_pair

MOMENT = Moment(datetime(2030, 1, 1, tzinfo=UTC), entropy=bytes(range(32)))
FORM = ("Content-Type", Redactable.of("application/x-www-form-urlencoded; charset=utf-8"))


def oauth1(**parameters: str) -> OAuth1:
    secrets = {name: Secret(value) for name, value in PHOTOS.items()}
    return OAuth1(Values(parameters, secrets, {"signing_certificate": RSA}))


def applied(protocol: OAuth1, method: str = "POST", query: str = "", body: bytes | None = b"a=1&b=2") -> dict[str, str]:
    request = HttpRequest(method, f"https://photos.example.net/photos{query}", (FORM,), body)
    after = protocol.apply(request, None, MOMENT)
    assert after.headers[-1][1].redacted == "OAuth …"
    return members(reveal(after.headers[-1][1]))


def test_nonce_and_timestamp_are_those_of_the_moment() -> None:
    found = applied(oauth1())
    assert (found["oauth_nonce"], found["oauth_timestamp"]) == (bytes(range(16)).hex(), "1893456000")
    assert (found["oauth_consumer_key"], found["oauth_token"]) == (PHOTOS["consumer_key"], PHOTOS["token"])


@pytest.mark.parametrize("method", METHODS[:-1])
def test_every_part_of_a_request_that_is_signed_changes_the_signature(method: str) -> None:
    protocol = oauth1(signature_method=method)
    forms = [("POST", "?q=1", b"a=1"), ("PUT", "?q=1", b"a=1"), ("POST", "?q=2", b"a=1"), ("POST", "?q=1", b"a=2")]
    assert len({applied(protocol, *each)["oauth_signature"] for each in forms}) == len(forms)


def test_how_a_query_is_encoded_does_not_matter_and_characters_that_browsers_leave_are_taken() -> None:
    protocol = oauth1()
    spelled = [applied(protocol, "GET", query, None) for query in ("?f[a]=x|y&g=+", "?f%5Ba%5D=x%7Cy&g=%20")]
    assert spelled[0] == spelled[1]


def test_a_body_that_is_no_form_is_signed_only_by_its_hash() -> None:
    kind = ("Content-Type", Redactable.of("application/json"))
    bodies = [HttpRequest("POST", "https://photos.example.net/", (kind,), body) for body in (b"{}", b"[]")]
    plain, hashed = (
        [members(reveal(oauth1(signed_bodies=how).apply(each, None, MOMENT).headers[-1][1])) for each in bodies]
        for how in ("form", "oauth_body_hash")
    )
    assert plain[0] == plain[1]
    assert hashed[0]["oauth_body_hash"] == base64.b64encode(hashlib.sha1(b"{}").digest()).decode()
    assert hashed[0]["oauth_signature"] != hashed[1]["oauth_signature"]


def test_what_is_looked_at_is_what_is_signed() -> None:
    assert OAuth1.needs({}) is Needs.BODY
    assert OAuth1.needs({"signed_bodies": "none"}) is Needs.HEAD
    assert OAuth1.needs({"signature_method": "PLAINTEXT"}) is Needs.NOTHING


def test_a_client_that_signs_with_a_certificate_needs_no_secret() -> None:
    assert required_secrets(OAuth1) == {"consumer_key", "consumer_secret"}
    assert required_secrets(OAuth1, {"signature_method": "RSA-SHA1"}) == {"consumer_key"}


@pytest.mark.parametrize("place", ["query", "form"])
def test_a_parameter_that_callout_writes_is_refused_in_the_request(place: str) -> None:
    query, body = ("?oauth_token=other", b"") if place == "query" else ("", b"oauth_token=other")
    with pytest.raises(Refused, match=f"oauth_token in the {place}") as refused:
        applied(oauth1(), "POST", query, body)
    assert refused.value.reason.code == "malformed_request"


def test_a_form_that_is_not_utf_8_is_refused() -> None:
    for body in (b"a=\xff", b"a=%FF"):
        with pytest.raises(Refused, match="not UTF-8"):
            applied(oauth1(), "POST", "", body)


def test_a_key_of_another_kind_is_refused() -> None:
    values = Values(
        {"signature_method": "RSA-SHA1"},
        {"consumer_key": Secret("k")},
        {"signing_certificate": key_pair("P-256", name="Photos")},
    )
    with pytest.raises(Refused, match="'Photos' with another key; expected an RSA key"):
        applied(OAuth1(values))
