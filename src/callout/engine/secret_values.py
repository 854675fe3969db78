"""The secret values of principals: set, listed by name, removed. A value is judged, sealed, and never shown again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from callout.core.access.decide import required_names
from callout.core.errors import DefinitionError, Problem, VaultError
from callout.core.model.credentials import ExternalCredential, Principal, PrincipalType, UserExternalCredentialKey
from callout.core.model.issuers import issuer_of_key
from callout.core.model.org import Org
from callout.core.model.own_certificates import is_of_certificate
from callout.core.ports import AdminAct
from callout.core.protocol import declared_parameter
from callout.core.rules import refusal_of_secret, secret_name_problems, users_of
from callout.core.secret import Secret, reveal  # noqa: TID251 - a value is judged here, before it is sealed
from callout.engine.revocation import Orphan, orphans_of
from callout.engine.setup import NotDefined, Result, Setup, found, unknown
from callout.engine.slots import secret_row


@dataclass(frozen=True, slots=True)
class Holder:
    """A principal (and user) whose values are meant."""

    external: ExternalCredential
    principal: Principal
    key: UserExternalCredentialKey

    @property
    def place(self) -> str:
        """Where its values stand in the definitions."""
        return f"external_credentials.{self.external.name}.principals.{self.principal.name}.secrets"


def holder(org: Org, external_credential: str, principal: str, user: str | None) -> Holder:
    """Find a principal; a per-user one needs a user, another takes none. Raises `DefinitionError`."""
    external = found(org.external_credentials, external_credential, "external_credentials", "an external credential")
    place = f"external_credentials.{external.name}.principals"
    principals = {p.name: p for p in external.principals}
    one = found(principals, principal, place, f"a principal of {external.name}")
    if one.type is PrincipalType.PER_USER:
        if not user:
            expected = "--user USER, whose values they are: the principal is per-user"
            raise DefinitionError([Problem(f"{place}.{principal}", "no user", expected)])
        found(org.users, user, "users", "a user")
    elif user:
        expected = f"no user: the principal is {one.type.value}, and all who may use it share its values"
        raise DefinitionError([Problem(f"{place}.{principal}", f"user {user!r}", expected)])
    return Holder(external, one, UserExternalCredentialKey(external.name, one.name, user or ""))


def names_needed(setup: Setup, org: Org, external: ExternalCredential, principal: Principal) -> frozenset[str]:
    """Return the names of the values that callouts as this principal need, by any named credential.

    Those that its identity provider has are left out.
    """
    if external.protocol not in setup.catalogue:
        return frozenset()
    whole = org.whole(external)
    needed = required_names(setup.catalogue, whole, principal)
    for named in users_of(org, external.name):
        needed |= required_names(setup.catalogue, whole, principal, named)
    provider = org.provider_of(external)
    return needed - org.configured.get(provider.key, frozenset()) if provider is not None else needed


async def set_secrets(
    setup: Setup, who: str, external_credential: str, principal: str, values: Mapping[str, Secret], *, user: str | None
) -> Result:
    """Seal values of a principal, and leave its others. The token that was obtained with the old ones is dropped."""
    if not values:
        raise DefinitionError([Problem("secrets", "no value", "at least one, as NAME=-, NAME=@FILE or NAME=VALUE")])

    async def attempt() -> tuple[Holder, list[str]]:
        org = await setup.org()
        one = holder(org, external_credential, principal, user)
        judge(setup, org, one, values)
        stored = await setup.user_external_credentials.secrets(one.key)
        differing = {n: v for n, v in values.items() if opened(setup, one.key, stored, n) != v}
        if differing:
            envelopes, act = sealed(setup, one.key, differing), act_of_setting(setup, who, one.key, differing)
            orphans = await orphans_of_setting(setup, org, one.key, differing)
            put = setup.user_external_credentials.put_secrets
            await put(one.key, envelopes, act, expects=org.generation)
            setup.orphans += orphans
        return one, sorted(differing)

    async with setup.turn:
        one, names = await setup.repeating(attempt)
        return await _shown(setup, one, changed=bool(names), verb="set", names=names)


def judge(setup: Setup, org: Org, one: Holder, values: Mapping[str, Secret]) -> None:
    """Raise `DefinitionError` for names that nothing reads, and for values that would break out of a header."""
    using = users_of(org, one.external.name)
    problems = list(secret_name_problems(one.external, setup.catalogue, using, one.principal.name, values))
    for name, value in values.items():
        declared = declared_parameter(setup.catalogue[one.external.protocol], name)
        refusal = refusal_of_secret(reveal(value), declared)
        if refusal is not None:
            problems.append(Problem(f"{one.place}.{name}", *refusal))
    if problems:
        raise DefinitionError(problems)


def sealed(setup: Setup, key: UserExternalCredentialKey, values: Mapping[str, Secret]) -> dict[str, bytes]:
    """Seal values of a principal, each bound to its row. Raises `VaultError`."""
    return {name: setup.vault.seal(value, row=secret_row(key, name)) for name, value in values.items()}


def opened(setup: Setup, key: UserExternalCredentialKey, stored: Mapping[str, bytes], name: str) -> Secret | None:
    """Open a stored value. None where there is none, and where it cannot be opened: setting it anew mends it."""
    if name not in stored:
        return None
    try:
        return setup.vault.open(stored[name], row=secret_row(key, name))
    except VaultError:
        return None


async def orphans_of_setting(
    setup: Setup, org: Org, key: UserExternalCredentialKey, values: Mapping[str, Secret]
) -> list[Orphan]:
    """Return the tokens of which setting these values lets go, to be revoked.

    Of a refresh token that is only replaced, the grant may go on in the new one, and many providers revoke whole grants:
    it is left alone as long as the client stays the same.
    """
    external = org.external_credentials.get(key.external_credential)
    protocol = setup.catalogue.get(external.protocol) if external is not None else None
    if protocol is None or (protocol.spends and "client_id" not in values):
        return []
    return await orphans_of(setup, org, [key] if key in org.configured else [], values)


def act_of_setting(setup: Setup, who: str, key: UserExternalCredentialKey, names: Iterable[str]) -> AdminAct:
    """Make the audit row of values that are set, by name."""
    return setup.act(who, "set secrets", f"{key}: {', '.join(sorted(names))}")


async def list_secrets(setup: Setup, external_credential: str, principal: str, *, user: str | None) -> Result:
    """List which values a principal has and which it lacks, by name."""
    org = await setup.org()
    one = holder(org, external_credential, principal, user)
    return await _shown(setup, one)


async def remove_secrets(
    setup: Setup,
    who: str,
    external_credential: str,
    principal: str,
    names: Iterable[str] | None,
    *,
    user: str | None,
) -> Result:
    """Remove values of a principal (None: all) and its token. What is left of one that is no longer defined, too."""
    async with setup.turn:
        key = UserExternalCredentialKey(external_credential, principal, user or "")
        apart = is_of_certificate(key) or issuer_of_key(key) is not None
        stored = {} if apart else await setup.user_external_credentials.secrets(key)
        if not stored:
            key = holder(await setup.org(), external_credential, principal, user).key  # says which part is wrong
        wanted = None if names is None else list(names)
        for name in wanted or ():
            if name not in stored:
                raise NotDefined([unknown(f"{key}.secrets.{name}", name, stored, "a value that is set")])
        act = setup.act(who, "remove secrets", f"{key}: {', '.join(wanted) if wanted is not None else 'all'}")
        orphans = await orphans_of(setup, await setup.org(), [key]) if stored else []
        count = await setup.user_external_credentials.remove_secrets(key, wanted, act) if stored else 0
        setup.orphans += orphans
    message = f"{key}: {count} of {len(stored)} values removed"
    return {"reference": str(key), "removed": count, "changed": bool(count), "message": message}


async def _shown(
    setup: Setup, one: Holder, *, changed: bool | None = None, verb: str = "", names: Iterable[str] = ()
) -> Result:
    org = await setup.org()
    given = org.configured.get(one.key, frozenset())
    missing = sorted(names_needed(setup, org, one.external, one.principal) - given)
    shown: Result = {
        "external_credential": one.external.name,
        "principal": one.principal.name,
        "user": one.key.user or None,
        "set": sorted(given),
        "missing": missing,
    }
    if changed is not None:
        done = f"{verb} {', '.join(names)}" if changed else "unchanged: these values are stored already"
        rest = f"still missing: {', '.join(missing)}" if missing else "it has every value that it needs"
        shown |= {"changed": changed, "message": f"{one.key}: {done}; {rest}"}
    return shown
