"""Rules over the values of declared parameters, whatever they stand in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from callout.core.errors import Problem
from callout.core.json_pointer import refusal_of_pointer
from callout.core.protocol import Parameter
from callout.core.rules.names import nearest
from callout.core.rules.urls import refusal_of_url

BREAKS = ("\r", "\n", "\0")


def value_problems(declared: Parameter, value: str, place: str, *, private: bool) -> Iterator[Problem]:
    """Judge one value; `private`: a URL may be on a private network."""
    if declared.secret:
        yield Problem(place, f"secret {declared.name!r} as a parameter", "it under principals, in secrets")
    elif any(character in value for character in BREAKS):
        yield Problem(place, "a value that holds CR, LF or NUL", "one line")
    elif not value and declared.required:
        yield Problem(place, "an empty value", declared.help)
    elif declared.choices and value not in declared.choices:
        expected = f"one of {', '.join(declared.choices)}"
        yield Problem(place, repr(value), expected, nearest(value, declared.choices))
    elif declared.pattern is not None and value and re.fullmatch(declared.pattern, value) is None:
        yield Problem(place, repr(value), declared.help)
    elif declared.url and value:
        refusal = refusal_of_url(value, allow_private_network=private, query_allowed=True)
        if refusal is not None:
            yield Problem(place, refusal.got, refusal.expected)
    elif declared.between is not None and value and not _lies_between(value, *declared.between):
        yield Problem(place, repr(value), f"a whole number from {declared.between[0]} to {declared.between[1]}")
    elif declared.pattern is not None and value and re.fullmatch(declared.pattern, value) is None:
        yield Problem(place, repr(value), declared.help)
    elif declared.pointer and (wanted := refusal_of_pointer(value)) is not None:
        yield Problem(place, repr(value), wanted)


def _lies_between(value: str, lowest: int, highest: int) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= len(str(highest)) and lowest <= int(value) <= highest


def key_problems(declared: Parameter, name: str, place: str) -> Iterator[Problem]:
    """Judge what follows the dot in the name of a parameter with keys."""
    key = name.partition(".")[2]
    if declared.key is None:
        return
    if re.fullmatch(declared.key, key) is None:
        yield Problem(place, f"name {key!r}", f"{declared.name}.NAME, with a NAME that can be sent")
    elif key.lower() in declared.reserved:
        yield Problem(place, f"{declared.name} {key!r}", "another: the protocol writes this one itself")
