"""Bodies in the chunks of AWS SDKs, as in the examples of the Amazon S3 API Reference, and what is none."""

import pytest

from callout.core.errors import Refused
from callout.core.sigv4.payload import announced, decoded_length, is_chunked, names_trailer, unchunked

SIGNED_CHUNKS = (
    b"3;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\nabc\r\n"
    b"2;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n\r\n\r\n"
    b"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
)
TRAILING = b"5\r\nabc\r\n\r\n0\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n\r\n"
LINES = (b"Content-Encoding: aws-chunked", b"x-amz-decoded-content-length: 5", b"X-Amz-Meta-A: 1")


def test_chunks_and_their_signatures_go_and_the_lines_about_them_too() -> None:
    assert unchunked(LINES, SIGNED_CHUNKS) == ((b"X-Amz-Meta-A: 1",), b"abc\r\n")


def test_a_checksum_behind_the_body_becomes_a_header() -> None:
    lines, body = unchunked((*LINES, b"x-amz-trailer: x-amz-checksum-crc32c"), TRAILING)
    assert (lines, body) == ((b"X-Amz-Meta-A: 1", b"x-amz-checksum-crc32c: sOO8/Q=="), b"abc\r\n")


def test_the_signature_of_a_checksum_goes_with_the_signature_that_it_belongs_to() -> None:
    signed = (
        TRAILING[:-2]
        + b"x-amz-trailer-signature:63bddb248ad2590c92712055f51b8e78ab024eead08276b24f010b0efd74843f\r\n\r\n"
    )
    assert unchunked(LINES, signed)[0] == (b"X-Amz-Meta-A: 1", b"x-amz-checksum-crc32c: sOO8/Q==")


def test_other_codings_of_the_content_stay() -> None:
    lines, _ = unchunked((b"content-encoding: aws-chunked, gzip",), b"0\r\n\r\n")
    assert lines == (b"Content-Encoding: gzip",)


@pytest.mark.parametrize("line", [LINES[0], b"content-encoding:gzip,AWS-CHUNKED"])
def test_a_body_in_chunks_is_known_by_its_content_encoding(line: bytes) -> None:
    assert is_chunked((b"X-A: aws-chunked", line))
    assert not is_chunked((b"X-A: aws-chunked", b"Content-Encoding: gzip"))
    assert names_trailer((b"X-Amz-Trailer: x-amz-checksum-crc32",)) != names_trailer((line,))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "chunk size"),
        (b"xyz\r\n", "chunk size"),
        (b"-1\r\n", "chunk size"),
        (b"5\r\nabc\r\n", "cut short"),
        (b"1\r\nabc\r\n0\r\n\r\n", "cut short or too long"),
        (b"5\r\nabcde\r\n", "chunk size"),
        (b"5\r\nabcde\r\n0\r\n\r\nmore of it", "after the last chunk"),
        (b"4\r\nabcd\r\n0\r\n\r\n", "X-Amz-Decoded-Content-Length"),
        (b"5" * 2000 + b"\r\n", "chunk size"),
    ],
)
def test_what_is_not_in_such_chunks_is_refused_and_not_guessed_at(body: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        unchunked(LINES, body)
    assert refused.value.reason.code == "malformed_request"


def test_a_body_that_is_signed_chunk_by_chunk_is_announced_with_both_of_its_lengths() -> None:
    lines = announced((b"content-length: 66560", b"content-encoding: gzip", b"X-A: 1"))
    assert lines == (
        b"X-A: 1",
        b"Content-Encoding: aws-chunked, gzip",
        b"X-Amz-Decoded-Content-Length: 66560",
        b"Content-Length: 66824",
    )
    assert decoded_length(lines) == 66560


@pytest.mark.parametrize("lines", [(), (b"Content-Length: 0",), (b"X-Amz-Decoded-Content-Length: 7x",)])
def test_where_there_is_no_body_none_is_announced(lines: tuple[bytes, ...]) -> None:
    assert announced(lines) == tuple(line for line in lines if b"Decoded" not in line)
    assert decoded_length(lines) == 0


def test_a_body_whose_length_nobody_knows_beforehand_cannot_be_signed_so() -> None:
    with pytest.raises(Refused, match="without Content-Length") as refused:
        announced((b"Transfer-Encoding: chunked",))
    assert refused.value.reason.code == "malformed_request"
