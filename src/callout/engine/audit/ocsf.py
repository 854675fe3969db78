"""Events of the Open Cybersecurity Schema Framework, version 1.2.0 (https://schema.ocsf.io/1.2.0), one JSON object a line.

A callout is an API Activity (6003), an admin's act an Entity Management (3004), a count of what was left out or lost a
Base Event (0). Required attributes of each class are always there; what the schema has no place for is in `unmapped`.
The address of the caller is not recorded: `src_endpoint` names the package whose code called, else the user.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from callout.engine.audit.events import Event

VERSION = "1.2.0"

_CREATE, _READ, _UPDATE, _DELETE, _OTHER = 1, 2, 3, 4, 99
_ACTIVITIES = {_CREATE: "Create", _READ: "Read", _UPDATE: "Update", _DELETE: "Delete", _OTHER: "Other"}
_BY_METHOD = {
    "POST": _CREATE,
    "GET": _READ,
    "HEAD": _READ,
    "OPTIONS": _READ,
    "PUT": _UPDATE,
    "PATCH": _UPDATE,
    "DELETE": _DELETE,
}
#: Values of `http_request.http_method` in this version.
_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE"})
_BY_VERB = {"create": _CREATE, "install": _CREATE, "remove": _DELETE, "delete": _DELETE, "prune": _DELETE}
_INFORMATIONAL, _LOW, _MEDIUM, _HIGH = 1, 2, 3, 4
_SEVERITIES = {_INFORMATIONAL: "Informational", _LOW: "Low", _MEDIUM: "Medium", _HIGH: "High"}
_UNMAPPED = ("external_credential", "principal", "replay", "blame", "sent_bytes", "received_bytes")


def line_of(event: Event, version: str) -> str:
    """Write one event; `version` is Callout's."""
    made = _WRITERS.get(event["type"], _counted)(event)
    metadata = {
        "version": VERSION,
        "product": {"name": "Callout", "vendor_name": "Callout", "version": version},
        "log_name": "audit" if event["type"] in ("act", "unreadable") else "callouts",
        "original_time": event["at"],
        "sequence": event["seq"],
    }
    made["metadata"] = {**metadata, **made.get("metadata", {})}
    made["type_uid"] = made["class_uid"] * 100 + made["activity_id"]
    made["severity"] = _SEVERITIES[made["severity_id"]]
    made["activity_name"] = _ACTIVITIES[made["activity_id"]]
    made["type_name"] = f"{made['class_name']}: {made['activity_name']}"
    return json.dumps({"time": _milliseconds(event["at"]), **made}, ensure_ascii=False, separators=(",", ":"))


def _act(event: Event) -> dict[str, Any]:
    verb, _, kind = event["act"].partition(" ")
    return {
        "category_uid": 3,
        "category_name": "Identity & Access Management",
        "class_uid": 3004,
        "class_name": "Entity Management",
        "activity_id": _BY_VERB.get(verb, _UPDATE),
        "severity_id": _INFORMATIONAL,
        "status_id": 1,
        "status": "Success",
        "message": f"{event['act']}: {event['what']}",
        "actor": {"user": {"name": event["who"], "type_id": 2, "type": "Admin"}},
        "entity": {"name": event["what"], "type": kind or event["act"]},
        "metadata": {"event_code": event["act"]},
    }


def _callout(event: Event) -> dict[str, Any]:
    caller, reason, name = event["caller"], event["reason"], event["named_credential"]
    failed = bool(reason) or not 0 < event["status"] < 400
    severity = _INFORMATIONAL if not failed else _MEDIUM if event["blame"] == "callout" else _LOW
    unmapped = {name: event[name] for name in _UNMAPPED if event[name] is not None}
    return {
        "category_uid": 6,
        "category_name": "Application Activity",
        "class_uid": 6003,
        "class_name": "API Activity",
        "activity_id": _BY_METHOD.get(event["method"], _OTHER),
        "severity_id": severity,
        "status_id": 2 if failed else 1,
        "status": "Failure" if failed else "Success",
        "status_code": reason or str(event["status"]),
        "status_detail": event["title"] or ("" if event["status"] else "the caller left before the answer"),
        "message": event.get("detail") or f"{event['method']} {name or event['path']}: {event['status']}",
        "actor": _actor(caller),
        "api": _api(event),
        "src_endpoint": {"name": caller["namespace"] or caller["user"] or "unknown"},
        **({"dst_endpoint": {"svc_name": name}} if name else {}),
        "http_request": _http_request(event),
        **({"resources": [{"name": name, "type": "Named Credential"}]} if name else {}),
        "duration": round(event["duration_ms"]),
        "metadata": {"uid": event["callout_id"], "event_code": reason or "callout"},
        "unmapped": unmapped,
    }


def _actor(caller: dict[str, Any]) -> dict[str, Any]:
    actor: dict[str, Any] = {}
    if caller["user"]:
        actor["user"] = {"name": caller["user"], "type_id": 1, "type": "User"}
    if caller["namespace"]:
        actor["app_name"] = caller["namespace"]
    return actor or {"user": {"name": "unknown", "type_id": 0, "type": "Unknown"}}


def _api(event: Event) -> dict[str, Any]:
    response: dict[str, Any] = {"code": event["status"]}
    if event["reason"]:
        response |= {"error": event["reason"], "error_message": event.get("detail") or event["title"]}
    api: dict[str, Any] = {
        "operation": f"{event['method']} {event['named_credential'] or event['path']}",
        "request": {"uid": event["callout_id"]},
        "response": response,
    }
    if event["named_credential"]:
        api["service"] = {"name": event["named_credential"]}
    return api


def _http_request(event: Event) -> dict[str, Any]:
    request: dict[str, Any] = {"url": {"path": event["path"]}}
    if event["method"] in _METHODS:
        request["http_method"] = event["method"]
    return request


def _counted(event: Event) -> dict[str, Any]:
    """Write a count of records that are not there, or a row that cannot be read."""
    texts = {
        "not_kept": "successful callouts that sampling left out",
        "dropped": "records of callouts that were lost because too many waited",
        "unreadable": "row of the audit trail that was edited and cannot be read",
    }
    count = event.get("count", 1)
    left = {name: event[name] for name in ("named_credential", "status") if name in event}
    return {
        "category_uid": 0,
        "category_name": "Uncategorized",
        "class_uid": 0,
        "class_name": "Base Event",
        "activity_id": _OTHER,
        "severity_id": _INFORMATIONAL if event["type"] == "not_kept" else _HIGH,
        "count": count,
        "message": f"{count} {texts[event['type']]}",
        "metadata": {"event_code": event["type"]},
        "unmapped": left,
    }


_WRITERS = {"act": _act, "callout": _callout}


def _milliseconds(at: str) -> int:
    try:
        return round(datetime.fromisoformat(at).timestamp() * 1000)
    except ValueError:  # an edited row
        return 0
