"""Makes the request of an operation from what came: JSON members, or the texts of a query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from callout.core.errors import Refused
from callout.core.secret import Secret
from callout.engine.operations.operation import Operation


def decode(operation: Operation, arguments: Mapping[str, Any]) -> msgspec.Struct:
    """Make the request from JSON members, or from the texts of a query. Raises `Refused(malformed_request)`."""
    try:
        return msgspec.convert(dict(arguments), operation.request, strict=operation.reads_body, dec_hook=_decoded)
    except msgspec.ValidationError as error:
        text, mark, place = str(error).partition(" - at `$.")
        at = f"{place.rstrip('`')}: " if mark else ""
        raise Refused("malformed_request", f"{operation.name}: {at}{text}") from None


def _decoded(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    expected = "text" if kind is Secret else kind.__name__
    msg = f"Expected {expected}, got {type(value).__name__}"
    raise TypeError(msg)
