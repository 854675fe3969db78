import pytest

from callout.core.message import HttpResponse
from callout.core.oauth2.refusal import LONGEST_RETRY_AFTER, is_transient, refusal_from, retry_after_of
from callout.core.protocol import Values
from callout.core.secret import Secret
from tests.core.oauth2.answers import NOW, refused
from tests.play import answer


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("invalid_client", "client_id and client_secret"),
        ("invalid_scope", "scope"),
        ("unauthorized_client", "grant type"),
        ("invalid_request", "Correct the client credentials, scope or token endpoint"),
        ("invalid_grant", "Correct the client credentials, scope or token endpoint"),
        ("unsupported_grant_type", "let the authorization server know this grant type"),
        ("invalid_target", "resource and audience"),
        ("invalid_dpop_proof", "Give dpop_certificate"),
        ("use_dpop_nonce", "Give dpop_certificate"),
    ],
)
def test_an_error_of_rfc_6749_section_5_2_is_named_with_its_remedy(error: str, remedy: str) -> None:
    caught = refused(400, {"error": error, "error_description": "Trace 1b4e28ba-2fa1-11d2-883f-0016d3cca427"})
    assert caught.reason.code == "token_endpoint_refused"
    assert f"error {error!r} ('Trace 1b4e28ba-2fa1-11d2-883f-0016d3cca427')" in caught.detail
    assert "answered 400 (application/json)" in caught.detail
    assert remedy in caught.remedies[0].text


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, "token_endpoint_refused"),
        (201, "token_endpoint_refused"),
        (302, "token_endpoint_refused"),
        (401, "token_endpoint_refused"),
        (429, "token_endpoint_unreachable"),
        (500, "token_endpoint_unreachable"),
        (503, "token_endpoint_unreachable"),
    ],
)
@pytest.mark.parametrize("body", ["", "<html>Sign in</html>", "{", "[]", "null", '"x"', "[" * 100_000, b"\xff\xfe"])
def test_an_answer_without_a_token_is_refused_by_its_status(status: int, code: str, body: bytes | str) -> None:
    caught = refused(status, body, "text/html")
    assert caught.reason.code == code
    assert f"answered {status} (text/html)" in caught.detail
    assert len(caught.detail) < 1_600


def test_what_came_instead_is_said() -> None:
    assert "an empty body" in refused(200, "", None).detail
    assert "(no content type)" in refused(200, "", None).detail
    assert "body starts '<html>Sign in</html>'" in refused(200, "<html>Sign in</html>", "text/html").detail
    assert "members 'token, expires'" in refused(200, {"token": "abc", "expires": 1}).detail


@pytest.mark.parametrize(
    ("method", "remedy"),
    [
        ("client_secret_post", "client_secret"),
        ("private_key_jwt", "public key of signing_certificate"),
        ("tls_client_auth", "client_certificate"),
        ("self_signed_tls_client_auth", "client_certificate"),
        ("none", "Correct client_id, or choose another client_authentication"),
    ],
)
def test_a_client_that_is_not_known_is_told_what_it_proves_itself_by(method: str, remedy: str) -> None:
    caught = refused(401, {"error": "invalid_client"}, client_authentication=method)
    assert remedy in caught.remedies[0].text
    assert ("client_secret" in caught.remedies[0].text) == method.startswith("client_secret")


def test_a_proof_that_is_refused_is_a_matter_of_clock_and_key() -> None:
    assert "clock" in refused(400, {"error": "invalid_dpop_proof"}, dpop_certificate="d").remedies[0].text


TOKENS = ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "gho_16C7e42F292c6912E7710c838347Ae178B4a"]


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("body", ['{{"accessToken": "{}"}}', '{{"access_token": "{}"', "token={}", '{{"error": "{}"}}'])
def test_a_token_in_an_answer_that_was_not_understood_is_not_shown(body: str, token: str) -> None:
    assert token[:30] not in refused(400, body.format(token)).detail


@pytest.mark.parametrize("body", ["{}", '{{"error": "x", "error_description": "{}"}}', "<p>" + "é" * 290 + "{}"])
@pytest.mark.parametrize("form", ["p&ss wörd+1", "p%26ss+w%C3%B6rd%2B1"])
def test_a_client_secret_that_the_endpoint_echoes_is_not_shown(body: str, form: str) -> None:
    detail = refused(401, body.format(form)).detail
    assert "p&s" not in detail
    assert "p%26s" not in detail


@pytest.mark.parametrize("text", ["\x1b[2Jowned", "line\nline"])
def test_what_the_endpoint_says_cannot_control_a_terminal(text: str) -> None:
    assert text not in refused(400, {"error": text, "error_description": text}).detail


def test_a_huge_error_is_cut() -> None:
    detail = refused(400, {"error": "x " * 500_000, "error_description": "y " * 500_000}, "t" * 500_000).detail
    assert len(detail) < 1_000


def test_a_refusal_without_a_secret_to_hide_is_made_too() -> None:
    assert refusal_from(answer(400, "no"), Values(), scrub=()).reason.code == "token_endpoint_refused"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, "", None),
        (502, "<html></html>", "text/html"),
        (503, '{"error": "invalid_grant"}', "application/json"),
        (429, "{}", "application/json"),
        (408, "", None),
        (425, "", None),
        (200, "", None),
        (200, "<html>Sign in</html>", "text/html"),
        (200, '{"access_token": "abc', "application/json"),
        (200, "[]", "application/json"),
        (400, '{"error": "temporarily_unavailable"}', "application/json"),
        (400, '{"error": "slow_down"}', "application/json"),
    ],
)
def test_what_the_server_may_not_repeat_is_transient(status: int, body: str, kind: str | None) -> None:
    assert is_transient(answer(status, body, kind))
    assert refused(status, body, kind).transient


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, '{"error": "invalid_grant"}'),
        (401, '{"error": "invalid_client"}'),
        (400, '{"error": "unauthorized_client"}'),
        (403, "<html>Forbidden</html>"),
        (404, ""),
        (302, ""),
        (200, '{"error": "bad_verification_code"}'),
        (200, '{"accessToken": "abc"}'),
    ],
)
def test_what_stands_until_somebody_changes_something_is_not_transient(status: int, body: str) -> None:
    assert not is_transient(answer(status, body))
    caught = refused(status, body)
    assert (caught.transient, caught.status, caught.unsent) == (False, status, False)


@pytest.mark.parametrize("kind", ["text/xml", "application/xml; charset=utf-8"])
def test_an_answer_of_success_in_xml_is_no_failure_of_the_server(kind: str) -> None:
    assert not is_transient(answer(200, "<AssumeRoleResponse/>", kind))
    assert is_transient(answer(503, "<ErrorResponse/>", kind))


def test_an_error_in_an_answer_of_success_is_an_error_as_it_is_with_github() -> None:
    body = {"error": "bad_refresh_token", "error_description": "The refresh token passed is incorrect or expired."}
    caught = refused(200, body)
    assert caught.error == "bad_refresh_token"
    assert "incorrect or expired" in caught.detail
    assert refused(200, body, reconnect_errors="other bad_refresh_token").error == "invalid_grant"


def test_an_error_stands_where_the_dialect_says() -> None:
    body = {"fault": {"code": "token.expired", "text": "Session over"}}
    caught = refused(400, body, error_field="/fault/code", reconnect_errors="token.expired")
    assert caught.error == "invalid_grant"
    assert "error 'token.expired'" in caught.detail
    assert refused(400, {"code": 17}, error_field="/code", reconnect_errors="17").error == "invalid_grant"


def test_an_error_of_another_shape_keeps_status_type_and_what_it_said() -> None:
    detail = refused(400, {"code": 17, "message": "Mandant gesperrt"}, "application/problem+json").detail
    assert "answered 400 (application/problem+json)" in detail
    assert "Mandant gesperrt" in detail


@pytest.mark.parametrize("member", ["token", "clientSecret", "password", "api_key", "assertion"])
def test_a_member_that_speaks_of_a_credential_is_not_shown(member: str) -> None:
    detail = refused(400, {"code": 17, member: "hush"}).detail
    assert "hush" not in detail
    assert "17" in detail


def test_where_an_answer_of_success_has_other_members_the_remedy_names_the_mapping() -> None:
    assert "access_token_field" in refused(200, {"accessToken": "abc"}).remedies[0].text


DATE = ("Date", "Tue, 01 Jan 2030 00:10:00 GMT")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((), None),
        ((("Retry-After", "7"),), 7.0),
        ((("Retry-After", " 0 "),), 0.0),
        ((("Retry-After", "-7"),), None),
        ((("Retry-After", "soon"),), None),
        ((("Retry-After", ""),), None),
        ((("Retry-After", "9" * 400),), LONGEST_RETRY_AFTER),
        ((("Retry-After", "Tue, 01 Jan 2030 00:00:30 GMT"),), 30.0),
        ((("Retry-After", "Mon, 31 Dec 2029 23:00:00 GMT"),), 0.0),
        ((("Retry-After", "Wed, 01 Jan 2031 00:00:00 GMT"),), LONGEST_RETRY_AFTER),
        ((DATE, ("Retry-After", "Tue, 01 Jan 2030 00:10:30 GMT")), 30.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date_on_the_servers_clock(headers, seconds: float | None) -> None:
    assert retry_after_of(HttpResponse(429, "", headers, b""), NOW) == seconds


def test_a_transient_refusal_says_how_long_to_wait() -> None:
    response = HttpResponse(503, "", (("Retry-After", "7"),), b"")
    assert refusal_from(response, Values(), scrub=(Secret("x"),), now=NOW).retry_after == 7
    assert refusal_from(HttpResponse(400, "", response.headers, b""), Values(), scrub=(), now=NOW).retry_after is None
