"""Tokens that are kept no longer are revoked where they came from (RFC 7009), and a receipt says what came of it.

Whatever deletes them first makes the requests (`orphans_of`: afterwards nothing could be opened), then commits, and
only then are they sent (`revoke`): a deletion never waits for, or fails with, somebody else's server. It is tried once,
in bounded time; where it fails the receipt says what is left to be done by hand. No receipt holds a token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from callout.core.errors import CalloutError, Refused, StoreError, VaultError
from callout.core.model.credentials import ExternalCredential, Principal, UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.model.sources import parameters_of
from callout.core.oauth2.parameters import REVOCATION_ENDPOINT
from callout.core.oauth2.refusal import refusal_from
from callout.core.oauth2.sealing import from_sealable
from callout.core.protocol import Asking, AuthenticationProtocol, Token, Values, with_defaults
from callout.core.refresh.epoch import fingerprint_of
from callout.core.refresh.state import remedy_of, secret_names
from callout.core.rules.urls import shown_url
from callout.core.secret import Secret
from callout.engine.asking import ask
from callout.engine.leaving import goes_with
from callout.engine.scopes import Reader
from callout.engine.slots import Sources, opened_values, private_token_endpoint, token_row

if TYPE_CHECKING:
    from callout.engine.setup import Setup

#: How long one revocation may take, and all of one command together, in seconds; and how many go at once.
EACH_SECONDS, ALL_SECONDS, AT_ONCE = 5.0, 15.0, 4

Receipt = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Orphan:
    """A token that is kept no longer: whose it was, what kind, and what revokes it.

    `asking` is None where that cannot be made, and `because` says why. `scrub` must not show in what the server says.
    """

    key: UserExternalCredentialKey
    kind: str
    endpoint: str
    asking: Asking | None
    because: str = ""
    scrub: tuple[Secret, ...] = ()
    allow_private_network: bool = False


def declares_revocation(
    protocol: type[AuthenticationProtocol], org: Org, external: ExternalCredential, principal: Principal
) -> bool:
    """Say whether the tokens of a principal can be revoked: it is known where, or there is an issuer that may name that."""
    return bool(_endpoint_in(protocol, parameters_of(org, external, principal)))


def _endpoint_in(protocol: type[AuthenticationProtocol], parameters: Mapping[str, str]) -> str:
    given = with_defaults(protocol, parameters)
    return next(filter(None, map(given.get, protocol.revoked_at)), "")


async def going(setup: Setup, before: Org, after: Org, forget: Collection[str] = ()) -> list[UserExternalCredentialKey]:
    """Return whose tokens are kept no longer: the user, principal or external credential is gone, or its values go.

    A principal that signs with a certificate has a token without having a value.
    """

    def goes(key: UserExternalCredentialKey) -> bool:
        gone = (key.external_credential, key.principal) not in defined
        return gone or goes_with(key, forget) or bool(key.user and key.user not in after.users)

    defined = _principals(after)
    keys = set(before.configured)
    if forget or _principals(before) - defined or before.users.keys() - after.users.keys():
        keys |= {look.key for look in await setup.user_external_credentials.looks()}
    return sorted(filter(goes, keys))


def _principals(org: Org) -> set[tuple[str, str]]:
    return {(name, each.name) for name, external in org.external_credentials.items() for each in external.principals}


async def orphans_of(
    setup: Setup,
    org: Org,
    keys: Iterable[UserExternalCredentialKey],
    replacing: Mapping[str, Secret] | None = None,
) -> list[Orphan]:
    """Make the requests that revoke the tokens of these keys, where a revocation endpoint is declared.

    `replacing` are values that take the place of stored ones: the client proves itself with these.
    """
    orphans = []
    for key in keys:
        external = org.external_credentials.get(key.external_credential)
        principal = external.principal(key.principal) if external is not None else None
        if external is None or principal is None:
            continue
        if declares_revocation(setup.catalogue[external.protocol], org, external, principal):
            orphan = await _orphan(setup, org, external, principal, key, replacing or {})
            orphans += [orphan] if orphan is not None else []
    return orphans


async def _orphan(
    setup: Setup,
    org: Org,
    external: ExternalCredential,
    principal: Principal,
    key: UserExternalCredentialKey,
    replacing: Mapping[str, Secret],
) -> Orphan | None:
    sources = Sources.of(org, external, principal, key)
    endpoint = shown_url(_endpoint_in(setup.catalogue[external.protocol], sources.parameters))
    private = private_token_endpoint(org, external.name)
    try:
        values = await opened_values(setup.user_external_credentials, setup.vault, sources)
        if replacing.get("client_id") in (None, values.secrets.get("client_id")):
            values = replace(values, secrets={**values.secrets, **replacing})
        protocol = setup.catalogue[external.protocol](values)
        token = await held_token(setup, org, external, principal, key)
        found = protocol.revocation(
            token, setup.scopes.moment(external.name, protocol, Reader(key.user, org.users.get(key.user)))
        )
    except CalloutError as error:
        because = error.detail if isinstance(error, Refused) else str(error)
        return Orphan(key, "token", endpoint, None, because, allow_private_network=private)
    if found is None:
        return None
    kind, asking = found
    scrub = (*values.secrets.values(), *texts_of(token))
    return Orphan(key, kind, endpoint, asking, scrub=scrub, allow_private_network=private)


def texts_of(token: Token | None) -> tuple[Secret, ...]:
    """Return the texts of a token that must not show."""
    return (token.access_token, *filter(None, (token.refresh_token,))) if token is not None else ()


async def held_token(
    setup: Setup,
    org: Org,
    external: ExternalCredential,
    principal: Principal,
    key: UserExternalCredentialKey,
) -> Token | None:
    """Return the stored token; None where there is none, or it was obtained under other definitions or values."""
    row = await setup.user_external_credentials.token(key)
    if row is None:
        return None
    fingerprint = row.fingerprint or fingerprint_of(org, external, principal, key)
    try:
        text = setup.vault.open(row.envelope, row=token_row(key, fingerprint))
    except VaultError:
        return None
    return from_sealable(text, issued_at=row.issued_at, expires_at=row.expires_at)


async def drop_tokens(setup: Setup, who: str, orphans: Iterable[Orphan]) -> None:
    """Drop what is still stored of tokens whose definition is gone: one that is defined again must not find them."""
    for orphan in orphans:
        if await setup.user_external_credentials.token(orphan.key) is not None:
            act = setup.act(who, "give up token", orphan.key)
            await setup.user_external_credentials.give_up_token(orphan.key, act, stated=None)


async def revoke(setup: Setup, who: str, orphans: Collection[Orphan]) -> list[Receipt]:
    """Revoke tokens at their authorization servers, note it in the audit trail, and return the receipts, in order."""
    turns = asyncio.Semaphore(AT_ONCE)
    receipts: dict[int, Receipt] = {}

    async def one(number: int, orphan: Orphan) -> None:
        async with turns:
            receipts[number] = await _revoked(setup, orphan)

    tasks = [asyncio.ensure_future(one(number, orphan)) for number, orphan in enumerate(orphans)]
    _, late = await asyncio.wait(tasks, timeout=ALL_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    told = [
        receipts.get(number) or _receipt(setup, orphan, because=f"no answer within {ALL_SECONDS:g} seconds")
        for number, orphan in enumerate(orphans)
    ]
    acts = [setup.act(who, _act(receipt), told_of(receipt)) for receipt in told]
    try:
        await setup.definitions.write((), acts)
    except StoreError:
        told = [{**receipt, "recorded": False} for receipt in told]
    return told


async def _revoked(setup: Setup, orphan: Orphan) -> Receipt:
    if orphan.asking is None:
        return _receipt(setup, orphan, because=orphan.because)
    private = orphan.allow_private_network
    try:
        response, url = await ask(
            orphan.asking, setup.transport, allow_private_network=private, timeout_seconds=EACH_SECONDS
        )
    except Refused as refused:
        return _receipt(setup, orphan, because=refused.detail)
    if response is None:
        return _receipt(setup, orphan, because=f"{orphan.endpoint} names no {REVOCATION_ENDPOINT.name}")
    orphan = replace(orphan, endpoint=shown_url(url))
    if 200 <= response.status < 300:  # also for a token that the server does not know any more (RFC 7009 section 2.2)
        return _receipt(setup, orphan, status=response.status)
    answered = refusal_from(response, Values(), scrub=orphan.scrub, asked="revocation endpoint", expected="200")
    return _receipt(setup, orphan, status=response.status, because=answered.detail)


def _receipt(setup: Setup, orphan: Orphan, *, status: int | None = None, because: str | None = None) -> Receipt:
    by_hand = f"Revoke the access of {orphan.key} by hand at the provider of {orphan.endpoint}"
    return {
        "reference": str(orphan.key),
        "endpoint": orphan.endpoint,
        "token": orphan.kind,
        "revoked": because is None,
        "status": status,
        "at": setup.now(),
        "because": because,
        "remedy": None if because is None else by_hand,
        "recorded": True,
    }


def _act(receipt: Receipt) -> str:
    return "revoke token" if receipt["revoked"] else "fail to revoke token"


def told_of(receipt: Receipt) -> str:
    """Word a receipt on one line."""
    what = f"{receipt['reference']}: {receipt['token']} at {receipt['endpoint']}"
    return f"{what}: {receipt['status']}" if receipt["revoked"] else f"{what}: {receipt['because']}"


async def revoke_tokens(
    setup: Setup, who: str, external: ExternalCredential, principal: Principal, key: UserExternalCredentialKey
) -> Receipt:
    """Give up the token of a principal, whose definition and values stay; what revokes it is left in `setup.orphans`."""
    org = await setup.org()
    orphans = await orphans_of(setup, org, [key])
    had = await setup.user_external_credentials.token(key) is not None
    protocol = setup.catalogue[external.protocol]
    act = setup.act(who, "give up token", key)
    told = f"it was revoked by {who}" if protocol.spends and (had or orphans) else None
    await setup.user_external_credentials.give_up_token(key, act, stated=told)
    setup.orphans += orphans
    return {
        "reference": str(key),
        "changed": had or bool(orphans),
        "message": _told_of_giving_up(org, protocol, external, principal, key, had=had, orphans=orphans),
    }


def _told_of_giving_up(
    org: Org,
    protocol: type[AuthenticationProtocol],
    external: ExternalCredential,
    principal: Principal,
    key: UserExternalCredentialKey,
    *,
    had: bool,
    orphans: Collection[Orphan],
) -> str:
    if not had and not orphans:
        return f"{key}: no token is kept, so there is nothing to revoke"
    told = f"{key}: the token is kept no longer"
    if not declares_revocation(protocol, org, external, principal):
        told += (
            f"; {external.name} declares no {REVOCATION_ENDPOINT.name}, so its provider was not told: revoke it there"
        )
    if protocol.spends:
        return f"{told}; to connect anew: {remedy_of(key, secret_names(protocol)).command}"
    return f"{told}; the next callout obtains another"
