"""How the external system words a refusal: as the APIs of this world do."""

from __future__ import annotations

import json

SHAPES = ("json", "challenge", "soap", "graphql", "slack")
#: The code that a stale credential has in each shape; in the others it is what was wrong with it.
STALE_CODES = {"soap": "INVALID_SESSION_ID", "graphql": "UNAUTHENTICATED", "slack": "token_expired"}

_FAULT = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.sandbox.example">\
<soapenv:Body><soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {description}</faultstring>\
</soapenv:Fault></soapenv:Body></soapenv:Envelope>
"""


def worded(shape: str, code: str, description: str) -> tuple[str, bytes]:
    """Return the content type and the body of a refusal. `code` and `description` are the sandbox's own words."""
    if shape == "soap":
        return "text/xml; charset=utf-8", _FAULT.format(code=code, description=description).encode()
    members: dict[str, object] = {"error": code, "error_description": description}
    if shape == "graphql":
        members = {"data": None, "errors": [{"message": description, "extensions": {"code": code}}]}
    elif shape == "slack":
        members = {"ok": False, "error": code}
    return "application/json", json.dumps(members, ensure_ascii=False).encode() + b"\n"
