"""The conversation with AWS STS, as its API Reference has it ("AssumeRole")."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from callout.core.errors import Refused
from callout.core.message import HttpRequest
from callout.core.oauth2 import TokenRefused
from callout.core.protocol import Moment, Values
from callout.core.protocols.aws_sts import AwsSts
from callout.core.secret import Redactable, Secret, reveal
from callout.core.sigv4 import AwsCredentials, CredentialScope, payload_hash_of, sign
from tests.play import answer, play

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MOMENT = Moment(NOW)
#: The example of the API Reference, with a session token of one line.
ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
  <SourceIdentity>DevUser123</SourceIdentity>
    <AssumedRoleUser>
      <Arn>arn:aws:sts::123456789012:assumed-role/demo/TestAR</Arn>
      <AssumedRoleId>ARO123EXAMPLE123:TestAR</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{key}</AccessKeyId>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY</SecretAccessKey>
      <SessionToken>AQoDYXdzEJr&lt;token&gt;==</SessionToken>
      <Expiration>2030-01-01T01:00:00Z</Expiration>
    </Credentials>
    <PackedPolicySize>6</PackedPolicySize>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</AssumeRoleResponse>"""
GRANTED = answer(200, ASSUMED.format(key="ASIAIOSFODNN7EXAMPLE"), "text/xml")
CONFORMING = answer(200, ASSUMED.format(key="c4n4ry-Zq7-issued"), "text/xml")
ROLE = "arn:aws:iam::123456789012:role/demo"
BASE = {"access_key_id": Secret("AKIDEXAMPLE"), "secret_access_key": Secret("base-key-0123456789")}


def protocol(secrets: dict[str, Secret] = BASE, **parameters: str) -> AwsSts:
    given = {"region": "eu-central-1", "service": "s3", "role_arn": ROLE, **parameters}
    return AwsSts(Values(given, secrets))


def asked(made: AwsSts) -> tuple[HttpRequest, dict[str, str]]:
    _, (request,) = play(made.obtain(MOMENT, None), GRANTED)
    return request, dict(parse_qsl(reveal(request.body)))


def refused_with(body: str, status: int = 403, kind: str = "text/xml") -> Refused:
    with pytest.raises(TokenRefused) as refused:
        play(protocol().obtain(MOMENT, None), answer(status, body, kind))
    return refused.value


def error(code: str, message: str = "no") -> str:
    return f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"


def test_a_role_is_assumed_in_its_own_region_with_what_is_set() -> None:
    request, fields = asked(protocol(external_id="a b&c", duration_seconds="900", session_name="nightly"))
    assert (request.method, request.url) == ("POST", "https://sts.eu-central-1.amazonaws.com/")
    assert fields == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "nightly",
        "ExternalId": "a b&c",
        "DurationSeconds": "900",
    }


def test_what_is_not_set_is_not_sent_and_the_session_has_a_name_all_the_same() -> None:
    _, fields = asked(protocol())
    assert set(fields) == {"Action", "Version", "RoleArn", "RoleSessionName"}
    assert fields["RoleSessionName"] == "callout"


def test_the_answer_of_the_api_reference_is_a_token_of_three_parts_that_requests_are_signed_with() -> None:
    made = protocol()
    token, _ = play(made.obtain(MOMENT, None), GRANTED)
    assert token.expires_at == datetime(2030, 1, 1, 1, tzinfo=UTC)
    request = HttpRequest("GET", "https://b.s3.example/7")
    session = AwsCredentials(
        Secret("ASIAIOSFODNN7EXAMPLE"),
        Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        Secret("AQoDYXdzEJr<token>=="),
    )
    scope = CredentialScope("eu-central-1", "s3")
    assert made.apply(request, token, MOMENT) == sign(request, session, scope, NOW, payload_hash_of(None))


@pytest.mark.parametrize(
    ("parameters", "endpoint", "region"),
    [
        ({"region": "cn-north-1"}, "https://sts.cn-north-1.amazonaws.com.cn/", "cn-north-1"),
        ({"sts_endpoint": "https://sts.amazonaws.com/"}, "https://sts.amazonaws.com/", "us-east-1"),
        ({"sts_endpoint": "https://sts.us-west-2.amazonaws.com"}, "https://sts.us-west-2.amazonaws.com", "us-west-2"),
        ({"sts_endpoint": "https://sts.example/x"}, "https://sts.example/x", "eu-central-1"),
    ],
)
def test_a_request_to_an_endpoint_is_signed_for_the_region_of_that(parameters, endpoint, region) -> None:
    request, _ = asked(protocol(**parameters))
    signed = next(str(value) for name, value in request.headers if name == "Authorization")
    assert request.url == endpoint
    assert f"/20300101/{region}/sts/aws4_request" in signed


def test_the_base_key_may_itself_be_a_temporary_one() -> None:
    request, _ = asked(protocol({**BASE, "session_token": Secret("base-session")}))
    assert ("X-Amz-Security-Token", "base-session") in [(name, reveal(value)) for name, value in request.headers]


def test_the_name_of_a_session_may_be_a_formula_and_is_refused_where_aws_would_not_take_it() -> None:
    moment = Moment(NOW, evaluate=lambda text: Redactable.of(text.replace("{!$User.Username}", "alice")))
    _, (request,) = play(protocol(session_name="by-{!$User.Username}").obtain(moment, None), GRANTED)
    assert "RoleSessionName=by-alice" in reveal(request.body)
    with pytest.raises(Refused, match="session_name") as refused:
        next(protocol(session_name="a b").obtain(MOMENT, None))
    assert refused.value.reason.code == "formula_failed"


def test_a_role_that_may_not_be_assumed_is_refused_with_what_aws_says_and_what_mends_it() -> None:
    refused = refused_with(error("AccessDenied", "User: arn:aws:iam::1:user/x is not authorized"))
    assert refused.reason.code == "token_endpoint_refused"
    assert "AccessDenied" in refused.detail
    assert "is not authorized" in refused.detail
    assert "external_id" in refused.remedies[0].text
    assert (refused.error, refused.transient) == ("AccessDenied", False)


@pytest.mark.parametrize(
    ("status", "code"), [(400, "Throttling"), (503, "ServiceUnavailable"), (500, "InternalFailure")]
)
def test_an_issuer_that_is_busy_may_be_asked_again(status: int, code: str) -> None:
    refused = refused_with(error(code), status)
    assert (refused.reason.code, refused.transient) == ("token_endpoint_unreachable", True)


@pytest.mark.parametrize(
    "body",
    [
        ASSUMED.replace("<Expiration>2030-01-01T01:00:00Z</Expiration>", ""),
        ASSUMED.replace("2030-01-01T01:00:00Z", "soon"),
        ASSUMED.replace("2030-01-01T01:00:00Z", "2030-01-01T01:00:00"),
        ASSUMED.replace("<SessionToken>AQoDYXdzEJr&lt;token&gt;==</SessionToken>", "<SessionToken/>"),
        ASSUMED[:400],
        '<!DOCTYPE x [<!ENTITY e "x">]>' + ASSUMED.replace("AQoDYXdzEJr", "&e;"),
    ],
)
def test_an_answer_of_success_without_whole_credentials_is_refused(body: str) -> None:
    assert "expected 200 with Credentials that expire" in refused_with(body, 200).detail


def test_no_part_of_the_base_key_shows_in_a_refusal() -> None:
    assert "base-key-0123456789" not in refused_with(error("SignatureDoesNotMatch", "base-key-0123456789")).detail
