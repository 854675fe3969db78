from datetime import UTC, datetime

from callout.core.message import HttpRequest
from callout.core.protocol import Moment, Values
from callout.core.protocols.aws_sigv4 import AwsSigV4
from callout.core.secret import Redactable, Secret, reveal
from callout.core.sigv4 import AwsCredentials, CredentialScope, payload_hash_of, sign

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


def test_a_request_is_signed_with_its_body_and_every_amz_header_that_came_with_it() -> None:
    after = protocol().apply(PUT, None, MOMENT)
    credentials = AwsCredentials(KEY["access_key_id"], KEY["secret_access_key"])
    assert after == sign(PUT, credentials, CredentialScope("eu-central-1", "s3"), NOW, payload_hash_of(b"7"))
    headers = headers_of(after)
    assert "SignedHeaders=host;x-amz-acl;x-amz-content-sha256;x-amz-date," in headers["authorization"]
    assert headers["x-amz-content-sha256"] == payload_hash_of(b"7")


def test_a_session_token_that_came_with_the_key_is_sent_and_signed() -> None:
    headers = headers_of(protocol({**KEY, "session_token": Secret("tok")}).apply(PUT, None, MOMENT))
    assert headers["x-amz-security-token"] == "tok"
    assert "x-amz-security-token" in headers["authorization"]
