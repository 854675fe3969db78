"""What uses a definition, by place: what a page shows beside it, and what stands in the way of removing it."""

from __future__ import annotations

from collections.abc import Iterator

from callout.core.model.credentials import PrincipalReference
from callout.core.model.identity_providers import NAMED_BY
from callout.core.model.org import Org


def used_by(org: Org, section: str, name: str) -> list[str]:
    """Return the places of what uses a definition, such as `named_credentials.Orders`; keys by their visible start."""
    match section:
        case "named_credentials":
            found = users_of_named(org, name)
        case "external_credentials":
            found = _users_and_grants(org, name)
        case "external_auth_identity_providers":
            external = sorted(org.external_credentials.values(), key=lambda each: each.name)
            found = (f"external_credentials.{e.name}" for e in external if e.parameters.get(NAMED_BY) == name)
        case "permission_sets" | "permission_set_groups" | "profiles":
            found = _having(org, section, name)
        case "packages":
            found = _of_package(org, name)
        case "users":
            found = (f"key {key.prefix}…" for key in org.keys.values() if key.user == name)
        case _:
            found = iter(())
    return list(dict.fromkeys(found))


def users_of_named(org: Org, name: str) -> Iterator[str]:
    """Yield what would be left pointing nowhere without a named credential: the keys that are limited to it."""
    for key in sorted(org.keys.values(), key=lambda key: key.prefix):
        if name in key.named_credentials:
            yield f"key {key.prefix}… of {key.user}"


def users_of_external(org: Org, name: str) -> Iterator[str]:
    """Yield the named credentials that use an external credential."""
    for named in sorted(org.named_credentials.values(), key=lambda named: named.name):
        if named.external_credential == name:
            yield f"named_credentials.{named.name}"


def grants_of(org: Org, external_credential: str, principal: str) -> Iterator[str]:
    """Yield what grants a principal, or mutes the grant."""
    wanted = PrincipalReference(external_credential, principal)
    groups = org.permission_set_groups.values()
    granting = [
        *((f"permission_sets.{each.name}", each.principals) for each in org.permission_sets.values()),
        *((f"profiles.{each.name}", each.principals) for each in org.profiles.values()),
        *((f"permission_set_groups.{each.name}.muted", each.muted.principals) for each in groups),
    ]
    for place, principals in sorted(granting, key=lambda each: each[0]):
        if any(map(wanted.names_same, principals)):
            yield place


def _users_and_grants(org: Org, name: str) -> Iterator[str]:
    yield from users_of_external(org, name)
    external = org.external_credentials.get(name)
    for principal in external.principals if external is not None else ():
        yield from grants_of(org, name, principal.name)


def _having(org: Org, section: str, name: str) -> Iterator[str]:
    if section == "permission_sets":
        for _, group in sorted(org.permission_set_groups.items()):
            if name in group.permission_sets:
                yield f"permission_set_groups.{group.name}"
    for _, user in sorted(org.users.items()):
        had = {
            "permission_sets": user.set_names,
            "permission_set_groups": user.group_names,
            "profiles": (user.profile,),
        }
        if name in had[section]:
            yield f"users.{user.name}"


def _of_package(org: Org, namespace: str) -> Iterator[str]:
    for _, named in sorted(org.named_credentials.items()):
        if namespace in named.allowed_namespaces or named.created_by_namespace == namespace:
            yield f"named_credentials.{named.name}"
    for _, external in sorted(org.external_credentials.items()):
        if external.created_by_namespace == namespace:
            yield f"external_credentials.{external.name}"
