"""Where endpoints are, as servers say it themselves: what is believed of that, and what is refused."""

import json

import pytest

from callout.core.errors import Refused
from callout.core.oauth2.discovery import REUSABLE, discovered, well_known
from callout.core.protocol import Values
from tests.play import answer, play

ISSUER = "https://id.example/tenant"
OPENID = "https://id.example/tenant/.well-known/openid-configuration"
OAUTH = "https://id.example/.well-known/oauth-authorization-server/tenant"
NOT_FOUND = answer(404, "no such page", "text/plain")


def metadata(issuer: str = ISSUER, **members: object):
    told = {"issuer": issuer, "token_endpoint": "https://id.example/tenant/token", **members}
    return answer(200, json.dumps(told))


def found(*answers, names=("token_endpoint",), required: bool = True, **parameters: str):
    flow = discovered(Values({"issuer": ISSUER, **parameters}), *names, required=required)
    values, requests = play(flow, *answers)
    return values.parameters, requests


def refused(*answers, **given) -> Refused:
    with pytest.raises(Refused) as caught:
        found(*answers, **given)
    return caught.value


def test_the_places_are_those_of_openid_and_of_rfc_8414_section_3_1() -> None:
    assert well_known(ISSUER) == (OPENID, OAUTH)
    assert well_known("https://id.example") == (
        "https://id.example/.well-known/openid-configuration",
        "https://id.example/.well-known/oauth-authorization-server",
    )


def test_the_first_place_that_has_metadata_says_the_endpoint() -> None:
    parameters, requests = found(metadata())
    assert parameters["token_endpoint"] == "https://id.example/tenant/token"
    assert [(r.method, r.url, r.reusable_for) for r in requests] == [("GET", OPENID, REUSABLE)]
    parameters, requests = found(NOT_FOUND, metadata())
    assert parameters["token_endpoint"] == "https://id.example/tenant/token"
    assert [r.url for r in requests] == [OPENID, OAUTH]


def test_what_is_declared_is_not_asked_for() -> None:
    flow = discovered(Values({"issuer": ISSUER, "token_endpoint": "https://other.example/t"}), "token_endpoint")
    with pytest.raises(StopIteration) as ended:
        next(flow)
    assert ended.value.value.parameters["token_endpoint"] == "https://other.example/t"


def test_without_an_issuer_an_endpoint_has_to_be_declared() -> None:
    with pytest.raises(Refused, match="got neither token_endpoint nor issuer") as caught:
        next(discovered(Values(), "token_endpoint"))
    assert caught.value.reason.code == "principal_not_configured"


@pytest.mark.parametrize("issuer", ["https://id.example/tenant/", "https://ID.example/tenant", "https://evil.example"])
def test_metadata_of_another_issuer_is_refused_letter_for_letter(issuer) -> None:
    told = refused(metadata(issuer))
    assert told.reason.code == "token_endpoint_refused"
    assert f"expected {ISSUER!r}, letter for letter" in told.detail
    assert told.remedies[0].text == "Correct issuer of the external credential"


def test_an_endpoint_that_the_server_does_not_name_is_required_or_left_out() -> None:
    told = refused(metadata(), names=("device_authorization_endpoint",))
    assert f"{OPENID} names no device_authorization_endpoint" in told.detail
    parameters, _ = found(metadata(), names=("revocation_endpoint",), required=False)
    assert "revocation_endpoint" not in parameters


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        ("<html>Sign in</html>", "text/html", "which is no JSON object"),
        ("[]", "application/json", "which is no JSON object"),
        ('{"token_endpoint": "x"}', "application/json", "without an issuer"),
    ],
)
def test_something_else_than_metadata_is_said_to_be_that(body, kind, says) -> None:
    told = refused(answer(200, body, kind), NOT_FOUND)
    assert says in told.detail
    assert f"{OAUTH} answered 404" in told.detail
    assert told.transient is False
    assert told.unsent


def test_a_server_that_is_down_is_asked_again_later() -> None:
    told = refused(answer(503, "", None), answer(503, "", None))
    assert (told.reason.code, told.transient) == ("token_endpoint_unreachable", True)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://id.example/token",
        "https://user@id.example/token",
        "https://id.example/token#part",
        "ftp://id.example/token",
        "/token",
        "https://",
        "https://id.example:99999/",
        "https://id.example/tök",
        "https://[::1",
    ],
)
def test_an_endpoint_that_is_less_safe_than_the_issuer_is_refused(endpoint) -> None:
    told = refused(metadata(token_endpoint=endpoint))
    assert "expected an https URL" in told.detail


def test_in_the_clear_only_where_the_issuer_is_and_at_its_host() -> None:
    plain = "http://127.0.0.1:9/op"
    told = {"issuer": plain, "token_endpoint": "http://127.0.0.1:9/token"}
    assert found(answer(200, json.dumps(told)), issuer=plain)[0]["token_endpoint"] == "http://127.0.0.1:9/token"
    told["token_endpoint"] = "http://10.0.0.1/token"
    assert "expected an https URL" in refused(answer(200, json.dumps(told)), issuer=plain).detail


def test_a_client_with_a_certificate_asks_where_certificates_are_asked_for() -> None:
    aliases = {"mtls_endpoint_aliases": {"token_endpoint": "https://mtls.id.example/token"}}
    assert found(metadata(**aliases))[0]["token_endpoint"] == "https://id.example/tenant/token"
    parameters, _ = found(metadata(**aliases), client_certificate="mine")
    assert parameters["token_endpoint"] == "https://mtls.id.example/token"


def test_a_browser_is_never_sent_where_certificates_are_asked_for() -> None:
    """RFC 8705 section 5: an alias of an endpoint that the client does not ask itself has no meaning."""
    name = "authorization_endpoint"
    told = {name: "https://id.example/authorize", "mtls_endpoint_aliases": {name: "https://mtls.id.example/authorize"}}
    parameters, _ = found(metadata(**told), names=(name,), client_certificate="mine")
    assert parameters[name] == "https://id.example/authorize"
