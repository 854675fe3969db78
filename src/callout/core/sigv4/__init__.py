"""AWS Signature Version 4: canonical request, signature, temporary credentials, and what the protocols share.

The signer is Callout's own. botocore's cannot be told the time, reads a query as a mapping, signs a path and a query as
they are written where AWS reads them decoded, and takes 0.2 seconds to import; the tests hold the two equal wherever
botocore's own requests go.
"""

from callout.core.sigv4.protocol import DURATION, SCOPE, SignsRequests
from callout.core.sigv4.sessions import STALE_SIGNS, credentials_of, elements_of, endpoint_of, refusal, token_of
from callout.core.sigv4.signing import AwsCredentials, CredentialScope, payload_hash_of, sign
from callout.core.sigv4.x509 import sign_with_certificate

__all__ = [
    "DURATION",
    "SCOPE",
    "STALE_SIGNS",
    "AwsCredentials",
    "CredentialScope",
    "SignsRequests",
    "credentials_of",
    "elements_of",
    "endpoint_of",
    "payload_hash_of",
    "refusal",
    "sign",
    "sign_with_certificate",
    "token_of",
]
