"""Rules over refresh rules: which statuses, signs in header and body, and media types can mean stale credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from callout.core.errors import Problem
from callout.core.json_pointer import tokens_of
from callout.core.model.credentials import BodySign, ExternalCredential, HeaderSign, RefreshRule
from callout.core.refresh.content import is_stream
from callout.core.refresh.rules import ANY, HIGHEST, LOWEST, refusal_of
from callout.core.rules.headers import HEADER_NAME

MOST_RULES = 32
LONGEST_DEBOUNCE = 24 * 60 * 60
#: Longest text, pattern or value of a sign, in characters, and most of them.
LONGEST_TEXT, MOST_TEXTS = 256, 32
MEDIA_TYPE = r"^[a-zA-Z0-9!#$&^_.+-]+/(\*|[a-zA-Z0-9!#$&^_.+-]+)$"
FAULT_CODE = r"^[^\s:<>&]+$"

_HEADER_NAME = re.compile(HEADER_NAME)
_MEDIA_TYPE = re.compile(MEDIA_TYPE)
_FAULT_CODE = re.compile(FAULT_CODE)


def refresh_rule_problems(external: ExternalCredential, place: str) -> Iterator[Problem]:
    """Judge the refresh rules and the debounce of one external credential, which stands at `place`."""
    debounce = external.refresh_debounce
    if debounce is not None and not 0 <= debounce <= LONGEST_DEBOUNCE:
        yield Problem(f"{place}.refresh_debounce", str(debounce), f"seconds, 0 to {LONGEST_DEBOUNCE}")
    if len(external.refresh_rules) > MOST_RULES:
        got = f"{len(external.refresh_rules)} rules"
        yield Problem(f"{place}.refresh_rules", got, f"at most {MOST_RULES}")
    for index, rule in enumerate(external.refresh_rules):
        here = f"{place}.refresh_rules[{index}]"
        if rule in external.refresh_rules[:index]:
            yield Problem(here, "the same rule twice", "each rule once")
        yield from _rule_problems(rule, here)


def _rule_problems(rule: RefreshRule, place: str) -> Iterator[Problem]:
    if not rule.statuses:
        yield Problem(f"{place}.statuses", "no status", "the statuses that the rule is about, such as [200]")
    alone = rule.header is None and rule.body is None
    for index, status in enumerate(rule.statuses):
        here = f"{place}.statuses[{status}]"
        refusal = refusal_of(status) if alone else None
        if not LOWEST <= status <= HIGHEST:
            yield Problem(here, str(status), f"a status of {LOWEST} to {HIGHEST}")
        elif refusal is not None:
            expected = f"a sign in its header or body as well, or a status of 400 to 499 or 600 to 999: {refusal}"
            yield Problem(here, f"{status} alone", expected)
        elif status in rule.statuses[:index]:
            yield Problem(here, f"{status} twice", "each status once")
    if rule.header is not None:
        yield from _header_problems(rule.header, f"{place}.header")
    if rule.body is not None:
        yield from _body_problems(rule.body, f"{place}.body")
    elif rule.content_types:
        yield Problem(f"{place}.content_types", "media types without a sign in the body", "body, or no content_types")
    for kind in rule.content_types:
        if _MEDIA_TYPE.fullmatch(kind) is None:
            yield Problem(f"{place}.content_types[{kind}]", repr(kind[:60]), "a media type such as text/html or text/*")
        elif is_stream(kind.lower()):
            expected = "the type of a body that ends: an answer of this type is passed on as it comes"
            yield Problem(f"{place}.content_types[{kind}]", repr(kind), expected)


def _header_problems(sign: HeaderSign, place: str) -> Iterator[Problem]:
    if _HEADER_NAME.fullmatch(sign.name) is None:
        yield Problem(f"{place}.name", repr(sign.name[:60]), "a header's name, such as WWW-Authenticate")
    if not sign.contains and not sign.matches:
        yield Problem(
            place, "neither contains nor matches", "contains: text in the value; or matches: the value, * for any"
        )
    yield from _text_problems(sign.contains, f"{place}.contains")
    yield from _text_problems(sign.matches, f"{place}.matches")
    for pattern in sign.matches:
        if pattern and not pattern.strip(ANY):
            yield Problem(f"{place}.matches[{pattern}]", repr(pattern), "a pattern that not every value is like")
    for text in (*sign.contains, *sign.matches):
        if not text.isascii():
            yield Problem(place, repr(text[:60]), "ASCII: a header has no other characters")


def _body_problems(sign: BodySign, place: str) -> Iterator[Problem]:
    kinds = [name for name in ("json_pointer", "soap_fault_code", "text") if getattr(sign, name)]
    if len(kinds) != 1:
        got = " and ".join(kinds) or "no sign"
        yield Problem(place, got, "one of json_pointer with equals, soap_fault_code, or text")
    if sign.json_pointer and tokens_of(sign.json_pointer) is None:
        expected = "a JSON pointer (RFC 6901), such as /errors/*/extensions/code"
        yield Problem(f"{place}.json_pointer", repr(sign.json_pointer[:60]), expected)
    if sign.json_pointer and not sign.equals:
        yield Problem(f"{place}.equals", "nothing", "the values there that mean stale credentials")
    if sign.equals and not sign.json_pointer:
        yield Problem(f"{place}.json_pointer", "nothing", "where the value is, such as /error")
    for code in sign.soap_fault_code:
        if _FAULT_CODE.fullmatch(code) is None:
            expected = "a fault code without its prefix, such as INVALID_SESSION_ID"
            yield Problem(f"{place}.soap_fault_code[{code}]", repr(code[:60]), expected)
    for name in ("equals", "soap_fault_code", "text"):
        yield from _text_problems(getattr(sign, name), f"{place}.{name}")


def _text_problems(texts: Sequence[str], place: str) -> Iterator[Problem]:
    if len(texts) > MOST_TEXTS:
        yield Problem(place, f"{len(texts)} of them", f"at most {MOST_TEXTS}")
    for index, text in enumerate(texts):
        if not 0 < len(text) <= LONGEST_TEXT:
            yield Problem(place, f"a text of {len(text)} characters", f"1 to {LONGEST_TEXT}")
        elif text in texts[:index]:
            yield Problem(place, f"{text!r} twice", "each once")
