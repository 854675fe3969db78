"""What a plan makes true that its reader may not expect: values that are missing, secrets and keys that stay."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator

from callout.core.access.decide import required_names
from callout.core.model.credentials import (
    ExternalCredential,
    NamedCredential,
    PrincipalReference,
    PrincipalType,
    UserExternalCredentialKey,
)
from callout.core.model.identity_providers import CLIENT_SECRETS, provider_of_key
from callout.core.model.issuers import issuer_of_key
from callout.core.model.org import Org
from callout.core.model.own_certificates import is_of_certificate
from callout.core.model.people import User
from callout.core.ports import Change
from callout.core.protocol import Catalogue
from callout.core.rules import users_of
from callout.engine.leaving import leaving
from callout.engine.plan.plan import PlannedChange, SecretWrite


def warnings_of(
    before: Org,
    after: Org,
    catalogue: Catalogue,
    planned: Collection[PlannedChange],
    writes: Collection[SecretWrite],
) -> Iterator[str]:
    """Yield one sentence for each surprise, with the command that deals with it where there is one."""
    for change in planned:
        yield from _kept_secrets(before, change)
        yield from _inherited_secrets(before, change, writes)
        yield from _what_goes(before, change)
        if isinstance(change.definition, ExternalCredential):
            protocol = catalogue.get(change.definition.protocol)
            if protocol is not None and protocol.warning:
                yield f"{change.section}.{change.name}: {protocol.warning}"
        if isinstance(change.definition, NamedCredential):
            for namespace in change.definition.allowed_namespaces:
                if namespace not in after.packages:
                    command = f"callout package install {shlex.quote(namespace)}"
                    yield f"{change.section}.{change.name} allows package {namespace}, not installed: {command}"
    yield from _missing_values(after, catalogue, _external_credentials(planned, writes), writes)


def _kept_secrets(before: Org, change: PlannedChange) -> Iterator[str]:
    present = before.external_credentials.get(change.name) if change.section == "external_credentials" else None
    if present is None:
        return
    wanted = change.definition if isinstance(change.definition, ExternalCredential) else None
    for principal in present.principals:
        gone = wanted is None or wanted.principal(principal.name) is None
        reference = PrincipalReference(present.name, principal.name)
        held = (key for key in before.configured if (key.external_credential, key.principal) == _pair(reference))
        if gone and any(before.configured[key] for key in held):
            yield f"principal {reference} goes; its secrets are kept"


def _inherited_secrets(before: Org, change: PlannedChange, writes: Collection[SecretWrite]) -> Iterator[str]:
    """Name the values that a new principal finds, because they were set for an earlier one of its name."""
    if not isinstance(change.definition, ExternalCredential):
        return
    given = {(write.key, write.name) for write in writes}
    present = before.external_credentials.get(change.name)
    for key, names in sorted(before.configured.items()):
        left = sorted(name for name in names if (key, name) not in given)
        known = present is not None and present.principal(key.principal) is not None
        if key.external_credential == change.name and left and not known and change.definition.principal(key.principal):
            whose = f" --user {shlex.quote(key.user)}" if key.user else ""
            command = f"callout secret remove {shlex.quote(f'{change.name}/{key.principal}')} --all{whose}"
            yield f"principal {key} has {', '.join(left)} from an earlier one of its name; to start anew: {command}"


def _pair(reference: PrincipalReference) -> tuple[str, str]:
    return reference.external_credential, reference.principal


def _what_goes(before: Org, change: PlannedChange) -> Iterator[str]:
    """Name what goes with a user or a package, and the keys of a user that will be refused."""
    one = f"{change.section.removesuffix('s')} {change.name}"
    if isinstance(change.definition, User) and not change.definition.active:
        keys = sum(1 for key in before.keys.values() if key.user == change.name)
        if keys:
            yield f"{one} has {_counted(keys, 'key')}, which will be refused"
    gone = leaving(before, [Change(change.section, change.name, change.definition)])
    parts = [_counted(n, what) for n, what in ((len(gone.keys), "key"), (gone.count, "secret value")) if n]
    if parts:
        yield f"{one} goes with {' and '.join(parts)}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"


def _asked(names: Iterable[str]) -> str:
    return " ".join(f"{name}=-" for name in names)


def _external_credentials(planned: Iterable[PlannedChange], writes: Iterable[SecretWrite]) -> list[str]:
    names = [write.key.external_credential for write in writes if _is_of_principal(write.key)]
    for change in planned:
        if isinstance(change.definition, NamedCredential):
            names.append(change.definition.external_credential)
        elif isinstance(change.definition, ExternalCredential):
            names.append(change.name)
    return sorted(set(names))


def _is_of_principal(key: UserExternalCredentialKey) -> bool:
    return provider_of_key(key) is None and issuer_of_key(key) is None and not is_of_certificate(key)


def _missing_values(
    after: Org, catalogue: Catalogue, external_credentials: Iterable[str], writes: Collection[SecretWrite]
) -> Iterator[str]:
    """Name the values that shared principals lack: until they are set, callouts are refused."""
    given = {(write.key, write.name) for write in writes}
    told: set[str] = set()
    for external in (after.external_credentials[name] for name in external_credentials):
        provider = after.provider_of(external)
        shared = provider.key if provider is not None else None
        for principal in external.principals:
            key = UserExternalCredentialKey(external.name, principal.name)
            needed = required_names(catalogue, after.whole(external), principal)
            for named in users_of(after, external.name):
                needed |= required_names(catalogue, after.whole(external), principal, named)
            missing = sorted(n for n in needed - after.values_set(external, key) if not {(key, n), (shared, n)} & given)
            clients = [name for name in missing if provider is not None and name in CLIENT_SECRETS]
            missing = [name for name in missing if name not in clients]
            if provider is not None and clients and provider.name not in told:
                told.add(provider.name)
                command = f"callout identity-provider set-secret {shlex.quote(provider.name)} {_asked(clients)}"
                yield f"identity provider {provider.name} lacks {', '.join(clients)}: {command}"
            if missing and principal.type is not PrincipalType.PER_USER:
                command = f"callout secret set {shlex.quote(str(key))} {_asked(missing)}"
                yield f"principal {key} lacks {', '.join(missing)}: {command}"
