"""Digests of passwords: Argon2id with the parameters of RFC 9106 section 4, whatever is asked."""

import asyncio

import argon2
import pytest

from callout.adapters import passwords
from callout.adapters.passwords import AT_ONCE, Argon2Passwords
from callout.core.secret import Secret

GOOD, OTHER = Secret("grass under nine moons"), Secret("a lantern for the river")


@pytest.fixture
def quick() -> Argon2Passwords:
    return Argon2Passwords(passes=1, kibibytes=8, lanes=1)


async def test_a_digest_is_of_its_password_alone_and_never_twice_the_same(quick):
    first, second = await quick.digest(GOOD), await quick.digest(GOOD)
    assert first != second
    assert [await quick.matches(GOOD, each) for each in (first, second)] == [True, True]
    assert await quick.matches(OTHER, first) is False
    assert "grass" not in first


async def test_the_parameters_are_those_of_the_standard():
    digest = await Argon2Passwords().digest(GOOD)
    assert digest.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize("digest", ["", "not a digest", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA"])
async def test_what_is_no_digest_matches_nothing(quick, digest):
    assert await quick.matches(GOOD, digest) is False


async def test_who_has_no_password_is_refused_at_the_same_cost(quick, monkeypatch):
    verified, own = [], argon2.PasswordHasher.verify

    def counted(hasher, digest, password):
        verified.append(digest.split("$")[1:4])
        return own(hasher, digest, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    assert await quick.matches(GOOD, None) is False
    assert await quick.matches(GOOD, await quick.digest(OTHER)) is False
    assert verified[0] == verified[1], "the same work: one verification, with the same parameters"
    assert len(verified) == 2


async def test_other_parameters_are_outdated(quick):
    digest = await quick.digest(GOOD)
    assert quick.is_outdated(digest) is False
    stronger = Argon2Passwords(passes=2, kibibytes=16, lanes=1)
    assert stronger.is_outdated(digest) is True
    assert await stronger.matches(GOOD, digest) is True


async def test_only_a_few_are_made_at_a_time_and_beside_the_event_loop(quick, monkeypatch):
    running = most = 0
    own = asyncio.to_thread

    async def watched(work, *arguments):
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await own(work, *arguments)
        finally:
            running -= 1

    monkeypatch.setattr(passwords.asyncio, "to_thread", watched)
    await asyncio.gather(*(quick.digest(GOOD) for _ in range(6)))
    assert most == AT_ONCE
