"""Requests to the endpoints of an authorization server, with the client authenticated (RFC 6749 sections 2.3.1, 3.2).

The same client asks for tokens, revokes them (RFC 7009 section 2.1) and asks about them (RFC 7662 section 2.1).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from urllib.parse import quote_plus

from callout.core.message import HttpRequest, form_body
from callout.core.oauth2.parameters import (
    AUDIENCE,
    CLIENT_AUTHENTICATION,
    CLIENT_SECRET_BASIC,
    CLIENT_SECRET_POST,
    INTROSPECTION_ENDPOINT,
    JSON,
    REFRESH_REQUEST_HEADERS,
    REFRESH_REQUEST_PARAMETERS,
    RESOURCE,
    REVOCATION_ENDPOINT,
    SCOPE,
    TOKEN_ENDPOINT,
    TOKEN_REQUEST_FORMAT,
    TOKEN_REQUEST_HEADERS,
    TOKEN_REQUEST_PARAMETERS,
)
from callout.core.protocol import Token, Values
from callout.core.secret import Redactable, Secret, reveal

Field = tuple[str, str | Secret]

#: How many hexadecimal digits name a client: enough to tell the clients of one endpoint apart.
_CLIENT_DIGITS = 16


def token_request(values: Values, *grant: Field, refreshing: bool = False, scoped: bool = True) -> HttpRequest:
    """Build a request to the token endpoint: the grant's own fields, then those that every grant and the dialect have.

    Not `scoped`: what was authorized before is exchanged, and a scope is not asked for again.
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
    request = _authenticated(values, values.text(TOKEN_ENDPOINT.name), [*fields, *more.items()])
    return request.with_headers(*headers.items())


def revocation_request(values: Values, kind: str, text: Secret) -> tuple[str, HttpRequest] | None:
    """Return what is revoked, and how (RFC 7009 section 2.1); None where no revocation endpoint is declared.

    `kind` is `refresh_token`, with which the access tokens of its grant go, or `access_token`.
    """
    endpoint = values.text(REVOCATION_ENDPOINT.name)
    if not endpoint:
        return None
    return kind, _authenticated(values, endpoint, [("token", text), ("token_type_hint", kind)], as_form=True)


def introspection_request(values: Values, token: Token) -> HttpRequest | None:
    """Return the request that asks about the access token (RFC 7662 section 2.1); None where none is declared."""
    endpoint = values.text(INTROSPECTION_ENDPOINT.name)
    if not endpoint:
        return None
    fields: list[Field] = [("token", token.access_token), ("token_type_hint", "access_token")]
    return _authenticated(values, endpoint, fields, as_form=True)


def client_request(values: Values, url: str, fields: Sequence[Field]) -> HttpRequest:
    """Build a request of the client to another endpoint of its authorization server, as a form."""
    return _authenticated(values, url, fields, as_form=True)


def _authenticated(values: Values, url: str, fields: Sequence[Field], *, as_form: bool = False) -> HttpRequest:
    method = values.text(CLIENT_AUTHENTICATION.name, CLIENT_SECRET_BASIC)
    client_id = values.secret("client_id")
    headers: list[tuple[str, str | Secret]] = [("Accept", "application/json")]
    if method == CLIENT_SECRET_BASIC:
        pair = f"{quote_plus(reveal(client_id))}:{quote_plus(reveal(values.secret('client_secret')))}"
        headers.append(("Authorization", Secret("Basic " + base64.b64encode(pair.encode()).decode())))
    else:
        fields = [*fields, ("client_id", client_id)]
        if method == CLIENT_SECRET_POST:
            fields = [*fields, ("client_secret", values.secret("client_secret"))]
    if values.text(TOKEN_REQUEST_FORMAT.name) == JSON and not as_form:
        headers.insert(1, ("Content-Type", "application/json"))
        body = json_body(fields)
    else:
        headers.insert(1, ("Content-Type", "application/x-www-form-urlencoded"))
        body = form_body(tuple(fields))
    client = hashlib.sha256(reveal(client_id).encode()).hexdigest()[:_CLIENT_DIGITS]
    return HttpRequest("POST", url, body=body, client=client).with_headers(*headers)


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
