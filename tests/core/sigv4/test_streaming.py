"""The example of the Amazon S3 API Reference, "Transferring Payload in Multiple Chunks (Chunked Upload)"."""

import re
from datetime import UTC, datetime

import pytest

from callout.core.secret import Secret
from callout.core.sigv4 import CredentialScope
from callout.core.sigv4.streaming import CHUNK, ChunkSigning, encoded_length

NOW = datetime(2013, 5, 24, tzinfo=UTC)
KEY = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
SEED = Secret("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")
#: Size and signature of each chunk of the example.
CHUNKS = [
    (65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
    (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
    (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
]


def signing(length: int) -> ChunkSigning:
    return ChunkSigning(length, KEY, CredentialScope("us-east-1", "s3"), NOW, SEED)


def chunks_of(sent: bytes) -> list[tuple[int, str]]:
    found = []
    while sent:
        head = re.match(rb"([0-9a-f]+);chunk-signature=([0-9a-f]{64})\r\n", sent)
        assert head is not None, sent[:80]
        size = int(head[1], 16)
        assert sent[head.end() + size :][:2] == b"\r\n"
        found.append((size, head[2].decode()))
        sent = sent[head.end() + size + 2 :]
    return found


@pytest.mark.parametrize("step", [66560, 65536, 1000, 7])
def test_the_example_is_signed_as_it_says_however_the_body_comes(step: int) -> None:
    body, take = b"a" * 66560, signing(66560).begin()
    sent = b"".join(take(body[at : at + step]) for at in range(0, len(body), step))
    assert chunks_of(sent) == CHUNKS
    assert len(sent) == signing(66560).length == 66824


@pytest.mark.parametrize("length", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_a_body_is_as_long_as_was_said_beforehand(length: int) -> None:
    take = signing(length).begin()
    sent = take(b"") + take(b"b" * length)
    assert len(sent) == encoded_length(length)
    assert chunks_of(sent)[-1][0] == 0


def test_each_passage_begins_anew() -> None:
    once = signing(5)
    assert once.begin()(b"hello") == once.begin()(b"hello")


def test_nothing_to_sign_with_shows() -> None:
    assert "4f232c" not in repr(signing(5))
    assert "wJalr" not in repr(signing(5))
