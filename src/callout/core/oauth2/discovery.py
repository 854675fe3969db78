"""Where the endpoints of an authorization server are, as it says itself (RFC 8414, OpenID Connect Discovery 1.0).

Asked where an endpoint is needed that is not declared. What a server says is believed only where it names the issuer
that was asked for (RFC 8414 section 3.3), and an endpoint only where it is as safe as the issuer's own URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.message import HttpRequest, HttpResponse
from callout.core.oauth2.parameters import AUTHORIZATION_ENDPOINT, CLIENT_CERTIFICATE, ISSUER, ISSUER_IN_RESPONSE
from callout.core.oauth2.refusal import TokenRefused, is_transient, members_of, shown
from callout.core.protocol import Conversation, Values

#: How long an answer is used again, in seconds.
REUSABLE = 900.0
_OPENID, _OAUTH = "openid-configuration", "oauth-authorization-server"


def discovered(values: Values, *names: str, required: bool = True) -> Conversation[Values]:
    """Return the values with these endpoints as parameters: as declared, or as the server's metadata says.

    Raises `Refused` where a `required` one is nowhere; one that is not required is left out then.
    """
    lacking = [name for name in names if not values.text(name)]
    issuer = values.text(ISSUER.name)
    if not lacking or not issuer:
        if lacking and required:
            detail = f"got neither {lacking[0]} nor {ISSUER.name}; expected one of them"
            raise Refused("principal_not_configured", detail, Remedy("Declare one of them on the external credential"))
        return values
    url, metadata = yield from _metadata(issuer)
    found = {}
    for name in lacking:
        endpoint = _endpoint(metadata, name, mutual_tls=bool(values.text(CLIENT_CERTIFICATE.name)))
        if endpoint is not None:
            found[name] = _judged(endpoint, name, issuer, url)
        elif required:
            raise _refused(f"{url} names no {name}; expected one (RFC 8414 section 2)", f"Declare {name}")
    return replace(values, parameters={**values.parameters, **found})


def naming_itself(values: Values) -> Conversation[Values]:
    """Return the values with whether the server names itself in every authorization response (RFC 9207 section 3)."""
    issuer = values.text(ISSUER.name)
    if not issuer:
        return values
    _, metadata = yield from _metadata(issuer)
    supported = "true" if metadata.get(ISSUER_IN_RESPONSE.name) is True else values.text(ISSUER_IN_RESPONSE.name)
    return replace(values, parameters={**values.parameters, ISSUER_IN_RESPONSE.name: supported})


def well_known(issuer: str) -> tuple[str, str]:
    """Return where metadata is: OpenID's place, after the path, and that of RFC 8414 section 3.1, before it."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    origin = f"{parts.scheme}://{parts.netloc}"
    return f"{origin}{path}/.well-known/{_OPENID}", f"{origin}/.well-known/{_OAUTH}{path}"


def _metadata(issuer: str) -> Conversation[tuple[str, Mapping[str, Any]]]:
    """Ask both places in turn; return the first that has metadata, and that."""
    answered: list[tuple[str, HttpResponse]] = []
    for url in well_known(issuer):
        request = HttpRequest("GET", url, reusable_for=REUSABLE).with_headers(("Accept", "application/json"))
        response = yield request
        members = members_of(response) if response.status == 200 else {}
        if isinstance(members.get("issuer"), str):
            if members["issuer"] != issuer:
                said = shown(members["issuer"], ())
                detail = f"{url} is the metadata of issuer {said}; expected {issuer!r}, letter for letter (RFC 8414)"
                raise _refused(detail, "Correct issuer of the external credential")
            return url, members
        answered.append((url, response))
    raise _without_metadata(answered)


def _without_metadata(answered: list[tuple[str, HttpResponse]]) -> TokenRefused:
    said = "; ".join(f"{url} answered {response.status}{_worded(response)}" for url, response in answered)
    transient = any(response.status >= 500 or response.status == 429 for _, response in answered)
    transient = transient and all(is_transient(response) or response.status != 200 for _, response in answered)
    code = "token_endpoint_unreachable" if transient else "token_endpoint_refused"
    remedy = Remedy("Correct issuer of the external credential, or declare its endpoints instead")
    return TokenRefused(code, f"{said}; expected server metadata (RFC 8414)", remedy, transient=transient, unsent=True)


def _worded(response: HttpResponse) -> str:
    if response.status != 200:
        return ""
    kind = (response.header("content-type") or "no content type")[:80]
    return f" ({kind}) without an issuer" if members_of(response) else f" ({kind}), which is no JSON object"


def _endpoint(metadata: Mapping[str, Any], name: str, *, mutual_tls: bool) -> str | None:
    """Return an endpoint; for a client that shows a certificate that of RFC 8705 section 5, where there is one.

    The browser goes to the authorization endpoint, and has no certificate: an alias of that one has no meaning.
    """
    aliases = metadata.get("mtls_endpoint_aliases") if mutual_tls and name != AUTHORIZATION_ENDPOINT.name else None
    places = (aliases if isinstance(aliases, dict) else {}, metadata)
    found = (place.get(name) for place in places)
    return next((url for url in found if isinstance(url, str) and url), None)


def _judged(endpoint: str, name: str, issuer: str, url: str) -> str:
    """Return an endpoint that may be asked: over TLS, or in the clear where the issuer itself is, at the same host."""
    try:
        parts, own = urlsplit(endpoint), urlsplit(issuer)
        plain = parts.scheme == "http" and own.scheme == "http" and parts.hostname == own.hostname
        safe = (parts.scheme == "https" or plain) and bool(parts.hostname) and parts.port != 0
    except ValueError:
        safe = False
        parts = urlsplit("")
    if not safe or parts.fragment or "@" in parts.netloc or not endpoint.isascii() or not endpoint.isprintable():
        detail = f"{url} says {shown(endpoint, ())} for {name}; expected an https URL without user and fragment"
        raise _refused(detail, f"Ask who runs the authorization server, or declare {name}")
    return endpoint


def _refused(detail: str, remedy: str) -> TokenRefused:
    return TokenRefused("token_endpoint_refused", detail, Remedy(remedy), unsent=True)
