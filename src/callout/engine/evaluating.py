"""Formulas at the callout: what they can read of it, the custom headers, and what the caller sent with `{!…}` in it.

What a caller sends is evaluated only where the named credential allows it, and may read the values of that callout's
own principal alone. A header that reads the request's body makes Callout take the body whole before it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from callout.core.access.target import origin_of
from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.formula import FormulaError, Reads, Scope, parse
from callout.core.formula.request import BEGIN, evaluated_body, evaluated_lines
from callout.core.formula.values import Blob
from callout.core.http1.lines import name_of, value_of
from callout.core.message import BodyEncoding, Header, HttpRequest, as_sent
from callout.core.model.credentials import CustomHeader, ExternalCredential, NamedCredential
from callout.core.protocol import Needs
from callout.core.secret import Redactable
from callout.engine.scopes import giving

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Formulas:
    """What is evaluated of a request: headers and body that its caller sends. `reads_body`: a custom header needs it.

    `needs` is what the protocol or a custom header looks at: a request that is signed is taken first, too.
    """

    headers: bool
    body: bool
    reads_body: bool
    needs: Needs = Needs.NOTHING

    @property
    def worded(self) -> str:
        """What of a caller's request is evaluated, for an explanation."""
        named = [name for name, allowed in (("headers", self.headers), ("body", self.body)) if allowed]
        return " and ".join(named)

    @property
    def gathers_bodies(self) -> bool:
        """True where every body is taken whole."""
        return self.body or self.reads_body or self.needs is Needs.BODY

    def concerns(self, lines: Sequence[bytes], *, has_body: bool) -> bool:
        """Say whether a request has to be looked at; where it has not, it is sent as any other."""
        in_lines = self.headers and any(BEGIN in line for line in lines)
        return in_lines or self.reads_body or self.needs is not Needs.NOTHING or (self.body and has_body)

    def wants_body(self, lines: Sequence[bytes], *, has_body: bool) -> bool:
        """Say whether the body has to be whole: a formula is looked for in it, or a header may read it."""
        in_lines = self.headers and any(BEGIN in line and b".body" in line.lower() for line in lines)
        return has_body and (self.gathers_bodies or in_lines)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A request as its caller sent it: the lines that are carried on, and the body, None where there is none.

    `method` and `target` (path and query) are as they will be sent; both are empty where nothing looks at them. `longest` is what the body may have when its formulas were replaced, in bytes. `key` names, in lower case, the header
    by which the external system knows one callout from two; `keyed` are its lines as they were sent the first time.
    """

    lines: tuple[bytes, ...] = field(repr=False)
    body: bytes | None = field(repr=False)
    longest: int
    key: bytes = b""
    keyed: tuple[bytes, ...] = field(default=(), repr=False)
    method: bytes = b""
    target: bytes = b""
    callout_id: bytes = b""

    def again(self, written: Written | None) -> Asked:
        """Return what is evaluated for sending it again: all but the header that says that it is the same callout."""
        if written is None or not written.keyed:
            return self
        lines = tuple(line for line in self.lines if name_of(line) != self.key)
        return replace(self, lines=lines, keyed=written.keyed)


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """What is sent in place of that: the end of the head, and the body. Both may hold secrets.

    `lines` are the caller's lines in that end. `keyed` are those by which the external system knows one callout from
    two. `target` is what is sent in place of path and query, where a protocol added to it. `encoding` is what a body
    that nobody looked at is sent in; the lines say its length. `added` are the names of what a protocol added to the
    query: no redirect shows it to the caller.
    """

    lines: tuple[bytes, ...] = field(repr=False)
    body: bytes | None = field(repr=False)
    keyed: tuple[bytes, ...] = field(default=(), repr=False)
    target: bytes | None = field(default=None, repr=False)
    encoding: BodyEncoding | None = field(default=None, repr=False)
    added: frozenset[str] = frozenset()

    @property
    def tail(self) -> bytes:
        """The end of the head."""
        return b"\r\n".join((*self.lines, b"", b""))


def headers_of(named: NamedCredential, external: ExternalCredential) -> tuple[CustomHeader, ...]:
    """Combine custom headers: the named credential's first, and they win on equal names; duplicates inside stay."""
    own = {header.name.lower() for header in named.headers}
    return (*named.headers, *(h for h in external.headers if h.name.lower() not in own))


def formulas_of(named: NamedCredential, external: ExternalCredential, needs: Needs) -> Formulas | None:
    """Return what is evaluated of the requests by a name; None, as mostly: nothing."""
    reads = Reads.of(parse(header.value).reads for header in headers_of(named, external))
    needs = max(needs, Needs.HEAD if reads.request or reads.callout else Needs.NOTHING)
    found = Formulas(named.allow_merge_fields_in_header, named.allow_merge_fields_in_body, bool(reads.bodies), needs)
    return found if found.headers or found.body or found.reads_body or needs is not Needs.NOTHING else None


def with_body(scope: Scope, written: Written | None) -> Scope:
    """Return the scope of the headers, which may read the body as it will be sent."""
    return scope if written is None else replace(scope, body=Blob(written.body or b"", is_secret=True))


def with_request(scope: Scope, named: NamedCredential, asked: Asked | None, nonce: str) -> Scope:
    """Return the scope of formulas that read the request: method and target as they will be sent."""
    if asked is None or not asked.target:
        return scope
    origin, target = origin_of(named.url), asked.target.decode("latin-1")
    path, _, query = target.partition("?")
    request = {
        "Method": asked.method.decode("latin-1"),
        "Path": path,
        "Query": query,
        "Target": target,
        "Url": origin.base + target,
        "Host": origin.authority,
    }
    return replace(scope, request=request, callout={"Id": asked.callout_id.decode("latin-1"), "Nonce": nonce})


def written_of(asked: Asked, formulas: Formulas, scope: Scope) -> Written:
    """Replace the formulas in what a caller sent: first in the body, then in the headers, which may read it.

    The body goes on with its new length. Raises `Refused(formula_failed)`.
    """
    lines, body = list(asked.lines), asked.body
    if body is not None:
        if formulas.body:
            encoding, kind = (_value(lines, name) for name in (b"content-encoding", b"content-type"))
            body = evaluated_body(body, scope, content_type=kind, content_encoding=encoding, longest=asked.longest)
        lines = [line for line in lines if name_of(line) not in _FRAMING]
        lines.append(b"Content-Length: %d" % len(body))
    if formulas.headers:
        lines = evaluated_lines(lines, with_body(scope, Written((), body)))
    keyed = asked.keyed or tuple(line for line in lines if name_of(line) == asked.key)
    return Written((*lines, *asked.keyed), body, keyed)


def request_to_sign(request: HttpRequest, asked: Asked, written: Written) -> HttpRequest:
    """Return the whole request, as a protocol that looks at it is given it: Callout's headers, then the caller's.

    Lines about framing are left out: whoever sends the request writes those. Each character of a value stands for one
    byte that is sent, in the caller's headers as in Callout's.
    """
    own = tuple((name, as_sent(value)) for name, value in request.headers)
    lines = (line for line in written.lines if name_of(line) not in _FRAMING)
    carried = tuple((_name(line), Redactable.of(value_of(line).decode("latin-1"))) for line in lines)
    url = origin_of(request.url).base + asked.target.decode("latin-1")
    return replace(request, method=asked.method.decode("latin-1"), url=url, headers=(*own, *carried), body=written.body)


def signed(request: HttpRequest, given: HttpRequest, after: HttpRequest, writes: Sequence[str]) -> HttpRequest:
    """Return Callout's own part of a request with what a protocol wrote, given the whole of it."""
    own = {name.lower() for name in writes}
    kept = tuple(header for header in request.headers if header[0].lower() not in own)
    wrote = tuple(header for header in after.headers if header[0].lower() in own)
    return replace(
        given,
        headers=kept + wrote,
        body=None,
        query_added=after.query_added,
        query_dropped=after.query_dropped,
        encoding=after.encoding,
    )


def _name(line: bytes) -> str:
    return line.partition(b":")[0].decode("latin-1")


def _value(lines: Sequence[bytes], name: bytes) -> str:
    return next((value_of(line).decode("latin-1") for line in lines if name_of(line) == name), "")


def evaluated_headers(named: NamedCredential, external: ExternalCredential, scope: Scope) -> tuple[HttpRequest, bool]:
    """Write Host and the custom headers; the second value says that they are true for this moment alone.

    Raises `Refused(formula_failed)` with the header, and the place in its formula.
    """
    headers: list[Header] = [("Host", Redactable.of(origin_of(named.url).authority))]
    passing = False
    for header in headers_of(named, external):
        try:
            template = parse(header.value)
            headers.append((header.name, template.evaluate(scope)))
        except FormulaError as error:
            remedy = _remedy(error, header, scope)
            raise Refused("formula_failed", f"header {header.name}: {error.whole}", remedy) from error
        passing = passing or template.reads.time or template.reads.is_of_one_request
    return HttpRequest("GET", named.url, tuple(headers)), passing


def _remedy(error: FormulaError, header: CustomHeader, scope: Scope) -> Remedy:
    """Name the one action that mends a custom header that fails."""
    return giving(error, scope) or Remedy(
        f"Correct the formula of header {header.name}, or set the values that it reads", "callout apply -f FILE"
    )
