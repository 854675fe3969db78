"""Signs requests with AWS Signature Version 4: string to sign, signing key, signature, and the headers that carry it.

Source: AWS Identity and Access Management User Guide, "Create a signed AWS API request". Nothing here keeps a state or
reads a clock. The published test suite passes whole, and so do requests compared with botocore's signer.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from callout.core.message import HttpRequest
from callout.core.secret import Redactable, Secret, reveal
from callout.core.sigv4.canonical import CanonicalRequest, canonical_request

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
#: A body in chunks that its sender ends with checksums, and that no signature covers (Amazon S3).
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

DATE, PAYLOAD, TOKEN, AUTHORIZATION = "X-Amz-Date", "X-Amz-Content-Sha256", "X-Amz-Security-Token", "Authorization"
#: What a signed request bears; a caller's own of these are dropped.
WRITES = (DATE, PAYLOAD, TOKEN, AUTHORIZATION)

#: Services whose paths are signed as they are sent.
_PATH_AS_SENT = frozenset({"s3", "s3-object-lambda", "s3-outposts", "s3express"})
_TERMINATION = "aws4_request"


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """Security credentials; `session_token` comes with temporary ones."""

    access_key_id: Secret
    secret_access_key: Secret
    session_token: Secret | None = None


@dataclass(frozen=True, slots=True)
class CredentialScope:
    """What a signature is good for, besides its date: one service in one region."""

    region: str
    service: str

    def on(self, now: datetime) -> str:
        """Return the credential scope of a day."""
        return f"{_date(now)}/{self.region}/{self.service}/{_TERMINATION}"

    @property
    def path_as_sent(self) -> bool:
        """True where paths are neither normalised nor encoded twice."""
        return self.service in _PATH_AS_SENT


def sign(
    request: HttpRequest,
    credentials: AwsCredentials,
    scope: CredentialScope,
    now: datetime,
    payload_hash: str,
    *,
    names_payload: bool = True,
) -> HttpRequest:
    """Return the request with `WRITES` replaced by what signs it. `names_payload`: with X-Amz-Content-Sha256."""
    headers: list[tuple[str, str | Secret]] = [(DATE, timestamp(now))]
    if names_payload:
        headers.append((PAYLOAD, payload_hash))
    if credentials.session_token is not None:
        headers.append((TOKEN, credentials.session_token))
    dated = without(request, WRITES).with_headers(*headers)
    canonical = canonical_of(dated, scope, payload_hash)
    secret = signature(credentials.secret_access_key, scope, now, string_to_sign(ALGORITHM, canonical, scope, now))
    return dated.with_headers(
        (AUTHORIZATION, authorization(ALGORITHM, credentials.access_key_id, scope, now, canonical, secret))
    )


def canonical_of(request: HttpRequest, scope: CredentialScope, payload_hash: str) -> CanonicalRequest:
    """Return the canonical request of a whole one."""
    headers = ((name.encode("latin-1"), _as_sent(reveal(value))) for name, value in request.headers)
    url = reveal(request.whole_url)
    return canonical_request(request.method, url, headers, payload_hash, path_as_sent=scope.path_as_sent)


def string_to_sign(algorithm: str, canonical: CanonicalRequest, scope: CredentialScope, now: datetime) -> str:
    """Return the string to sign (step 3 of the guide)."""
    return "\n".join((algorithm, timestamp(now), scope.on(now), hashlib.sha256(canonical.text).hexdigest()))


def signature(secret_access_key: Secret, scope: CredentialScope, now: datetime, text: str) -> Secret:
    """Return the signature of a string to sign."""
    return Secret(hmac.digest(signing_key(secret_access_key, scope, now), text.encode(), "sha256").hex())


def signing_key(secret_access_key: Secret, scope: CredentialScope, now: datetime) -> bytes:
    """Return the key that signs for one day, region and service."""
    key = b"AWS4" + reveal(secret_access_key).encode()
    for part in (_date(now), scope.region, scope.service, _TERMINATION):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def authorization(
    algorithm: str,
    signer: str | Secret,
    scope: CredentialScope,
    now: datetime,
    canonical: CanonicalRequest,
    signed: Secret,
) -> Redactable:
    """Return the Authorization value. `signer` is an access key id, or the serial number of a certificate."""
    return Redactable.of(
        f"{algorithm} Credential=",
        signer,
        f"/{scope.on(now)}, SignedHeaders={canonical.signed_headers}, Signature=",
        signed,
    )


def signature_of(signed: HttpRequest) -> Secret:
    """Return the signature of a request that `sign` has signed."""
    written = dict(signed.headers)[AUTHORIZATION]
    return Secret(reveal(written).rpartition("=")[2])


def payload_hash_of(body: bytes | Redactable | None) -> str:
    """Return the SHA-256 of a body, in hexadecimal digits; that of no bytes where there is none."""
    whole = body if isinstance(body, bytes) else reveal(body).encode() if body is not None else b""
    return hashlib.sha256(whole).hexdigest()


def timestamp(now: datetime) -> str:
    """Return a time as `X-Amz-Date` has it."""
    return now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def without(request: HttpRequest, names: tuple[str, ...]) -> HttpRequest:
    """Return the request without the headers of these names."""
    lower = {name.lower() for name in names}
    kept = tuple(header for header in request.headers if header[0].lower() not in lower)
    return replace(request, headers=kept)


def _date(now: datetime) -> str:
    return timestamp(now)[:8]


def _as_sent(value: str) -> bytes:
    """Return a header value as bytes: characters stand for the bytes that are sent, unless they cannot."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()
