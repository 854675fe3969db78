"""A token answer that gave no token: what it said, without a secret, and whether asking again may help.

*Transient* is what the server may not repeat: a 5xx, 408, 425 or 429, an answer of success that cannot be read (empty,
HTML, cut short), or an error that says so. Everything else stands until somebody changes something.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote_plus

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.json_pointer import resolve
from callout.core.message import HttpResponse
from callout.core.oauth2.lifetime import date_of, http_date
from callout.core.oauth2.parameters import (
    CLIENT_AUTHENTICATION,
    CLIENT_SECRET_BASIC,
    DPOP_CERTIFICATE,
    ERROR_FIELD,
    NO_CLIENT_SECRET,
    PRIVATE_KEY_JWT,
    RECONNECT_ERRORS,
    SELF_SIGNED_TLS_CLIENT_AUTH,
    TLS_CLIENT_AUTH,
)
from callout.core.protocol import Values
from callout.core.secret import REDACTED, Secret, reveal

#: Statuses of an answer that may hold a token: RFC 6749 says 200; 201 and 203 are seen, too.
GRANTED = frozenset({200, 201, 203})
#: How much of a refusal is kept for the explanation, in characters.
SNIPPET = 300
#: How much of a body that is no JSON is looked at for it, in bytes.
READ = 64 * 1024
#: The longest `Retry-After` that is believed, in seconds.
LONGEST_RETRY_AFTER = 300.0

#: What a server answers to a DPoP proof without the nonce that it wants (RFC 9449 sections 8 and 9).
USE_DPOP_NONCE = "use_dpop_nonce"
_CERTIFICATE_UNKNOWN = "Let the authorization server know client_certificate, and correct client_id"
#: What mends `invalid_client`, by how the client proves itself.
_PROVEN_BY = {
    CLIENT_SECRET_BASIC: "Correct client_id and client_secret of the principal, or client_authentication",
    PRIVATE_KEY_JWT: "Let the authorization server know the public key of signing_certificate, correct client_id, compare"
    " its clock with ours, and issuer or token_endpoint with the audience that it expects",
    TLS_CLIENT_AUTH: _CERTIFICATE_UNKNOWN,
    SELF_SIGNED_TLS_CLIENT_AUTH: _CERTIFICATE_UNKNOWN,
    NO_CLIENT_SECRET: "Correct client_id, or choose another client_authentication: this server may want a proof",
}

_TRANSIENT_STATUSES = frozenset({408, 425, 429})
_TRANSIENT_ERRORS = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
_FORMS = frozenset({"application/x-www-form-urlencoded", "text/plain", ""})
_FORM = re.compile(r"[^\s<>{}=&]+=[^\s<>{}]*")
#: What may be a token or a key: long, with letters and digits. Trace ids (UUIDs) are kept, support asks for them.
_RUN = re.compile(r"[\w.~+/=-]{20,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}[.]?")
#: A JSON member or form field whose name speaks of a credential, up to its value.
_NAMED = re.compile(
    r'("[^"]*(?:token|secret|passw|key|code_verifier|assertion|credential)[^"]*"\s*:\s*")(?:[^"\\]|\\.)+', re.IGNORECASE
)


class TokenRefused(Refused):
    """A token request that gave no token.

    `error` is the code of RFC 6749 section 5.2 where there was one, `status` that of the answer where one came.
    `transient`: asking again may help. `unsent`: nothing has left, so no refresh token can have been spent.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *remedies: Remedy,
        error: str | None = None,
        status: int | None = None,
        transient: bool = False,
        unsent: bool = False,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(code, detail, *remedies, retry_after=retry_after, unsent=unsent)
        self.error = error
        self.status = status
        self.transient = transient


def is_transient(response: HttpResponse) -> bool:
    """Say whether an answer that gave no token may be followed by one that does."""
    if response.status >= 500 or response.status in _TRANSIENT_STATUSES:
        return True
    members = members_of(response)
    if response.status in GRANTED and not members:
        return not _is_xml(response)
    error = members.get("error")
    return isinstance(error, str) and error in _TRANSIENT_ERRORS


def _is_xml(response: HttpResponse) -> bool:
    """Say whether an answer is XML, as AWS Security Token Service sends it: not what OAuth asks for, but no failure."""
    kind = (response.header("content-type") or "").partition(";")[0].strip().lower()
    return kind in ("text/xml", "application/xml")


def retry_after_of(response: HttpResponse, now: datetime) -> float | None:
    """Return the seconds that `Retry-After` asks to wait (RFC 9110 section 10.2.3), capped; None where it asks nothing.

    A date is on the server's clock, so it is counted from the answer's own `Date` where that is sound.
    """
    text = (response.header("retry-after") or "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    else:
        date = http_date(text)
        if date is None:
            return None
        seconds = (date - (date_of(response, now) or now)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def refusal_from(
    response: HttpResponse,
    values: Values,
    *,
    scrub: tuple[Secret, ...],
    now: datetime | None = None,
    asked: str = "token endpoint",
    expected: str = "200 with an access_token",
) -> TokenRefused:
    """Explain an answer that was not the one expected: status, and RFC 6749 section 5.2 error, or what came instead.

    What may be a token is shown as `…`: an endpoint that says `accessToken` has sent one all the same.
    """
    members = members_of(response)
    error = resolve(members, values.text(ERROR_FIELD.name) or "/error")
    meant = meaning_of(error, values)
    content_type = (response.header("content-type") or "no content type")[:80]
    said = _said(members, error, response, scrub)
    detail = f"{asked} answered {response.status} ({content_type}): {said}; expected {expected}"
    transient = is_transient(response)
    code = "token_endpoint_unreachable" if transient and response.status not in GRANTED else "token_endpoint_refused"
    wait = retry_after_of(response, now) if transient and now is not None else None
    return TokenRefused(
        code,
        detail,
        *_remedies(meant, members if response.status in GRANTED else {}, values),
        error=meant,
        status=response.status,
        transient=transient,
        retry_after=None if wait is None else max(1, math.ceil(wait)),
    )


def meaning_of(error: object, values: Values) -> str | None:
    """Return the error code, in the words of RFC 6749 section 5.2 where one of `reconnect_errors` means invalid_grant."""
    if not isinstance(error, (str, int)) or isinstance(error, bool) or error == "":
        return None
    return "invalid_grant" if str(error) in values.text(RECONNECT_ERRORS.name).split() else str(error)


def members_of(response: HttpResponse) -> Mapping[str, Any]:
    """Return the members of a JSON or form answer, whatever its media type says; nothing where it is neither."""
    kind = (response.header("content-type") or "").partition(";")[0].strip().lower()
    try:
        members = json.loads(response.body)
    except (ValueError, RecursionError):  # not UTF-8, not JSON, nested without end
        text = response.body.decode("utf-8", "replace").strip()
        return dict(parse_qsl(text)) if kind in _FORMS and _FORM.fullmatch(text) else {}
    return members if isinstance(members, dict) else {}


def _said(members: Mapping[str, Any], error: object, response: HttpResponse, scrub: tuple[Secret, ...]) -> str:
    description = members.get("error_description")
    if isinstance(error, str) and error:
        said = f"error {shown(error, scrub)}"
        return f"{said} ({shown(description, scrub)})" if isinstance(description, str) else said
    text = response.body[:READ].decode("utf-8", "replace")
    start = f"body starts {shown(text, scrub)}" if text else "an empty body"
    if not members:
        return f"no RFC 6749 error; {start}"
    names = f"no RFC 6749 error; members {shown(', '.join(members), scrub)}"
    return names if response.status in GRANTED else f"{names}; {start}"


def shown(text: str, scrub: tuple[Secret, ...]) -> str:
    """Quote a text for an explanation: without these secrets, without what may be a token, and cut after that."""

    def hidden(found: re.Match[str]) -> str:
        mixed = re.search(r"\d", found[0]) and re.search(r"[A-Za-z]", found[0])
        return REDACTED if mixed and _UUID.fullmatch(found[0]) is None else found[0]

    for secret in scrub:
        plain = reveal(secret)
        forms = {plain, quote_plus(plain), json.dumps(plain)[1:-1]} if len(plain) > 2 else set()
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, REDACTED)
    return repr(_RUN.sub(hidden, _NAMED.sub(rf"\g<1>{REDACTED}", text))[:SNIPPET])


def _remedies(error: str | None, granted: Mapping[str, Any], values: Values) -> tuple[Remedy, ...]:
    """Return what mends an error of RFC 6749 section 5.2, RFC 8707 section 2 or RFC 9449 sections 5 and 8."""
    bound = bool(values.text(DPOP_CERTIFICATE.name))
    proof = (
        "Compare our clock with that of the authorization server, and let dpop_certificate have a key that it takes"
        if bound
        else "Give dpop_certificate: the authorization server binds the tokens of this client to a key (DPoP)"
    )
    texts = {
        "invalid_client": _PROVEN_BY.get(values.text(CLIENT_AUTHENTICATION.name), _PROVEN_BY[CLIENT_SECRET_BASIC]),
        "invalid_scope": "Correct the scope of the external credential",
        "invalid_target": "Correct resource and audience of the external credential: the server issues no token for them",
        "unauthorized_client": "Allow this grant type for the client at the authorization server",
        "unsupported_grant_type": "Correct token_endpoint, or let the authorization server know this grant type",
        "invalid_dpop_proof": proof,
        USE_DPOP_NONCE: proof,
    }
    if error in texts:
        return (Remedy(texts[error]),)
    if granted and error is None:
        return (Remedy("Say in access_token_field where the token stands, or correct the token endpoint"),)
    return ()
