"""Rules over custom headers: names, values, and what their formulas may read."""

import pytest

from callout.core.formula.credential import short_fields_of
from callout.core.formula.scope import SHORT_FIELDS
from callout.core.model.credentials import CustomHeader, ExternalCredential, Principal, PrincipalType
from callout.core.protocols import CATALOGUE
from callout.core.rules.headers import (
    header_problems,
    idempotency_header_problems,
    names_read,
    shared_principals,
    short_fields_read,
)


def found(*headers, written=(), **known):
    problems = header_problems([CustomHeader(*h) for h in headers], "headers", "Orders", written, **known)
    return {problem.place: problem for problem in problems}


@pytest.mark.parametrize("name", ["X-Tenant", "x_api.key~", "Cookie", "Authorization", "Accept"])
def test_a_header_of_any_token_is_accepted(name):
    assert found((name, "v")) == {}


@pytest.mark.parametrize("name", ["", "X Y", "X:", "X\r\n", "Grüße", "X/Y", "(x)"])
def test_a_name_that_is_no_token_is_refused(name):
    assert "headers[0].name" in found((name, "v"))


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "CONNECTION",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Upgrade",
        "Expect",
        "Proxy-Authorization",
    ],
)
def test_a_header_that_says_how_the_message_is_sent_is_refused(name):
    assert "Callout writes those itself" in found((name, "v"))["headers[0].name"].expected


def test_a_header_that_the_protocol_generates_is_refused_with_the_way_out():
    problem = found(("X-A", "v"), ("authorization", "v"), written=("Authorization",))["headers[1].name"]
    assert "generate_authorization_header: false" in problem.expected


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ("a\r\nX: y", "a carriage return, at column 2"),
        ("a\nb", "a line feed, at column 2"),
        ("a\0", "a NUL, at column 2"),
        ("ab\x7f", "control character U+007F, at column 3"),
        ("{!\n'a'\n}\n", "a line feed, at line 3, column 2"),
    ],
)
def test_a_value_with_a_control_character_is_refused_with_its_place(value, got):
    assert found(("X", value))["headers[0].value"].got == got


def test_a_formula_may_have_several_lines():
    assert found(("X", "{!\n  $Credential.Orders.tenant\r\n  & 'a'\n}")) == {}


def test_a_formula_that_cannot_be_read_is_refused_with_its_column():
    assert "column" in found(("X", "{!BASE64ENCODE(}"))["headers[0].value"].got


def test_a_formula_of_several_lines_is_refused_with_line_and_column():
    assert found(("X", "{!\n  'a' &\n  UPPR('b')}"))["headers[0].value"].got.endswith("at line 3, column 3")


def test_a_formula_may_read_its_own_external_credential():
    assert found(("X", "{!$Credential.Orders.tenant}")) == {}


def test_a_formula_that_reads_another_external_credential_is_refused_with_the_nearest():
    problem = found(("X", "{!$Credential.Order.tenant}"))["headers[0].value"]
    assert problem.got == "$Credential.Order.tenant"
    assert problem.nearest == "$Credential.Orders.tenant"


def test_the_names_that_readable_formulas_read_are_known():
    headers = [CustomHeader("A", "{!$Credential.Orders.a}-{!$Credential.Orders.b}"), CustomHeader("B", "{!(}")]
    assert names_read(header.value for header in headers) == {("Orders", "a"), ("Orders", "b")}


def test_a_formula_that_is_wrong_is_shown_with_a_caret_and_the_text_before_it_is_not():
    problem = found(("X", "c4n4ry {!'a' & UPPR('b')} end"))["headers[0].value"]
    assert problem.shown == "{!'a' & UPPR('b')}\n        ^"
    assert "c4n4ry" not in str(problem)


def test_a_body_is_read_by_the_name_of_the_headers_own_external_credential():
    assert found(("X", "{!HEX(HASH('SHA-256', $Credential.Orders.Body))}")) == {}
    problem = found(("X", "{!HEX(HASH('SHA-256', $Credential.Other.Body))}"))["headers[0].value"]
    assert problem.got == "$Credential.Other.Body"


@pytest.mark.parametrize("protocol", CATALOGUE.values(), ids=lambda p: p.name)
def test_a_short_field_is_one_that_the_protocol_has(protocol):
    known = short_fields_of(protocol)
    for field in SHORT_FIELDS:
        assert bool(found(("X", f"{{!$Credential.{field}}}"), protocol=protocol)) is (field not in known)


def test_the_user_is_not_named_where_many_share_one_identity():
    assert found(("X", "{!$User.Id}"), shared=()) == {}
    problem = found(("X", "{!$User.Id}"), shared=("Service",))["headers[0].value"]
    assert problem.got == "$User.Id, while principal Service is one identity for many users"
    assert found(("X", "{!$Organization.Id}"), shared=("Service",)) == {}


def test_the_short_fields_that_readable_formulas_read_are_known():
    headers = [CustomHeader("A", "{!$Credential.Password}"), CustomHeader("B", "{!(}")]
    assert short_fields_read(headers) == {"Password"}


def test_the_principals_that_many_share_are_the_named_ones():
    kinds = [Principal(kind.value, kind) for kind in PrincipalType]
    assert shared_principals(ExternalCredential("E", "basic", principals=tuple(kinds))) == ("named",)
    assert shared_principals(None) == ()


@pytest.mark.parametrize("name", ["", "Idempotency-Key", "X-Request-Id", "PayPal-Request-Id"])
def test_any_header_of_the_external_system_may_carry_the_idempotency_value(name):
    assert list(idempotency_header_problems(name, "place", ["Authorization"])) == []


@pytest.mark.parametrize("name", ["X Y", "X:\r\n", "Host", "Content-Length", "TE", "Authorization", "callout-id"])
def test_a_header_with_a_meaning_of_its_own_carries_no_idempotency_value(name):
    (problem,) = idempotency_header_problems(name, "place", [])
    assert problem.place == "place"


def test_a_header_that_callout_writes_with_another_value_carries_no_idempotency_value():
    (problem,) = idempotency_header_problems("X-Key", "place", ["x-key"])
    assert "with another value" in problem.expected
