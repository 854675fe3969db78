"""Vectors: RFC 6749 section 4.1.1 and 4.1.3, RFC 7636 appendix B, RFC 8707 section 2.1, RFC 9207 section 2."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from callout.core.errors import Refused
from callout.core.oauth2.authorization import (
    AuthorizationResponse,
    authorization_url,
    code_challenge,
    code_grant,
    judged_response,
    random_text,
)
from callout.core.protocol import Values
from callout.core.secret import Secret, reveal

#: RFC 7636 appendix B.
OCTETS = bytes.fromhex("7418dfb49799e0254ffa607dd8adbbba16d4254d69d6bff05b58055853848d79")
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
BACK = "https://client.example.com/cb"
CODE = Secret("SplxlOBeZQQYbYS6WxSbIA")


def values(**parameters: str) -> Values:
    whole = {"authorization_endpoint": "https://server.example.com/authorize", **parameters}
    return Values(whole, {"client_id": Secret("s6BhdRkqt3"), "client_secret": Secret("c4n4ry")})


def asked(**parameters: str) -> list[tuple[str, str]]:
    url = authorization_url(
        values(**parameters), redirect_uri=BACK, state=Secret("xyz"), code_verifier=Secret(VERIFIER)
    )
    assert "xyz" not in url.redacted
    return parse_qsl(urlsplit(reveal(url)).query)


def test_the_verifier_and_its_challenge_are_those_of_rfc_7636_appendix_b() -> None:
    assert reveal(random_text(OCTETS)) == VERIFIER
    assert code_challenge(Secret(VERIFIER)) == CHALLENGE


def test_the_authorization_request_is_that_of_rfc_6749_section_4_1_1_with_pkce() -> None:
    assert asked() == [
        ("response_type", "code"),
        ("client_id", "s6BhdRkqt3"),
        ("redirect_uri", BACK),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "xyz"),
    ]


def test_scope_resources_and_further_parameters_are_asked_for() -> None:
    more = {"scope": "a b", "resource": "https://x.example https://y.example", "audience": "z"}
    sent = asked(**more, **{"authorization_request_parameters.access_type": "offline"})
    assert [pair for pair in sent if pair[0] in ("scope", "resource", "audience", "access_type")] == [
        ("scope", "a b"),
        ("audience", "z"),
        ("resource", "https://x.example"),
        ("resource", "https://y.example"),
        ("access_type", "offline"),
    ]


def test_a_query_of_the_endpoint_is_kept() -> None:
    assert asked(authorization_endpoint="https://id.example/authorize?tenant=1")[0] == ("tenant", "1")
    assert asked(authorization_endpoint="https://id.example/authorize?")[0] == ("response_type", "code")


def test_no_challenge_is_sent_to_a_server_that_does_not_know_pkce() -> None:
    assert [name for name, _ in asked(pkce="none") if name.startswith("code")] == []
    grant = code_grant(values(pkce="none"), CODE, redirect_uri=BACK, code_verifier=Secret(VERIFIER))
    assert [name for name, _ in grant] == ["grant_type", "code", "redirect_uri"]


def test_the_code_is_exchanged_as_rfc_6749_section_4_1_3_says() -> None:
    grant = code_grant(values(), CODE, redirect_uri=BACK, code_verifier=Secret(VERIFIER))
    assert [(name, reveal(value)) for name, value in grant] == [
        ("grant_type", "authorization_code"),
        ("code", "SplxlOBeZQQYbYS6WxSbIA"),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ]


def test_without_an_authorization_endpoint_nobody_can_authorize() -> None:
    with pytest.raises(Refused, match="no authorization_endpoint") as refused:
        asked(authorization_endpoint="")
    assert refused.value.reason.code == "principal_not_configured"


@pytest.mark.parametrize(
    ("issuer", "supported", "came", "accepted"),
    [
        ("https://honest.as.example", "false", "https://honest.as.example", True),  # RFC 9207 section 2.1
        ("https://honest.as.example", "false", "https://honest.as.example/", False),
        ("https://honest.as.example", "true", "https://attacker.example", False),
        ("https://honest.as.example", "true", None, False),
        ("https://honest.as.example", "false", None, True),
        ("", "false", "https://any.example", True),
        ("", "true", None, False),
    ],
)
def test_the_issuer_in_the_response_is_compared_letter_for_letter(issuer, supported, came, accepted) -> None:
    given = values(issuer=issuer, authorization_response_iss_parameter_supported=supported)
    response = AuthorizationResponse(code=CODE, iss=came)
    if accepted:
        assert judged_response(response, given) == CODE
    else:
        with pytest.raises(Refused, match="RFC 9207") as refused:
            judged_response(response, given)
        assert refused.value.reason.code == "connection_failed"


def test_the_issuer_is_judged_before_the_error_of_another_server() -> None:
    given = values(issuer="https://honest.as.example")
    with pytest.raises(Refused, match="issuer"):
        judged_response(AuthorizationResponse(error="access_denied", iss="https://attacker.example"), given)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("access_denied", "agree at the authorization server"),
        ("redirect_uri_mismatch", "Register the callback URL"),
        ("invalid_scope", "Correct the scope"),
        ("unauthorized_client", "Allow the authorization code grant"),
        ("temporarily_unavailable", "in a while"),
        ("something_else", "ask who runs"),
    ],
)
def test_an_error_of_the_server_says_what_helps(error: str, remedy: str) -> None:
    with pytest.raises(Refused, match=error) as refused:
        judged_response(AuthorizationResponse(error=error, error_description="why"), values())
    assert remedy in str(refused.value.remedies[0])
    assert "why" in refused.value.detail


def test_a_response_that_says_nothing_is_refused() -> None:
    with pytest.raises(Refused, match="neither code nor error"):
        judged_response(AuthorizationResponse(), values())
