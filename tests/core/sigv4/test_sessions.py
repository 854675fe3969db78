from datetime import UTC, datetime

import pytest

from callout.core.model.credentials import ExternalCredential
from callout.core.refresh.rules import signs_of
from callout.core.secret import reveal
from callout.core.sigv4 import STALE_SIGNS, credentials_of, elements_of, token_of

NOW = datetime(2030, 1, 1, tzinfo=UTC)
PARTS = {
    "AccessKeyId": "ASIA",
    "SecretAccessKey": "s/+=",
    "SessionToken": 't"o',
    "Expiration": "2030-01-01T01:00:00Z",
}


def test_a_token_holds_the_three_parts_and_gives_them_back() -> None:
    token = token_of(PARTS, NOW)
    assert token is not None
    found = credentials_of(token)
    parts = (found.access_key_id, found.secret_access_key, found.session_token)
    assert [reveal(part) for part in parts] == ["ASIA", "s/+=", 't"o']
    assert [text for text in ("ASIA", "s/+=") if text in repr(token)] == []
    assert token.expires_at == datetime(2030, 1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", PARTS)
def test_no_token_is_made_of_credentials_that_are_not_whole(name: str) -> None:
    assert token_of({**PARTS, name: ""}, NOW) is None


@pytest.mark.parametrize("said", ["tomorrow", "2030-01-01T01:00:00"])
def test_an_end_that_is_no_time_is_not_guessed_at(said: str) -> None:
    with pytest.raises(ValueError, match=r"time|isoformat"):
        token_of({**PARTS, "Expiration": said}, NOW)


@pytest.mark.parametrize(
    ("xml", "found"),
    [
        ("<a xmlns='urn:x'><B> 1 </B><C><B>2</B></C></a>", {"B": "1"}),
        ("<a><B>x&amp;y</B><C><![CDATA[<z>]]></C></a>", {"B": "x&y", "C": "<z>"}),
        ("<a><B>1</B>", {}),
        ("{}", {}),
        ("", {}),
        ('<!DOCTYPE a [<!ENTITY e "x">]><a><B>1</B></a>', {}),
        ('<!DOCTYPE a SYSTEM "http://127.0.0.1/x"><a><B>1</B></a>', {}),
        ("<?xml version='1.0' encoding='x-unknown'?><a><B>1</B></a>", {}),
    ],
)
def test_elements_are_read_and_nothing_that_declares_a_type_is(xml: str, found: dict[str, str]) -> None:
    assert elements_of(xml.encode()) == found


JSON = "application/x-amz-json-1.0"
ANSWERS = [
    (
        400,
        "application/xml",
        "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>",
    ),
    (403, "text/xml", "<ErrorResponse><Error><Code>ExpiredToken</Code></Error></ErrorResponse>"),
    (403, "text/xml", "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>"),
    (400, "application/xml", "<Error><Code>InvalidToken</Code></Error>"),
    (400, JSON, '{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"expired"}'),
    (400, JSON, '{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"invalid"}'),
    (
        403,
        "application/json",
        '{"message":"The security token included in the request is expired","code":"ExpiredTokenException"}',
    ),
]
GENUINE = [
    (400, JSON, '{"__type":"com.amazon.coral.validate#ValidationException","message":"no such field"}'),
    (403, "application/xml", "<Error><Code>AccessDenied</Code></Error>"),
    (403, "application/xml", "<Error><Code>SignatureDoesNotMatch</Code></Error>"),
    (404, "application/xml", "<Error><Code>ExpiredToken</Code></Error>"),
]


def is_stale(status: int, kind: str, body: str, *lines: bytes) -> bool:
    signs = signs_of(ExternalCredential("E", "aws_sts"), STALE_SIGNS)
    judged = signs.judge(status, (b"Content-Type: " + kind.encode(), *lines))
    if judged.body is not None:
        judged.body.feed(body.encode(), ended=True)
        return bool(judged.body.sign)
    return bool(judged.sign)


@pytest.mark.parametrize(("status", "kind", "body"), ANSWERS)
def test_what_aws_says_of_a_session_that_has_ended_is_a_sign_of_stale_credentials(status, kind, body) -> None:
    assert is_stale(status, kind, body)


def test_the_error_type_in_a_header_is_one_too() -> None:
    assert is_stale(403, "application/octet-stream", "", b"x-amzn-ErrorType: ExpiredTokenException:http://x/")


@pytest.mark.parametrize(("status", "kind", "body"), GENUINE)
def test_what_aws_says_of_anything_else_is_none(status, kind, body) -> None:
    assert not is_stale(status, kind, body)
