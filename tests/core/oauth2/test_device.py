"""The device grant; examples of RFC 8628 sections 3.2 and 3.5."""

import json
from datetime import UTC, datetime

import pytest

from callout.core.errors import Refused
from callout.core.oauth2 import TokenRefused
from callout.core.oauth2.device import device_authorization_from, device_request, next_interval, worded_end
from callout.core.protocol import Moment, Values
from callout.core.secret import Secret, reveal
from tests.play import answer

MOMENT = Moment(datetime(2030, 1, 1, tzinfo=UTC))
VALUES = Values(
    {"device_authorization_endpoint": "https://server.example.com/device_authorization", "scope": "example_scope"},
    {"client_id": Secret("1406020730"), "client_secret": Secret("c4n4ry")},
)
#: RFC 8628 section 3.2.
GIVEN = {
    "device_code": "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://example.com/device",
    "verification_uri_complete": "https://example.com/device?user_code=WDJB-MJHT",
    "expires_in": 1800,
    "interval": 5,
}


def given(**changes: object):
    return device_authorization_from(answer(200, json.dumps({**GIVEN, **changes})), VALUES)


def test_the_request_names_the_scope_and_proves_the_client() -> None:
    request = device_request(VALUES, MOMENT)
    assert (request.method, request.url) == ("POST", "https://server.example.com/device_authorization")
    assert reveal(request.body) == "scope=example_scope"
    assert dict(request.headers)["Authorization"].is_secret


def test_the_answer_of_rfc_8628_section_3_2_is_read() -> None:
    read = given()
    assert reveal(read.device_code) == GIVEN["device_code"]
    assert (read.user_code, read.verification_uri) == ("WDJB-MJHT", "https://example.com/device")
    assert (read.verification_uri_complete, read.expires_in, read.interval) == (
        "https://example.com/device?user_code=WDJB-MJHT",
        1800,
        5,
    )
    assert GIVEN["device_code"] not in repr(read)


def test_the_interval_is_five_seconds_where_nothing_is_said_and_no_life_is_endless() -> None:
    assert given(interval=None).interval == 5
    assert given(interval=-1).interval == 5
    assert given(expires_in=10**9).expires_in == 3600


def test_googles_name_of_the_address_is_understood() -> None:
    read = given(verification_uri=None, verification_url="https://www.google.com/device")
    assert read.verification_uri == "https://www.google.com/device"


@pytest.mark.parametrize("missing", ["device_code", "user_code", "verification_uri"])
def test_an_answer_that_lacks_something_is_refused(missing: str) -> None:
    with pytest.raises(TokenRefused, match="RFC 8628") as refused:
        given(**{missing: None})
    assert GIVEN["device_code"] not in str(refused.value)


def test_without_an_endpoint_there_is_no_device_code() -> None:
    with pytest.raises(Refused, match="no device_authorization_endpoint"):
        device_request(Values({}, VALUES.secrets), MOMENT)


@pytest.mark.parametrize(
    ("error", "transient", "wait"),
    [
        ("authorization_pending", False, 5.0),
        ("slow_down", True, 10.0),
        (None, True, 10.0),
        ("access_denied", False, None),
        ("expired_token", False, None),
        ("invalid_grant", False, None),
    ],
)
def test_polling_goes_on_as_rfc_8628_section_3_5_says(error, transient, wait) -> None:
    assert next_interval(TokenRefused("token_endpoint_refused", "", error=error, transient=transient), 5.0) == wait


def test_who_refuses_or_is_late_is_told_to_begin_again() -> None:
    for error in ("access_denied", "expired_token", "invalid_grant"):
        ended = worded_end(TokenRefused("token_endpoint_refused", error, error=error))
        assert ended.reason.code == "connection_failed"
        assert str(ended.remedies[0]).startswith("Begin again")
    other = TokenRefused("token_endpoint_refused", "x", error="invalid_client")
    assert worded_end(other) is other
