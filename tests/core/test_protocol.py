from datetime import UTC, datetime

import pytest

from callout.core.errors import Refused
from callout.core.key_pair import KeyPair
from callout.core.message import HttpRequest
from callout.core.protocol import (
    AuthenticationProtocol,
    Moment,
    Parameter,
    Token,
    Values,
    declared_parameter,
    required_secrets,
)
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


class Dialect(Example):
    parameters = (
        Parameter("method", "How", required=False, default="secret"),
        Parameter("key", "A key", secret=True, unless=("method", "none")),
        Parameter("more", "Further ones", required=False, key=r"\w+"),
    )


def test_a_secret_is_not_required_where_another_parameter_says_that_there_is_none() -> None:
    assert required_secrets(Dialect) == required_secrets(Dialect, {"method": "secret"}) == {"key"}
    assert required_secrets(Dialect, {"method": "none"}) == frozenset()


def test_a_name_with_a_key_means_the_parameter_that_takes_keys_and_no_other() -> None:
    assert declared_parameter(Dialect, "more.a.b") is Dialect.parameters[2]
    assert declared_parameter(Dialect, "method") is Dialect.parameters[0]
    assert [declared_parameter(Dialect, name) for name in ("more", "method.a", "other", "other.a")] == [None] * 4
    assert [p.shown_name for p in Dialect.parameters] == ["method", "key", "more.NAME"]


def test_values_with_keys_are_given_by_key_and_a_secret_wins() -> None:
    values = Values({"more.a": "1", "more.b.c": "2", "moreover": "3"}, {"more.a": Secret("s")})
    assert values.keyed("more") == {"a": Secret("s"), "b.c": "2"}


def test_a_protocol_that_declares_no_endpoint_revokes_and_asks_nothing() -> None:
    token = Token(Secret("a"), NOW)
    assert Example(Values()).revocation(token, Moment(NOW)) is None
    assert Example(Values()).introspection(token, Moment(NOW)) is None


def test_a_key_that_a_parameter_names_is_given_or_refused_with_what_mends_it() -> None:
    pair, given = KeyPair("Hub", "k1", Secret("k")), {"signing_certificate": "Hub"}
    assert Values(given, {}, {"signing_certificate": pair}).key_pair("signing_certificate") is pair
    with pytest.raises(Refused, match="got certificate 'Hub' for signing_certificate") as refused:
        Values(given).key_pair("signing_certificate")
    assert refused.value.remedies[0].command == "callout certificate import Hub FILE"
    with pytest.raises(Refused, match="got no certificate for signing_certificate"):
        Values().key_pair("signing_certificate")


def test_a_parameter_with_a_condition_is_there_only_where_it_holds() -> None:
    certificate = Parameter("certificate", "…", when=("way", "signed"))
    assert certificate.applies({"way": "signed"})
    assert not certificate.applies({"way": "plain"})
    assert not certificate.applies({})
    assert Parameter("way", "…").applies({})
