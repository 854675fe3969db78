"""JSON pointers (RFC 6901): where in a document a value stands, such as `/data/token`. Pure; never raises on a document."""

from __future__ import annotations

import re
from typing import Any

_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)+")
_INDEX = re.compile(r"0|[1-9][0-9]*")


def tokens_of(pointer: str) -> tuple[str, ...] | None:
    """Return the reference tokens of a pointer (RFC 6901 section 4); None where it is none, or names the whole text."""
    if _POINTER.fullmatch(pointer) is None:
        return None
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))


def refusal_of_pointer(text: str) -> str | None:
    """Say what a text has to be where it is no pointer to a member (RFC 6901 section 3), or None."""
    if tokens_of(text) is not None:
        return None
    return "a JSON pointer (RFC 6901) that starts with a slash, such as /data/token"


def resolve(document: Any, pointer: str) -> Any:
    """Return the value that a pointer to a member names (RFC 6901 section 4); None where there is none."""
    for name in tokens_of(pointer) or ():
        if isinstance(document, dict):
            document = document.get(name)
        elif isinstance(document, list) and _INDEX.fullmatch(name) and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document
