"""Passwords, sessions, invitations and failed attempts, as the store keeps them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from callout.core.errors import Outdated
from callout.core.model.people import User
from callout.core.model.sign_in import Allowance, Invitation, Password, Proven, Session
from callout.core.ports import Change
from tests.adapters.store.conftest import START, act

SESSION = Session(
    b"digest", "alice", Proven.SINGLE_SIGN_ON, "Login", "Firefox", START, START, START + timedelta(hours=12)
)
PASSWORD = Password("alice", "$argon2id$first", START)
INVITED = Invitation(b"link", "alice", "admin", START + timedelta(days=7))


def put(*users: User) -> list[Change]:
    return [Change("users", user.name, user) for user in users]


@pytest.fixture
async def defined(store):
    """The store, with alice and bob, and the generation that they are defined in."""
    return store, await store.definitions.write(put(User("alice"), User("bob")), [act()])


async def fill(defined) -> None:
    store, generation = defined
    await store.sign_ins.put_password(PASSWORD, act(), expects=generation)
    await store.sign_ins.begin(SESSION, act(), expects=generation)
    await store.sign_ins.put_invitation(INVITED, act(), expects=generation)


async def test_what_is_put_is_read_as_it_was(defined):
    store, _ = defined
    assert await store.sign_ins.has_password() is False
    await fill(defined)
    assert await store.sign_ins.has_password() is True
    assert await store.sign_ins.password("alice") == PASSWORD
    assert await store.sign_ins.session(b"digest") == SESSION
    assert await store.sign_ins.sessions("alice") == (SESSION,)
    assert await store.sign_ins.invitation(b"link") == INVITED
    assert await store.sign_ins.password("bob") is None
    assert await store.sign_ins.session(b"another") is None


async def test_no_write_raises_the_generation(defined):
    store, generation = defined
    await fill(defined)
    await store.sign_ins.see(b"digest", START)
    await store.sign_ins.end([b"digest"], act())
    assert await store.definitions.generation() == generation


@pytest.mark.parametrize("writing", ["password", "session", "invitation"])
async def test_nothing_is_kept_of_a_user_who_may_have_gone_meanwhile(defined, writing):
    store, generation = defined
    await store.definitions.write(put(User("carol")), [act()])
    puts = {
        "password": lambda: store.sign_ins.put_password(PASSWORD, act(), expects=generation),
        "session": lambda: store.sign_ins.begin(SESSION, act(), expects=generation),
        "invitation": lambda: store.sign_ins.put_invitation(INVITED, act(), expects=generation),
    }
    with pytest.raises(Outdated):
        await puts[writing]()
    assert await store.sign_ins.sessions("alice") == ()
    assert await store.sign_ins.password("alice") is None


async def test_with_a_user_goes_everything_and_with_their_activity_all_but_the_password(defined):
    store, _ = defined
    await fill(defined)
    await store.definitions.write(put(User("alice", active=False)), [act()])
    assert await store.sign_ins.sessions("alice") == ()
    assert await store.sign_ins.invitation(b"link") is None
    assert await store.sign_ins.password("alice") == PASSWORD
    await store.definitions.write([Change("users", "alice", None)], [act()])
    assert await store.sign_ins.has_password() is False


async def test_a_new_password_ends_the_other_sessions_and_the_invitation(defined):
    store, generation = defined
    await fill(defined)
    for number in (1, 2):
        more = replace(SESSION, digest=b"%d" % number)
        await store.sign_ins.begin(more, act(), expects=generation)
    bobs = replace(SESSION, digest=b"bob", user="bob")
    await store.sign_ins.begin(bobs, act(), expects=generation)
    await store.sign_ins.put_password(replace(PASSWORD, digest="second"), act(), expects=generation, keep=b"1")
    assert [each.digest for each in await store.sign_ins.sessions("alice")] == [b"1"]
    assert await store.sign_ins.sessions("bob") == (bobs,)
    assert await store.sign_ins.invitation(b"link") is None


async def test_an_invitation_sets_one_password_of_its_user(defined):
    store, generation = defined
    await fill(defined)
    bobs = Password("bob", "bob's", START)
    assert await store.sign_ins.put_password(bobs, act(), expects=generation, invitation=b"link") is False
    chosen = [replace(PASSWORD, digest=f"chosen {n}") for n in range(5)]
    puts = (store.sign_ins.put_password(each, act(), expects=generation, invitation=b"link") for each in chosen)
    assert sorted(await asyncio.gather(*puts)) == [False, False, False, False, True]
    assert await store.sign_ins.password("bob") is None


async def test_a_session_begins_only_by_the_password_that_is_still_there_and_in_the_place_of_one(defined):
    store, generation = defined
    await fill(defined)
    new = replace(SESSION, digest=b"new")
    with pytest.raises(Outdated, match="changed meanwhile"):
        await store.sign_ins.begin(new, act(), expects=generation, password="another")
    await store.sign_ins.begin(new, act(), expects=generation, replaces=b"digest", password=PASSWORD.digest)
    assert await store.sign_ins.sessions("alice") == (new,)


async def test_sessions_that_have_ended_go_when_another_begins(defined):
    store, generation = defined
    await fill(defined)
    later = replace(SESSION, digest=b"later", user="bob", began_at=SESSION.ends_at)
    await store.sign_ins.begin(later, act(), expects=generation)
    assert await store.sign_ins.session(b"digest") is None


async def test_a_digest_is_replaced_only_where_it_is_still_that(defined):
    store, _ = defined
    await fill(defined)
    await store.sign_ins.replace_digest(replace(PASSWORD, digest="another"), "lost")
    assert await store.sign_ins.password("alice") == PASSWORD
    await store.sign_ins.replace_digest(PASSWORD, "stronger")
    assert (await store.sign_ins.password("alice")).digest == "stronger"


async def test_attempts_are_counted_before_and_taken_back_after(defined):
    store, _ = defined
    user, address = Allowance(b"user", 2, 60.0), Allowance(b"address", 100, 60.0, clears=False)
    for _ in range(2):
        assert await store.sign_ins.attempt([user, address], START) is None
    assert await store.sign_ins.attempt([user, address], START) == START + timedelta(seconds=1)
    assert await store.sign_ins.attempt([address], START) is None
    assert await store.sign_ins.attempt([user], START + timedelta(seconds=1)) is None
    await store.sign_ins.succeeded([user, address])
    assert await store.sign_ins.attempt([user], START) is None


async def test_ending_what_is_not_there_writes_nothing(defined):
    store, _ = defined
    head = await store.audit.head()
    assert await store.sign_ins.end([b"none"], act()) == 0
    assert await store.audit.head() == head
