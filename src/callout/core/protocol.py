"""The shape that every authentication protocol has. The protocols themselves are in `core.protocols`.

A protocol is built from the values of one principal and keeps no state. `obtain` may need the network, so it
*yields* requests and is sent their answers; `apply` may not, so it is a plain function, and it runs last:
nothing changes a request after it was authenticated.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from callout.core.errors import Refused
from callout.core.message import HttpRequest, HttpResponse
from callout.core.model.credentials import PrincipalType
from callout.core.secret import Secret


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared value of a protocol: it makes the form, the flag, the API schema, the redaction and the docs.

    A `secret` is sealed with the principal and never shown; any other is a parameter of the external credential,
    which a principal may override. `required` without `default` must be given.
    """

    name: str
    help: str
    secret: bool = False
    required: bool = True
    default: str | None = None
    choices: tuple[str, ...] = ()
    url: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """The time and the random bytes that a protocol may use; it can fetch neither for itself."""

    now: datetime
    entropy: bytes = b""


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

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter, or the default where it is absent."""
        return self.parameters.get(name, default)

    def secret(self, name: str) -> Secret:
        """Return a secret; raises `Refused(principal_not_configured)` where it is not set."""
        try:
            return self.secrets[name]
        except KeyError:
            raise Refused("principal_not_configured", f"secret {name!r} is not set; expected a value") from None


Flow = Generator[HttpRequest, HttpResponse, Token]


class AuthenticationProtocol(ABC):
    """How one kind of external system is authenticated to. Stateless; no I/O; no clock."""

    name: ClassVar[str]  # stored and exported; never renamed
    title: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    principal_types: ClassVar[tuple[PrincipalType, ...]] = (PrincipalType.NAMED, PrincipalType.PER_USER)
    writes: ClassVar[tuple[str, ...]] = ()  # names of the headers that apply() writes
    obtains: ClassVar[bool] = False  # True where obtain() gets a token
    spends: ClassVar[bool] = False  # True where obtain() sends what may be good only once: a lost answer loses it

    def __init__(self, values: Values) -> None:
        self.values = values

    def obtain(self, moment: Moment, token: Token | None) -> Flow:
        """Get a token. `token` is the one to be replaced, or None.

        Yields `HttpRequest`, is sent `HttpResponse`, returns `Token`. Raises `Refused`.
        """
        raise NotImplementedError(f"{self.name} obtains no token")  # guarded by `obtains`

    def grant(self, token: Token | None) -> Secret | None:  # noqa: ARG002 - those that spend something override it
        """Return what `obtain` would send that may be good only once; None where asking again is harmless."""
        return None

    @abstractmethod
    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Return the request with authentication added. Pure: the same input gives the same output."""


Catalogue = Mapping[str, type[AuthenticationProtocol]]


def required_secrets(protocol: type[AuthenticationProtocol]) -> frozenset[str]:
    """Return the names of the secrets without which a principal of this protocol is not configured."""
    return frozenset(p.name for p in protocol.parameters if p.secret and p.required and p.default is None)
