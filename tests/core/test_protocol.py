from datetime import UTC, datetime

import pytest

from callout.core.errors import Refused
from callout.core.message import HttpRequest
from callout.core.protocol import AuthenticationProtocol, Moment, Parameter, Token, Values, required_secrets
from callout.core.secret import Secret

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Example(AuthenticationProtocol):
    name = "example"
    title = "Example"
    parameters = (
        Parameter("key", "A key", secret=True),
        Parameter("spare_key", "Another", secret=True, required=False),
        Parameter("salt", "With a default", secret=True, default="x"),
        Parameter("region", "No secret"),
    )

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        return request


def test_the_secrets_without_which_a_principal_is_not_configured_are_those_required_without_default() -> None:
    assert required_secrets(Example) == {"key"}


def test_a_secret_that_is_not_set_refuses_and_names_it() -> None:
    with pytest.raises(Refused, match="secret 'key' is not set") as refused:
        Values().secret("key")
    assert refused.value.reason.code == "principal_not_configured"


def test_values_give_parameters_with_defaults_and_secrets() -> None:
    values = Values({"region": "eu"}, {"key": Secret("k")})
    assert values.text("region") == "eu"
    assert values.text("zone") == ""
    assert values.text("zone", "a") == "a"
    assert values.secret("key") == Secret("k")


def test_neither_values_nor_tokens_show_a_secret() -> None:
    token = Token(Secret("c4n4ry"), NOW, refresh_token=Secret("c4n4ry"))
    assert "c4n4ry" not in repr((token, Values({}, {"key": Secret("c4n4ry")})))


def test_a_protocol_that_obtains_nothing_says_so() -> None:
    with pytest.raises(NotImplementedError, match="example obtains no token"):
        Example(Values()).obtain(Moment(NOW), None)
