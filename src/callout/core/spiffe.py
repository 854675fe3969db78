"""SPIFFE IDs (SPIFFE-ID specification section 2), and patterns of them.

A pattern is an ID in which a whole segment of the path may be `*` for any one segment, and the last `**` for one or
more. No ID holds an asterisk, so an ID is a pattern that covers itself alone.
"""

from __future__ import annotations

import re

SCHEME = "spiffe://"
#: Longest ID that must be supported (section 2.3), in bytes; all characters are ASCII.
LONGEST_ID = 2048

_TRUST_DOMAIN = r"[a-z0-9._-]{1,255}"
_SEGMENT = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+"
_ID = re.compile(rf"{SCHEME}{_TRUST_DOMAIN}(?:/{_SEGMENT})+")

#: How a pattern looks, for schemas.
PATTERN = rf"^{SCHEME}{_TRUST_DOMAIN}(?:/(?:{_SEGMENT}|\*(?!\*)))*/(?:{_SEGMENT}|\*\*?)$"
_PATTERN = re.compile(PATTERN)

_ONE, _REST = "*", "**"


def is_workload_id(text: str) -> bool:
    """Say whether this is the SPIFFE ID of a workload: with a path, as leaf certificates have (X509-SVID section 3.1)."""
    return len(text) <= LONGEST_ID and _ID.fullmatch(text) is not None


def is_pattern(text: str) -> bool:
    """Say whether this is a SPIFFE ID or a pattern of some."""
    return len(text) <= LONGEST_ID and _PATTERN.fullmatch(text) is not None


def overlap(one: str, other: str) -> bool:
    """Say whether two patterns have an ID in common. An ID that is covered overlaps with what covers it."""
    left, right = one.split("/"), other.split("/")
    for mine, theirs in zip(left, right, strict=False):
        if _REST in (mine, theirs):
            return True
        if mine != theirs and _ONE not in (mine, theirs):
            return False
    return len(left) == len(right)
