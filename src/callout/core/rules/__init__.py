"""The rules that every definition keeps, wherever it came from: manifest, importer, API or page.

`problems_of` judges definitions in the org that they would make; all problems come at once, each with its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from callout.core.errors import Problem
from callout.core.model.certificates import ClientCertificate
from callout.core.model.credentials import ExternalCredential, NamedCredential
from callout.core.model.identity_providers import NAMED_BY, ExternalAuthIdentityProvider
from callout.core.model.issuers import TrustedIssuer
from callout.core.model.org import SECTIONS, Definition, Org, name_of
from callout.core.model.own_certificates import Certificate
from callout.core.model.people import PROFILE_PREFIX, Package, PermissionSet, PermissionSetGroup, Profile, User
from callout.core.protocol import Catalogue
from callout.core.rules.certificates import client_certificate_problems
from callout.core.rules.external_credentials import external_credential_problems, secret_name_problems, users_of
from callout.core.rules.identity_providers import identity_provider_problems
from callout.core.rules.issuers import trusted_issuer_problems
from callout.core.rules.named_credentials import named_credential_problems
from callout.core.rules.names import nearest
from callout.core.rules.own_certificates import certificate_problems
from callout.core.rules.people import (
    group_problems,
    guest_problems,
    package_problems,
    permission_set_problems,
    profile_problems,
    user_problems,
)
from callout.core.rules.secret_values import refusal_of_secret

__all__ = ["nearest", "problems_of", "refusal_of_secret", "secret_name_problems", "users_of"]

LONGEST_LABEL = 255
LONGEST_DESCRIPTION = 4000


def problems_of(
    org: Org, catalogue: Catalogue, changed: Collection[tuple[str, str]] | None = None
) -> tuple[Problem, ...]:
    """Judge the definitions of an org; an empty answer means that it may be stored.

    `changed` are the (section, name) pairs that a change puts or removes: only these and what depends on them are
    judged. None: every definition is.
    """
    users: dict[str, list[NamedCredential]] = {}
    for named in org.named_credentials.values():
        users.setdefault(named.external_credential, []).append(named)
    problems: list[Problem] = []
    for definition in org.definitions():
        using = users.get(definition.name, []) if isinstance(definition, ExternalCredential) else []
        if changed is None or any(key in changed for key in _keys_that_matter(definition, using)):
            problems += _problems_of_one(org, catalogue, definition, using)
            problems += _text_problems(definition)
    problems += guest_problems(org)
    problems += _case_problems(org, changed)
    return tuple(problems)


def _problems_of_one(
    org: Org, catalogue: Catalogue, definition: Definition, using: list[NamedCredential]
) -> Iterator[Problem]:
    match definition:
        case NamedCredential():
            return named_credential_problems(org, catalogue, definition)
        case ExternalCredential():
            return external_credential_problems(
                definition, catalogue, using, org.certificates, org.external_auth_identity_providers
            )
        case PermissionSet():
            return permission_set_problems(org, definition)
        case PermissionSetGroup():
            return group_problems(org, definition)
        case Profile():
            return profile_problems(org, definition)
        case User():
            return user_problems(org, definition)
        case Package():
            return _package_problems(org, catalogue, definition)
        case TrustedIssuer():
            return trusted_issuer_problems(org, definition)
        case ClientCertificate():
            return client_certificate_problems(org, definition)
        case ExternalAuthIdentityProvider():
            return identity_provider_problems(definition, catalogue)
        case Certificate():
            return certificate_problems(org, definition)


def _package_problems(org: Org, catalogue: Catalogue, package: Package) -> Iterator[Problem]:
    """Judge a package, and its defaults in the org that they would make: an override may hide them there."""
    yield from package_problems(package)
    defaults = {external.name: external for external in package.external_credentials}
    asked = replace(org, external_credentials={**org.external_credentials, **defaults})
    problems: list[Problem] = []
    for external in package.external_credentials:
        using = [named for named in package.named_credentials if named.external_credential == external.name]
        known = (org.certificates, org.external_auth_identity_providers)
        problems += external_credential_problems(external, catalogue, using, *known)
    for named in package.named_credentials:
        if named.external_credential in asked.external_credentials:  # one of the admin's may have gone since
            problems += named_credential_problems(asked, catalogue, named)
    for problem in problems:
        yield replace(problem, place=f"packages.{package.namespace}.{problem.place}")


def _keys_that_matter(definition: Definition, using: list[NamedCredential]) -> Iterator[tuple[str, str]]:
    """Yield the definition itself and those whose change may make it wrong."""
    yield SECTIONS[type(definition)], name_of(definition)
    match definition:
        case NamedCredential():
            yield "external_credentials", definition.external_credential
            yield "certificates", definition.client_certificate
        case ExternalCredential():
            yield from (("named_credentials", named.name) for named in using)
            yield SECTIONS[ExternalAuthIdentityProvider], definition.parameters.get(NAMED_BY, "")
            for given in (definition.parameters, *(p.parameters for p in definition.principals)):
                yield from (("certificates", value) for value in given.values())
        case PermissionSet(may_act_for=others) if others:
            yield from (("external_credentials", r.external_credential) for r in definition.principals)
            yield from (
                ("profiles", o.removeprefix(PROFILE_PREFIX)) if o.startswith(PROFILE_PREFIX) else ("users", o)
                for o in others
            )
        case PermissionSet() | Profile():
            yield from (("external_credentials", r.external_credential) for r in definition.principals)
        case PermissionSetGroup():
            yield from (("permission_sets", name) for name in definition.permission_sets)
            yield from (("external_credentials", r.external_credential) for r in definition.muted.principals)
        case User():
            yield "profiles", definition.profile
            yield from (("permission_sets", name) for name in definition.set_names)
            yield from (("permission_set_groups", name) for name in definition.group_names)
        case Package() | ExternalAuthIdentityProvider():
            return
        case TrustedIssuer():
            yield from (("users", user) for user in definition.users.values())
            yield from (("packages", namespace) for namespace in definition.namespaces.values())
        case ClientCertificate():
            yield "users", definition.user
            yield "packages", definition.namespace
        case Certificate():
            return


def _text_problems(definition: Definition) -> Iterator[Problem]:
    place = f"{SECTIONS[type(definition)]}.{name_of(definition)}"
    if not definition.label.isprintable() or len(definition.label) > LONGEST_LABEL:
        yield Problem(f"{place}.label", "a label of another kind", f"at most {LONGEST_LABEL} printable characters")
    description = getattr(definition, "description", "")
    if "\0" in description or len(description) > LONGEST_DESCRIPTION:
        expected = f"at most {LONGEST_DESCRIPTION} characters, no NUL"
        yield Problem(f"{place}.description", f"{len(description)} characters", expected)


def _case_problems(org: Org, changed: Collection[tuple[str, str]] | None) -> Iterator[Problem]:
    """Names that differ in case alone: people, file systems and Salesforce take them for one."""
    for section in SECTIONS.values():
        first: dict[str, str] = {}
        for name in sorted(
            getattr(org, section), key=lambda name: (changed is None or (section, name) in changed, name)
        ):
            other = first.setdefault(name.lower(), name)
            if other != name and (changed is None or (section, name) in changed):
                yield Problem(
                    f"{section}.{name}", f"name {name!r} beside {other!r}", "names that differ in more than case"
                )
