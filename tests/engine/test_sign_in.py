"""Signing in with a password or a key, and what becomes of the sessions: on a real store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callout.core.errors import DefinitionError
from callout.core.model.credentials import ExternalCredential, NamedCredential
from callout.core.model.people import Caller, CallerKey, User, UserKind
from callout.core.secret import Secret
from callout.engine.operations import OperationRefused, document_of
from callout.engine.sign_in import Browser, SignInRefused
from callout.engine.sign_in.choosing import choose
from tests.signing_in import CHROME, GOOD, OTHER, START, furnish, open_door, returning

FIREFOX = Browser("192.0.2.9", "Firefox")


@pytest.fixture
async def door(tmp_path):
    with open_door(tmp_path) as made:
        await furnish(made)
        yield made


async def refused(door, user: str, password: str, browser: Browser = CHROME) -> SignInRefused:
    with pytest.raises(SignInRefused) as caught:
        await door.enter(user, password, browser)
    return caught.value


async def test_a_name_and_its_password_sign_in_and_out(door):
    await door.give_password("alice")
    entered = await door.enter("alice")
    assert await door.who(entered) == "alice"
    shown = (await door.run("user.sessions", name="alice"))["sessions"][0]
    assert (shown["proof"], shown["browser"], shown["own"]) == ("password", "Chrome", False)
    await door.signing_in.sign_out(entered.text)
    assert await door.who(entered) is None
    told = [(who, act) for who, act, _ in await door.acts()]
    assert told == [("local", "set password"), ("alice", "sign in"), ("alice", "sign out")]


async def test_neither_cookie_nor_password_is_kept_as_it_is(door, tmp_path):
    await door.give_password("alice")
    entered = await door.enter("alice")
    texts = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"alice" in texts
    assert entered.text.encode() not in texts
    assert GOOD.encode() not in texts
    assert GOOD not in repr(entered) + repr(await door.store.sign_ins.password("alice"))
    assert entered.text not in repr(entered)


@pytest.mark.parametrize("user", ["alice", "bob", "nobody", "guest", "robot", ""])
async def test_what_is_wrong_is_answered_in_the_same_words_and_as_slowly(door, user):
    """alice has another password, bob none, the rest cannot have one: one digest is judged for each of them."""
    await door.give_password("alice")
    before = door.passwords.judged
    error = await refused(door, user, OTHER)
    assert door.passwords.judged == before + 1
    assert document_of(error)["detail"] == "got a name and a password that do not belong together"
    assert (error.reason.code, error.reason.status) == ("sign_in_refused", 403)


async def test_a_failed_attempt_is_audited_and_never_repeats_what_was_typed(door):
    await door.give_password("alice")
    await refused(door, "alice", OTHER)
    await refused(door, "my password by mistake", OTHER)
    told = (await door.acts())[1:]
    assert told == [
        ("guest", "sign in failed", "alice: name and password"),
        ("guest", "sign in failed", "somebody who is not known: name and password"),
    ]


async def test_a_password_means_the_same_however_it_is_composed(door):
    await door.give_password("alice", "cafe\u0301 au lait, s'il vous plai\u0302t")
    assert await door.who(await door.enter("alice", "caf\u00e9 au lait, s'il vous pla\u00eet")) == "alice"


async def test_signing_in_makes_a_new_session_and_ends_the_old_one(door):
    """Session fixation: what a browser held before is worth nothing afterwards, and it cannot choose what it gets."""
    await door.give_password("alice")
    planted = replace(CHROME, session="planted by somebody else")
    first = await door.enter("alice", browser=planted)
    assert first.text != planted.session
    assert await door.signing_in.session(planted.session) is None
    second = await door.enter("alice", browser=returning(CHROME, first))
    assert second.text != first.text
    assert (await door.who(first), await door.who(second)) == (None, "alice")


async def test_a_session_ends_when_it_lies_idle_and_at_its_end(door):
    await door.give_password("alice")
    idle, used = await door.enter("alice"), await door.enter("alice", browser=FIREFOX)
    for _ in range(5):
        door.clock.move(hours=1, minutes=50)
        assert await door.who(used) == "alice"
    assert await door.who(idle) is None
    door.clock.move(hours=1, minutes=50)
    assert await door.who(used) == "alice"
    door.clock.move(hours=1)
    assert await door.who(used) is None, "twelve hours after it began"
    assert await door.store.sign_ins.sessions("alice") == ()


@pytest.mark.parametrize("gone", ["removed", "removed and made again", "deactivated", "deactivated and back"])
async def test_a_user_who_goes_takes_their_sessions_along(door, gone):
    await door.give_password("alice")
    entered, link = await door.enter("alice"), await door.invited("bob")
    if gone.startswith("removed"):
        await door.run("user.remove", name="alice")
        await door.run("user.remove", name="bob")
    else:
        await door.define(User("alice", active=False), User("bob", active=False))
    if "and" in gone:
        await door.define(User("alice"), User("bob"))
    assert await door.who(entered) is None
    password = await door.store.sign_ins.password("alice")
    assert (password is None) is gone.startswith("removed")
    with pytest.raises(SignInRefused):
        await choose(door.signing_in, link, Secret(OTHER), CHROME)


async def test_who_is_no_person_any_more_stays_signed_in_by_a_key_alone(door):
    await door.give_password("alice")
    entered = await door.enter("alice")
    key = (await door.run("key.create", user="alice"))["key"]
    by_key = await door.signing_in.with_key(Secret(key), CHROME)
    await door.define(User("alice", kind=UserKind.SERVICE))
    assert await door.who(entered) is None
    assert await door.who(by_key) == "alice"


async def test_a_deactivated_user_does_not_sign_in(door):
    await door.give_password("alice")
    key = (await door.run("key.create", user="alice"))["key"]
    await door.define(User("alice", active=False))
    assert (await refused(door, "alice", GOOD)).reason.code == "sign_in_refused"
    with pytest.raises(SignInRefused):
        await door.signing_in.with_key(Secret(key), CHROME)


async def test_a_key_of_ones_own_signs_in_as_long_as_it_holds(door):
    made = await door.run("key.create", user="alice")
    entered = await door.signing_in.with_key(Secret(f" {made['key']}\n"), CHROME)
    assert entered.session.how == f"key {made['prefix']}…"
    assert await door.who(entered) == "alice"
    await door.run("key.revoke", prefix=made["prefix"])
    assert await door.who(entered) is None


@pytest.mark.parametrize("more", [{"namespace": "acme"}, {"expires": "1h"}, "unknown", "limited", ""])
async def test_no_other_key_signs_in(door, more):
    text = "co_unknown" if more == "unknown" else ""
    if more and more != "unknown":
        made = await door.run("key.create", user="alice", **(more if isinstance(more, dict) else {}))
        text = made["key"]
        door.clock.move(hours=2)
    if more == "limited":
        await door.define(*named_credential())
        await door.run("key.limit", prefix=made["prefix"], named_credentials=["Orders"])
    with pytest.raises(SignInRefused) as caught:
        await door.signing_in.with_key(Secret(text), CHROME)
    assert caught.value.reason.code == "sign_in_refused"
    assert "key" in (await door.acts())[-1][2]


def named_credential():
    return ExternalCredential("Orders", "none"), NamedCredential("Orders", "https://orders.example", "Orders")


async def test_parameters_that_are_outdated_are_renewed_when_somebody_signs_in(door):
    await door.give_password("alice")
    door.passwords.version = 2
    await door.enter("alice")
    assert (await door.store.sign_ins.password("alice")).digest.startswith("2:")
    assert await door.who(await door.enter("alice")) == "alice"


async def test_a_user_sees_and_ends_their_own_sessions_alone(door):
    await door.give_password("alice")
    await door.give_password("bob")
    here, there, bobs = await door.enter("alice"), await door.enter("alice", browser=FIREFOX), await door.enter("bob")
    alice = await door.caller(here)
    listed = (await door.run("user.sessions", alice, name="alice"))["sessions"]
    assert {(each["browser"], each["own"]) for each in listed} == {("Chrome", True), ("Firefox", False)}
    assert (await door.run("whoami", alice))["sessions"] == 2
    await door.run("user.sign_out", alice, name="alice", session=there.session.id)
    await door.run("user.sign_out", alice, name="alice", session=bobs.session.id)
    assert [await door.who(each) for each in (here, there, bobs)] == ["alice", None, "bob"]
    for name in ("user.sessions", "user.sign_out"):
        with pytest.raises(Exception, match="administrator_required"):
            await door.run(name, alice, name="bob")
    ended = await door.run("user.sign_out", name="bob")
    assert (ended["ended"], await door.who(bobs)) == (1, None)
    assert (await door.acts())[-1] == ("local", "end sessions", "bob: all sessions")


async def test_changing_a_password_takes_the_one_of_now_and_ends_the_other_sessions(door):
    await door.give_password("alice")
    here, there = await door.enter("alice"), await door.enter("alice", browser=FIREFOX)
    alice = await door.caller(here)
    for wrong in ({}, {"current": OTHER}):
        with pytest.raises(SignInRefused, match="another current password"):
            await door.run("user.set_password", alice, name="alice", password=OTHER, **wrong)
    await door.run("user.set_password", alice, name="alice", password=OTHER, current=GOOD)
    assert (await door.who(here), await door.who(there)) == ("alice", None)
    await refused(door, "alice", GOOD)
    assert await door.who(await door.enter("alice", OTHER)) == "alice"


async def test_who_signed_in_with_a_key_chooses_a_first_password_without_another(door):
    made = await door.run("key.create", user="alice")
    alice = await door.caller(await door.signing_in.with_key(Secret(made["key"]), CHROME))
    assert (await door.run("whoami", alice))["password_changed_at"] is None
    await door.run("user.set_password", alice, name="alice", password=GOOD)
    assert (await door.run("whoami", alice))["password_changed_at"] == START.isoformat().replace("+00:00", "Z")


async def test_a_bad_password_is_not_set(door):
    with pytest.raises(DefinitionError, match="got 5 characters; expected at least 12"):
        await door.give_password("alice", "short")
    with pytest.raises(DefinitionError, match="a service user; expected an active human"):
        await door.give_password("robot")
    assert await door.store.sign_ins.has_password() is False


@pytest.mark.parametrize("name", ["user.sessions", "user.sign_out", "user.set_password"])
@pytest.mark.parametrize("caller", ["limited", "package"])
async def test_neither_a_limited_key_nor_the_code_of_a_package_speaks_for_its_user_here(door, name, caller):
    """Who holds one could make a password of it, which would outlive the key."""
    await door.define(*named_credential())
    key = CallerKey(b"", "co_limited", "alice", None, START, named_credentials=("Orders",))
    callers = {"limited": Caller("alice", None, "key", key=key), "package": Caller("alice", "acme", "key")}
    more = {"password": GOOD} if name == "user.set_password" else {}
    with pytest.raises(OperationRefused) as caught:
        await door.run(name, callers[caller], name="alice", **more)
    assert caught.value.reason.code in ("administrator_required", "package_code_refused")
    assert await door.store.sign_ins.has_password() is False
