"""Sessions of browsers: begun by a proof, ended by their user, an admin, their time, or what became of the proof.

The cookie holds 32 random bytes; what is kept is their digest. Every sign-in makes new ones, so what a browser held
before it is worth nothing afterwards. A session is judged at each use by what is defined then.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from callout.core.model.org import Org
from callout.core.model.people import GUEST, Caller, User, UserKind
from callout.core.model.sign_in import Allowance, Proven, Session
from callout.core.oauth2.authorization import random_text
from callout.core.secret import Secret, digest_of, reveal  # noqa: TID251 - what a person typed, to be normalized
from callout.core.sign_in.ports import Passwords, SignIns
from callout.engine.callers import identify
from callout.engine.connect_links import Links
from callout.engine.setup import Result, Setup
from callout.engine.sign_in.attempts import of_address, of_password, too_many
from callout.engine.sign_in.password_rules import normalized
from callout.engine.sign_in.refusals import SignInRefused

#: How long a browser is known as one that a user has signed in with, in seconds.
KNOWN_FOR = 180 * 86_400.0
#: Characters of a user's name, of an address, and of what a browser calls itself that are looked at.
LONGEST_NAME, LONGEST_ADDRESS, LONGEST_BROWSER = 200, 60, 160
#: The first word of the proof of a caller who has a session; its id follows.
SESSION = "session"
_RANDOM_BYTES = 32
#: A use is noted where the last one noted is so long ago.
_NOTED_EVERY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Browser:
    """What a browser came with: its address, what it calls itself, and the texts of its two cookies."""

    address: str
    name: str = ""
    session: str = field(default="", repr=False)
    known: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in that succeeded. `text` is for the cookie of the session, `known` for that of the browser."""

    text: str = field(repr=False)
    known: str = field(repr=False)
    session: Session


class SigningIn:
    """Begins, finds and ends sessions. One for each process; what one begins every other finds."""

    def __init__(
        self, setup: Setup, sign_ins: SignIns, passwords: Passwords, links: Links, *, idle: float, life: float
    ) -> None:
        self.setup = setup
        self.sign_ins = sign_ins
        self.passwords = passwords
        self.links = links
        self._idle = timedelta(seconds=idle)
        self._life = timedelta(seconds=life)

    # --- signing in -------------------------------------------------------------------------------------------

    async def with_password(self, user: str, password: Secret, browser: Browser) -> SignedIn:
        """Sign in with name and password. Raises `SignInRefused`, in the same words and time whatever is wrong."""
        name, given = user.strip()[:LONGEST_NAME], Secret(normalized(reveal(password)))
        allowances = of_password(name, _address(browser), self._known(browser, name))
        await self.count(allowances)
        stored = await self.sign_ins.password(name)
        same = await self.passwords.matches(given, stored.digest if stored is not None else None)
        org = await self.setup.org()
        if not same or stored is None or not is_person(org, name):
            whom = name if name in org.users else "somebody who is not known"  # it may be a password, typed too early
            await self._failed(f"{whom}: name and password")
            raise SignInRefused("sign_in_refused", "got a name and a password that do not belong together")
        await self.sign_ins.succeeded(allowances)
        signed_in = await self.begin(name, Proven.PASSWORD, "", browser, holds=stored.digest)
        if self.passwords.is_outdated(stored.digest):
            await self.sign_ins.replace_digest(stored, await self.passwords.digest(given))
        return signed_in

    async def with_key(self, key: Secret, browser: Browser) -> SignedIn:
        """Sign in with a key of one's own, without package and limit. Raises `SignInRefused`."""
        allowances = of_address(_address(browser))
        await self.count(allowances)
        org, text = await self.setup.org(), reveal(key).strip().encode("utf-8", "replace")
        caller = identify(org, self.setup.now(), key=text, local_keys={}).caller
        user = org.users.get(caller.user) if caller is not None else None
        whole = caller is not None and caller.user != GUEST and caller.namespace is None and caller.key is None
        if caller is None or user is None or not user.active or not whole:
            whom = caller.user if caller is not None else "somebody who is not known"
            await self._failed(f"{whom}: key")
            detail = "got a key that was not accepted; expected a valid key of your own, without a package and limit"
            raise SignInRefused("sign_in_refused", detail)
        await self.sign_ins.succeeded(allowances)
        prefix = caller.proof.removeprefix("key ").removesuffix("…")
        return await self.begin(user.name, Proven.KEY, prefix, browser)

    async def count(self, allowances: Collection[Allowance]) -> None:
        """Count an attempt, before it is judged. Raises `SignInRefused(too_many_attempts)`."""
        now = self.setup.now()
        next_at = await self.sign_ins.attempt(allowances, now)
        if next_at is not None:
            raise too_many(next_at, now)

    async def begin(self, user: str, proof: Proven, proven_by: str, browser: Browser, *, holds: str = "") -> SignedIn:
        """Begin a session for somebody who proved who they are, in the place of the browser's old one."""
        text = reveal(random_text(self.setup.entropy.bytes(_RANDOM_BYTES)))

        async def attempt() -> Session:
            org, now = await self.setup.org(), self.setup.now()
            person = org.users.get(user)
            name = "".join(c for c in browser.name if c.isprintable())[:LONGEST_BROWSER]
            session = Session(digest_of_cookie(text), user, proof, proven_by, name, now, now, now + self._life)
            if person is None or not person.active or not _proof_holds(org, session, now):
                raise SignInRefused("sign_in_refused", f"got {user}, who is not an active user any more")
            act = self.setup.act(user, "sign in", f"{session.id} by {session.how}, from {_address(browser)}")
            old = digest_of_cookie(browser.session) if browser.session else b""
            await self.sign_ins.begin(session, act, expects=org.generation, replaces=old, password=holds)
            return session

        session = await self.setup.repeating(attempt)
        return SignedIn(text, self._made_known(user), session)

    # --- being signed in --------------------------------------------------------------------------------------

    async def session(self, text: str) -> Session | None:
        """Return the session of a cookie that still holds, and note that it is used; None: nobody is signed in."""
        found = await self.sign_ins.session(digest_of_cookie(text)) if text else None
        if found is None:
            return None
        org, now = await self.setup.org(), self.setup.now()
        if not self.holds(org, found, now):
            await self.sign_ins.end([found.digest], None)
            return None
        if now - found.seen_at >= min(_NOTED_EVERY, self._idle / 4):
            await self.sign_ins.see(found.digest, now)
        return found

    def holds(self, org: Org, session: Session, now: datetime) -> bool:
        """Say whether a session holds: neither it nor its user nor what proved it is over."""
        user = org.users.get(session.user)
        over = session.is_over(now, self._idle)
        return not over and user is not None and user.active and _proof_holds(org, session, now)

    async def sign_out(self, text: str) -> None:
        """End the session of a cookie."""
        found = await self.sign_ins.session(digest_of_cookie(text)) if text else None
        if found is not None:
            await self.sign_ins.end([found.digest], self.setup.act(found.user, "sign out", found.id))

    async def list(self, user: str, caller: Caller) -> Result:
        """List the sessions of a user that hold."""
        org, now = await self.setup.org(), self.setup.now()
        stored = await self.sign_ins.password(user)
        return {
            "user": user,
            "password_changed_at": stored.changed_at if stored is not None else None,
            "sessions": [
                {
                    "id": each.id,
                    "proof": each.how,
                    "browser": each.browser,
                    "began_at": each.began_at,
                    "seen_at": each.seen_at,
                    "ends_at": each.ends_at,
                    "own": each.id == session_of(caller),
                }
                for each in await self.sign_ins.sessions(user)
                if self.holds(org, each, now)
            ],
        }

    async def end(self, who: str, user: str, session: str | None) -> Result:
        """End one session of a user, or all of them."""
        there = await self.sign_ins.sessions(user)
        ending = [each for each in there if session is None or each.id == session]
        whose = f"{user}: {session if session is not None else 'all sessions'}"
        count = await self.sign_ins.end([e.digest for e in ending], self.setup.act(who, "end sessions", whose))
        message = f"{user}: {count} session{'' if count == 1 else 's'} ended"
        return {"user": user, "ended": count, "changed": bool(count), "message": message}

    # --- browsers that are known ------------------------------------------------------------------------------

    def _made_known(self, user: str) -> str:
        return self.links.seal("browser", {"user": user, "id": self.setup.entropy.bytes(16).hex()}, KNOWN_FOR)

    def _known(self, browser: Browser, user: str) -> str:
        """Return what a browser is counted by, where this user has signed in with it; else nothing."""
        members = self.links.open("browser", browser.known) if browser.known else None
        return str(members["id"]) if members is not None and members["user"] == user else ""

    async def _failed(self, what: str) -> None:
        await self.sign_ins.failed(self.setup.act(GUEST, "sign in failed", what))


def caller_of(session: Session) -> Caller:
    """Return the caller that a session makes of its browser."""
    return Caller(session.user, None, f"{SESSION} {session.id} ({session.how})")


def session_of(caller: Caller) -> str:
    """Return the id of the session that a caller has; empty where it is none."""
    words = caller.proof.split(" ", 2)
    return words[1] if words[0] == SESSION and len(words) > 1 else ""


def is_person(org: Org, name: str) -> bool:
    """Say whether this is an active person: nobody else has a password, or comes from an issuer's sign-in page."""
    user: User | None = org.users.get(name)
    return user is not None and user.active and user.kind is UserKind.HUMAN


def digest_of_cookie(text: str) -> bytes:
    """Return what is kept of the text of a cookie."""
    return digest_of(Secret(text), purpose="sign-in/session")


def _address(browser: Browser) -> str:
    return browser.address[:LONGEST_ADDRESS] or "an address that is not known"


def _proof_holds(org: Org, session: Session, now: datetime) -> bool:
    """Say whether what proved somebody still would: a key that is there, an issuer that leads to them.

    Without a key nobody signs in but a person (`is_person`), and nobody stays who is none any more.
    """
    if session.proof is not Proven.KEY and not is_person(org, session.user):
        return False
    if session.proof is Proven.KEY:
        keys = (key for key in org.keys.values() if key.prefix == session.proven_by and key.user == session.user)
        return any((k.expires_at is None or k.expires_at > now) and not k.named_credentials for k in keys)
    if session.proof is Proven.SINGLE_SIGN_ON:
        issuer = org.trusted_issuers.get(session.proven_by)
        return issuer is not None and bool(issuer.client_id) and issuer.leads_to(session.user)
    return True
