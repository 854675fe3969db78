"""Callers' keys: made, shown once, listed by their visible start, given an end, revoked.

A key is `co_` and 32 random bytes in base 62. What is kept is its SHA-256 and its first characters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from callout.core.errors import DefinitionError, Problem
from callout.core.model.org import Org
from callout.core.model.people import GUEST, CallerKey, UserKind
from callout.engine.callers import KEY_PREFIX, digest_of
from callout.engine.moments import span
from callout.engine.setup import NotDefined, Result, Setup, found, unknown

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: Random bytes of a key, and how many characters after `co_` are kept to name it by.
KEY_BYTES, VISIBLE = 32, 8
#: How long two of something may hold beside each other.
LONGEST_OVERLAP = timedelta(days=3650)


def key_text(random: bytes) -> str:
    """Write random bytes as a key: `co_` and base 62, of the same length whatever the bytes."""
    number, digits = int.from_bytes(random, "big"), []
    for _ in range(-(-len(random) * 8 * 100 // 595)):  # log2(62) = 5.95…
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return KEY_PREFIX.decode() + "".join(reversed(digits))


def expiry(text: str, now: datetime, place: str = "keys.expires") -> datetime:
    """Read when a key ends: a life (`30m`, `12h`, `90d`, `4w`) or an ISO 8601 time. Raises `DefinitionError`."""
    life = span(text)
    try:
        if life is not None:
            end = now + life
        else:
            end = datetime.fromisoformat(text)
            end = end.replace(tzinfo=UTC) if end.tzinfo is None else end.astimezone(UTC)
    except (ValueError, OverflowError):
        expected = "a life such as 12h, 90d or 4w, or a time such as 2030-01-31T12:00:00Z"
        raise DefinitionError([Problem(place, repr(text), expected)]) from None
    if end <= now:
        raise DefinitionError([Problem(place, f"{text!r}, which is past", "a time that is to come")])
    return end


def _shown(key: CallerKey, now: datetime) -> Result:
    return {
        "prefix": key.prefix,
        "user": key.user,
        "namespace": key.namespace,
        "label": key.label,
        "named_credentials": list(key.named_credentials),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "expired": key.expires_at is not None and key.expires_at <= now,
    }


async def list_keys(setup: Setup, *, user: str | None = None) -> Result:
    """List keys by their visible start, of one user or of all."""
    org = await setup.org()
    if user is not None:
        found(org.users, user, "users", "a user")
    keys = sorted(org.keys.values(), key=lambda k: (k.user, k.created_at, k.prefix))
    return {"keys": [_shown(key, setup.now()) for key in keys if user in (None, key.user)]}


async def create_key(
    setup: Setup,
    who: str,
    user: str,
    *,
    namespace: str | None = None,
    label: str = "",
    expires: str | None = None,
    named_credentials: Iterable[str] = (),
) -> Result:
    """Make a key of a user, or of a package's code acting for a user. Its text is in the result and nowhere else."""
    text = key_text(setup.entropy.bytes(KEY_BYTES))
    code = f" for package {namespace}" if namespace else ""

    async def attempt() -> CallerKey:
        org = await setup.org()
        _judge_holder(org, user, namespace)
        now = setup.now()
        setup.authority.demand_key_of(org, user, now)
        ends = None if expires is None else expiry(expires, now)
        prefix = text[: len(KEY_PREFIX) + VISIBLE]
        limit = _limit_of(org, named_credentials)
        key = CallerKey(digest_of(text.encode()), prefix, user, namespace, now, ends, label, limit)
        act = setup.act(who, "create key", f"{prefix}… of {user}{code}{_limited(limit)}")
        await setup.definitions.put_key(key, act, expects=org.generation)
        return key

    async with setup.turn:
        key = await setup.repeating(attempt)
    message = f"Key of {user}{code}: it is shown this once"
    return {"key": text, **_shown(key, key.created_at), "changed": True, "message": message}


def _limit_of(org: Org, names: Iterable[str]) -> tuple[str, ...]:
    """Return the named credentials that a key is limited to, in order. Raises `NotDefined` for an unknown one."""
    wanted = tuple(sorted(set(names)))
    for name in wanted:
        found(org.named_credentials, name, "named_credentials", "a named credential")
    return wanted


def _limited(names: tuple[str, ...]) -> str:
    return f", limited to {', '.join(names)}" if names else ""


async def limit_key(setup: Setup, who: str, prefix: str, named_credentials: Iterable[str]) -> Result:
    """Limit a key to these named credentials; none: it is not limited. One that was revoked stays revoked."""
    names = tuple(named_credentials)

    def edit(org: Org, key: CallerKey) -> tuple[CallerKey, str]:
        wanted = replace(key, named_credentials=_limit_of(org, names))
        if not wanted.named_credentials:
            setup.authority.demand_key_of(org, key.user, setup.now())
        return wanted, _limited(wanted.named_credentials) or ", not limited"

    return await _changed(setup, who, prefix, "limit key", edit)


async def _changed(
    setup: Setup, who: str, prefix: str, act: str, edit: Callable[[Org, CallerKey], tuple[CallerKey, str]]
) -> Result:
    """Change a key as it is now: what another admin changed meanwhile stays. `edit` words the change too."""

    async def attempt() -> tuple[CallerKey, CallerKey, str]:
        org = await setup.org()
        key = _named(org, prefix)
        wanted, worded = edit(org, key)
        told = f"{key.prefix}… of {key.user}{worded}"
        if wanted != key and not await setup.definitions.change_key(
            wanted, setup.act(who, act, told), expects=org.generation
        ):
            raise _unknown_key(org, prefix, gone=key)
        return key, wanted, told

    async with setup.turn:
        key, wanted, told = await setup.repeating(attempt)
    return {**_shown(wanted, setup.now()), "changed": wanted != key, "message": f"Key {told}"}


async def rotate_key(
    setup: Setup, who: str, prefix: str, *, overlap: str = "24h", expires: str | None = None
) -> Result:
    """Make a key in the place of another: of the same user, package, limit and life. The other ends after the overlap.

    The text of the new key is in the result and nowhere else. One that was to end sooner still does.
    """
    text = key_text(setup.entropy.bytes(KEY_BYTES))

    async def attempt() -> tuple[CallerKey, CallerKey]:
        org, now = await setup.org(), setup.now()
        old = _named(org, prefix)
        if old.expires_at is not None and old.expires_at <= now:
            expected = f"one that holds; make a new one with `callout key create {old.user}`"
            raise DefinitionError([Problem(f"keys.{old.prefix}", f"a key that ended at {old.expires_at}", expected)])
        _judge_holder(org, old.user, old.namespace)
        setup.authority.demand_key_of(org, old.user, now)
        end = now + life_of(overlap, "keys.overlap")
        ending = replace(old, expires_at=end if old.expires_at is None else min(end, old.expires_at))
        ends = expiry(expires, now) if expires is not None else _same_life(old, now)
        start = text[: len(KEY_PREFIX) + VISIBLE]
        new = replace(old, digest=digest_of(text.encode()), prefix=start, created_at=now, expires_at=ends)
        until = ending.expires_at.isoformat(timespec="seconds") if ending.expires_at else ""
        acts = (
            setup.act(who, "create key", f"{start}… of {old.user} in the place of {old.prefix}…"),
            setup.act(who, "change key", f"{old.prefix}… of {old.user}: {until}"),
        )
        await setup.definitions.put_key(new, *acts, expects=org.generation, ending=ending)
        return new, ending

    async with setup.turn:
        new, old = await setup.repeating(attempt)
    until = old.expires_at.isoformat(timespec="seconds") if old.expires_at else ""
    message = f"New key of {new.user}: it is shown this once; {old.prefix}… ends at {until}"
    ended = {"replaces": old.prefix, "replaced_ends_at": old.expires_at}
    return {"key": text, **_shown(new, new.created_at), **ended, "changed": True, "message": message}


def life_of(overlap: str, place: str) -> timedelta:
    """Read how long two of something hold beside each other. Raises `DefinitionError`."""
    life = span(overlap)
    if life is None or life > LONGEST_OVERLAP:
        expected = f"a life such as 30m, 24h or 7d, at most {LONGEST_OVERLAP.days}d; 0s: none"
        raise DefinitionError([Problem(place, repr(overlap), expected)])
    return life


def _same_life(old: CallerKey, now: datetime) -> datetime | None:
    return None if old.expires_at is None else now + (old.expires_at - old.created_at)


def _judge_holder(org: Org, user: str, namespace: str | None) -> None:
    """Raise `DefinitionError` for a user or a package that no key can be of."""
    person = found(org.users, user, "users", "a user")
    if user == GUEST:
        raise DefinitionError([Problem("keys.user", "the guest user", "a user; a guest is who proves nothing")])
    if person.kind is UserKind.BACKGROUND:
        expected = "a human or a service: a background identity holds no secret of its own; a token proves it, of a"
        expected += " trusted issuer that maps it (trusted_issuers.NAME.users)"
        raise DefinitionError([Problem("keys.user", f"{user!r}, who is a background identity", expected)])
    if not person.active:
        raise DefinitionError([Problem("keys.user", f"{user!r}, who is not active", "an active user")])
    if namespace is not None:
        found(org.packages, namespace, "packages", "an installed package")


async def revoke_key(setup: Setup, who: str, prefix: str) -> Result:
    """Revoke a key, named by its visible start (or whole)."""
    org = await setup.org()
    key = _named(org, prefix)
    act = setup.act(who, "revoke key", f"{key.prefix}… of {key.user}")
    if not await setup.definitions.remove_key(key.prefix, act):
        raise _unknown_key(org, prefix, gone=key)
    message = f"Key {key.prefix}… of {key.user} is revoked"
    return {"prefix": key.prefix, "user": key.user, "changed": True, "message": message}


async def expire_key(setup: Setup, who: str, prefix: str, expires: str | None) -> Result:
    """Give a key another end, or none. One that was revoked meanwhile stays revoked.

    To let a key live longer takes what it takes to make one: its text may be in other hands by now.
    """

    def edit(org: Org, key: CallerKey) -> tuple[CallerKey, str]:
        now = setup.now()
        wanted = replace(key, expires_at=None if expires is None else expiry(expires, now))
        if key.expires_at is not None and (wanted.expires_at is None or wanted.expires_at > key.expires_at):
            setup.authority.demand_key_of(org, key.user, now)
        until = wanted.expires_at.isoformat(timespec="seconds") if wanted.expires_at else "no end"
        return wanted, f": {until}"

    return await _changed(setup, who, prefix, "change key", edit)


def _named(org: Org, prefix: str) -> CallerKey:
    for key in org.keys.values():
        if prefix.removesuffix("…") == key.prefix or digest_of(prefix.encode()) == key.digest:
            return key
    raise _unknown_key(org, prefix)


def _unknown_key(org: Org, prefix: str, *, gone: CallerKey | None = None) -> NotDefined:
    """Word the refusal of a key that is not there; `gone` is one that was when the org was read."""
    start = prefix[: len(KEY_PREFIX) + VISIBLE]  # a whole key may have been pasted: it is not repeated
    known = [key.prefix for key in org.keys.values() if key != gone]
    return NotDefined([unknown("keys", start, known, "a key's visible start")])
