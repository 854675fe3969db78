"""The health of every principal: what it lacks, when its token was issued and ends, when and why it last failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime

from callout.core.model.credentials import ExternalCredential, Principal, PrincipalType, UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.ports import PrincipalHealth
from callout.engine.secret_values import names_needed
from callout.engine.setup import Result, Setup
from callout.engine.troubleshoot import suggestions

#: The newest callouts that suggestions are drawn from.
MOST_LOOKED_AT = 2_000

#: States of a principal, the best first.
READY, NO_TOKEN_YET, EXPIRED, FAILING, NOT_CONFIGURED, NOT_DEFINED = (
    "ready",
    "no_token_yet",
    "expired",
    "failing",
    "not_configured",
    "not_defined",
)


async def status(setup: Setup, recent: Callable[[int], Awaitable[list[Result]]]) -> Result:
    """Show every principal, per-user ones once for each user who has values, and rows whose principal is gone.

    `suggestions` are statuses that the newest callouts show to be signs of stale credentials, though no rule says so.
    """
    org = await setup.org()
    rows = {row.key: row for row in await setup.user_external_credentials.health()}
    shown = [
        _shown(setup, org, external, principal, rows.pop(key, PrincipalHealth(key, frozenset())))
        for external, principal, key in _keys(org, list(rows))
    ]
    left = [{**_times(row), "state": NOT_DEFINED, "missing": []} for _, row in sorted(rows.items())]
    principals = shown + left
    counts: dict[str, int] = {}
    for row in principals:
        counts[row["state"]] = counts.get(row["state"], 0) + 1
    return {
        "generation": org.generation,
        "at": setup.now(),
        "states": counts,
        "principals": principals,
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


def _shown(setup: Setup, org: Org, external: ExternalCredential, principal: Principal, row: PrincipalHealth) -> Result:
    missing = sorted(names_needed(setup, org, external, principal) - row.secrets_set)
    protocol = setup.catalogue.get(external.protocol)
    obtains = protocol is not None and protocol.obtains
    return {
        **_times(row),
        "type": principal.type.value,
        "protocol": external.protocol,
        "state": state_of(row, missing=bool(missing), obtains=obtains, now=setup.now()),
        "missing": missing,
        "named_credentials": sorted(
            n.name for n in org.named_credentials.values() if n.external_credential == external.name
        ),
    }


def state_of(row: PrincipalHealth, *, missing: bool, obtains: bool, now: datetime) -> str:
    """Return the one word for a principal. An error that a later refresh mended no longer counts."""
    if missing:
        return NOT_CONFIGURED
    mended = max((t for t in (row.issued_at, row.last_refresh_at) if t is not None), default=None)
    if row.last_error_at is not None and (mended is None or row.last_error_at > mended):
        return FAILING
    if not obtains:
        return READY
    if row.issued_at is None:
        return NO_TOKEN_YET
    return EXPIRED if row.expires_at is not None and row.expires_at <= now else READY


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
