"""The authorization code grant: what the browser is sent with, what it comes back with, and the exchange of the code.

RFC 6749 sections 4.1.1 to 4.1.4, PKCE (RFC 7636), resource indicators (RFC 8707) and the issuer in the response
(RFC 9207). Pure: state and code verifier are made from random bytes that are handed in.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.message import form_body
from callout.core.oauth2.client import Field
from callout.core.oauth2.parameters import (
    AUDIENCE,
    AUTHORIZATION_ENDPOINT,
    AUTHORIZATION_REQUEST_PARAMETERS,
    ISSUER,
    ISSUER_IN_RESPONSE,
    NO_PKCE,
    PKCE,
    RESOURCE,
    S256,
    SCOPE,
)
from callout.core.oauth2.refusal import shown
from callout.core.protocol import Values
from callout.core.secret import Redactable, Secret, reveal


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """What the browser came back with (RFC 6749 sections 4.1.2 and 4.1.2.1). None = not there."""

    code: Secret | None = None
    error: str | None = None
    error_description: str | None = None
    iss: str | None = None


def random_text(entropy: bytes) -> Secret:
    """Return random bytes as base64url: a `state`, or a `code_verifier` (RFC 7636 section 4.1; 32 bytes are 43 characters)."""
    return Secret(base64.urlsafe_b64encode(entropy).rstrip(b"=").decode())


def code_challenge(code_verifier: Secret) -> str:
    """Return BASE64URL-ENCODE(SHA256(ASCII(code_verifier))) (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(reveal(code_verifier).encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def authorization_url(values: Values, *, redirect_uri: str, state: Secret, code_verifier: Secret) -> Redactable:
    """Return where the browser goes to authorize (RFC 6749 section 4.1.1). Raises `Refused(principal_not_configured)`."""
    endpoint = values.text(AUTHORIZATION_ENDPOINT.name)
    if not endpoint:
        detail = f"got no {AUTHORIZATION_ENDPOINT.name}; expected the URL at which the user authorizes"
        raise Refused(
            "principal_not_configured", detail, Remedy("Declare it on the external credential or its provider")
        )
    fields: list[Field] = [
        ("response_type", "code"),
        ("client_id", reveal(values.secret("client_id"))),  # the browser shows it: a public value (section 2.2)
        ("redirect_uri", redirect_uri),
    ]
    if scope := values.text(SCOPE.name):
        fields.append(("scope", scope))
    if audience := values.text(AUDIENCE.name):
        fields.append(("audience", audience))
    fields += [("resource", each) for each in values.text(RESOURCE.name).split()]
    fields += values.keyed(AUTHORIZATION_REQUEST_PARAMETERS.name).items()
    if values.text(PKCE.name, S256) != NO_PKCE:
        fields += [("code_challenge", code_challenge(code_verifier)), ("code_challenge_method", "S256")]
    fields.append(("state", state))
    joint = "?" if not urlsplit(endpoint).query else "&"
    return Redactable.of(endpoint.removesuffix("?"), joint, form_body(tuple(fields)))


def code_grant(values: Values, code: Secret, *, redirect_uri: str, code_verifier: Secret) -> tuple[Field, ...]:
    """Return the fields of the access token request (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""
    grant: tuple[Field, ...] = (
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
    )
    return grant if values.text(PKCE.name, S256) == NO_PKCE else (*grant, ("code_verifier", code_verifier))


def judged_response(response: AuthorizationResponse, values: Values) -> Secret:
    """Return the code. Raises `Refused(connection_failed)` where the response is an error, or another server's.

    The issuer is judged first: an error of another server says nothing (RFC 9207 section 2.4).
    """
    issuer = values.text(ISSUER.name)
    if response.iss is not None and issuer and response.iss != issuer:
        got = f"got an authorization response of issuer {shown(response.iss, ())}; expected {issuer!r} (RFC 9207)"
        raise _refused(
            got, "Begin again; if it happens again, correct issuer, or the endpoints, of the identity provider"
        )
    if response.iss is None and values.text(ISSUER_IN_RESPONSE.name) == "true":
        got = f"got an authorization response without iss; expected {issuer or 'the issuer'!r} in it (RFC 9207)"
        raise _refused(got, "Begin again, from the link that Callout gave")
    if response.error is not None:
        said = shown(response.error, ())
        if response.error_description:
            said += f" ({shown(response.error_description, ())})"
        raise _refused(f"the authorization server answered error {said}; expected a code", _remedy_of(response.error))
    if response.code is None:
        raise _refused("got an authorization response with neither code nor error; expected a code", "Begin again")
    return response.code


def _refused(detail: str, remedy: str) -> Refused:
    return Refused("connection_failed", detail, Remedy(remedy))


def _remedy_of(error: str) -> str:
    """Return what mends an error of RFC 6749 section 4.1.2.1 or of OpenID Connect Core 1.0 section 3.1.2.6."""
    remedies = {
        "access_denied": "Begin again, and agree at the authorization server; or ask its admin to allow this client",
        "invalid_scope": "Correct the scope of the external credential",
        "invalid_target": "Correct resource of the external credential (RFC 8707)",
        "unauthorized_client": "Allow the authorization code grant for this client at the authorization server",
        "unsupported_response_type": "Allow the authorization code grant for this client at the authorization server",
        "invalid_request": "Compare redirect URI, scope and authorization_request_parameters with what the server expects",
        "redirect_uri_mismatch": "Register the callback URL of Callout at the authorization server, letter for letter",
        "server_error": "Begin again in a while",
        "temporarily_unavailable": "Begin again in a while",
        "login_required": "Begin again, and sign in; remove prompt=none from authorization_request_parameters",
        "consent_required": "Begin again, and agree; remove prompt=none from authorization_request_parameters",
        "interaction_required": "Begin again; remove prompt=none from authorization_request_parameters",
    }
    return remedies.get(error, "Begin again; if it happens again, ask who runs the authorization server")
