"""A callout that is made for somebody who looks at it: what they sent, what left, what was answered; never a secret.

It runs through the same stages as any other callout. What left is told by the one who sent it (`Witness`), in texts
that show `…` for every part that Callout added and keeps to itself.
"""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from callout.core.access.target import SCHEME, origin_of
from callout.core.errors import Refused
from callout.core.http1.lines import name_of, value_of
from callout.core.model.people import Caller
from callout.core.secret import REDACTED, Secret, hidden
from callout.engine.evaluating import Asked
from callout.engine.routes import Ready, Route

#: How much of an answer's body is shown, in bytes, and how much more is read so that no secret is cut in two.
MOST_SHOWN, READ_BEYOND = 256 * 1024, 64 * 1024
#: Callouts that one user may have under way at a time, and that all users may.
MOST_OF_ONE, MOST_OF_ALL = 4, 32
#: Values that are sealed with a principal and name it: answers repeat them, and they are no secret by themselves.
_IDENTIFIERS = frozenset({"username", "client_id"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_TARGET = re.compile(r"[!-~]*")
_VALUE = re.compile(r"[^\0-\x08\x0a-\x1f\x7f]*")
#: Headers that say how a message is framed, or go no further than the next hop: they follow from the rest.
_FRAMING = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te", "trailer"}
)
_FRAMED = frozenset({b"content-length", b"transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What somebody asks to send. `target` is path and query after the name; `timeout` seconds, None: as usual.

    Raises `Refused(malformed_request)` for what is no request.
    """

    name: str
    method: str = "GET"
    target: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    principal: str | None = None
    on_behalf_of: str | None = None
    timeout: float | None = None

    def written(self, key: bytes) -> bytes:
        """Return the request to the gateway, for the caller of this key."""
        names = {name.lower() for name, _ in self.headers}
        lines = [f"{self.method} /callout/{self.name}{self.target} HTTP/1.1", "Host: callout"]
        lines += [f"{name}: {value.strip()}" for name, value in self.headers]
        given = {
            "Callout-Key": key.decode() or None,
            "Callout-Principal": self.principal,
            "Callout-On-Behalf-Of": self.on_behalf_of,
            "Callout-Timeout": None if self.timeout is None else f"{self.timeout:.3f}",
            "Accept": None if "accept" in names else "*/*",
            "Accept-Encoding": None if "accept-encoding" in names else "identity",
            "Content-Length": None if self.body is None else str(len(self.body)),
        }
        lines += [f"{name}: {value}" for name, value in given.items() if value is not None]
        return "\r\n".join((*lines, "", "")).encode() + (self.body or b"")

    def __post_init__(self) -> None:
        """Judge what could make another request of it."""
        if _NAME.fullmatch(self.name) is None:
            raise _malformed(f"got name {self.name!r}; expected that of a named credential")
        if _TOKEN.fullmatch(self.method) is None:
            raise _malformed(f"got method {self.method!r}; expected a token such as GET (RFC 9110 section 9.1)")
        if _TARGET.fullmatch(self.target) is None or self.target[:1] not in ("", "/", "?"):
            detail = (
                f"got path and query {self.target!r}; expected visible ASCII that begins with /, others percent-encoded"
            )
            raise _malformed(detail)
        for name, value in (
            *self.headers,
            ("the principal", self.principal or ""),
            ("the user", self.on_behalf_of or ""),
        ):
            if _VALUE.fullmatch(value) is None:
                raise _malformed(f"got a control character in {name}; expected text without")
        for name, _ in self.headers:
            if _TOKEN.fullmatch(name) is None:
                raise _malformed(f"got header {name!r}; expected a name such as Accept (RFC 9110 section 5.1)")
            if name.lower() in _FRAMING or name.lower().startswith("callout-"):
                raise _malformed(
                    f"got header {name}; expected none that Callout writes itself: there is a field for it"
                )

    @property
    def known(self) -> bytes:
        """Everything that the one who asks wrote."""
        texts = (self.target, *(text for header in self.headers for text in header))
        return "\n".join(texts).encode() + b"\n" + (self.body or b"")

    def members(self) -> dict[str, Any]:
        """Return what was asked for as JSON members."""
        return {
            "method": self.method,
            "url": f"{SCHEME}{self.name}{self.target}",
            "headers": [list(header) for header in self.headers],
            **body_members(self.body),
        }


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer as it came: `body` is what was read of it. `cut` says why not more was: `size`, `time` or `broken`."""

    status: int
    reason_phrase: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    cut: str | None
    seconds: float

    def header(self, name: str) -> str | None:
        """Return the first value of a header, by case-insensitive name."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)


class Send(Protocol):
    """Makes a callout as this caller, and waits for its answer."""

    async def __call__(self, outgoing: Outgoing, caller: Caller) -> tuple[Answered, Witnessed]:
        """Raises `Refused`: `malformed_request`, `rate_limited`, `timed_out`, `external_system_unreachable`."""


class Witness(Protocol):
    """Is told of every request that leaves."""

    def left(
        self, callout_id: bytes, route: Route, ready: Ready, target: bytes, tail: bytes, asked: Asked | None
    ) -> None:
        """A request leaves now. `target` and `tail` are path and query, and the lines after Callout's own.

        `asked` is the request as its caller sent it, where formulas in it were evaluated or it was signed.
        """


@dataclass(slots=True)
class Witnessed:
    """What left of one callout, each time that it was sent, and the secrets that may show up in its answer."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list, repr=False)

    def add(self, route: Route, ready: Ready, target: bytes, tail: bytes, asked: Asked | None) -> None:
        """Take over one request that leaves."""
        self.secrets += _secrets_of(route, ready)
        request, written = ready.request, ready.written
        own = [] if request is None else [[name, value.redacted] for name, value in request.headers]
        named = route.decision.named_credential
        url = (origin_of(named.url).base if named is not None else "") + target.decode("latin-1")
        if request is not None and written is not None and written.target is not None:
            url = request.whole_url.redacted
        certificate = route.client_certificate
        rewritten = written is not None and asked is not None and written.body != asked.body
        self.sent.append(
            {
                "url": url,
                "headers": own + _shown_lines(tail, asked),
                "body_rewritten": rewritten,
                "encoded": written is not None and written.encoding is not None,
                "client_certificate": None
                if certificate is None
                else {"name": certificate.name, "kid": certificate.kid},
                "token_generation": ready.generation or None,
            }
        )


def _shown_lines(tail: bytes, asked: Asked | None) -> list[list[str]]:
    """Show the caller's lines; of one that is not as they sent it, for a formula in it was replaced, the name alone."""
    as_sent = None if asked is None else frozenset(asked.lines)
    shown = []
    for line in tail.split(b"\r\n"):
        if line:
            plain = as_sent is None or line in as_sent or name_of(line) in _FRAMED
            name = line.partition(b":")[0].decode("latin-1")
            shown.append([name, _text_of(value_of(line)) if plain else REDACTED])
    return shown


def _secrets_of(route: Route, ready: Ready) -> Iterable[Secret]:
    """Return what Callout keeps to itself of this request: sealed values, the token, what was made of them."""
    slot, request = route.slot, ready.request
    values = slot.protocol.values
    yield from (secret for name, secret in values.secrets.items() if name not in _IDENTIFIERS)
    yield from (pair.private_key for pair in values.key_pairs.values())
    if slot.held is not None:
        token = slot.held.token
        yield from (secret for secret in (token.access_token, token.refresh_token) if secret is not None)
    if request is not None:
        texts = (*(value for _, value in request.headers), request.query_added)
        yield from (part for text in texts for part in text.parts if isinstance(part, Secret))


def shown_exchange(outgoing: Outgoing, answered: Answered, witnessed: Witnessed) -> dict[str, Any]:
    """Return the answer and the picture as JSON members, with every secret that stands in them as `…`."""
    own = answered.header("Callout-Error") is not None
    secrets, known = witnessed.secrets, outgoing.known
    body, withheld = _decoded(answered)
    body, hides = hidden(body, secrets, known=known)
    headers, in_headers = _hidden_headers(answered.headers, secrets, known)
    cut = "size" if len(body) > MOST_SHOWN else answered.cut
    received = [_received(outgoing, each) for each in witnessed.sent]
    return {
        "callout_id": answered.header("Callout-Id"),
        "status": answered.status,
        "reason_phrase": answered.reason_phrase,
        "headers": headers,
        **body_members(None if withheld else body[:MOST_SHOWN]),
        "cut": cut,
        "withheld": withheld,
        "hidden": hides + in_headers,
        "seconds": round(answered.seconds, 3),
        "replay": answered.header("Callout-Replay"),
        "callout_error": _problem(body) if own else None,
        "sent": outgoing.members(),
        "received": received,
    }


def _received(outgoing: Outgoing, sent: dict[str, Any]) -> dict[str, Any]:
    """Add what the caller's request decides; a body whose formulas were replaced is shown as the caller sent it."""
    return {"method": outgoing.method, **sent, **body_members(outgoing.body)}


def _decoded(answered: Answered) -> tuple[bytes, str | None]:
    """Undo the coding of a body, so that it can be shown; or say why it is not."""
    coding = (answered.header("Content-Encoding") or "identity").strip().lower()
    if coding in ("identity", ""):
        return answered.body, None
    if coding not in ("gzip", "x-gzip", "deflate"):
        return b"", f"the body is encoded in {coding}, which is not shown"
    try:
        return zlib.decompressobj(47).decompress(answered.body, MOST_SHOWN + READ_BEYOND), None
    except zlib.error:
        return b"", f"the body is said to be encoded in {coding}, and is not"


def _hidden_headers(
    headers: Sequence[tuple[str, str]], secrets: list[Secret], known: bytes
) -> tuple[list[list[str]], int]:
    shown, found = [], 0
    for name, value in headers:
        text, count = hidden(value.encode(), secrets, known=known)
        shown.append([name, text.decode()])
        found += count
    return shown, found


def _problem(body: bytes) -> dict[str, Any] | None:
    try:
        members = json.loads(body)
    except ValueError:
        return None
    return members if isinstance(members, dict) else None


def body_members(body: bytes | None) -> dict[str, Any]:
    """Return a body as JSON members: as text where it is text, else in base64; null where there is none."""
    if body is None:
        return {"body": None, "body_base64": None}
    try:
        return {"body": body.decode(), "body_base64": None}
    except UnicodeDecodeError as error:
        if error.start > len(body) - 4 and error.end == len(body) and len(body) >= MOST_SHOWN:
            return {"body": body[: error.start].decode(), "body_base64": None}  # the cut went through a character
        return {"body": None, "body_base64": b64encode(body).decode()}


def _text_of(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def read_headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """Return headers as text: UTF-8 where they are that, else Latin-1."""
    return tuple((name.decode("latin-1"), _text_of(value)) for name, value in headers)


def _malformed(detail: str) -> Refused:
    return Refused("malformed_request", detail)


def with_timeout(outgoing: Outgoing, usual: float) -> Outgoing:
    """Return the same with a timeout that is said."""
    return outgoing if outgoing.timeout is not None else replace(outgoing, timeout=usual)
