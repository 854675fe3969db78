"""How single values are shown in a cell or a line."""

import pytest

from callout.entrypoints.cli.output import shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        ("", "–"),
        ([], "–"),
        ({}, "–"),
        (True, "yes"),
        (["a", "b"], "a, b"),
        ({"pkce": "S256", "scope": "read"}, "pkce=S256, scope=read"),
        (7, "7"),
    ],
    ids=repr,
)
def test_a_value_is_shown_in_words_and_nothing_as_a_dash(value: object, text: str) -> None:
    assert shown(value) == text
