"""Attempts that fail: those who guess wait, and nobody can keep a user out."""

from __future__ import annotations

import asyncio

import pytest

from callout.adapters.store.store import Store
from callout.core.secret import Secret
from callout.engine.operations import document_of
from callout.engine.sign_in import Browser, SignInRefused
from callout.engine.sign_in.attempts import OF_A_USER, OF_AN_ADDRESS, of_address, of_password
from callout.engine.sign_in.choosing import choose
from tests.signing_in import CHROME, GOOD, OTHER, furnish, open_door, returning

FREE, LONGEST = OF_A_USER


@pytest.fixture
async def door(tmp_path):
    with open_door(tmp_path) as made:
        await furnish(made)
        await made.give_password("alice")
        yield made


async def guess(
    door, user: str = "alice", password: str = OTHER, address: str = "198.51.100.7"
) -> SignInRefused | None:
    try:
        await door.enter(user, password, Browser(address))
    except SignInRefused as refused:
        return refused
    return None


async def lock(door, user: str = "alice") -> None:
    """Guess until one has to wait, from another address each time."""
    for number in range(FREE):
        assert (await guess(door, user, address=f"198.51.100.{number}")).reason.code == "sign_in_refused"


@pytest.mark.parametrize("user", ["alice", "nobody"])
async def test_who_guesses_waits_longer_each_time_whether_the_user_is_there_or_not(door, user):
    await lock(door, user)
    waits = []
    for _ in range(14):
        refused = await guess(door, user)
        assert refused.reason.code == "too_many_attempts"
        assert refused.reason.status == 429
        waits.append((refused.next_at - door.clock.at).total_seconds())
        door.clock.move(seconds=waits[-1])
        assert (await guess(door, user)).reason.code == "sign_in_refused"
    assert waits[:4] == [1.0, 2.0, 4.0, 8.0]
    assert waits[-1] == LONGEST == 900.0


async def test_the_refusal_says_when_to_try_again_and_the_right_password_waits_too(door):
    await lock(door)
    refused = await guess(door, password=GOOD)
    document = document_of(refused)
    assert "expected it at 09:00:01 UTC, in 1 seconds, or later" in document["detail"]
    assert document["retry_at"] == "2026-06-01T09:00:01+00:00"
    door.clock.move(seconds=1)
    assert await guess(door, password=GOOD) is None
    assert await guess(door, password=OTHER) is not None
    assert await guess(door, password=GOOD) is None, "a success forgot the failures before it"


async def test_a_browser_that_the_user_had_before_is_not_kept_out_by_strangers(door):
    own = returning(CHROME, await door.enter("alice"))
    await lock(door)
    assert (await guess(door, password=GOOD)).reason.code == "too_many_attempts"
    assert await door.who(await door.enter("alice", browser=own)) == "alice"
    stranger = Browser("198.51.100.8", known=own.known[:-2])
    with pytest.raises(SignInRefused, match="too_many_attempts"):
        await door.enter("alice", GOOD, stranger)


async def test_what_a_browser_is_known_by_is_of_one_user_and_counted_for_itself(door):
    await door.give_password("bob")
    own = returning(CHROME, await door.enter("alice"))
    assert of_password("bob", "a", "") == of_password("bob", "a", door.signing_in._known(own, "bob"))
    for _ in range(FREE):
        with pytest.raises(SignInRefused, match="do not belong together"):
            await door.enter("alice", OTHER, own)
    with pytest.raises(SignInRefused, match="too_many_attempts"):
        await door.enter("alice", GOOD, own)


async def test_a_key_and_a_link_still_sign_in_where_the_password_has_to_wait(door):
    key = (await door.run("key.create", user="alice"))["key"]
    await lock(door)
    assert await door.who(await door.signing_in.with_key(Secret(key), CHROME)) == "alice"
    assert await door.who(await choose(door.signing_in, await door.invited("alice"), Secret(OTHER), CHROME)) == "alice"


async def test_an_address_that_tries_many_users_waits(door):
    free, _ = OF_AN_ADDRESS
    for number in range(free):
        assert (await guess(door, f"user-{number}")).reason.code == "sign_in_refused"
    assert (await guess(door, "one more")).reason.code == "too_many_attempts"
    with pytest.raises(SignInRefused, match="too_many_attempts"):
        await door.signing_in.with_key(Secret("co_guess"), Browser("198.51.100.7"))
    assert (await guess(door, "one more", address="198.51.100.8")).reason.code == "sign_in_refused"


async def test_the_addresses_of_one_customer_count_as_one(door):
    free, _ = OF_AN_ADDRESS
    for number in range(free):
        assert (
            await guess(door, f"user-{number}", address=f"2001:db8:1:2::{number:x}")
        ).reason.code == "sign_in_refused"
    assert (await guess(door, "one more", address="2001:db8:1:2:ffff::1")).reason.code == "too_many_attempts"
    assert (await guess(door, "one more", address="2001:db8:1:3::1")).reason.code == "sign_in_refused"
    mapped = [of_address(each) for each in ("::ffff:192.0.2.1", "192.0.2.1")]
    assert mapped[0] == mapped[1] != of_address("192.0.2.2")
    assert of_address("") == of_address("") != of_address("no address")


async def test_those_who_sign_in_well_from_one_address_never_wait(door):
    free, _ = OF_AN_ADDRESS
    for _ in range(free + 5):
        assert await guess(door, password=GOOD) is None


async def test_guesses_at_once_are_counted_one_by_one_over_processes(door, tmp_path):
    """Each is counted before it is judged, in the store: another process cannot be guessed at beside this one."""
    other = Store.open(tmp_path / "callout.db", clock=door.clock)
    allowances, now = of_password("alice", "a", ""), door.clock.at
    counting = [store.sign_ins.attempt(allowances, now) for store in (other, door.store) for _ in range(FREE)]
    told = await asyncio.gather(*counting)
    other.close()
    assert sum(each is None for each in told) == FREE


async def test_failures_are_forgotten_after_a_day(door):
    await lock(door)
    door.clock.move(days=1)
    await guess(door, "somebody")
    assert [await guess(door) is not None for _ in range(2)] == [True, True]
    assert (await guess(door)).reason.code == "sign_in_refused"
