"""Secrets in the query: what is sent, byte for byte, and what is shown."""

from datetime import UTC, datetime

import pytest

from callout.core.errors import Refused
from callout.core.message import HttpRequest, target_of
from callout.core.protocol import Moment, Needs, Values
from callout.core.protocols.api_key_in_query import ApiKeyInQuery
from callout.core.secret import Redactable, Secret

NOW = datetime(2030, 1, 1, tzinfo=UTC)
KEY = "s3cret+/=& ü"
ENCODED = b"s3cret%2B%2F%3D%26%20%C3%BC"


def applied(path: str, parameters: dict[str, str] | None = None, **secrets: str) -> HttpRequest:
    sealed = {f"query_parameters.{name}": Secret(value) for name, value in secrets.items()}
    values = Values({f"query_parameters.{name}": text for name, text in (parameters or {}).items()}, sealed)
    moment = Moment(
        NOW, evaluate=lambda text: Redactable.of("v=", Secret(KEY)) if text == "{!formula}" else Redactable.of(text)
    )
    return ApiKeyInQuery(values).apply(HttpRequest("GET", f"https://maps.example{path}"), None, moment)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/geocode", b"/geocode?key=" + ENCODED),
        ("/geocode?", b"/geocode?key=" + ENCODED),
        ("/geocode?q=%C3%A4+b", b"/geocode?q=%C3%A4+b&key=" + ENCODED),
        ("/geocode?q=1&", b"/geocode?q=1&key=" + ENCODED),
        ("/geocode?key=mine&q=1", b"/geocode?q=1&key=" + ENCODED),
        ("/geocode?k%65y=mine&key&key=&q=1&KEY=2", b"/geocode?q=1&KEY=2&key=" + ENCODED),
        ("/geocode?key=mine", b"/geocode?key=" + ENCODED),
    ],
)
def test_a_secret_is_added_once_and_the_callers_own_of_that_name_is_left_out(path: str, sent: bytes) -> None:
    assert target_of(applied(path, key=KEY)) == sent


def test_nothing_of_a_secret_is_shown_and_the_rest_is() -> None:
    after = applied("/x?q=1", {"version": "2", "sig": "{!formula}"}, key=KEY)
    assert after.whole_url.redacted == "https://maps.example/x?q=1&version=2&sig=v%3D…&key=…"
    assert "s3cret" not in repr(after)


def test_a_secret_that_looks_like_a_formula_is_sent_as_it_is() -> None:
    assert target_of(applied("/x", key="{!formula}")) == b"/x?key=%7B%21formula%7D"


def test_a_name_is_encoded_too() -> None:
    assert target_of(applied("/x", {"a b[0]": "1"}, key="k")) == b"/x?a%20b%5B0%5D=1&key=k"


def test_a_request_without_a_secret_does_not_leave() -> None:
    with pytest.raises(Refused, match=r"got no secret for the query, only query_parameters\.version") as refused:
        applied("/x", {"version": "2"})
    assert refused.value.reason.code == "principal_not_configured"


def test_a_principal_without_any_is_not_configured() -> None:
    with pytest.raises(Refused, match=r"query_parameters\.NAME") as refused:
        applied("/x")
    assert refused.value.reason.code == "principal_not_configured"


def test_every_request_is_looked_at() -> None:
    assert ApiKeyInQuery.needs({}) is Needs.HEAD
    assert ApiKeyInQuery.needs({"query_parameters.sig": "{!HEX($Credential.Maps.Body)}"}) is Needs.BODY
    assert ApiKeyInQuery.warning
