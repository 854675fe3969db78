from callout.core.secret import Secret
from callout.core.sigv4 import AwsCredentials, CredentialScope, payload_hash_of, sign
from tests.core.sigv4.test_protocol import KEY, MOMENT, NOW, PUT, headers_of, protocol


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
