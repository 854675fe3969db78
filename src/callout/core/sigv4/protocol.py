"""What the protocols that sign with AWS Signature Version 4 have in common; they differ in whose credentials they sign with."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar
from urllib.parse import unquote_plus, urlsplit

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.message import HttpRequest
from callout.core.protocol import AuthenticationProtocol, Moment, Needs, Parameter, Token
from callout.core.secret import reveal
from callout.core.sigv4.payload import Lines, announced, decoded_length, is_chunked, names_trailer, unchunked
from callout.core.sigv4.signing import (
    UNSIGNED_PAYLOAD,
    UNSIGNED_TRAILER,
    WRITES,
    AwsCredentials,
    CredentialScope,
    payload_hash_of,
    sign,
    signature_of,
)
from callout.core.sigv4.streaming import STREAMING, ChunkSigning

SIGNED, UNSIGNED, STREAMED = "signed", "unsigned", "streaming"

#: A region is part of host names that requests are sent to.
_NAME = r"[a-z0-9-]{1,63}"

REGION = Parameter("region", "AWS region that requests are signed for, such as eu-central-1", pattern=_NAME)
SERVICE = Parameter(
    "service",
    "AWS service that requests are signed for, as its ARNs name it, such as s3, dynamodb or execute-api",
    pattern=_NAME,
)
ACCOUNT_ID = Parameter(
    "account_id",
    "AWS account, 12 digits; not sent by itself, but formulas can read it",
    required=False,
    pattern=r"\d{12}",
)
PAYLOAD = Parameter(
    "payload",
    "How the body is signed. signed: as a whole, which is taken before it is sent. streaming: chunk by chunk while it"
    " passes, however large. unsigned: not at all; over https alone. The last two where the service allows it, as"
    " Amazon S3 does",
    required=False,
    default=SIGNED,
    choices=(SIGNED, UNSIGNED, STREAMED),
)
DURATION = Parameter(
    "duration_seconds",
    "How long a session lasts, in whole seconds; one hour if not given",
    required=False,
    pattern=r"[1-9]\d{0,5}",
)
#: What every request is signed for, and how.
SCOPE = (REGION, SERVICE, ACCOUNT_ID, PAYLOAD)

_PRESIGNED = "x-amz-signature"


class SignsRequests(AuthenticationProtocol):
    """Writes X-Amz-Date, X-Amz-Content-Sha256, X-Amz-Security-Token for temporary credentials, and Authorization."""

    writes = WRITES
    spares_bodies: ClassVar[str] = f"{PAYLOAD.name}: {STREAMED} or {PAYLOAD.name}: {UNSIGNED}"

    @classmethod
    def needs(cls, parameters: Mapping[str, str]) -> Needs:
        """The body is signed as a whole unless it is said not to be."""
        return Needs.HEAD if parameters.get(PAYLOAD.name) in (UNSIGNED, STREAMED) else Needs.BODY

    @abstractmethod
    def credentials(self, token: Token | None) -> AwsCredentials:
        """Return what is signed with. Raises `Refused(principal_not_configured)` where it is not set."""

    @property
    def scope(self) -> CredentialScope:
        """The region and service that requests are signed for."""
        return CredentialScope(self.values.text(REGION.name), self.values.text(SERVICE.name))

    def unwrapped(self, lines: Lines, body: bytes | None) -> tuple[Lines, bytes | None]:
        """Take the body out of the chunks in which an AWS SDK framed it for its own signature.

        A body that goes unsigned stays in chunks with checksums behind it: no signature is in those.
        """
        if not is_chunked(lines):
            return lines, body
        if body is not None:
            return unchunked(lines, body)
        if self._payload == UNSIGNED and names_trailer(lines):
            return lines, body
        detail = (
            f"got a body with Content-Encoding: aws-chunked for {PAYLOAD.name}: {self._payload}; expected it as it is"
        )
        remedies = (
            Remedy("Have the SDK send bodies as they are (request_checksum_calculation: when_required)"),
            Remedy(f"Set {PAYLOAD.name}: {SIGNED}, with which Callout takes them out of their chunks"),
        )
        raise Refused("malformed_request", detail, *remedies)

    def announced(self, lines: Lines) -> Lines:
        """Announce a body that is to be signed chunk by chunk, with the length that it will have."""
        return announced(lines) if self._payload == STREAMED else lines

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Sign the request. Raises `Refused` for one that is signed in its query, or that may not go unsigned."""
        names = (unquote_plus(pair.partition("=")[0]).lower() for pair in urlsplit(request.url).query.split("&"))
        if _PRESIGNED in names:
            detail = "got a request that is signed in its query (X-Amz-Signature); expected none, as Callout signs it"
            raise Refused("malformed_request", detail)
        credentials, payload_hash = self.credentials(token), self._payload_hash(request)
        after = sign(request, credentials, self.scope, moment.now, payload_hash)
        if payload_hash != STREAMING:
            return after
        length, seed = decoded_length(_lines(request)), signature_of(after)
        signing = ChunkSigning(length, credentials.secret_access_key, self.scope, moment.now, seed)
        return replace(after, encoding=signing)

    @property
    def _payload(self) -> str:
        return self.values.text(PAYLOAD.name) or SIGNED

    def _payload_hash(self, request: HttpRequest) -> str:
        if self._payload == SIGNED:
            return payload_hash_of(request.body)
        lines = _lines(request)
        if self._payload == STREAMED:
            return STREAMING if decoded_length(lines) else payload_hash_of(None)
        if not request.url.startswith("https:"):
            detail = (
                f"got {PAYLOAD.name}: {UNSIGNED} for a URL of http; expected https, as nothing else protects the body"
            )
            remedy = Remedy(f"Set {PAYLOAD.name}: {STREAMED}, or a URL of https", "callout apply -f FILE")
            raise Refused("principal_not_configured", detail, remedy)
        return UNSIGNED_TRAILER if is_chunked(lines) and names_trailer(lines) else UNSIGNED_PAYLOAD


def _lines(request: HttpRequest) -> Lines:
    return tuple(f"{name}:{reveal(value)}".encode() for name, value in request.headers)
