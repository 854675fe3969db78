import base64
from datetime import UTC, datetime

import pytest

from callout.core.errors import Refused
from callout.core.message import HttpRequest
from callout.core.protocol import Moment, Values
from callout.core.protocols.basic import Basic
from callout.core.secret import Secret, reveal

MOMENT = Moment(datetime(2030, 1, 1, tzinfo=UTC))
REQUEST = HttpRequest("GET", "https://orders.example/x")


def applied(username: str, password: str) -> HttpRequest:
    values = Values({}, {"username": Secret(username), "password": Secret(password)})
    return Basic(values).apply(REQUEST, None, MOMENT)


@pytest.mark.parametrize(
    ("username", "password", "header"),
    [
        ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),  # RFC 7617 section 2
        ("test", "123£", "Basic dGVzdDoxMjPCow=="),  # RFC 7617 section 2.1
        ("", "", "Basic Og=="),
        ("user", "a:b", "Basic dXNlcjphOmI="),
    ],
)
def test_the_header_is_that_of_rfc_7617(username: str, password: str, header: str) -> None:
    ((name, value),) = applied(username, password).headers
    assert (name, reveal(value), value.redacted) == ("Authorization", header, "Basic …")


def test_a_password_of_any_length_stays_on_one_line() -> None:
    ((_, value),) = applied("u", "x" * 10_000).headers
    assert base64.b64decode(reveal(value).removeprefix("Basic ")) == b"u:" + b"x" * 10_000
    assert "\n" not in reveal(value)


def test_a_username_with_a_colon_is_refused_because_the_password_would_start_there() -> None:
    with pytest.raises(Refused, match="username with a colon; expected one without") as refused:
        applied("c4n4ry:admin", "secret")
    assert refused.value.reason.code == "principal_not_configured"
    assert "c4n4ry" not in str(refused.value)


@pytest.mark.parametrize("control", ["\r", "\n", "\0", "\t", "\x1f", "\x7f", "\ud800"])
@pytest.mark.parametrize("which", ["username", "password"])
def test_a_control_character_is_refused_and_the_value_not_shown(control: str, which: str) -> None:
    values = {"username": "u", "password": "p", which: f"c4n4ry{control}"}
    with pytest.raises(Refused, match=f"control character in {which}") as refused:
        applied(**values)
    assert refused.value.reason.code == "principal_not_configured"
    assert "c4n4ry" not in repr((refused.value, refused.value.__context__))


@pytest.mark.parametrize("missing", ["username", "password"])
def test_a_value_that_is_not_set_is_named(missing: str) -> None:
    secrets = {name: Secret("x") for name in ("username", "password") if name != missing}
    with pytest.raises(Refused, match=f"secret '{missing}' is not set"):
        Basic(Values({}, secrets)).apply(REQUEST, None, MOMENT)
