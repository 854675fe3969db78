"""The health of every principal: what it lacks, the state of its token and what mends it, when and why it last failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import datetime

from callout.core.access.keys import setting_values
from callout.core.model.credentials import ExternalCredential, Principal, PrincipalType, UserExternalCredentialKey
from callout.core.model.identity_providers import provider_of_key
from callout.core.model.issuers import issuer_of_key
from callout.core.model.org import Org
from callout.core.model.own_certificates import is_of_certificate
from callout.core.model.refreshes import State
from callout.core.ports import Look, PrincipalHealth
from callout.core.protocol import CONNECTION
from callout.core.refresh.epoch import fingerprint_of
from callout.core.refresh.state import Condition, Facts, condition_of, connecting, secret_names
from callout.engine.own_certificates import shown_certificate
from callout.engine.secret_values import names_needed
from callout.engine.setup import Result, Setup
from callout.engine.troubleshoot import suggestions

#: The newest callouts that suggestions are drawn from.
MOST_LOOKED_AT = 2_000

#: States of a principal that has no token or needs none; else the state is that of its token (`State`).
READY, NOT_CONFIGURED, NOT_DEFINED, NOT_CONNECTED = "ready", "not_configured", "not_defined", "not_connected"


async def status(setup: Setup, recent: Callable[[int], Awaitable[list[Result]]]) -> Result:
    """Show every principal, per-user ones once for each user who has values, and rows whose principal is gone.

    `certificates` are Callout's own, with what uses them. `suggestions` are statuses that the newest callouts show to be signs of stale credentials, though no rule says so.
    """
    org = await setup.org()
    rows = {row.key: row for row in await setup.user_external_credentials.health()}
    looks = {look.key: look for look in await setup.user_external_credentials.looks()}
    shown = [
        principal_status(
            setup, org, external, principal, rows.pop(key, PrincipalHealth(key, frozenset())), looks.get(key)
        )
        for external, principal, key in _keys(org, list(rows))
    ]
    left = [
        {**_times(row), **_condition(_GONE), "missing": []}
        for key, row in sorted(rows.items())
        if provider_of_key(key) not in org.external_auth_identity_providers
        and issuer_of_key(key) not in org.trusted_issuers
        and not is_of_certificate(key)
    ]
    principals = shown + left
    counts: dict[str, int] = {}
    for row in principals:
        counts[row["state"]] = counts.get(row["state"], 0) + 1
    return {
        "generation": org.generation,
        "at": setup.now(),
        "states": counts,
        "principals": principals,
        "certificates": [shown_certificate(setup, org, each) for _, each in sorted(org.certificates.items())],
        "suggestions": suggestions(setup, org, await recent(MOST_LOOKED_AT)),
    }


def _keys(
    org: Org, stored: list[UserExternalCredentialKey]
) -> Iterator[tuple[ExternalCredential, Principal, UserExternalCredentialKey]]:
    for _, external in sorted(org.external_credentials.items()):
        for principal in sorted(external.principals, key=lambda p: (p.sequence, p.name)):
            if principal.type is not PrincipalType.PER_USER:
                yield external, principal, UserExternalCredentialKey(external.name, principal.name)
                continue
            own = [k for k in stored if (k.external_credential, k.principal) == (external.name, principal.name)]
            for key in sorted(k for k in own if k.user in org.users):
                yield external, principal, key


def principal_status(
    setup: Setup,
    org: Org,
    external: ExternalCredential,
    principal: Principal,
    row: PrincipalHealth,
    look: Look | None,
) -> Result:
    """Show the health of one principal (and user), from what is stored of it."""
    missing = sorted(names_needed(setup, org, external, principal) - row.secrets_set)
    protocol = setup.catalogue.get(external.protocol)
    unconnected = protocol is not None and protocol.interactive and _is_unconnected(org, external, principal, row, look)
    if not missing and unconnected:
        condition = Condition(
            NOT_CONNECTED, "no authorization was given, or to another client or server", None, connecting(row.key)
        )
    elif missing:
        first = setting_values(org, external, row.key, missing)[0]
        condition = Condition(NOT_CONFIGURED, f"no {', '.join(missing)}", remedy=first)
    elif protocol is None or not protocol.obtains:
        failed = row.last_error_at is not None
        condition = Condition(State.FAILING if failed else READY, row.last_error or "it needs no token")
    else:
        fingerprint = fingerprint_of(org, external, principal, row.key)
        now = setup.now()
        facts = facts_of(look or Look(row.key), fingerprint, now)
        condition = condition_of(facts, row.key, secret_names(protocol), now)
    return {
        **_times(row),
        "type": principal.type.value,
        "protocol": external.protocol,
        **_condition(condition),
        "missing": missing,
        "named_credentials": sorted(named.name for named in org.using(external.name)),
    }


def _is_unconnected(
    org: Org, external: ExternalCredential, principal: Principal, row: PrincipalHealth, look: Look | None
) -> bool:
    """Say whether nobody gave an authorization that could still be used: none, or one to another client or server."""
    if CONNECTION not in row.secrets_set or look is None:
        return True
    if look.stated is not None or look.token is None:
        return look.stated is None
    return not look.lineage_holds and look.token.fingerprint != fingerprint_of(org, external, principal, row.key)


def facts_of(look: Look, fingerprint: str, now: datetime) -> Facts:
    """Return what the state of a token follows from. What is of another fingerprint counts as expired, or not at all.

    So does a lease that its holder has not renewed in time: that one has ended, or cannot write.
    """
    token, intent, stated = look.token, look.intent, look.stated
    facts = Facts(
        failed_at=look.failed_at, failure=look.failure, leased=look.lease is not None and look.lease.expires_at > now
    )
    if intent is not None and intent.replaces >= look.generation:
        facts = replace(facts, intent=intent)
    if stated is not None and stated.fingerprint == fingerprint:
        facts = replace(facts, stated=stated)
    if token is None:
        return facts
    same = token.fingerprint in ("", fingerprint)
    return replace(facts, issued_at=token.issued_at, expires_at=token.expires_at if same else token.issued_at)


_GONE = Condition(NOT_DEFINED, "its principal, or its user, is not defined any more")


def _condition(condition: Condition) -> Result:
    remedies = () if condition.remedy is None else (condition.remedy,)
    return {
        "state": str(condition.state),
        "state_reason": condition.reason,
        "state_since": condition.since,
        "remedy": [str(remedy) for remedy in remedies],
        "remedy_commands": [remedy.command for remedy in remedies if remedy.command],
    }


def _times(row: PrincipalHealth) -> Result:
    return {
        "principal": f"{row.key.external_credential}/{row.key.principal}",
        "user": row.key.user or None,
        "secrets_set": sorted(row.secrets_set),
        "token_generation": row.generation,
        "issued_at": row.issued_at,
        "expires_at": row.expires_at,
        "obtained_because": row.obtained_because or None,
        "last_refresh_at": row.last_refresh_at,
        "last_error_at": row.last_error_at,
        "last_error": row.last_error,
    }
