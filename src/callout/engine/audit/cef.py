r"""Events as ArcSight Common Event Format, `CEF:0` (CEF Implementation Standard, version 26).

A header's values escape `\` and `|` and hold no line break; an extension's values escape `\` and `=`, and write line
breaks as `\n` and `\r`. Keys are those of the standard's dictionary; what it has no key for is in custom strings and
numbers with their labels. One event a line, UTF-8, without a syslog header: the forwarder adds its own.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from callout.engine.audit.events import Event

#: Most characters of a value, where the dictionary has a limit that a caller could pass. JSON Lines has them whole.
_LONGEST = {"request": 1023, "msg": 1023, "act": 63}
_CONTROLS = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")
_LABELLED = (
    ("cs1", "named_credential", "namedCredential"),
    ("cs2", "external_credential", "externalCredential"),
    ("cs3", "principal", "principal"),
    ("cs5", "replay", "replay"),
    ("cs6", "on_behalf_of", "onBehalfOf"),
)
#: Severity 0 to 10: what was done, what was refused, what an admin should look at.
_DONE, _FAILED, _LOST = 3, 5, 8


def header_value(value: str) -> str:
    r"""Escape a value of the header: `\` and `|`; a line break becomes a space."""
    plain = _CONTROLS.sub(" ", value).replace("\r", " ").replace("\n", " ")
    return plain.replace("\\", "\\\\").replace("|", "\\|")


def extension_value(value: object) -> str:
    r"""Escape a value of the extension: `\`, `=` and line breaks."""
    plain = _CONTROLS.sub(" ", str(value)).replace("\\", "\\\\").replace("=", "\\=")
    return plain.replace("\r", "\\r").replace("\n", "\\n")


def _fitted(key: str, value: object) -> object:
    longest = _LONGEST.get(key)
    return value if longest is None or len(str(value)) <= longest else str(value)[: longest - 1] + "…"


def line_of(event: Event, version: str) -> str:
    """Write one event; `version` is Callout's."""
    signature, name, severity, extension = _WRITERS[event["type"]](event)
    header = "|".join(map(header_value, ("Callout", "Callout", version, signature, name, str(severity))))
    members = {"rt": _milliseconds(event["at"]), "cn3": event["seq"], "cn3Label": "auditRow", **extension}
    pairs = (f"{key}={extension_value(_fitted(key, value))}" for key, value in members.items() if value is not None)
    return f"CEF:0|{header}|{' '.join(pairs)}"


def _act(event: Event) -> tuple[str, str, int, dict[str, Any]]:
    extension = {"cat": "audit", "suser": event["who"], "act": event["act"], "msg": event["what"], "outcome": "success"}
    return f"act:{event['act'].replace(' ', '_')}", event["act"], _DONE, extension


def _callout(event: Event) -> tuple[str, str, int, dict[str, Any]]:
    failed = event["reason"] or not 0 < event["status"] < 400
    extension: dict[str, Any] = {
        "cat": "callout",
        "externalId": event["callout_id"],
        "suser": event["caller"]["user"],
        "outcome": "failure" if failed else "success",
        "reason": event["reason"],
        "requestMethod": event["method"],
        "request": event["path"],
        "in": event["sent_bytes"],  # bytesIn: from the source to the destination
        "out": event["received_bytes"],
        "cn1": event["status"],
        "cn1Label": "status",
        "cn2": round(event["duration_ms"]),
        "cn2Label": "durationMilliseconds",
        "msg": event.get("detail"),
    }
    for key, member, label in _LABELLED:
        if event[member] is not None:
            extension |= {key: event[member], f"{key}Label": label}
    if event["caller"]["namespace"] is not None:
        extension |= {"cs4": event["caller"]["namespace"], "cs4Label": "namespace"}
    code = event["reason"] or ("callout" if event["status"] else "caller_left")
    return f"callout:{code}", event["title"] or "Callout", _FAILED if failed else _DONE, extension


def _not_kept(event: Event) -> tuple[str, str, int, dict[str, Any]]:
    extension = {"cat": "callout", "cnt": event["count"], "cn1": event["status"], "cn1Label": "status"}
    named = {"cs1": event["named_credential"], "cs1Label": "namedCredential"}
    return "callouts:not_kept", "Successful callouts left out by sampling", _DONE, extension | named


def _dropped(event: Event) -> tuple[str, str, int, dict[str, Any]]:
    return "callouts:dropped", "Records of callouts lost", _LOST, {"cat": "audit", "cnt": event["count"]}


def _unreadable(_: Event) -> tuple[str, str, int, dict[str, Any]]:
    return "audit:unreadable", "A row of the audit trail was edited", _LOST, {"cat": "audit"}


_WRITERS = {
    "act": _act,
    "callout": _callout,
    "not_kept": _not_kept,
    "dropped": _dropped,
    "unreadable": _unreadable,
}


def _milliseconds(at: str) -> int | None:
    try:
        return round(datetime.fromisoformat(at).timestamp() * 1000)
    except ValueError:  # an edited row
        return None
