"""Requests to the endpoints of an authorization server, with the client authenticated (RFC 6749 sections 2.3.1, 3.2).

The same client asks for tokens, revokes them (RFC 7009 section 2.1) and asks about them (RFC 7662 section 2.1).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from callout.core.message import HttpRequest, form_body
from callout.core.oauth2.client import Field, client_proof
from callout.core.oauth2.dpop import DPOP, proof
from callout.core.oauth2.parameters import (
    AUDIENCE,
    DPOP_CERTIFICATE,
    JSON,
    REFRESH_REQUEST_HEADERS,
    REFRESH_REQUEST_PARAMETERS,
    RESOURCE,
    SCOPE,
    TOKEN_ENDPOINT,
    TOKEN_REQUEST_FORMAT,
    TOKEN_REQUEST_HEADERS,
    TOKEN_REQUEST_PARAMETERS,
)
from callout.core.protocol import Moment, Values
from callout.core.secret import Redactable, Secret, reveal

#: How many hexadecimal digits name a client: enough to tell the clients of one endpoint apart.
_CLIENT_DIGITS = 16


def token_request(
    values: Values, moment: Moment, *grant: Field, refreshing: bool = False, scoped: bool = True, nonce: str = ""
) -> HttpRequest:
    """Build a request to the token endpoint: the grant's own fields, then those that every grant and the dialect have.

    Not `scoped`: what was authorized before is exchanged, and a scope is not asked for again. Where tokens are bound to
    a key it bears a proof of that, with the `nonce` (RFC 9449 section 5).
    """
    fields = [*grant]
    if scoped and (scope := values.text(SCOPE.name)):
        fields.append(("scope", scope))
    if audience := values.text(AUDIENCE.name):
        fields.append(("audience", audience))
    fields += [("resource", each) for each in values.text(RESOURCE.name).split()]
    more, headers = values.keyed(TOKEN_REQUEST_PARAMETERS.name), values.keyed(TOKEN_REQUEST_HEADERS.name)
    if refreshing:
        more |= values.keyed(REFRESH_REQUEST_PARAMETERS.name)
        headers |= values.keyed(REFRESH_REQUEST_HEADERS.name)
    endpoint = values.text(TOKEN_ENDPOINT.name)
    request = _authenticated(values, moment, endpoint, [*fields, *more.items()], nonce=nonce)
    request = request.with_headers(*headers.items())
    if values.text(DPOP_CERTIFICATE.name):
        key_pair = values.key_pair(DPOP_CERTIFICATE.name)
        request = request.with_headers((DPOP, proof(key_pair, moment, method="POST", url=endpoint, nonce=nonce)))
    return request


def client_request(values: Values, moment: Moment, url: str, fields: Sequence[Field]) -> HttpRequest:
    """Build a request of the client to another endpoint of its authorization server, as a form."""
    return _authenticated(values, moment, url, fields, as_form=True)


def _authenticated(
    values: Values, moment: Moment, url: str, fields: Sequence[Field], *, as_form: bool = False, nonce: str = ""
) -> HttpRequest:
    proven = client_proof(values, moment, url, (*fields, ("nonce", nonce)))
    headers: list[tuple[str, str | Secret]] = [("Accept", "application/json")]
    fields = (*fields, *proven.fields)
    if values.text(TOKEN_REQUEST_FORMAT.name) == JSON and not as_form:
        headers.append(("Content-Type", "application/json"))
        body = json_body(fields)
    else:
        headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        body = form_body(tuple(fields))
    if proven.authorization is not None:
        headers.append(("Authorization", proven.authorization))
    client_id = values.secrets.get("client_id")
    client = hashlib.sha256(reveal(client_id).encode()).hexdigest()[:_CLIENT_DIGITS] if client_id is not None else ""
    request = HttpRequest("POST", url, body=body, client=client, client_certificate=proven.certificate)
    return request.with_headers(*headers)


def json_body(fields: Sequence[Field]) -> Redactable:
    """Write fields as one JSON object; a name that stands more than once becomes a list. Secret values stay secret."""
    by_name: dict[str, list[str | Secret]] = {}
    for name, value in fields:
        by_name.setdefault(name, []).append(value)
    parts: list[str | Secret] = []
    for name, values in by_name.items():
        parts.append(f"{', ' if parts else '{'}{json.dumps(name)}: {'[' if len(values) > 1 else ''}")
        for index, value in enumerate(values):
            parts += [", "] if index else []
            text = json.dumps(reveal(value))
            parts.append(Secret(text) if isinstance(value, Secret) else text)
        parts += ["]"] if len(values) > 1 else []
    return Redactable((*parts, "}" if parts else "{}"))
