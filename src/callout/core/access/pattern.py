"""Patterns of paths, and every way in which a server may read a path.

In a pattern `*` stands for some text within one segment, and the segment `**` for any number of segments; at the end
of a pattern `**` stands for everything inside: `/items/**` allows `/items/` and `/items/7/notes`, not `/items`.

A path is compared by its meaning (RFC 3986 section 6.2.2: an encoded unreserved character is that character), and is
sent as it came. Servers differ in what they decode and cut off, so a pattern allows a path only where it allows each
of its readings: with reserved characters encoded, decoded once and more often, with the parameters of segments
(`;x=1`) and without. Text that no pattern can stand for in one way (empty segments, backslashes) has no readings.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

#: How many times over an encoded character (`%2F`, `%252F`) is decoded; a path that is encoded deeper is refused.
ROUNDS = 4
#: Longest pattern, in characters; most segments of a path that is judged.
LONGEST_PATTERN = 1000
MOST_SEGMENTS = 256

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_LOOSE_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_UNREADABLE = re.compile(rb"[\x00-\x1f\x7f\\]")
_DOT_SEGMENT = re.compile(rb"(?:^|/)\.\.?(?:/|$)")
#: Stand in a pattern for `*` and for `**` while its text is decoded.
_SOME, _INSIDE = b"\x00", b"\x01"
_ANY = re.compile(rb".*", re.DOTALL)

#: A reading: how often it was decoded, and its segments.
Reading = tuple[int, tuple[bytes, ...]]
#: One segment of a compiled pattern; None: any number of segments.
_Segments = tuple[re.Pattern[bytes] | None, ...]


class Ambiguous(ValueError):
    """A path that can be read in more than one way; the text says which part of it."""


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A compiled pattern: its segments as written, then decoded once, twice, and so on."""

    text: str
    forms: tuple[_Segments, ...]

    @classmethod
    def of(cls, text: str) -> PathPattern:
        """Compile a pattern that `refusal_of_pattern` accepts."""
        marked = b"/".join(
            _INSIDE if segment == b"**" else segment.replace(b"*", _SOME)
            for segment in canonical(text.encode("ascii")).split(b"/")
        )
        forms = [marked]
        for _ in range(ROUNDS):
            forms.append(unquote_to_bytes(forms[-1]))
        return cls(text, tuple(_compiled(form) for form in forms))

    def allows(self, reading: Reading) -> bool:
        """Say whether it stands for this reading of a path."""
        times, segments = reading
        form = self.forms[times]
        at = of = last = 0
        star = -1
        while at < len(segments):
            part = form[of] if of < len(form) else _NOTHING
            if part is None:
                star, last, of = of, at, of + 1
            elif part.fullmatch(segments[at]) is not None:
                at, of = at + 1, of + 1
            elif star >= 0:
                last, of = last + 1, star + 1
                at = last
            else:
                return False
        return all(part is None for part in form[of:])


_NOTHING = re.compile(rb"(?!)")


def _compiled(marked: bytes) -> _Segments:
    segments = marked[1:].split(b"/")
    parts: list[re.Pattern[bytes] | None] = [None if s == _INSIDE else _segment(s) for s in segments]
    if parts[-1] is None:
        parts.insert(-1, _ANY)
    return tuple(parts)


def _segment(marked: bytes) -> re.Pattern[bytes]:
    """Compile one segment. Each piece is taken where it is found first, so that no text makes this slow."""
    first, *rest = (re.escape(piece) for piece in marked.split(_SOME))
    if not rest:
        return re.compile(first, re.DOTALL)
    *middle, last = rest
    some = b".+" if not first and not any(rest) else b".*"
    found = b"".join(b"(?>.*?" + piece + b")" for piece in middle if piece)
    return re.compile(first + found + some + last, re.DOTALL)


def canonical(path: bytes) -> bytes:
    """Return a path with unreserved characters decoded and other escapes in capitals (RFC 3986 section 6.2.2)."""
    if b"%" not in path:
        return path
    return _ESCAPE.sub(_canonical_escape, path)


def _canonical_escape(found: re.Match[bytes]) -> bytes:
    code = int(found[1], 16)
    return bytes([code]) if code in _UNRESERVED else found[0].upper()


def readings_of(path: bytes) -> tuple[Reading, ...]:
    """Return every way in which servers may read a path; an empty one is `/`. Raises `Ambiguous`."""
    path = canonical(path or b"/")
    if _LOOSE_PERCENT.search(path) is not None:
        raise Ambiguous("a % that starts no escape")
    if b"%" not in path and b";" not in path:
        return ((0, _segments(path)),)
    found: dict[Reading, None] = {}
    texts = {path}
    for times in range(ROUNDS + 1):
        texts |= {_without_parameters(text) for text in texts if b";" in text}
        found.update(dict.fromkeys((times, _segments(text)) for text in sorted(texts)))
        decoded = {unquote_to_bytes(text) for text in texts}
        if decoded == texts:
            return tuple(found)
        texts = decoded
    raise Ambiguous(f"characters that are encoded more than {ROUNDS} times over")


def _without_parameters(path: bytes) -> bytes:
    return b"/".join(segment.partition(b";")[0] for segment in path.split(b"/"))


def _segments(path: bytes) -> tuple[bytes, ...]:
    if _UNREADABLE.search(path) is not None:
        raise Ambiguous("a backslash or a control character")
    if _DOT_SEGMENT.search(path) is not None:
        raise Ambiguous("a dot segment")
    segments = tuple(path[1:].split(b"/"))
    if len(segments) > MOST_SEGMENTS:
        raise Ambiguous(f"more than {MOST_SEGMENTS} segments")
    if b"" in segments[:-1]:
        raise Ambiguous("an empty segment, which some servers leave out")
    return segments


def allowed_by(patterns: Collection[PathPattern], readings: Collection[Reading]) -> bool:
    """Say whether each reading of a path is allowed by one of these patterns; no patterns allow every path."""
    return not patterns or all(any(pattern.allows(reading) for pattern in patterns) for reading in readings)


def pattern_for(path: bytes) -> str:
    """Return the narrowest pattern that allows this path, for a remedy to name. The path must have readings."""
    readings = readings_of(path)
    segments = canonical(path or b"/").decode("ascii").split("/")
    segments = [re.sub(r"\*+", "*", s.partition(";")[0] + "*" if ";" in s else s) for s in segments]
    candidates = ("/".join(segments), *("/".join((*segments[:n], "**")) for n in range(len(segments) - 1, 0, -1)))
    fitting = (text for text in candidates if refusal_of_pattern(text) is None)
    return next((text for text in fitting if allowed_by((PathPattern.of(text),), readings)), "/**")


def refusal_of_pattern(text: str) -> str | None:
    """Return what was expected of a pattern that cannot be accepted, or None."""
    return next(_refusals(text), None)


def _refusals(text: str) -> Iterator[str]:
    if not text.startswith("/"):
        yield "a pattern that starts with /: it is compared with what follows the URL of the named credential"
    if len(text) > LONGEST_PATTERN or text.count("/") > MOST_SEGMENTS:
        yield f"at most {LONGEST_PATTERN} characters and {MOST_SEGMENTS} segments"
    if re.fullmatch(r"[!-~]*", text) is None:
        yield "visible ASCII, other characters percent-encoded"
        return
    if re.search(r"[?#;]", text) is not None:
        yield "a path alone: no query, no fragment, no parameters (;…)"
    if any("**" in segment and segment != "**" for segment in text.split("/")):
        yield "** as a whole segment; within a segment one *"
    if text.startswith("/"):
        try:
            readings_of(text.encode("ascii"))
        except Ambiguous as found:
            yield f"a path that is read in one way; this has {found}"
