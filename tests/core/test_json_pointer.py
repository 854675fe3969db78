import pytest

from callout.core.json_pointer import refusal_of_pointer, resolve

#: The document of RFC 6901 section 5, and what its pointers name.
DOCUMENT = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_the_examples_of_rfc_6901_section_5_name_what_they_say(pointer: str, value: object) -> None:
    assert refusal_of_pointer(pointer) is None
    assert resolve(DOCUMENT, pointer) == value


@pytest.mark.parametrize("pointer", ["/none", "/foo/2", "/foo/-", "/foo/01", "/foo/0/x", "/a/b", "/foo/-1"])
def test_a_pointer_to_nothing_names_nothing(pointer: str) -> None:
    assert resolve(DOCUMENT, pointer) is None


@pytest.mark.parametrize("text", ["", "data.token", "data/token", "/a~2", "/a~", "$.a"])
def test_what_is_no_pointer_is_refused(text: str) -> None:
    assert "JSON pointer" in (refusal_of_pointer(text) or "")
