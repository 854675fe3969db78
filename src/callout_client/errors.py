"""What Callout answers by itself, as errors: one class per blame, one per reason, made of the problem body (RFC 9457).

CalloutError
├── CallerError      the caller can mend it: its key, its address, its consent
├── AdminError       an administrator can: a grant, a setting, a secret
├── ExternalError    the external system or its authorization server must
└── CalloutFailure   Callout itself

They are raised for answers that bear `Callout-Error`, and for no other: an error of the external system is an answer
and stays one, whatever its status.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import httpx2

ERROR_HEADER = "Callout-Error"
ID_HEADER = "Callout-Id"
CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """The members of a problem body. `retry_after` is in seconds; None where the answer did not say."""

    reason: str
    blame: str
    title: str
    detail: str
    status: int
    remedy: tuple[str, ...] = ()
    remedy_commands: tuple[str, ...] = ()
    callout_id: str = ""
    connect_url: str | None = None
    retry_after: int | None = None


class CalloutError(Exception):
    """Callout refused a callout or could not make it. The message says why, and what mends it.

    `response` is the whole answer, where the error was made from one.
    """

    blame: str = ""

    def __init__(self, problem: Problem, response: httpx2.Response | None = None) -> None:
        super().__init__(problem, response)
        self.problem = problem
        self.response = response
        self.reason = problem.reason
        self.blame = problem.blame
        self.title = problem.title
        self.detail = problem.detail
        self.status = problem.status
        self.remedy = list(problem.remedy)
        self.remedy_commands = list(problem.remedy_commands)
        self.callout_id = problem.callout_id
        self.connect_url = problem.connect_url
        self.retry_after = problem.retry_after

    def __str__(self) -> str:
        said = self.detail if self.detail and self.detail != self.title else ""
        lines = [f"{self.reason} ({self.status}): {self.title}" + (f": {said}" if said else "")]
        lines += [f"remedy: {remedy}" for remedy in self.remedy]
        lines += [f"  $ {command}" for command in self.remedy_commands]
        if self.connect_url is not None:
            lines.append(f"connect: {self.connect_url}")
        if self.callout_id:
            lines.append(f"callout id: {self.callout_id}")
        return "\n".join(lines)


class CallerError(CalloutError):
    """The caller can mend it."""

    blame = "caller"


class AdminError(CalloutError):
    """An administrator of Callout can mend it."""

    blame = "admin"


class ExternalError(CalloutError):
    """The external system, or its authorization server, must be mended or waited for."""

    blame = "external"


class CalloutFailure(CalloutError):
    """Callout itself could not do its work."""

    blame = "callout"


class CallerUnknown(CallerError):
    """`caller_unknown`: the key is not valid, has expired, or its user is not active."""


class NamedCredentialNotFound(CallerError):
    """`named_credential_not_found`: no named credential has this name."""


class CalloutsDisabled(AdminError):
    """`callouts_disabled`: the named credential is not enabled for callouts."""


class NamespaceNotAllowed(AdminError):
    """`namespace_not_allowed`: the caller's package may not use this named credential."""


class PrincipalNotGranted(AdminError):
    """`principal_not_granted`: the user has no access to a principal of the external credential."""


class KeyLimited(AdminError):
    """`key_limited`: the caller's key is limited to other named credentials."""


class ActingNotAllowed(AdminError):
    """`acting_not_allowed`: the caller may not make callouts on behalf of this user."""


class UserExternalCredentialDenied(AdminError):
    """`user_external_credential_denied`: the user cannot read the User External Credential."""


class PrincipalNotConfigured(AdminError):
    """`principal_not_configured`: the principal lacks a value that its protocol needs."""


class AuthorizationRequired(CallerError):
    """`authorization_required`: the user has not connected an account; `connect_url` is where to."""


class ConnectionFailed(CallerError):
    """`connection_failed`: an account was not connected; only who connects one is told so."""


class ReconnectRequired(CallerError):
    """`reconnect_required`: the connection was revoked or has run out; `connect_url` is where to make it anew."""


class TokenEndpointRefused(AdminError):
    """`token_endpoint_refused`: the authorization server refused the token request."""


class TokenEndpointUnreachable(ExternalError):
    """`token_endpoint_unreachable`: the authorization server could not be reached."""


class RefreshOutcomeUnknown(ExternalError):
    """`refresh_outcome_unknown`: a refresh was sent and its outcome is not known."""


class ExternalSystemUnreachable(ExternalError):
    """`external_system_unreachable`: the external system could not be reached."""


class TlsVerificationFailed(ExternalError):
    """`tls_verification_failed`: the certificate of the external system could not be verified."""


class CertificateNotAccepted(AdminError):
    """`certificate_not_accepted`: the client certificate cannot be presented, or the external system does not take it."""


class AddressNotAllowed(AdminError):
    """`address_not_allowed`: the address of the external system is not allowed."""


class MethodNotAllowedHere(AdminError):
    """`method_not_allowed_here`: the method is not allowed on this named credential."""


class PathNotAllowed(AdminError):
    """`path_not_allowed`: the path is not allowed on this named credential."""


class FormulaFailed(AdminError):
    """`formula_failed`: a formula could not be evaluated."""


class TimedOut(ExternalError):
    """`timed_out`: the external system did not answer in time."""


class RequestTooLarge(CallerError):
    """`request_too_large`: the request is larger than allowed."""


class MalformedRequest(CallerError):
    """`malformed_request`: the request is not well formed."""


class RateLimited(CallerError):
    """`rate_limited`: too many callouts; `retry_after` says how many seconds to wait."""


class Overloaded(CalloutFailure):
    """`overloaded`: Callout cannot take more work now; `retry_after` says how many seconds to wait."""


REASONS: Mapping[str, type[CalloutError]] = {
    "caller_unknown": CallerUnknown,
    "named_credential_not_found": NamedCredentialNotFound,
    "callouts_disabled": CalloutsDisabled,
    "namespace_not_allowed": NamespaceNotAllowed,
    "principal_not_granted": PrincipalNotGranted,
    "key_limited": KeyLimited,
    "acting_not_allowed": ActingNotAllowed,
    "user_external_credential_denied": UserExternalCredentialDenied,
    "principal_not_configured": PrincipalNotConfigured,
    "authorization_required": AuthorizationRequired,
    "connection_failed": ConnectionFailed,
    "reconnect_required": ReconnectRequired,
    "token_endpoint_refused": TokenEndpointRefused,
    "token_endpoint_unreachable": TokenEndpointUnreachable,
    "refresh_outcome_unknown": RefreshOutcomeUnknown,
    "external_system_unreachable": ExternalSystemUnreachable,
    "tls_verification_failed": TlsVerificationFailed,
    "certificate_not_accepted": CertificateNotAccepted,
    "address_not_allowed": AddressNotAllowed,
    "method_not_allowed_here": MethodNotAllowedHere,
    "path_not_allowed": PathNotAllowed,
    "formula_failed": FormulaFailed,
    "timed_out": TimedOut,
    "request_too_large": RequestTooLarge,
    "malformed_request": MalformedRequest,
    "rate_limited": RateLimited,
    "overloaded": Overloaded,
}
_BLAMES: Mapping[str, type[CalloutError]] = {
    each.blame: each for each in (CallerError, AdminError, ExternalError, CalloutFailure)
}


def bears_callout_error(response: httpx2.Response) -> bool:
    """Say whether Callout itself made this answer."""
    return ERROR_HEADER in response.headers


def raise_for_callout(response: httpx2.Response) -> httpx2.Response:
    """Return the answer if the external system gave it; raise a `CalloutError` if Callout itself did.

    Serves as a response hook, too: `httpx2.Client(event_hooks={"response": [raise_for_callout]}, transport=…)`. Without
    a Callout transport, a streamed answer must have been read before.
    """
    if bears_callout_error(response):
        raise error_from(response)
    return response


def error_from(response: httpx2.Response) -> CalloutError:
    """Make the error of an answer that bears `Callout-Error`.

    The header names the reason. The body may be missing (an answer to HEAD) or come from a newer gateway: what it does
    not say is filled from the header and the class of the reason.
    """
    members = _members(response)
    reason = response.headers[ERROR_HEADER]
    kind = REASONS.get(reason) or _BLAMES.get(_text(members, "blame")) or CalloutError
    problem = Problem(
        reason=reason,
        blame=_text(members, "blame") or kind.blame,
        title=_text(members, "title") or "Callout answered by itself",
        detail=_text(members, "detail"),
        status=response.status_code,
        remedy=_texts(members, "remedy"),
        remedy_commands=_texts(members, "remedy_commands"),
        callout_id=response.headers.get(ID_HEADER) or _text(members, "callout_id"),
        connect_url=_text(members, "connect_url") or None,
        retry_after=_seconds(response.headers.get("Retry-After")),
    )
    return kind(problem, response)


def _members(response: httpx2.Response) -> dict[str, object]:
    if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() != CONTENT_TYPE:
        return {}
    try:
        members = json.loads(response.content)
    except (ValueError, httpx2.ResponseNotRead):
        return {}
    return members if isinstance(members, dict) else {}


def _text(members: dict[str, object], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _texts(members: dict[str, object], name: str) -> tuple[str, ...]:
    values = members.get(name)
    return tuple(value for value in values if isinstance(value, str)) if isinstance(values, list) else ()


def _seconds(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdigit() else None
