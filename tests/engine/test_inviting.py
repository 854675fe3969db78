"""Invitations: a link at which a user chooses a password, once."""

from __future__ import annotations

import asyncio

import pytest

from callout.core.errors import DefinitionError
from callout.core.model.people import Caller, User
from callout.core.secret import Secret
from callout.engine.operations import OperationRefused
from callout.engine.sign_in import SignInRefused
from callout.engine.sign_in.choosing import choose, invited
from tests.signing_in import CHROME, GOOD, HERE, OTHER, furnish, open_door


@pytest.fixture
async def door(tmp_path):
    with open_door(tmp_path) as made:
        await furnish(made)
        yield made


async def over(door, text: str) -> str:
    with pytest.raises(SignInRefused) as caught:
        await choose(door.signing_in, text, Secret(OTHER), CHROME)
    return caught.value.reason.code


async def test_a_link_is_good_for_one_password_and_signs_in(door):
    made = await door.run("user.invite", name="alice")
    assert made["link"].startswith(f"{HERE}/setup/welcome?link=")
    text = made["link"].partition("link=")[2]
    assert (await invited(door.signing_in, text)).user == "alice"
    entered = await choose(door.signing_in, text, Secret(GOOD), CHROME)
    assert await door.who(entered) == "alice"
    assert await over(door, text) == "invitation_over"
    assert await door.who(await door.enter("alice")) == "alice"
    assert [act for _, act, _ in await door.acts()] == ["invite user", "choose password", "sign in", "sign in"]
    assert not any(text in what for _, _, what in await door.acts())


async def test_of_two_who_use_a_link_at_once_one_does(door):
    text = await door.invited("alice")
    passwords = [Secret(GOOD), Secret(OTHER)]
    done = await asyncio.gather(
        *(choose(door.signing_in, text, each, CHROME) for each in passwords), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in done) == ["SignInRefused", "SignedIn"]


async def test_a_link_ends_with_its_time_with_another_and_with_a_password_that_is_set(door):
    ended, replaced = await door.invited("alice", expires="1h"), await door.invited("bob")
    await door.invited("bob")
    door.clock.move(hours=1)
    assert await over(door, ended) == "invitation_over"
    assert await over(door, replaced) == "invitation_over"
    set_since = await door.invited("alice")
    await door.give_password("alice")
    assert await over(door, set_since) == "invitation_over"
    for made_up in ("", "made up", set_since[:-1]):
        assert await over(door, made_up) == "invitation_over"


async def test_a_bad_password_leaves_the_link_good(door):
    text = await door.invited("alice")
    with pytest.raises(DefinitionError, match="of the user's name"):
        await choose(door.signing_in, text, Secret("alice-alice-alice"), CHROME)
    assert await door.who(await choose(door.signing_in, text, Secret(GOOD), CHROME)) == "alice"


async def test_a_password_that_was_forgotten_is_chosen_anew_at_a_link_and_ends_every_session(door):
    await door.give_password("alice")
    entered = await door.enter("alice")
    again = await choose(door.signing_in, await door.invited("alice"), Secret(OTHER), CHROME)
    assert (await door.who(entered), await door.who(again)) == (None, "alice")


@pytest.mark.parametrize(
    ("user", "said"),
    [("nobody", "the name of a user"), ("guest", "guest"), ("robot", "service"), ("idle", "not active")],
)
async def test_nobody_else_is_invited(door, user, said):
    await door.define(User("idle", active=False))
    with pytest.raises(DefinitionError, match=said):
        await door.run("user.invite", name=user)


@pytest.mark.parametrize("name", ["user.invite", "user.set_password"])
async def test_nobody_invites_who_administers_more_than_they_do(door, name):
    """As with keys: who manages users makes links for users, and none for an administrator."""
    mona, more = Caller("mona", None, "key"), {"password": GOOD} if name == "user.set_password" else {}
    assert (await door.run(name, mona, name="alice", **more))["changed"]
    with pytest.raises(OperationRefused, match="which mona does not have to give"):
        await door.run(name, mona, name="admin", **more)
    assert await door.store.sign_ins.password("admin") is None


async def test_a_link_of_somebody_who_was_removed_since_is_worth_nothing(door):
    text = await door.invited("alice")
    await door.run("user.remove", name="alice")
    await door.define(User("alice"))
    assert await over(door, text) == "invitation_over"


@pytest.mark.parametrize("since", ["promoted", "inviter gone", "inviter demoted"])
async def test_a_link_is_worth_no_more_than_who_invited_may_give_when_it_is_used(door, since):
    """Else who manages users invites somebody in good time, and is an administrator when they are made one."""
    mona = Caller("mona", None, "key co_x…")
    text = (await door.run("user.invite", mona, name="bob"))["link"].partition("link=")[2]
    assert (await invited(door.signing_in, text)).by == "mona"
    if since == "promoted":
        await door.define(User("bob", "System Administrator"))
    elif since == "inviter gone":
        await door.run("user.remove", name="mona")
    else:
        await door.define(User("mona"))
    assert await over(door, text) == "invitation_over"
    assert await door.store.sign_ins.password("bob") is None
    at_home = await door.invited("bob")
    assert (await invited(door.signing_in, at_home)).user == "bob"


async def test_a_link_of_the_admin_of_a_home_is_theirs_whatever_users_are_called(door):
    await door.define(User("local"))
    text = await door.invited("bob")
    assert (await invited(door.signing_in, text)).user == "bob"
