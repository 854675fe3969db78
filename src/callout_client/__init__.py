"""The Python SDK of Callout: callouts by name, over httpx2, with typed errors.

    with callout_client.Client() as client:                       # CALLOUT_URL and CALLOUT_KEY
        order = client.get("callout:Orders/orders/7").json()

`Client` and `AsyncClient` are thin shells around `CalloutTransport` and `AsyncCalloutTransport`, which give the same to
any httpx2 client of your own; `raise_for_callout` turns Callout's own answers into the errors of `errors`, and
`replay_of` says of an answer whether the request was sent again with a fresh token.
"""

from callout_client.address import Gateway, InvalidAddress
from callout_client.client import AsyncClient, Client, Options
from callout_client.errors import (
    REASONS,
    ActingNotAllowed,
    AddressNotAllowed,
    AdminError,
    AuthorizationRequired,
    CallerError,
    CallerUnknown,
    CalloutError,
    CalloutFailure,
    CalloutsDisabled,
    CertificateNotAccepted,
    ConnectionFailed,
    ExternalError,
    ExternalSystemUnreachable,
    FormulaFailed,
    KeyLimited,
    MalformedRequest,
    MethodNotAllowedHere,
    NamedCredentialNotFound,
    NamespaceNotAllowed,
    Overloaded,
    PathNotAllowed,
    PrincipalNotConfigured,
    PrincipalNotGranted,
    Problem,
    RateLimited,
    ReconnectRequired,
    RefreshOutcomeUnknown,
    RequestTooLarge,
    TimedOut,
    TlsVerificationFailed,
    TokenEndpointRefused,
    TokenEndpointUnreachable,
    UserExternalCredentialDenied,
    raise_for_callout,
)
from callout_client.replay import Replay, replay_of
from callout_client.transport import AsyncCalloutTransport, CalloutTransport

__all__ = [
    "REASONS",
    "ActingNotAllowed",
    "AddressNotAllowed",
    "AdminError",
    "AsyncCalloutTransport",
    "AsyncClient",
    "AuthorizationRequired",
    "CallerError",
    "CallerUnknown",
    "CalloutError",
    "CalloutFailure",
    "CalloutTransport",
    "CalloutsDisabled",
    "CertificateNotAccepted",
    "Client",
    "ConnectionFailed",
    "ExternalError",
    "ExternalSystemUnreachable",
    "FormulaFailed",
    "Gateway",
    "InvalidAddress",
    "KeyLimited",
    "MalformedRequest",
    "MethodNotAllowedHere",
    "NamedCredentialNotFound",
    "NamespaceNotAllowed",
    "Options",
    "Overloaded",
    "PathNotAllowed",
    "PrincipalNotConfigured",
    "PrincipalNotGranted",
    "Problem",
    "RateLimited",
    "ReconnectRequired",
    "RefreshOutcomeUnknown",
    "Replay",
    "RequestTooLarge",
    "TimedOut",
    "TlsVerificationFailed",
    "TokenEndpointRefused",
    "TokenEndpointUnreachable",
    "UserExternalCredentialDenied",
    "raise_for_callout",
    "replay_of",
]
