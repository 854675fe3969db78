"""An answer's body framed as the caller can read it: into chunks for HTTP/1.1, out of them for HTTP/1.0."""

from __future__ import annotations

from callout.core.http1.body import ChunkedBody
from callout.core.http1.head import ResponseHead

_TRANSFER_ENCODING = frozenset({b"transfer-encoding"})


class Reframing:
    """Puts a body that lasts until the close into chunks, or takes a chunked one out of them."""

    __slots__ = ("_unwrap",)

    def __init__(self, *, chunked: bool) -> None:
        self._unwrap = ChunkedBody([]) if chunked else None

    def take(self, body: bytes, ended: bool) -> bytes:
        """Return more of the body in its other framing."""
        if self._unwrap is not None:
            self._unwrap.feed(body)
            content = self._unwrap.content or []
            body = b"".join(content)
            content.clear()
            return body
        end = b"0\r\n\r\n" if ended else b""
        return b"%x\r\n%b\r\n%b" % (len(body), body, end) if body else end


def framed(head: ResponseHead, *, modern: bool, bodiless: bool) -> tuple[list[bytes], Reframing | None, bool]:
    """Return an answer's lines, what reframes its body, and whether the caller's connection may outlast it.

    `modern`: the caller speaks HTTP/1.1.
    """
    lines = list(head.lines)
    if head.chunked and (bodiless or not modern):
        lines = head.lines_without(_TRANSFER_ENCODING)
    if bodiless or head.content_length >= 0:
        return lines, None, True
    if not modern:
        return lines, Reframing(chunked=True) if head.chunked else None, False
    if head.chunked:
        return lines, None, True
    lines.append(b"Transfer-Encoding: chunked")
    return lines, Reframing(chunked=False), True
