"""What the setup process answers to bytes that are no HTTP request: a problem document, as for everything else."""

from __future__ import annotations

import json

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from callout.core.errors import Refused
from callout.core.problem import CONTENT_TYPE
from callout.engine.operations import document_of

_REFUSED = Refused("malformed_request", "got what is no HTTP/1.1 request; expected one")
_BODY = json.dumps(document_of(_REFUSED)).encode()
_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\n"
    b"content-type: %b\r\ncontent-length: %d\r\ncallout-error: %b\r\n"
    b"cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n%b"
) % (CONTENT_TYPE.encode(), len(_BODY), _REFUSED.reason.code.encode(), _BODY)


class SetupProtocol(HttpToolsProtocol):
    """uvicorn's protocol, but for its answer to what it cannot read."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words, which are no problem document
        """Answer, and close: where the next request would begin is not known."""
        self.transport.write(_ANSWER)
        self.transport.close()
