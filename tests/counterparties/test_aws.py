"""What the two servers that verify Signature Version 4 take and refuse, shown with requests that botocore signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx2
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.counterparties.aws import EXTERNAL_ID, Key, Ministack, Swift, aws_client
from tests.journeys.processes import PATIENCE

ODD = "a b/ü+c=*~"
BODY = b"order 7"

Change = Callable[[AWSRequest], None]


def signed(server: Swift | Ministack, key: Key, method: str = "PUT", path: str = "orders/1?note=1") -> AWSRequest:
    """Return a request to S3 that botocore has signed."""
    request = AWSRequest(method, f"{server.endpoint}/{path}", {"x-amz-meta-colour": "red"}, BODY)
    credentials = Credentials(key.access_key_id, key.secret_access_key, key.session_token or None)
    S3SigV4Auth(credentials, "s3", server.region).add_auth(request)
    return request


def send(request: AWSRequest) -> int:
    headers = dict(request.headers.items())
    return httpx2.request(
        request.method, request.url, content=request.data, headers=headers, trust_env=False, timeout=PATIENCE
    ).status_code


def another_path(request: AWSRequest) -> None:
    request.url = request.url.replace("orders/1", "orders/2")


def another_query(request: AWSRequest) -> None:
    request.url = request.url.replace("note=1", "note=2")


def another_header(request: AWSRequest) -> None:
    request.headers.replace_header("x-amz-meta-colour", "blue")


def another_body(request: AWSRequest) -> None:
    request.data = b"order 8"


def no_signature(request: AWSRequest) -> None:
    del request.headers["Authorization"]


def stale(request: AWSRequest) -> None:
    request.headers.replace_header("X-Amz-Date", "20200101T000000Z")


CHANGES = [another_path, another_query, another_header, no_signature, stale]


def test_swift_keeps_what_botocore_sends_under_an_odd_name(swift):
    s3 = aws_client("s3", swift.endpoint, swift.region, swift.key)
    s3.put_object(Bucket="orders", Key=ODD, Body=BODY)
    assert s3.get_object(Bucket="orders", Key=ODD)["Body"].read() == BODY
    assert [each["Key"] for each in s3.list_objects_v2(Bucket="orders", Prefix="a b")["Contents"]] == [ODD]


@pytest.mark.parametrize("change", [*CHANGES, another_body])
def test_swift_refuses_what_was_changed_after_it_was_signed(swift, change: Change):
    request = signed(swift, swift.key)
    assert send(request) == 200
    request = signed(swift, swift.key)
    change(request)
    assert send(request) in (400, 403)


def test_swift_refuses_another_secret(swift):
    assert send(signed(swift, replace(swift.key, secret_access_key="guessed"))) == 403


@pytest.mark.parametrize("change", CHANGES)
def test_ministack_refuses_what_was_changed_after_it_was_signed(ministack, change: Change):
    assert send(signed(ministack, ministack.key)) == 200
    request = signed(ministack, ministack.key)
    change(request)
    assert send(request) == 403


def test_ministack_refuses_another_secret(ministack):
    assert send(signed(ministack, replace(ministack.key, secret_access_key="guessed"))) == 403


def test_a_role_is_given_to_who_knows_the_external_id_and_may_only_what_it_may(ministack):
    sts = aws_client("sts", ministack.endpoint, ministack.region, ministack.key)
    asked = {"RoleArn": ministack.role, "RoleSessionName": "tests"}
    for wrong in ({}, {"ExternalId": "guessed"}):
        with pytest.raises(ClientError, match="AccessDenied"):
            sts.assume_role(**asked, **wrong)
    given = sts.assume_role(**asked, ExternalId=EXTERNAL_ID)["Credentials"]
    session = Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert send(signed(ministack, session, "GET", "orders/7")) == 200
    assert send(signed(ministack, session, "PUT", "orders/1")) == 403
    assert send(signed(ministack, replace(session, session_token="guessed"), "GET", "orders/7")) in (400, 403)


def test_other_apis_than_s3_are_signed_for_too(ministack):
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", f"{ministack.endpoint}/", form, b"Action=GetCallerIdentity&Version=2011-06-15")
    key = ministack.key
    SigV4Auth(Credentials(key.access_key_id, key.secret_access_key), "sts", ministack.region).add_auth(request)
    assert send(request) == 200
    another_service = request.headers["Authorization"].replace("/sts/", "/iam/")
    request.headers.replace_header("Authorization", another_service)
    assert send(request) == 403
