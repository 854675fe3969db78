"""How the sandbox behaves while it runs: settings that a command can change, each checked before it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

#: How a caller proves itself to the external system, by path prefix or by default.
AUTHENTICATIONS = ("bearer", "basic", "key", "open")
#: How a client proves itself to the token endpoint (the names of RFC 7591 section 2); `any` takes all.
CLIENT_AUTHENTICATIONS = ("any", "client_secret_basic", "client_secret_post", "none")
#: How token answers and requests are written, and how an absolute end is.
ANSWER_FORMATS, REQUEST_FORMATS = ("json", "form", "text"), ("form", "json", "any")
ENDS = ("seconds", "milliseconds", "rfc3339")
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
    client_authentication: any, client_secret_basic, client_secret_post or none (a public client, which has no secret):
        the only one that is accepted.
    token_delay_ms: how long every token request waits before it is answered.
    expires_at: also say when the token ends, in seconds, milliseconds or rfc3339; None leaves it out.
    clock_offset: seconds by which the server's clock is wrong: its Date and its expires_at.
    send_date: whether answers bear a Date.
    answer_format: token answers as json, as form, or as text (JSON that says it is text/plain).
    answer_status: of a right token answer, 200 to 299.
    answer_fields: where members of a token answer stand instead: {"access_token": "/data/token"} (RFC 6901).
    request_format: token requests have to be a form, as RFC 6749 says, or json, or any of the two.
    empty_refresh_token: a refresh that rotates nothing answers with an empty refresh token.
    reuse_grace: seconds for which a refresh token that was rotated away may be used again, as some servers let it.
    refresh_inactivity: seconds after which a refresh token that nobody used is no longer valid; None: never.
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
    expires_at: str | None = None
    clock_offset: float = 0.0
    send_date: bool = False
    answer_format: str = "json"
    answer_status: int = 200
    answer_fields: Mapping[str, Any] = field(default_factory=dict)
    request_format: str = "form"
    empty_refresh_token: bool = False
    reuse_grace: float = 0.0
    refresh_inactivity: float | None = None

    def __post_init__(self) -> None:
        if self.stale_status not in STATUSES:
            raise BadCommand(f"got stale_status {self.stale_status}; expected 200 to 999")
        _expect_one_of("default_authentication", self.default_authentication, AUTHENTICATIONS)
        _expect_one_of("client_authentication", self.client_authentication, CLIENT_AUTHENTICATIONS)
        _expect_one_of("answer_format", self.answer_format, ANSWER_FORMATS)
        _expect_one_of("request_format", self.request_format, REQUEST_FORMATS)
        if self.expires_at is not None:
            _expect_one_of("expires_at", self.expires_at, ENDS)
        if not 200 <= self.answer_status < 300:
            raise BadCommand(f"got answer_status {self.answer_status}; expected 200 to 299")
        for name, place in self.answer_fields.items():
            if not isinstance(place, str) or not place.startswith("/"):
                raise BadCommand(f"got answer_fields {name} {place!r}; expected a JSON pointer such as /data/token")
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
        return {each.name: getattr(self, each.name) for each in fields(self)}


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
    "expires_at": (str, type(None)),
    "clock_offset": (int, float),
    "send_date": (bool,),
    "answer_format": (str,),
    "answer_status": (int,),
    "answer_fields": (dict,),
    "request_format": (str,),
    "empty_refresh_token": (bool,),
    "reuse_grace": (int, float),
    "refresh_inactivity": (int, float, type(None)),
}


def _expect_type(name: str, value: object) -> None:
    expected = _TYPES[name]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        names = " or ".join("null" if kind is type(None) else kind.__name__ for kind in expected)
        raise BadCommand(f"got {name} {value!r}; expected {names}")


def _expect_one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BadCommand(f"got {name} {value!r}; expected one of {', '.join(choices)}")
