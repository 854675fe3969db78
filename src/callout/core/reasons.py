"""Every reason for which Callout itself answers, in one table that code, tests and docs read.

The code, status and blame of a reason are API: they never change. `docs/reference/reasons.md` is generated
from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Blame(StrEnum):
    """Whose action mends it."""

    CALLER = "caller"
    ADMIN = "admin"
    EXTERNAL = "external"
    CALLOUT = "callout"


class Telling(StrEnum):
    """How much a caller is told: `full` names the cause and the exact remedy, `code` the reason code alone."""

    FULL = "full"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause of a refusal or failure. `remedy` is the general action; an explanation names the exact one."""

    code: str
    status: int
    blame: Blame
    title: str
    remedy: str

    @property
    def page(self) -> str:
        """Where the documentation describes this reason."""
        return f"docs/reference/reasons.md#{self.code}"


C, A, E, S = Blame.CALLER, Blame.ADMIN, Blame.EXTERNAL, Blame.CALLOUT

REASONS: tuple[Reason, ...] = (
    Reason(
        "caller_unknown",
        401,
        C,
        "The caller is not known",
        "Send a valid, unexpired key of an active user in the Callout-Key header.",
    ),
    Reason(
        "named_credential_not_found",
        404,
        C,
        "No named credential has this name",
        "Correct the name in the callout, or define the named credential.",
    ),
    Reason(
        "callouts_disabled",
        403,
        A,
        "The named credential is not enabled for callouts",
        "Judge where it points and what it would spend, then enable it for callouts.",
    ),
    Reason(
        "namespace_not_allowed",
        403,
        A,
        "The caller's namespace is not allowed to use this named credential",
        "Add the namespace to the allowed namespaces of the named credential.",
    ),
    Reason(
        "principal_not_granted",
        403,
        A,
        "The user has no access to a principal of the external credential",
        "Enable the principal on a permission set or profile of the user.",
    ),
    Reason(
        "key_limited",
        403,
        A,
        "The caller's key is limited to other named credentials",
        "Use a key that may be used for this named credential, or widen the limit of this one.",
    ),
    Reason(
        "acting_not_allowed",
        403,
        A,
        "The caller may not make callouts on behalf of this user",
        "Let a permission set of the caller act for this user, or correct Callout-On-Behalf-Of.",
    ),
    Reason(
        "user_external_credential_denied",
        403,
        A,
        "The user cannot read the User External Credential",
        "Give read on User External Credential in a permission set or profile of the user.",
    ),
    Reason(
        "principal_not_configured",
        424,
        A,
        "The principal lacks a value that its protocol needs",
        "Set the missing values of the principal.",
    ),
    Reason(
        "authorization_required",
        424,
        C,
        "The user has not connected an account at the external system",
        "Open the connect URL and give consent.",
    ),
    Reason(
        "connection_failed",
        400,
        C,
        "The connection was not made",
        "Begin again, with a link of your own.",
    ),
    Reason(
        "reconnect_required",
        424,
        C,
        "The connection was revoked or has run out and must be made anew",
        "Connect the principal again.",
    ),
    Reason(
        "token_endpoint_refused",
        502,
        A,
        "The authorization server refused the token request",
        "Correct the client credentials, scope or token endpoint of the external credential.",
    ),
    Reason(
        "token_endpoint_unreachable",
        503,
        E,
        "The authorization server could not be reached",
        "Wait for the authorization server to come back, or correct the token endpoint.",
    ),
    Reason(
        "refresh_outcome_unknown",
        424,
        E,
        "A refresh was sent and its outcome is not known",
        "Connect the principal again.",
    ),
    Reason(
        "external_system_unreachable",
        502,
        E,
        "The external system could not be reached",
        "Wait for the external system to come back, or correct the URL of the named credential.",
    ),
    Reason(
        "tls_verification_failed",
        502,
        E,
        "The certificate of the external system could not be verified",
        "Install a certificate that matches the host, or trust its authority.",
    ),
    Reason(
        "certificate_not_accepted",
        502,
        A,
        "The client certificate cannot be presented, or the external system does not take it",
        "Present a certificate that the external system takes.",
    ),
    Reason(
        "address_not_allowed",
        403,
        A,
        "The address of the external system is not allowed",
        "If the private address is meant, allow private networks on the named credential.",
    ),
    Reason(
        "method_not_allowed_here",
        403,
        A,
        "The method is not allowed on this named credential",
        "Use an allowed method, or change the rules of the named credential.",
    ),
    Reason(
        "path_not_allowed",
        403,
        A,
        "The path is not allowed on this named credential",
        "Use an allowed path, or change the rules of the named credential.",
    ),
    Reason(
        "formula_failed", 424, A, "A formula could not be evaluated", "Correct the formula at the place that is named."
    ),
    Reason(
        "timed_out",
        504,
        E,
        "The external system did not answer in time",
        "Raise the timeout with Callout-Timeout, or ask why the external system is slow.",
    ),
    Reason("request_too_large", 413, C, "The request is larger than allowed", "Send a smaller request."),
    Reason(
        "malformed_request", 400, C, "The request is not well formed", "Correct the request at the place that is named."
    ),
    Reason(
        "replay_not_possible",
        200,
        C,
        "The refreshed request could not be sent again",
        "Repeat the callout: its credentials are fresh now.",
    ),
    Reason("rate_limited", 429, C, "Too many callouts", "Wait as long as Retry-After says."),
    Reason("overloaded", 503, S, "Callout cannot take more work now", "Wait and repeat, or add workers."),
)

_BY_CODE = {reason.code: reason for reason in REASONS}


def reason(code: str) -> Reason:
    """Return the reason with this code; `KeyError` for a code that is not in the table."""
    return _BY_CODE[code]
