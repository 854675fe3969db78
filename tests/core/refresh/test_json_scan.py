"""JSON pointers as RFC 6901 has them, and one token more."""

import json

import pytest

from callout.core.json_pointer import tokens_of
from callout.core.refresh.json_scan import PointerScan


@pytest.mark.parametrize(
    ("pointer", "tokens"),
    [
        ("/a", ("a",)),
        ("/a~1b/m~0n", ("a/b", "m~n")),
        ("/", ("",)),
        ("/~01", ("~1",)),
        ("/errors/*/code", ("errors", "*", "code")),
        ('/k"l/i\\j/ /0', ('k"l', "i\\j", " ", "0")),
        ("", None),
        ("a", None),
        ("#/a", None),
        ("/a~2", None),
        ("/a~", None),
    ],
)
def test_a_pointer_has_reference_tokens(pointer, tokens) -> None:
    assert tokens_of(pointer) == tokens


def found(pointer: str, text: bytes, *values: str) -> bool | None:
    scan = PointerScan(tokens_of(pointer), frozenset(values or ("x",)))
    scan.feed(text)
    return scan.found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"a":"x"', True),
        (b'{"a":"x', None),
        (b'{"b":{"a":"x"},', None),
        (b'{"a":"y"}', False),
        (b'{"a":{"a":"x"}}', False),
        (b'{"a" "x"}', False),
        (b'{"a":"x\\q"}', False),
        (b"{'a':'x'}", False),
        (b'{"a":nul}', False),
        (b'{"b":01,"a":"x"}', False),
        (b'{,"a":"x"}', False),
        (b'{"b":[1,],"a":"x"}', True),  # what the pointer does not lead into is not read
        (b'{"b":{"a":"x","c":"}]\\""},"a":"x"', True),
        (b'{"b":["]", {"a":"x"}],"a":"y"}', False),
        (b'{"b":1]', False),
        (b'"x"', False),
        (b"", None),
        (b" \n", None),
    ],
)
def test_a_text_is_decided_as_soon_as_it_can_be(text, said) -> None:
    assert found("/a", text) is said


@pytest.mark.parametrize(("index", "said"), [("0", True), ("1", False), ("*", True), ("-", False), ("00", False)])
def test_an_element_is_named_by_its_index_or_by_the_star(index, said) -> None:
    assert found(f"/{index}/a", b'[{"a":"x"},{"a":"y"}]') is said


def test_a_text_that_is_nested_without_end_is_passed_over() -> None:
    assert found("/a", b"[" * 60_000) is None
    assert found("/a", b'{"b":' + b"[" * 30_000 + b"]" * 30_000 + b',"a":"x"') is True


@pytest.mark.parametrize("value", ['a"b', "\u00e9\u4e2d\U0001f600", "tab\t", "/", "\\"])
@pytest.mark.parametrize("plain", [True, False])
def test_a_value_is_compared_as_what_it_stands_for(value, plain) -> None:
    assert found("/e", json.dumps({"e": value}, ensure_ascii=not plain).encode(), value)


@pytest.mark.parametrize("value", ["190", "-1.5e3", "true", "false", "null"])
def test_numbers_and_names_are_compared_as_they_are_written(value) -> None:
    assert found("/e", b'{"e":%b}' % value.encode(), value)
    assert found("/e", b'{"e":"%b"}' % value.encode(), value)
