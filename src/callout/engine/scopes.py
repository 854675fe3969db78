"""What formulas can read of a principal at one moment, and the moment that its protocol is given."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.formula import FormulaError, Scope, parse
from callout.core.formula.credential import look_up, private_key_of, short_field
from callout.core.formula.values import Blob
from callout.core.model.org import Org
from callout.core.model.people import Caller, User
from callout.core.ports import Clock, Entropy
from callout.core.protocol import AuthenticationProtocol, Moment, Token
from callout.core.secret import Redactable

#: Random bytes of one moment: enough for a nonce and an identifier that nobody guesses.
ENTROPY = 32


@dataclass(frozen=True, slots=True)
class Reader:
    """Who formulas are evaluated for: the acting user's name, with the definition where there is one.

    An empty name is that of nobody: formulas that read fields of the user fail then.
    """

    name: str = ""
    user: User | None = None

    @classmethod
    def of(cls, org: Org, caller: Caller | None) -> Reader:
        """Return the acting user of a callout."""
        name = caller.acting_user if caller is not None else ""
        return cls(name, org.users.get(name))

    @property
    def fields(self) -> dict[str, str]:
        """The fields of `$User`."""
        if not self.name:
            return {}
        found = {"Id": self.name, "Username": self.name, "Name": self.name}
        return found if self.user is None else found | {"Name": self.user.label or self.name, "Email": self.user.email}


NOBODY = Reader()


@dataclass(frozen=True, slots=True)
class Scopes:
    """Makes scopes and moments. One for each process."""

    clock: Clock
    entropy: Entropy
    organization: Mapping[str, str] = field(default_factory=dict)

    def scope(
        self,
        external_credential: str,
        protocol: AuthenticationProtocol,
        token: Token | None,
        reader: Reader,
        now: datetime | None = None,
    ) -> Scope:
        """Return what formulas can read of a principal, but for the body of a request."""
        kind, values = type(protocol), protocol.values
        return Scope(
            now or self.clock.now(),
            lambda credential, parameter: look_up(values, token, kind, external_credential, credential, parameter),
            lambda short: short_field(short, kind, values, token),
            reader.fields,
            self.organization,
            Blob(b"", is_secret=True),
            private_key=lambda certificate: private_key_of(values, kind, certificate),
        )

    def moment(
        self,
        external_credential: str,
        protocol: AuthenticationProtocol,
        reader: Reader,
        token: Token | None = None,
        *,
        heard: str = "",
        scope: Scope | None = None,
    ) -> Moment:
        """Return the moment that a protocol acts in: the time, fresh random bytes, and its formulas' values.

        `scope` is that of a callout under way, where there is one: all its formulas read one time and one request.
        """
        scope = scope or self.scope(external_credential, protocol, token, reader)
        return Moment(scope.now, self.entropy.bytes(ENTROPY), lambda text: _evaluated(text, scope), heard)


def _evaluated(text: str, scope: Scope) -> Redactable:
    try:
        return parse(text).evaluate(scope)
    except FormulaError as error:
        remedy = giving(error, scope)
        raise Refused("formula_failed", f"a parameter: {error.whole}", *([remedy] if remedy else [])) from error


def giving(error: FormulaError, scope: Scope) -> Remedy | None:
    """Return the act that gives a formula what it lacked of the user or the organization; None: it lacked none of it."""
    kind, _, name = error.lacking.partition(".")
    if kind == "$User" and "Id" in scope.user:
        user = shlex.quote(scope.user["Id"])
        return Remedy(f"Give {scope.user['Id']} an email address", f"callout user set {user} --email ADDRESS")
    if kind == "$Organization":
        return Remedy(f"Set CALLOUT_ORGANIZATION_{name.upper()} and start Callout again")
    return None
