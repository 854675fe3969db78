"""A setup that changes nothing: what a use case would write is kept here, and shown as a plan is.

What was written is read again, so a use case that writes several times sees what it would see. Nothing is stored, sent
or spent: the ports that could are refused here, so that what was forgotten fails instead of happening.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from callout.core.access.difference import access_difference
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.org import SECTIONS, Org, name_of
from callout.core.model.people import CallerKey
from callout.core.ports import AdminAct, Change, Definitions, Look, Sealed, StoredToken, UserExternalCredentials
from callout.core.secret import Secret
from callout.engine.leaving import goes_with
from callout.engine.plan import Action, Plan, PlannedChange, SecretState, SecretWrite
from callout.engine.plan.diff import differences
from callout.engine.plan.warnings import warnings_of
from callout.engine.setup import Result, Setup, changed

if TYPE_CHECKING:
    from callout.core.message import HttpRequest, HttpResponse

_NOTHING: frozenset[str] = frozenset()


class Recorded:
    """What was there, what there would be, and the acts that the audit trail would have. Implements `Definitions`."""

    def __init__(self, before: Org) -> None:
        self.before = before
        self.org = before
        self.acts: list[AdminAct] = []
        self.given_up: list[UserExternalCredentialKey] = []
        self.set: dict[UserExternalCredentialKey, dict[str, bytes]] = {}
        self._forgotten: set[str] = set()

    def has_dropped(self, key: UserExternalCredentialKey) -> bool:
        """Say whether the token of a key would be gone, given up or with what it belongs to."""
        gone = goes_with(key, self._forgotten) or bool(key.user and key.user not in self.org.users)
        return gone or key in self.given_up

    async def generation(self) -> int:
        """The generation that there would be."""
        return self.org.generation

    async def load(self) -> Org:
        """Everything that would be defined."""
        return self.org

    async def write(
        self,
        changes: Sequence[Change],
        acts: Sequence[AdminAct],
        *,
        expects: int | None = None,  # noqa: ARG002 - nobody else writes here
        sealed: Sealed | None = None,
        forget: Collection[str] = (),
    ) -> int:
        """Keep the changes, the values that would be set or go, and the acts."""
        after = changed(self.org, changes)
        self._forgotten |= set(forget)
        gone = [key for key in after.configured if goes_with(key, forget)]
        return self._take_over(without_values(after, gone), *acts, sealed=sealed or {})

    async def put_key(
        self,
        key: CallerKey,
        *acts: AdminAct,
        expects: int | None = None,  # noqa: ARG002 - nobody else writes here
        ending: CallerKey | None = None,
    ) -> None:
        """Keep a new key."""
        ended = {ending.digest: ending} if ending is not None else {}
        self._take_over(replace(self.org, keys={**self.org.keys, **ended, key.digest: key}), *acts)

    async def change_key(self, key: CallerKey, act: AdminAct, *, expects: int | None = None) -> bool:  # noqa: ARG002 - as above
        """Keep another end or limit of a key."""
        self._take_over(replace(self.org, keys={**self.org.keys, key.digest: key}), act)
        return True

    async def remove_key(self, prefix: str, act: AdminAct) -> bool:
        """Keep that a key goes."""
        keys = {digest: key for digest, key in self.org.keys.items() if key.prefix != prefix}
        self._take_over(replace(self.org, keys=keys), act)
        return True

    def remove_values(self, key: UserExternalCredentialKey, names: Sequence[str] | None, act: AdminAct) -> int:
        """Keep that values go (None: all), and the token with them."""
        held = self.org.configured.get(key, _NOTHING)
        left = _NOTHING if names is None else held - set(names)
        self._take_over(without_values(self.org, [key]), act)
        if left:
            self.org = replace(self.org, configured={**self.org.configured, key: left})
        return len(held) - len(left)

    def give_up(self, key: UserExternalCredentialKey, act: AdminAct) -> None:
        """Keep that a token goes."""
        self.given_up.append(key)
        self._take_over(self.org, act)

    def set_values(self, key: UserExternalCredentialKey, sealed: Mapping[str, bytes], act: AdminAct) -> None:
        """Keep that values are set."""
        self._take_over(self.org, act, sealed={key: sealed})

    def _take_over(self, org: Org, *acts: AdminAct, sealed: Sealed | None = None) -> int:
        configured = dict(org.configured)
        for key, values in (sealed or {}).items():
            configured[key] = configured.get(key, _NOTHING) | values.keys()
            self.set.setdefault(key, {}).update(values)
        self.acts += acts
        self.org = replace(org, configured=configured, generation=self.org.generation + 1)
        return self.org.generation


class _Values:
    """Sealed values and tokens: read where they are kept, written nowhere."""

    def __init__(self, kept: UserExternalCredentials, recorded: Recorded) -> None:
        self._kept = kept
        self._recorded = recorded

    async def secrets(self, key: UserExternalCredentialKey) -> Mapping[str, bytes]:
        whole = {**await self._kept.secrets(key), **self._recorded.set.get(key, {})}
        left = self._recorded.org.configured.get(key, _NOTHING)
        return {name: envelope for name, envelope in whole.items() if name in left}

    async def token(self, key: UserExternalCredentialKey) -> StoredToken | None:
        return None if self._recorded.has_dropped(key) else await self._kept.token(key)

    async def look(self, key: UserExternalCredentialKey) -> Look:
        return await self._kept.look(key)

    async def looks(self) -> tuple[Look, ...]:
        return await self._kept.looks()

    async def put_secrets(
        self,
        key: UserExternalCredentialKey,
        sealed: Mapping[str, bytes],
        act: AdminAct,
        *,
        expects: int | None = None,  # noqa: ARG002 - nobody else writes here
    ) -> None:
        self._recorded.set_values(key, sealed, act)

    async def remove_secrets(self, key: UserExternalCredentialKey, names: Sequence[str] | None, act: AdminAct) -> int:
        return self._recorded.remove_values(key, names, act)

    async def give_up_token(self, key: UserExternalCredentialKey, act: AdminAct, *, stated: str | None) -> bool:
        had = await self.token(key) is not None
        if had or stated is not None:
            self._recorded.give_up(key, act)
        return had


class _Nowhere:
    """Sends nothing (port `Transport`)."""

    async def send(
        self,
        request: HttpRequest,
        *,
        allow_private_network: bool,  # noqa: ARG002 - nothing is sent
        timeout_seconds: float,  # noqa: ARG002 - nothing is sent
    ) -> HttpResponse:
        raise RuntimeError(f"got a {request.method} request while nothing may be sent; expected none")


async def recording(setup: Setup) -> tuple[Setup, Recorded]:
    """Return the same setup, with the same authority, that changes nothing; and where it keeps what it would."""
    recorded = Recorded(await setup.org())
    pretending = copy.copy(setup)
    pretending.definitions = cast("Definitions", recorded)
    # what only refreshes ask of the port is not there: it fails here, where nothing may be refreshed
    pretending.user_external_credentials = cast(
        "UserExternalCredentials", _Values(setup.user_external_credentials, recorded)
    )
    pretending.transport = _Nowhere()
    pretending.turn = asyncio.Lock()
    pretending.orphans = []
    return pretending, recorded


def without_values(org: Org, gone: Collection[UserExternalCredentialKey]) -> Org:
    """Return the org without the sealed values of these keys."""
    kept = {key: names for key, names in org.configured.items() if key not in gone}
    versions = {key: version for key, version in org.secret_versions.items() if key not in gone}
    return replace(org, configured=kept, secret_versions=versions)


async def shown(setup: Setup, recorded: Recorded) -> Result:
    """Show what would change: as a plan does, with the values, tokens and keys that go, and the acts.

    `setup` is the one that recorded it: what it would revoke is told from its `orphans`.
    """
    before, after = recorded.before, recorded.org
    planned = tuple(_planned(before, after))
    writes = tuple(_writes(recorded))
    removed = _removed(before, after)
    seen = without_values(before, [key for key in removed if key not in after.configured])
    access = access_difference(before, after, setup.catalogue, now=setup.now())
    plan = Plan(planned, writes, tuple(warnings_of(seen, after, setup.catalogue, planned, writes)), access)
    gone: Result = {
        "values": [{"reference": str(key), "names": sorted(names)} for key, names in removed.items()],
        "tokens": await _tokens(setup, recorded),
        "keys": list(_keys(before, after)),
    }
    return {
        **plan.to_dict(),
        **gone,
        "empty": not recorded.acts,
        "text": _text(plan, gone),
        "acts": [{"act": act.act, "what": act.what} for act in recorded.acts],
    }


def _planned(before: Org, after: Org) -> Iterator[PlannedChange]:
    was = {(SECTIONS[type(each)], name_of(each)): each for each in before.definitions()}
    will = {(SECTIONS[type(each)], name_of(each)): each for each in after.definitions()}
    for section, name in dict.fromkeys((*will, *was)):
        old, new = was.get((section, name)), will.get((section, name))
        if old != new:
            action = Action.CREATE if old is None else Action.DELETE if new is None else Action.UPDATE
            yield PlannedChange(action, section, name, new, differences(old, new))


def _writes(recorded: Recorded) -> Iterator[SecretWrite]:
    """Yield what would be sealed, by name alone."""
    for key, values in recorded.set.items():
        for name in sorted(values):
            known = name in recorded.before.configured.get(key, _NOTHING)
            yield SecretWrite(key, name, Secret(""), SecretState.CHANGED if known else SecretState.SET)


def _removed(before: Org, after: Org) -> dict[UserExternalCredentialKey, frozenset[str]]:
    differing = {key: names - after.configured.get(key, _NOTHING) for key, names in sorted(before.configured.items())}
    return {key: names for key, names in differing.items() if names}


async def _tokens(setup: Setup, recorded: Recorded) -> list[dict[str, Any]]:
    """Return the tokens that would be kept no longer, and where they would be revoked."""
    told = {orphan.key: orphan for orphan in setup.orphans}
    looks = await setup.user_external_credentials.looks()
    dropped = [look.key for look in looks if look.token is not None and recorded.has_dropped(look.key)]
    rows = []
    for key in sorted({*told, *dropped}):
        orphan = told.get(key)
        kind = orphan.kind if orphan is not None else "access_token"
        endpoint = orphan.endpoint if orphan is not None and orphan.asking is not None else None
        rows.append({"reference": str(key), "token": kind, "revoked_at": endpoint})
    return rows


def _keys(before: Org, after: Org) -> Iterator[dict[str, Any]]:
    for digest in dict.fromkeys((*before.keys, *after.keys)):
        old, new = before.keys.get(digest), after.keys.get(digest)
        if old == new:
            continue
        action = Action.CREATE if old is None else Action.DELETE if new is None else Action.UPDATE
        known = old if old is not None else cast("CallerKey", new)
        # of a key that is not made, no part is shown: what is made in the end is another
        prefix = None if old is None else old.prefix
        yield {"action": str(action), "prefix": prefix, "user": known.user, "namespace": known.namespace}


_MARKS = {str(Action.CREATE): "+", str(Action.UPDATE): "~", str(Action.DELETE): "-"}


def _text(plan: Plan, gone: Result) -> str:
    lines = [f"- secret {each['reference']} {name}: removed" for each in gone["values"] for name in each["names"]]
    for token in gone["tokens"]:
        told = f"revoked at {token['revoked_at']}" if token["revoked_at"] else "kept no longer; nobody is told"
        lines.append(f"- token {token['reference']}: {told}")
    for key in gone["keys"]:
        which = f" {key['prefix']}…" if key["prefix"] else ""
        lines.append(f"{_MARKS[key['action']]} key{which} of {key['user']}")
    rendered = plan.render().splitlines()
    summary = [] if plan.is_empty and lines else rendered[-1:]
    return "\n".join((*rendered[:-1], *lines, *summary))
