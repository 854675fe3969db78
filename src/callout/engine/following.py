"""What is to be done next with what quick create made, in order, each with a command that works as it is printed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from callout.core.access.approvals import callers_of
from callout.core.access.decide import required_names
from callout.core.access.proposing import new_name
from callout.core.model.credentials import (
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    PrincipalType,
    UserExternalCredentialKey,
)
from callout.core.model.org import Definition, Org
from callout.core.model.own_certificates import Certificate
from callout.core.model.sources import parameters_of, rows_of
from callout.core.protocol import Catalogue
from callout.engine.presets import Trial
from callout.engine.setup import Result, administrators, changed, put

#: What a client is known by, which an identity provider keeps.
CLIENT = ("client_id", "client_secret")


@dataclass(frozen=True, slots=True)
class Made:
    """What was made in an org that was as `org` is.

    `given` are the names of the values that came with it, `asked` those that its preset asks for. `imports_key`: the
    keys of its certificates are the provider's, and imported.
    """

    org: Org
    reference: PrincipalReference
    permission_set: str | None
    user: str | None
    test: Trial | None
    definitions: tuple[Definition, ...]
    given: Mapping[UserExternalCredentialKey, frozenset[str]]
    asked: frozenset[str] = frozenset()
    imports_key: bool = False

    @property
    def external(self) -> ExternalCredential:
        """The external credential that was made."""
        return next(each for each in self.definitions if isinstance(each, ExternalCredential))

    @property
    def named(self) -> NamedCredential:
        """The named credential that was made."""
        return next(each for each in self.definitions if isinstance(each, NamedCredential))

    @property
    def principal(self) -> Principal:
        """The principal that was made."""
        return self.external.principals[0]

    @property
    def caller(self) -> str | None:
        """Who is to try it: the user who got the grant, one who has the set already, or the first administrator."""
        having = (u.name for u in self.org.users.values() if self.permission_set in u.set_names and u.active)
        return self.user or next(iter(sorted(having)), None) or next(iter(administrators(self.org)), None)


def next_steps(catalogue: Catalogue, made: Made) -> list[Result]:
    """Return the steps, the next one first: `say` is a sentence, `command` does it, `user` is who is to do it."""
    steps = (*_keys(made), *_values(catalogue, made), *_grant(made), *_signing_in(catalogue, made), _try(made))
    return [{"say": say, "command": command, "user": user} for say, command, user in steps]


Step = tuple[str, str, str | None]


def _keys(made: Made) -> Iterator[Step]:
    """Import the provider's key; or show the provider the certificate of the key that was made."""
    for each in made.definitions:
        if isinstance(each, Certificate):
            name = shlex.quote(each.name)
            if made.imports_key:
                yield f"Import the key of certificate {each.name}", f"callout certificate import {name} FILE", None
            else:
                yield (
                    "Upload the certificate that this shows at the external system",
                    f"callout certificate show {name}",
                    None,
                )


def _values(catalogue: Catalogue, made: Made) -> Iterator[Step]:
    """Set the values that are missing: those of a client with the identity provider, where one signs in."""
    missing = _missing(catalogue, made)
    clients = missing & set(CLIENT) if signs_in(catalogue, made.external.protocol) else frozenset[str]()
    if clients:
        name = shlex.quote(made.external.name)
        yield (
            f"Set what its client at {name} lacks",
            f"callout identity-provider set-secret {name} {_asked(clients)}",
            None,
        )
    own = made.principal.type is PrincipalType.PER_USER
    if missing - clients and (made.caller is not None or not own):
        whose = f" --user {shlex.quote(made.caller or '')}" if own else ""
        say = f"Set what {made.reference} lacks" + (f" of {made.caller}" if own else "")
        yield say, f"callout secret set {_quoted(made.reference)} {_asked(missing - clients)}{whose}", None


def _asked(names: Iterable[str]) -> str:
    return " ".join(f"{name}=-" for name in sorted(names))


def _missing(catalogue: Catalogue, made: Made) -> frozenset[str]:
    user = (made.caller or "") if made.principal.type is PrincipalType.PER_USER else ""
    key = UserExternalCredentialKey(made.reference.external_credential, made.reference.principal, user)
    after = changed(made.org, put(*made.definitions))
    whole = replace(made.principal, parameters=parameters_of(after, made.external, made.principal))
    rows = rows_of(after, made.external, made.principal, key)
    there = (values.get(row, frozenset()) for row in rows for values in (made.given, after.configured))
    return (made.asked | required_names(catalogue, made.external, whole, made.named)).difference(*there)


def _grant(made: Made) -> Iterator[Step]:
    """Give the grant to somebody, where nobody has it."""
    name, caller = made.permission_set, made.caller
    if made.user is not None or caller is None:
        return
    if name is None:
        new = shlex.quote(new_name(made.org, callers_of(made.reference)))
        command = f"callout permission-set create {new} --principal {_quoted(made.reference)}"
        yield "Let somebody use it", f"{command} --user-external-credential read --assign {shlex.quote(caller)}", None
    elif not _is_assigned(made.org, name):
        command = f"callout permission-set assign {shlex.quote(name)} {shlex.quote(caller)}"
        yield f"Give permission set {name} to somebody", command, None


def _is_assigned(org: Org, permission_set: str) -> bool:
    groups = {group.name for group in org.permission_set_groups.values() if permission_set in group.permission_sets}
    return any(permission_set in u.set_names or groups.intersection(u.group_names) for u in org.users.values())


def signs_in(catalogue: Catalogue, protocol: str) -> bool:
    """Say whether somebody has to sign in at the external system before a token is had."""
    known = catalogue.get(protocol)
    return known is not None and known.interactive


def _signing_in(catalogue: Catalogue, made: Made) -> Iterator[Step]:
    if signs_in(catalogue, made.external.protocol):
        show = f"callout identity-provider show {shlex.quote(made.external.name)}"
        yield "Register the callback URL that this shows with the app at the external system", show, None
        own = made.principal.type is PrincipalType.PER_USER and made.caller is not None
        whose = f" --user {shlex.quote(made.caller or '')}" if own else ""
        yield "Sign in at the external system", f"callout connect {_quoted(made.reference)}{whose}", made.caller


def _try(made: Made) -> Step:
    test = made.test
    if test is None:
        return "Try it", f"callout send {shlex.quote(made.named.name)}", made.caller
    body = f" -H 'Content-Type: application/json' -d {shlex.quote(test.body)}" if test.body else ""
    return "Try it", f"callout send {shlex.quote(made.named.name + test.path)}{body}", made.caller


def _quoted(reference: PrincipalReference) -> str:
    return shlex.quote(str(reference))
