"""What the protocols that sign have in common, shown with the one that needs no session."""

from datetime import UTC, datetime

import pytest

from callout.core.errors import Refused
from callout.core.message import HttpRequest
from callout.core.protocol import Moment, Needs, Values
from callout.core.protocols.aws_sigv4 import AwsSigV4
from callout.core.secret import Redactable, Secret, reveal
from callout.core.sigv4 import CredentialScope, payload_hash_of
from callout.core.sigv4.streaming import ChunkSigning

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MOMENT = Moment(NOW)
KEY = {"access_key_id": Secret("AKIDEXAMPLE"), "secret_access_key": Secret("wJalrXUtnFEMI")}
PUT = HttpRequest(
    "PUT",
    "https://s3.example/orders/7",
    (("Host", Redactable.of("s3.example")), ("X-Amz-Acl", Redactable.of("a"))),
    b"7",
)


def protocol(secrets: dict[str, Secret] = KEY, **parameters: str) -> AwsSigV4:
    return AwsSigV4(Values({"region": "eu-central-1", "service": "s3", **parameters}, secrets))


def headers_of(request: HttpRequest) -> dict[str, str]:
    return {name.lower(): reveal(value) for name, value in request.headers}


def test_the_body_is_read_only_where_it_is_signed() -> None:
    assert AwsSigV4.needs({}) is Needs.BODY
    assert AwsSigV4.needs({"payload": "signed"}) is Needs.BODY
    assert AwsSigV4.needs({"payload": "unsigned"}) is Needs.HEAD
    assert AwsSigV4.needs({"payload": "streaming"}) is Needs.HEAD


def test_a_body_that_is_not_signed_is_said_not_to_be() -> None:
    headers = headers_of(protocol(payload="unsigned").apply(PUT, None, MOMENT))
    assert headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"


def test_a_body_that_is_not_signed_leaves_over_https_alone() -> None:
    plain = HttpRequest("PUT", "http://s3.example/orders/7")
    with pytest.raises(Refused, match="got payload: unsigned for a URL of http; expected https") as refused:
        protocol(payload="unsigned").apply(plain, None, MOMENT)
    assert refused.value.reason.code == "principal_not_configured"


@pytest.mark.parametrize("name", ["X-Amz-Signature", "x-amz-signature", "X-Amz-Signatur%65"])
def test_a_request_that_is_signed_in_its_query_is_refused(name: str) -> None:
    presigned = HttpRequest("GET", f"https://s3.example/orders/7?a=1&{name}=ab")
    with pytest.raises(Refused, match="signed in its query") as refused:
        protocol().apply(presigned, None, MOMENT)
    assert refused.value.reason.code == "malformed_request"


CHUNKED = (b"Content-Encoding: aws-chunked", b"X-Amz-Trailer: x-amz-checksum-crc32")


def test_a_body_in_the_chunks_of_an_sdk_is_signed_without_them() -> None:
    body = b"1\r\n7\r\n0\r\nx-amz-checksum-crc32:TmkPSg==\r\n\r\n"
    assert protocol().unwrapped(CHUNKED, body) == ((b"x-amz-checksum-crc32: TmkPSg==",), b"7")
    assert protocol().unwrapped((b"X-A: 1",), body) == ((b"X-A: 1",), body)


def test_a_body_in_chunks_with_a_checksum_passes_unread_and_is_announced_as_such() -> None:
    made = protocol(payload="unsigned")
    assert made.unwrapped(CHUNKED, None) == (CHUNKED, None)
    lines = tuple((n.decode(), Redactable.of(v.decode())) for n, v in (line.split(b": ") for line in CHUNKED))
    headers = headers_of(made.apply(HttpRequest("PUT", "https://s3.example/7", lines), None, MOMENT))
    assert headers["x-amz-content-sha256"] == "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def test_a_body_in_chunks_that_are_signed_for_somebody_else_does_not_pass_unread() -> None:
    with pytest.raises(Refused, match="aws-chunked") as refused:
        protocol(payload="unsigned").unwrapped(CHUNKED[:1], None)
    assert refused.value.reason.code == "malformed_request"
    assert "payload: signed" in refused.value.remedies[1].text


def streamed(*lines: bytes) -> HttpRequest:
    made = protocol(payload="streaming")
    kept = made.announced(made.unwrapped(lines, None)[0])
    headers = tuple((n.decode(), Redactable.of(v.decode())) for n, v in (line.split(b": ") for line in kept))
    return made.apply(HttpRequest("PUT", "http://s3.example/7", headers), None, MOMENT)


def test_a_body_that_is_signed_while_it_passes_begins_with_the_signature_of_the_head() -> None:
    after = streamed(b"Content-Length: 1")
    headers = headers_of(after)
    assert headers["x-amz-content-sha256"] == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    assert (
        "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length" in headers["authorization"]
    )
    signature = headers["authorization"].rpartition("=")[2]
    scope = CredentialScope("eu-central-1", "s3")
    assert after.encoding == ChunkSigning(1, KEY["secret_access_key"], scope, NOW, Secret(signature))


def test_a_request_without_a_body_is_signed_as_a_whole_where_bodies_are_streamed() -> None:
    after = streamed()
    assert after.encoding is None
    assert headers_of(after)["x-amz-content-sha256"] == payload_hash_of(None)


@pytest.mark.parametrize("lines", [CHUNKED, CHUNKED[:1]])
def test_a_body_in_chunks_of_an_sdk_is_not_put_into_chunks_once_more(lines) -> None:
    with pytest.raises(Refused, match="aws-chunked for payload: streaming"):
        streamed(*lines)


def test_a_body_is_announced_in_another_form_only_where_it_gets_one() -> None:
    lines = (b"Content-Length: 1",)
    assert [protocol(payload=each).announced(lines) for each in ("signed", "unsigned")] == [lines, lines]
