"""The shape that every authentication protocol has. The protocols themselves are in `core.protocols`.

A protocol is built from the values of one principal and keeps no state. `obtain` may need the network, so it
*yields* requests and is sent their answers; `apply` may not, so it is a plain function, and it runs last:
nothing changes a request after it was authenticated.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from shlex import quote
from typing import ClassVar, TypeVar

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.key_pair import KeyPair
from callout.core.message import HttpRequest, HttpResponse
from callout.core.model.credentials import PrincipalType, RefreshRule
from callout.core.secret import Redactable, Secret


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared value of a protocol: it makes the form, the flag, the API schema, the redaction and the docs.

    A `secret` is sealed with the principal and never shown; any other is a parameter of the external credential,
    which a principal may override. `required` without `default` must be given, except where the condition `unless`
    holds, or `when` does not: the parameter named first has one of the values that follow; none follow: it is given. A
    `url` is judged as one, a `pointer` is a JSON pointer (RFC 6901), a whole number lies `between` the two.

    One with a `key` (a pattern) is given any number of times, as `name.KEY`: among the parameters, or, where its value
    is to be sealed, among the secrets of a principal. What is `reserved` is no key, in whatever case.

    One with a `pattern` (a regular expression) is as that says, whole; its help says so in words.

    The value of a `formula` is text with `{!…}` in it; that of a `key_pair` is the name of one that Callout holds.
    """

    name: str
    help: str
    secret: bool = False
    required: bool = True
    default: str | None = None
    choices: tuple[str, ...] = ()
    url: bool = False
    pointer: bool = False
    key: str | None = None
    reserved: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    between: tuple[int, int] | None = None
    formula: bool = False
    key_pair: bool = False
    pattern: str | None = None

    @property
    def shown_name(self) -> str:
        """The name as it is written: with the place of the key where there is one."""
        return self.name if self.key is None else f"{self.name}.NAME"

    def is_needed(self, given: Mapping[str, str]) -> bool:
        """Say whether nothing works without it, where these parameters are in force."""
        if not self.required or self.default is not None or (self.unless and _holds(self.unless, given)):
            return False
        return self.applies(given)

    def applies(self, given: Mapping[str, str]) -> bool:
        """Say whether it is there at all, where these parameters are in force."""
        return not self.when or _holds(self.when, given)


def _holds(condition: tuple[str, ...], given: Mapping[str, str]) -> bool:
    name, *values = condition
    return given.get(name) in values if values else bool(given.get(name))


@dataclass(frozen=True, slots=True)
class Moment:
    """The time, random bytes and what formulas stand for, at one moment; a protocol can fetch none of them for itself.

    `entropy` is fresh in every moment. `evaluate` replaces the formulas of a parameter; it raises
    `Refused(formula_failed)`. `nonce` is what the external system said last that a request has to repeat
    (RFC 9449 section 8).
    """

    now: datetime
    entropy: bytes = field(default=b"", repr=False)
    evaluate: Callable[[str], Redactable] = field(default=Redactable.of, repr=False)
    nonce: str = ""


class Needs(IntEnum):
    """What of a request `apply` looks at: nothing, its head, or its head and its whole body."""

    NOTHING = 0
    HEAD = 1
    BODY = 2


@dataclass(frozen=True, slots=True)
class Token:
    """What an authorization server issued (RFC 6749 section 5.1), with absolute times. None = not stated."""

    access_token: Secret
    issued_at: datetime
    token_type: str = "Bearer"
    expires_at: datetime | None = None
    refresh_token: Secret | None = None
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Values:
    """The parameters and secrets of one principal, as its protocol and the formulas read them."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    key_pairs: Mapping[str, KeyPair] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter, or the default where it is absent."""
        return self.parameters.get(name, default)

    def secret(self, name: str) -> Secret:
        """Return a secret; raises `Refused(principal_not_configured)` where it is not set."""
        try:
            return self.secrets[name]
        except KeyError:
            raise Refused("principal_not_configured", f"secret {name!r} is not set; expected a value") from None

    def key_pair(self, name: str) -> KeyPair:
        """Return the key pair that a parameter names; raises `Refused(principal_not_configured)` where there is none."""
        try:
            return self.key_pairs[name]
        except KeyError:
            named = f"certificate {self.parameters[name]!r}" if self.parameters.get(name) else "no certificate"
            detail = f"got {named} for {name}; expected one that Callout holds the private key of"
            remedies = (
                [Remedy("Give the certificate a key", f"callout certificate import {quote(given)} FILE")]
                if (given := self.parameters.get(name))
                else []
            )
            raise Refused("principal_not_configured", detail, *remedies) from None

    def keyed(self, name: str) -> dict[str, str | Secret]:
        """Return the values of a parameter with keys, by key; a secret wins over a parameter."""
        whole: dict[str, str | Secret] = {**self.parameters, **self.secrets}
        return {key.removeprefix(f"{name}."): value for key, value in whole.items() if key.startswith(f"{name}.")}


T = TypeVar("T")
#: Yields requests, is sent their answers, and returns something in the end. Raises `Refused`.
Conversation = Generator[HttpRequest, HttpResponse, T]
Flow = Conversation[Token]
#: Asks for something to be done; what it returns is the last answer, or None where nobody is there to be asked.
Asking = Conversation[HttpResponse | None]


class AuthenticationProtocol(ABC):
    """How one kind of external system is authenticated to. Stateless; no I/O; no clock."""

    name: ClassVar[str]  # stored and exported; never renamed
    title: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    principal_types: ClassVar[tuple[PrincipalType, ...]] = (PrincipalType.NAMED, PrincipalType.PER_USER)
    writes: ClassVar[tuple[str, ...]] = ()  # names of the headers that apply() writes
    obtains: ClassVar[bool] = False  # True where obtain() gets a token
    hears: ClassVar[bool] = False  # True where answers say what the next request has to repeat
    interactive: ClassVar[bool] = False  # True where somebody has to authorize in a browser before a token is had
    warning: ClassVar[str] = ""  # what an admin has to know before using it; plans and pages say it
    spends: ClassVar[bool] = False  # True where obtain() sends what may be good only once: a lost answer loses it
    revoked_at: ClassVar[tuple[str, ...]] = ()  # parameters that say where tokens are revoked: the first given
    stale_signs: ClassVar[tuple[RefreshRule, ...]] = ()  # how any system of this protocol says that a token is stale
    spares_bodies: ClassVar[str] = ""  # parameter and value with which apply() looks at no body

    def __init__(self, values: Values) -> None:
        self.values = values

    @classmethod
    def needs(cls, parameters: Mapping[str, str]) -> Needs:
        """Return what of a request `apply` looks at, with these parameters; where it is nothing, its work is kept."""
        del parameters
        return Needs.NOTHING

    def unwrapped(self, lines: tuple[bytes, ...], body: bytes | None) -> tuple[tuple[bytes, ...], bytes | None]:
        """Return a caller's header lines and body without what was for a signature of the caller's own.

        Asked where `needs` is more than nothing, before anything of the request is evaluated; `body` is None where it is
        not looked at. Raises `Refused(malformed_request)`.
        """
        return lines, body

    def announced(self, lines: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Return the header lines of a body to which `apply` gives another form, `encoding`: with its length then.

        Asked where `needs` is more than nothing, when everything else of the request is as it will be sent.
        """
        return lines

    def holds(self) -> timedelta | None:
        """Return for how long what `apply` wrote may be sent again; None: as long as the token is used."""
        return None

    def obtain(self, moment: Moment, token: Token | None) -> Flow:
        """Get a token. `token` is the one to be replaced, or None.

        Yields `HttpRequest`, is sent `HttpResponse`, returns `Token`. Raises `Refused`.
        """
        raise NotImplementedError(f"{self.name} obtains no token")  # guarded by `obtains`

    def heard(self, status: int, headers: Mapping[str, str]) -> str | None:
        """Return what an answer says that the next request has to repeat; None: nothing new. Names are in lower case."""
        del status, headers
        return None

    def challenged(self, status: int, headers: Mapping[str, str]) -> bool:
        """Say whether an answer refuses only because the request did not repeat what was `heard`: it is sent again."""
        del status, headers
        return False

    def revocation(self, token: Token | None, moment: Moment) -> tuple[str, Asking] | None:
        """Return the kind of token to be revoked and what revokes it; None where nothing is to be.

        `token` is the one that is stored, or None.
        """
        del token, moment
        return None

    def introspection(self, token: Token, moment: Moment) -> Asking | None:
        """Return what asks whether a token is active; None where nothing is declared."""
        del token, moment
        return None

    def grant(self, token: Token | None) -> Secret | None:  # noqa: ARG002 - those that spend something override it
        """Return what `obtain` would send that may be good only once; None where asking again is harmless."""
        return None

    @abstractmethod
    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Return the request with authentication added. Pure: the same input gives the same output.

        What is added are headers that the protocol `writes`, and what is added to the query, or dropped from it.
        """


Catalogue = Mapping[str, type[AuthenticationProtocol]]

#: The sealed value that the store keeps of an authorization that was given: who gave it. Nobody sets it by hand.
CONNECTION = "connection"


def required_secrets(
    protocol: type[AuthenticationProtocol], parameters: Mapping[str, str] | None = None
) -> frozenset[str]:
    """Return the names of the secrets without which a principal with these parameters is not configured."""
    given = with_defaults(protocol, parameters or {})
    return frozenset(p.name for p in protocol.parameters if p.secret and p.is_needed(given))


def with_defaults(protocol: type[AuthenticationProtocol], parameters: Mapping[str, str]) -> dict[str, str]:
    """Return parameters with the declared defaults of those that are not given."""
    return {p.name: p.default for p in protocol.parameters if p.default is not None} | dict(parameters)


def declared_parameter(protocol: type[AuthenticationProtocol], name: str) -> Parameter | None:
    """Return the parameter or secret that a name means, or None; of one with keys, the one that the name begins with."""
    start, dot, _ = name.partition(".")
    return next((p for p in protocol.parameters if p.name == start and bool(dot) == (p.key is not None)), None)
