"""Passwords: chosen at the link of an invitation, changed by their user, set by an admin."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from callout.core.access.sources import admin_permissions_of
from callout.core.errors import DefinitionError, Problem
from callout.core.model.org import Org
from callout.core.model.people import AdminPermission, Caller
from callout.core.model.sign_in import Invitation, Password, Proven
from callout.core.oauth2.authorization import random_text
from callout.core.secret import Secret, digest_of, reveal  # noqa: TID251 - a password is judged here, before it is digested
from callout.engine.keys import expiry
from callout.engine.setup import Result, Setup, found
from callout.engine.sign_in.attempts import of_own
from callout.engine.sign_in.password_rules import normalized, refusal_of_password
from callout.engine.sign_in.refusals import SignInRefused
from callout.engine.sign_in.signing_in import Browser, SignedIn, SigningIn, is_person, session_of

#: Where an invitation is taken up.
WELCOME = "/setup/welcome"
#: Who invites on a home directory: no user is called so, for there is space in it.
HOME = "the admin of the home"
_RANDOM_BYTES = 32


async def invite(setup: Setup, signing_in: SigningIn, who: str, user: str, *, expires: str = "7d") -> Result:
    """Make a link at which a user chooses a password, once. It stands in the result and nowhere else.

    An earlier link of the user ends. Raises `NotPermitted` where the user administers more than who invites.
    """
    text = reveal(random_text(setup.entropy.bytes(_RANDOM_BYTES)))

    async def attempt() -> Invitation:
        org, now = await setup.org(), setup.now()
        expect_person(org, user)
        setup.authority.demand_key_of(org, user, now)
        ends_at = expiry(expires, now, "invitations.expires")
        by = HOME if setup.authority.user is None else setup.authority.user
        invitation = Invitation(_digest(text), user, by, ends_at)
        act = setup.act(who, "invite user", f"{user} until {ends_at.isoformat(timespec='seconds')}")
        await signing_in.sign_ins.put_invitation(invitation, act, expects=org.generation)
        return invitation

    async with setup.turn:
        made = await setup.repeating(attempt)
    link = f"{signing_in.links.public_url}{WELCOME}?{urlencode({'link': text})}"
    message = f"Link for {user}, good once until {made.ends_at.isoformat(timespec='seconds')}: it is shown this once"
    return {"user": user, "link": link, "ends_at": made.ends_at, "changed": True, "message": message}


async def invited(signing_in: SigningIn, text: str) -> Invitation:
    """Return the invitation of a link. Raises `SignInRefused(invitation_over)` where there is none any more."""
    there = await signing_in.sign_ins.invitation(_digest(text)) if text else None
    org, now = await signing_in.setup.org(), signing_in.setup.now()
    if there is None or there.ends_at <= now or not is_person(org, there.user) or not _stands(org, there, now):
        raise _over()
    return there


def _stands(org: Org, there: Invitation, now: datetime) -> bool:
    """Say whether who invited still may: otherwise a link of old would be worth what its user was given since."""
    if there.by == HOME:
        return True
    held = admin_permissions_of(org, there.by, now)
    return AdminPermission.MANAGE_USERS in held and admin_permissions_of(org, there.user, now) <= held


async def choose(signing_in: SigningIn, text: str, password: Secret, browser: Browser) -> SignedIn:
    """Choose a password at a link, which is spent, and sign in. Raises `SignInRefused`, `DefinitionError`."""
    there = await invited(signing_in, text)
    setup, digest = signing_in.setup, await _digested(signing_in, password, there.user)

    async def attempt() -> bool:
        await invited(signing_in, text)
        org, now = await setup.org(), setup.now()
        act = setup.act(there.user, "choose password", f"{there.user}, invited by {there.by}")
        chosen = Password(there.user, digest, now)
        return await signing_in.sign_ins.put_password(chosen, act, expects=org.generation, invitation=there.digest)

    if not await setup.repeating(attempt):
        raise _over()
    return await signing_in.begin(there.user, Proven.INVITATION, "", browser, holds=digest)


async def set_password(
    setup: Setup, signing_in: SigningIn, caller: Caller, user: str, password: Secret, current: Secret | None
) -> Result:
    """Set a password. One's own takes the `current` one, where there is one; another's takes what their key would.

    Their other sessions end, the caller's own stays. Raises `SignInRefused`, `NotPermitted`, `DefinitionError`.
    """
    org, own = await setup.org(), user == caller.user and setup.authority.user is not None
    expect_person(org, user)
    if own:
        await _expect_current(signing_in, user, current)
    else:
        setup.authority.demand_key_of(org, user, setup.now())
    digest = await _digested(signing_in, password, user)

    async def attempt() -> None:
        org, now = await setup.org(), setup.now()
        expect_person(org, user)
        if not own:
            setup.authority.demand_key_of(org, user, now)
        act = setup.act(str(caller), "change password" if own else "set password", user)
        kept = [s.digest for s in await signing_in.sign_ins.sessions(user) if s.id == session_of(caller)]
        put = signing_in.sign_ins.put_password
        await put(Password(user, digest, now), act, expects=org.generation, keep=kept[0] if kept else b"")

    async with setup.turn:
        await setup.repeating(attempt)
    rest = "your other sessions have ended" if own else "their sessions have ended"
    return {"user": user, "changed": True, "message": f"Password of {user} is set; {rest}"}


async def _expect_current(signing_in: SigningIn, user: str, current: Secret | None) -> None:
    """Raise `SignInRefused` unless this is the password of a user who has one; attempts are counted."""
    stored = await signing_in.sign_ins.password(user)
    if stored is None:
        return
    allowances = of_own(user)
    await signing_in.count(allowances)
    given = Secret(normalized(reveal(current))) if current is not None else Secret("")
    if not await signing_in.passwords.matches(given, stored.digest):
        raise SignInRefused("sign_in_refused", "got another current password than yours; expected the one of now")
    await signing_in.sign_ins.succeeded(allowances)


async def _digested(signing_in: SigningIn, password: Secret, user: str) -> str:
    text = normalized(reveal(password))
    refusal = refusal_of_password(text, user)
    if refusal is not None:
        raise DefinitionError([Problem("password", *refusal)])
    return await signing_in.passwords.digest(Secret(text))


def expect_person(org: Org, name: str) -> None:
    """Raise `DefinitionError` for a name that is nobody's who signs in with a password."""
    found(org.users, name, "users", "a user")
    if not is_person(org, name):
        user = org.users[name]
        got = f"{name!r}, who is {'not active' if not user.active else f'a {user.kind} user'}"
        raise DefinitionError([Problem(f"users.{name}", got, "an active human: programs prove who they are by keys")])


def _digest(text: str) -> bytes:
    return digest_of(Secret(text), purpose="sign-in/invitation")


def _over() -> SignInRefused:
    return SignInRefused("invitation_over", "got a link that was used, replaced or has ended; expected a new one")
