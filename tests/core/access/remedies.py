"""Does what a remedy's command says, as an edit of the org: the admin's side of the ladder, without a server."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from callout.core.access.approvals import pending_requests
from callout.core.model.credentials import NamedCredential, PrincipalReference, UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.model.people import ObjectPermission, Package, PermissionSet, User


def applied(org: Org, command: str) -> Org:
    """Return the org after the command; `KeyError` for one that no admin could type."""
    program, noun, verb, *rest = shlex.split(command)
    assert program == "callout"
    if (noun, verb) == ("approvals", "approve"):
        return approve(org, *rest)
    words, flags = split(rest)
    return COMMANDS[noun, verb](org, words, flags)


def split(rest: list[str]) -> tuple[list[str], dict[str, str]]:
    """Tell words from flags; `--active` alone has no value."""
    words, flags = [], {}
    pending = iter(rest)
    for word in pending:
        if word == "--active":
            flags["active"] = ""
        elif word.startswith("--"):
            flags[word[2:]] = next(pending)
        else:
            words.append(word)
    return words, flags


def edited(section: Mapping[str, Any], name: str, **changes: object) -> dict[str, Any]:
    """Return a section in which one definition is changed."""
    return {**section, name: replace(section[name], **changes)}


def set_user(org: Org, words: list[str], flags: dict[str, str]) -> Org:
    assert "active" in flags
    user = org.users.get(words[0]) or User(words[0])
    return replace(org, users={**org.users, words[0]: replace(user, active=True)})


def install(org: Org, words: list[str], _flags: dict[str, str]) -> Org:
    return replace(org, packages={**org.packages, words[0]: Package(words[0])})


def enable(org: Org, words: list[str], _flags: dict[str, str]) -> Org:
    return replace(org, named_credentials=edited(org.named_credentials, words[0], enabled_for_callouts=True))


def allow_namespace(org: Org, words: list[str], _flags: dict[str, str]) -> Org:
    name, namespace = words
    named: NamedCredential = org.named_credentials[name]
    allowed = (*named.allowed_namespaces, namespace)
    return replace(org, named_credentials=edited(org.named_credentials, name, allowed_namespaces=allowed))


def assign(org: Org, words: list[str], _flags: dict[str, str]) -> Org:
    permission_set, user = words
    assert permission_set in org.permission_sets
    sets = (*org.users[user].permission_sets, permission_set)
    return replace(org, users=edited(org.users, user, permission_sets=sets))


def create_permission_set(org: Org, words: list[str], flags: dict[str, str]) -> Org:
    principals = frozenset({PrincipalReference(*flags["principal"].split("/"))} if "principal" in flags else ())
    new = PermissionSet(words[0], principals, frozenset({ObjectPermission(flags["user-external-credential"])}))
    org = replace(org, permission_sets={**org.permission_sets, new.name: new})
    return assign(org, [new.name, flags["assign"]], {})


def approve(org: Org, request_id: str, *options: str) -> Org:
    (request,) = (request for request in pending_requests(org) if request.id == request_id)
    named, name = request.named_credential, request.named_credential.name
    allowed = (*named.allowed_namespaces, request.namespace)
    changed = edited(org.named_credentials, name, enabled_for_callouts=True, allowed_namespaces=allowed)
    org = replace(org, named_credentials=changed)
    if not options:
        return org
    (assigning, permission_set, user), wanted = options[:3], options[4:]
    assert assigning == "--assign"
    principals = sorted(request.external_credential.principals, key=lambda p: (p.sequence, p.name))
    reference = PrincipalReference(request.external_credential.name, wanted[0] if wanted else principals[0].name)
    known = org.permission_sets.get(permission_set, PermissionSet(permission_set))
    read = known.user_external_credential | {ObjectPermission.READ}
    granted = replace(known, principals=known.principals | {reference}, user_external_credential=read)
    return assign(
        replace(org, permission_sets={**org.permission_sets, permission_set: granted}), [permission_set, user], {}
    )


def set_secrets(org: Org, words: list[str], flags: dict[str, str]) -> Org:
    reference, *names = words
    key = UserExternalCredentialKey(*reference.split("/"), flags.get("user", ""))
    had = org.configured.get(key, frozenset())
    return replace(org, configured={**org.configured, key: had | {name.removesuffix("=-") for name in names}})


COMMANDS: dict[tuple[str, str], Callable[[Org, list[str], dict[str, str]], Org]] = {
    ("user", "set"): set_user,
    ("package", "install"): install,
    ("named-credential", "enable"): enable,
    ("named-credential", "allow-namespace"): allow_namespace,
    ("permission-set", "assign"): assign,
    ("permission-set", "create"): create_permission_set,
    ("secret", "set"): set_secrets,
}
