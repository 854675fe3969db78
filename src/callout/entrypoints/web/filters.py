"""How templates show what they are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote


def part(text: str) -> str:
    """Write a text as one part of a path."""
    return quote(str(text), safe="")


def moment(value: str | datetime | None) -> str:
    """Write a time as people read it, in UTC."""
    if not value:
        return "never"
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def counted(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def words(name: str) -> str:
    """Write a name of ours as a label: `client_authentication` becomes `Client authentication`."""
    text = name.replace("_", " ").replace(".", " ")
    return text[:1].upper() + text[1:]


FILTERS: Mapping[str, Callable[..., Any]] = {"part": part, "moment": moment, "counted": counted, "words": words}
