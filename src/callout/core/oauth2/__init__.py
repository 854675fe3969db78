"""What the OAuth 2.0 grants share: parameters, proofs of the client, discovery, requests, answers, errors.

RFC 6749 sections 2.3.1, 4, 5 and 6; RFC 7009, 7523, 7662, 8414, 8705 and 9449. Left to others: which grant is asked
for (the protocols), who sends it (the engine), where it is kept (the vault).
"""

from callout.core.oauth2.answer import Introspected, introspected_from, token_from, with_token
from callout.core.oauth2.protocol import OAuth2Protocol, RepeatableGrant, reconnecting
from callout.core.oauth2.refusal import TokenRefused, is_transient, retry_after_of
from callout.core.oauth2.request import client_request, token_request
from callout.core.oauth2.sealing import from_sealable, sealable

__all__ = [
    "Introspected",
    "OAuth2Protocol",
    "RepeatableGrant",
    "TokenRefused",
    "client_request",
    "from_sealable",
    "introspected_from",
    "is_transient",
    "reconnecting",
    "retry_after_of",
    "sealable",
    "token_from",
    "token_request",
    "with_token",
]
