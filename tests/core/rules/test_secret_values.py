"""Secret values: what would break out of a header is refused, and never shown."""

import pytest

from callout.core.protocol import Parameter
from callout.core.rules.secret_values import LONGEST_SECRET, refusal_of_secret


@pytest.mark.parametrize(("value", "name"), [("a\rb", "CR"), ("a\nb", "LF"), ("a\0b", "NUL"), ("hunter2\r\n", "CR")])
def test_a_value_with_a_line_separator_is_refused_by_name(value, name):
    got, expected = refusal_of_secret(value)
    assert f"({name})" in got or got.endswith(name)
    assert "no CR, LF or NUL" in expected


def test_a_refusal_never_shows_the_value():
    assert "hunter2" not in " ".join(refusal_of_secret("hunter2\n"))


def test_an_empty_value_is_refused():
    assert refusal_of_secret("") == ("an empty value", "a value of at least one character")


def test_a_value_longer_than_any_key_is_refused():
    assert refusal_of_secret("x" * LONGEST_SECRET) is None
    assert refusal_of_secret("é" * LONGEST_SECRET)[0] == f"a value of {2 * LONGEST_SECRET} bytes"


def test_a_value_that_no_encoding_can_carry_is_refused():
    assert refusal_of_secret("\ud800") is not None


@pytest.mark.parametrize("value", ["x", " spaces inside ", "tab\there", "Grüße", "a:b@c/d?e#f"])
def test_any_other_value_is_accepted(value):
    assert refusal_of_secret(value) is None


def test_a_value_of_another_form_than_is_declared_is_refused_and_not_shown():
    declared = Parameter("shared_secret", "Shared secret, in Base64", secret=True, pattern="[A-Za-z0-9+/]+={0,2}")
    assert refusal_of_secret("aHVudGVyMg==", declared) is None
    assert refusal_of_secret("hunter-2", declared) == ("a value of another form", "Shared secret, in Base64")
