"""Is this answer a sign of stale credentials?

Status 401 always is (RFC 9110 section 15.5.2). An external credential may list others: 4xx, 6xx, 7xx, 8xx, 9xx.
1xx to 3xx are no refusals, and a 5xx is the external system's own failure: both are refused where they are defined,
unless a refresh rule names a sign in the header or in the body as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from callout.core.model.credentials import BodySign, ExternalCredential, HeaderSign, RefreshRule
from callout.core.refresh.bodies import BodyJudge, Scan, scan_maker
from callout.core.refresh.content import decoder_of, is_json, is_stream, is_text, is_xml, media_type_of, value_in

ALWAYS = 401
LOWEST, HIGHEST = 200, 999
#: What stands for any text in `matches`, and for any type in a media type.
ANY = "*"


def refresh_statuses(additional_status_codes: tuple[int, ...]) -> frozenset[int]:
    """Return every status that is by itself a sign of stale credentials."""
    return frozenset((ALWAYS, *additional_status_codes))


def refusal_of(status: int) -> str | None:
    """Say why a status cannot be an additional status code, or None where it can."""
    if 400 <= status < 500 or 600 <= status <= 999:
        return None
    if 500 <= status < 600:
        return "a 5xx is the external system's own failure; a sign in its header or body is for a refresh rule"
    if 100 <= status < 400:
        return "a 1xx, 2xx or 3xx does not refuse anything, so it is no sign of stale credentials"
    return "an HTTP status has three digits"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an answer's head says: `sign` words why it means stale credentials, or `body` is to judge it.

    `unjudged` says why a body that a rule is about cannot be judged.
    """

    sign: str = ""
    body: BodyJudge | None = None
    unjudged: str = ""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A refresh rule, compiled. `make` makes the scan for one body."""

    worded: str
    header: HeaderSign | None
    make: Callable[[], Scan] | None
    content_types: tuple[str, ...]
    usual: Callable[[str], bool]

    def takes(self, media_type: str) -> bool:
        """Say whether a body of this type is judged. One of no type is where its first bytes say what it is."""
        if not media_type:
            return not self.content_types and self.usual is not is_text
        if is_stream(media_type):
            return False
        if not self.content_types:
            return self.usual(media_type)
        family = media_type.partition("/")[0] + "/*"
        return media_type in self.content_types or family in self.content_types


@dataclass(frozen=True, slots=True)
class Signs:
    """The refresh rules of one external credential, compiled. An answer of no status in `statuses` is no sign."""

    statuses: frozenset[int]
    alone: frozenset[int]
    rules: Mapping[int, tuple[_Rule, ...]] = field(repr=False)

    def judge(self, status: int, lines: Sequence[bytes]) -> Judgement:
        """Judge an answer by its status and header lines."""
        if status in self.alone:
            return Judgement(f"status {status}")
        return _judged(self.rules.get(status, ()), lines)


def signs_of(external: ExternalCredential, own: Sequence[RefreshRule] = ()) -> Signs:
    """Compile the refresh rules of an external credential, and `own`, those of its protocol."""
    alone = set(refresh_statuses(external.additional_status_codes))
    rules: dict[int, tuple[_Rule, ...]] = {}
    for rule in (*external.refresh_rules, *own):
        if rule.header is None and rule.body is None:
            alone.update(rule.statuses)
            continue
        for status in rule.statuses:
            rules[status] = (*rules.get(status, ()), _compiled(rule, f"status {status}"))
    return Signs(frozenset(alone | rules.keys()), frozenset(alone), rules)


def worded(rule: RefreshRule) -> str:
    """Word a refresh rule in one line."""
    return _worded(rule, "status " + " or ".join(map(str, rule.statuses)))


def _worded(rule: RefreshRule, status: str) -> str:
    parts = [status]
    if rule.header is not None:
        texts = [*(f"{text!r}" for text in rule.header.contains), *(f"like {text!r}" for text in rule.header.matches)]
        parts.append(f"{' or '.join(texts)} in the header {rule.header.name}")
    if rule.body is not None:
        parts.append(_worded_body(rule.body))
    return " with ".join((parts[0], " and ".join(parts[1:]))) if parts[1:] else status


def _worded_body(sign: BodySign) -> str:
    if sign.json_pointer:
        return f"{' or '.join(map(repr, sign.equals))} at {sign.json_pointer} of its body"
    if sign.soap_fault_code:
        return f"the SOAP fault code {' or '.join(sign.soap_fault_code)}"
    return f"{' or '.join(map(repr, sign.text))} in its body"


def _compiled(rule: RefreshRule, status: str) -> _Rule:
    sign = rule.body
    usual = is_text
    if sign is not None and (sign.json_pointer or sign.soap_fault_code):
        usual = is_json if sign.json_pointer else is_xml
    make = scan_maker(sign) if sign is not None else None
    types = tuple(kind.lower() for kind in rule.content_types)
    return _Rule(_worded(rule, status), rule.header, make, types, usual)


def _judged(rules: Iterable[_Rule], lines: Sequence[bytes]) -> Judgement:
    left = []
    for rule in rules:
        if rule.header is None or _has(lines, rule.header):
            if rule.make is None:
                return Judgement(rule.worded)
            left.append((rule.worded, rule, rule.make))
    media_type = media_type_of(value_in(lines, b"content-type"))
    scans = [(words, make()) for words, rule, make in left if rule.takes(media_type)]
    if not scans:
        return Judgement()
    coding = value_in(lines, b"content-encoding")
    decoder = decoder_of(coding)
    if decoder is None:
        return Judgement(unjudged=f"its Content-Encoding {coding[:40]!r} is not undone here")
    return Judgement(body=BodyJudge(scans, decoder))


def _has(lines: Iterable[bytes], sign: HeaderSign) -> bool:
    """Say whether a header line is the sign. Values are compared in any case."""
    name = sign.name.lower().encode() + b":"
    for line in lines:
        if line[: len(name)].lower() == name:
            value = line[len(name) :].strip(b" \t").decode("latin-1").lower()
            if any(text.lower() in value for text in sign.contains):
                return True
            if any(is_like(value, pattern.lower()) for pattern in sign.matches):
                return True
    return False


def is_like(value: str, pattern: str) -> bool:
    """Say whether a value is like a pattern in which `*` is any text; the time that takes grows with both alone."""
    first, *rest = pattern.split(ANY)
    if not rest:
        return value == pattern
    *middle, last = rest
    if not value.startswith(first) or len(value) < len(first) + len(last) or not value.endswith(last):
        return False
    at, end = len(first), len(value) - len(last)
    for part in middle:
        found = value.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


#: What an OAuth resource server says of a token that it does not take any more (RFC 6750 section 3.1), in a body.
_OAUTH = _compiled(RefreshRule((), body=BodySign(json_pointer="/error", equals=("invalid_token",))), "")


def oauth_judge(lines: Sequence[bytes]) -> BodyJudge | None:
    """Return what looks for `{"error": "invalid_token"}` in a body; None where this answer's body cannot say it."""
    return _judged((_OAUTH,), lines).body
