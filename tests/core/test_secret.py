import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.core.secret import REDACTED, Redactable, Secret, reveal

CANARY = "c4n4ry-7Qw"


@pytest.mark.parametrize(
    "shown",
    [str, repr, ascii, format, lambda s: f"{s!r}", "{0!s} {0}".format, lambda s: str([s, {1: s}])],
)
def test_no_way_of_printing_shows_a_secret(shown) -> None:
    assert CANARY not in shown(Secret(CANARY))
    assert CANARY not in shown(Redactable.of("Bearer ", Secret(CANARY)))


def test_a_format_cannot_widen_or_cut_a_secret() -> None:
    assert f"{Secret(CANARY):>30}" == f"{Secret(CANARY):.2}" == REDACTED


def test_a_secret_is_read_with_reveal() -> None:
    assert reveal(Secret(CANARY)) == CANARY


@pytest.mark.parametrize("taken", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_is_not_copied_out_by_pickling_or_copying(taken) -> None:
    with pytest.raises(TypeError, match="seal it with the vault"):
        taken(Secret(CANARY))


def test_a_secret_is_not_written_as_json() -> None:
    with pytest.raises(TypeError) as error:
        json.dumps({"key": Secret(CANARY)})
    assert CANARY not in str(error.value)


def test_a_secret_has_no_hash_that_could_be_looked_up() -> None:
    with pytest.raises(TypeError):
        hash(Secret(CANARY))


def test_secrets_compare_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert Secret("\ud800") == Secret("\ud800")


def test_an_empty_secret_is_false() -> None:
    assert not Secret("")
    assert Secret("x")


def test_a_redactable_shows_its_plain_parts_alone() -> None:
    value = Redactable.of("Bearer ", Secret(CANARY), ";v=1")
    assert str(value) == value.redacted == f"Bearer {REDACTED};v=1"
    assert repr(value) == f"Redactable('Bearer {REDACTED};v=1')"
    assert reveal(value) == f"Bearer {CANARY};v=1"


def test_a_redactable_is_flat_and_secret_where_any_part_is() -> None:
    inner = Redactable.of("a", Secret("b"))
    assert Redactable.of(inner, "c").parts == ("a", Secret("b"), "c")
    assert inner.is_secret
    assert not Redactable.of("a", Redactable.of("b")).is_secret


def test_plain_text_is_revealed_as_it_is() -> None:
    assert reveal("plain") == "plain"


@given(st.lists(st.tuples(st.booleans(), st.text())))
def test_what_is_revealed_is_what_was_joined(parts: list[tuple[bool, str]]) -> None:
    value = Redactable.of(*(Secret(text) if secret else text for secret, text in parts))
    assert reveal(value) == "".join(text for _, text in parts)
    assert value.redacted == "".join(REDACTED if secret else text for secret, text in parts)
