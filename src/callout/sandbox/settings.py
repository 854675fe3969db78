"""How the sandbox behaves while it runs: settings that a command can change, each checked before it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

#: How a caller proves itself to the external system, by path prefix or by default.
AUTHENTICATIONS = ("bearer", "basic", "key", "open")
#: How a client proves itself to the token endpoint (the names of RFC 7591 section 2); `any` takes both.
CLIENT_AUTHENTICATIONS = ("any", "client_secret_basic", "client_secret_post")
#: Statuses that an HTTP/1.1 answer can bear and h11 can send; 1xx are no final answers.
STATUSES = range(200, 1000)


class BadCommand(Exception):
    """A command (control call, path or option) that the sandbox does not understand; says got and expected."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set while the sandbox runs.

    stale_status: what the external system answers to a token or key that is not (or no longer) valid, 200 to 999.
    default_authentication: what paths without a prefix ask for: bearer, basic, key or open.
    lifetime: seconds for which a token is really accepted.
    expires_in: what a token answer says, whatever it is: a number, 0, a negative number, text; None leaves it out.
    issue_refresh_tokens: also with client_credentials, as some servers do against RFC 6749 section 4.4.3.
    rotate_refresh_tokens: each use of a refresh token replaces it; using an old one revokes the whole family.
    reissue_same_token: a client that asks again is given the same token again.
    client_authentication: any, client_secret_basic or client_secret_post: the only one that is accepted.
    token_delay_ms: how long every token request waits before it is answered.
    """

    stale_status: int = 401
    default_authentication: str = "bearer"
    lifetime: float = 3600.0
    expires_in: int | float | str | None = 3600
    issue_refresh_tokens: bool = False
    rotate_refresh_tokens: bool = True
    reissue_same_token: bool = False
    client_authentication: str = "any"
    token_delay_ms: int = 0

    def __post_init__(self) -> None:
        if self.stale_status not in STATUSES:
            raise BadCommand(f"got stale_status {self.stale_status}; expected 200 to 999")
        _expect_one_of("default_authentication", self.default_authentication, AUTHENTICATIONS)
        _expect_one_of("client_authentication", self.client_authentication, CLIENT_AUTHENTICATIONS)
        if self.token_delay_ms < 0:
            raise BadCommand(f"got token_delay_ms {self.token_delay_ms}; expected 0 or more")

    def changed(self, members: Mapping[str, Any]) -> Settings:
        """Return a copy with these members; raises `BadCommand` for an unknown name or a wrong type.

        Of `lifetime` and `expires_in`, one that is given alone and is a positive number sets the other too, so
        that the server lies only where it is told to.
        """
        unknown = sorted(members.keys() - _TYPES.keys())
        if unknown:
            raise BadCommand(f"got setting {unknown[0]!r}; expected one of {', '.join(_TYPES)}")
        for name, value in members.items():
            _expect_type(name, value)
        changes = dict(members)
        given = changes.get("lifetime", changes.get("expires_in"))
        if isinstance(given, (int, float)) and given > 0:
            changes = {"lifetime": float(given), "expires_in": given, **changes}
        return replace(self, **changes)

    def members(self) -> dict[str, Any]:
        """Return the settings as JSON members."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


_TYPES: Mapping[str, tuple[type, ...]] = {
    "stale_status": (int,),
    "default_authentication": (str,),
    "lifetime": (int, float),
    "expires_in": (int, float, str, type(None)),
    "issue_refresh_tokens": (bool,),
    "rotate_refresh_tokens": (bool,),
    "reissue_same_token": (bool,),
    "client_authentication": (str,),
    "token_delay_ms": (int,),
}


def _expect_type(name: str, value: object) -> None:
    expected = _TYPES[name]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        names = " or ".join("null" if kind is type(None) else kind.__name__ for kind in expected)
        raise BadCommand(f"got {name} {value!r}; expected {names}")


def _expect_one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BadCommand(f"got {name} {value!r}; expected one of {', '.join(choices)}")
