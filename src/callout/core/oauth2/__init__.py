"""What the OAuth 2.0 grants share: parameters, requests, answers, errors (RFC 6749 sections 2.3.1, 4, 5; RFC 7009, 7662).

Left to others: which grant is asked for (the protocols), who sends it (the engine), where it is kept (the vault).
"""

from callout.core.oauth2.answer import Introspected, bearer, introspected_from, token_from
from callout.core.oauth2.refusal import TokenRefused, is_transient, retry_after_of
from callout.core.oauth2.request import introspection_request, revocation_request, token_request
from callout.core.oauth2.sealing import from_sealable, sealable

__all__ = [
    "Introspected",
    "TokenRefused",
    "bearer",
    "from_sealable",
    "introspected_from",
    "introspection_request",
    "is_transient",
    "retry_after_of",
    "revocation_request",
    "sealable",
    "token_from",
    "token_request",
]
