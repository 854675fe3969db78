"""Media types that are looked into or left alone, and content codings that are undone within bounds."""

import gzip
import zlib

import pytest

from callout.core.refresh.content import (
    MOST_JUDGED,
    decoder_of,
    is_json,
    is_stream,
    is_text,
    is_xml,
    media_type_of,
    value_in,
)


@pytest.mark.parametrize(
    ("content_type", "kinds"),
    [
        ("application/json; charset=utf-8", "json text"),
        ("Application/GraphQL-Response+JSON", "json text"),
        ("application/problem+json", "json text"),
        ("text/xml", "xml text"),
        ("application/soap+xml;charset=UTF-8", "xml text"),
        ("text/html", "text"),
        ("application/x-www-form-urlencoded", "text"),
        ("application/octet-stream", "stream"),
        ("text/event-stream", "text stream"),
        ("application/x-ndjson", "stream"),
        ("multipart/mixed; boundary=x", "stream"),
        ("video/mp4", "stream"),
        ("application/zip", ""),
        ("", ""),
    ],
)
def test_a_media_type_says_what_a_body_is(content_type, kinds) -> None:
    media_type = media_type_of(content_type)
    said = {"json": is_json, "xml": is_xml, "text": is_text, "stream": is_stream}
    assert [name for name, says in said.items() if says(media_type)] == kinds.split()


@pytest.mark.parametrize(
    ("coding", "pack"), [("", bytes), ("identity", bytes), ("gzip", gzip.compress), ("X-GZIP ", gzip.compress)]
)
def test_a_coding_is_undone(coding, pack) -> None:
    decoder = decoder_of(coding)
    assert b"".join(decoder.feed(bytes([byte])) for byte in pack(b"the body" * 10)) == b"the body" * 10


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress"])
def test_a_coding_that_is_not_undone_here_has_no_decoder(coding) -> None:
    assert decoder_of(coding) is None


def test_what_is_not_as_its_coding_says_is_malformed() -> None:
    assert decoder_of("gzip").feed(b"plain text") is None
    assert decoder_of("deflate").feed(b"\xff\xff\xff\xff") is None


def test_a_small_body_cannot_grow_without_end() -> None:
    decoder = decoder_of("deflate")
    packed = zlib.compress(b"x" * 10_000_000)
    assert len(decoder.feed(packed[:5000])) == MOST_JUDGED
    assert decoder.feed(packed[5000:]) == b""


def test_the_first_line_of_a_name_has_its_value() -> None:
    lines = [b"X-A: 1", b"content-TYPE:\t a/b ", b"Content-Type: c/d"]
    assert (value_in(lines, b"content-type"), value_in(lines, b"x")) == ("a/b", "")
