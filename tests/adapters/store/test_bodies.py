"""Definitions as JSON: what was written reads back the same, and what does not read is refused with its name."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.adapters.store import bodies
from callout.adapters.store.errors import StoreError
from callout.core.model.credentials import ExternalCredential, NamedCredential, Principal
from callout.core.model.org import SECTIONS, Definition, name_of
from callout.core.model.people import EVERY_ADMIN_PERMISSION, Package, Profile, UserKind
from callout.core.ports import Change
from tests.adapters.store.conftest import SqliteDatabase, act

SECTION_OF = dict(SECTIONS)
NAMED = NamedCredential("Orders", "https://orders.example.com", "Orders")

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
st.register_type_strategy(str, text)


@given(definition=st.one_of([st.from_type(kind) for kind in SECTIONS]))
def test_every_definition_reads_back_as_it_was(definition: Definition) -> None:
    section, name = SECTION_OF[type(definition)], name_of(definition)
    body = bodies.encode(section, name, definition)
    assert bodies.decode(section, name, body, bodies.FORMAT_VERSION) == definition


@given(profile=st.from_type(Profile))
def test_equal_definitions_have_the_same_body(profile: Profile) -> None:
    body = bodies.encode("profiles", profile.name, profile)
    again = bodies.decode("profiles", profile.name, body, bodies.FORMAT_VERSION)
    assert bodies.encode("profiles", profile.name, again) == body


def test_a_body_from_before_a_member_was_added_reads_with_its_default() -> None:
    body = '{"name":"Orders","url":"https://orders.example.com","external_credential":"Orders"}'
    assert bodies.decode("named_credentials", "Orders", body, 1) == NAMED


def changed(definition: Definition, **members: object) -> str:
    return msgspec.json.encode(msgspec.to_builtins(definition) | members).decode()


EC = ExternalCredential("Orders", "basic", principals=(Principal("A", parameters={"free": "x"}), Principal("B")))


@pytest.mark.parametrize(
    ("section", "body", "version", "cause"),
    [
        ("named_credentials", changed(NAMED, later=1), 1, "got the unknown member 'later' in"),
        ("external_credentials", changed(EC, principals=[{"name": "A"}, {"name": "B", "later": 1}]), 1, "principals.1.later"),
        ("named_credentials", changed(NAMED, url=7), 1, r"Expected `str`, got `int` - at `\$.url`"),
        ("named_credentials", changed(NAMED, enabled_for_callouts="yes"), 1, "Expected `bool`, got `str`"),
        ("named_credentials", '{"name":"Orders"}', 1, "missing required field"),
        ("named_credentials", '{"name":"Ord', 1, "truncated"),
        ("named_credentials", changed(NAMED, name="Other"), 1, "got a body named 'Other' in .*; expected the name 'Orders'"),
        ("named_credentials", changed(NAMED), 3, "got format version 3 in"),
        ("nonsense", changed(NAMED), 1, "got an unknown section"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_strictly_right_is_refused_with_its_place(
    section: str, body: str, version: int, cause: str
) -> None:
    with pytest.raises(StoreError, match=cause) as refused:
        bodies.decode(section, "Orders", body, version)
    assert f"{section}.Orders" in str(refused.value)


async def test_one_unreadable_row_stops_loading_rather_than_being_passed_over(database: SqliteDatabase) -> None:
    store = database.open()
    await store.definitions.write([Change("packages", "acme", Package("acme"))], [act()])
    database.rows("UPDATE definition SET body = '{}'")
    with pytest.raises(StoreError, match=r"the definition packages\.acme"):
        await store.definitions.load()


def test_a_body_of_the_first_version_is_read_as_what_it_meant() -> None:
    administering = bodies.decode("profiles", "Ops", '{"name":"Ops","administrator":true}', 1)
    assert administering == Profile("Ops", admin_permissions=EVERY_ADMIN_PERMISSION)
    assert bodies.decode("profiles", "Ops", '{"name":"Ops","administrator":false}', 1) == Profile("Ops")
    guest = bodies.decode("users", "guest", '{"name":"guest","profile":"Guest User"}', 1)
    assert guest.kind is UserKind.GUEST
