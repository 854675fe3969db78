"""What the protocols that sign with AWS Signature Version 4 have in common; they differ in whose credentials they sign with."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.message import HttpRequest
from callout.core.protocol import AuthenticationProtocol, Moment, Needs, Parameter, Token
from callout.core.secret import reveal
from callout.core.sigv4.payload import Lines, is_chunked, names_trailer, unchunked
from callout.core.sigv4.signing import (
    UNSIGNED_PAYLOAD,
    UNSIGNED_TRAILER,
    WRITES,
    AwsCredentials,
    CredentialScope,
    payload_hash_of,
    sign,
)

SIGNED, UNSIGNED = "signed", "unsigned"

REGION = Parameter("region", "AWS region that requests are signed for, such as eu-central-1")
SERVICE = Parameter("service", "AWS service that requests are signed for, as in its ARNs: s3, dynamodb, execute-api, …")
ACCOUNT_ID = Parameter(
    "account_id", "AWS account, 12 digits; not sent by itself, but formulas can read it", required=False
)
PAYLOAD = Parameter(
    "payload",
    "Whether the signature covers the body. signed: the body is taken whole before it is sent. unsigned: it is passed on"
    " as it comes, however large; over https alone, and where the service allows it, as Amazon S3 does",
    required=False,
    default=SIGNED,
    choices=(SIGNED, UNSIGNED),
)
#: What every request is signed for, and how.
SCOPE = (REGION, SERVICE, ACCOUNT_ID, PAYLOAD)

_PRESIGNED = "x-amz-signature"


class SignsRequests(AuthenticationProtocol):
    """Writes X-Amz-Date, X-Amz-Content-Sha256, X-Amz-Security-Token for temporary credentials, and Authorization."""

    writes = WRITES
    spares_bodies: ClassVar[str] = f"{PAYLOAD.name}: {UNSIGNED}"

    @classmethod
    def needs(cls, parameters: Mapping[str, str]) -> Needs:
        """The whole body is signed unless it is said not to be."""
        return Needs.HEAD if parameters.get(PAYLOAD.name) == UNSIGNED else Needs.BODY

    @abstractmethod
    def credentials(self, token: Token | None) -> AwsCredentials:
        """Return what is signed with. Raises `Refused(principal_not_configured)` where it is not set."""

    @property
    def scope(self) -> CredentialScope:
        """The region and service that requests are signed for."""
        return CredentialScope(self.values.text(REGION.name), self.values.text(SERVICE.name))

    def unwrapped(self, lines: Lines, body: bytes | None) -> tuple[Lines, bytes | None]:
        """Take the body out of the chunks in which an AWS SDK framed it for its own signature.

        A body that is not looked at stays in chunks with checksums behind it: no signature is in those.
        """
        if not is_chunked(lines):
            return lines, body
        if body is not None:
            return unchunked(lines, body)
        if names_trailer(lines):
            return lines, body
        detail = "got Content-Encoding: aws-chunked without X-Amz-Trailer; expected a body without signatures in it"
        remedy = Remedy(
            f"Set {PAYLOAD.name}: {SIGNED}, with which Callout signs bodies anew, or send the body as it is"
        )
        raise Refused("malformed_request", detail, remedy)

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Sign the request. Raises `Refused` for one that is signed in its query, or that may not go unsigned."""
        query = urlsplit(request.url).query.lower()
        if any(pair.partition("=")[0] == _PRESIGNED for pair in query.split("&")):
            detail = "got a request that is signed in its query (X-Amz-Signature); expected none, as Callout signs it"
            raise Refused("malformed_request", detail)
        return sign(request, self.credentials(token), self.scope, moment.now, self._payload_hash(request))

    def _payload_hash(self, request: HttpRequest) -> str:
        if self.needs(self.values.parameters) is Needs.BODY:
            return payload_hash_of(request.body)
        if not request.url.startswith("https:"):
            detail = (
                f"got {PAYLOAD.name}: {UNSIGNED} for a URL of http; expected https, as nothing else protects the body"
            )
            remedy = Remedy(f"Set {PAYLOAD.name}: {SIGNED}, or a URL of https", "callout apply -f FILE")
            raise Refused("principal_not_configured", detail, remedy)
        lines = tuple(f"{name}:{reveal(value)}".encode() for name, value in request.headers)
        return UNSIGNED_TRAILER if is_chunked(lines) and names_trailer(lines) else UNSIGNED_PAYLOAD
