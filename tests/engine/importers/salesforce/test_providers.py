"""External auth identity providers and auth providers."""

import pytest

from callout.core.model.credentials import ExternalCredential
from tests.engine.importers.salesforce.shapes import (
    Item,
    commands_of,
    definition_of,
    document,
    entry_of,
    external,
    imported_from,
    legacy,
    parameter,
    principal,
)

TOKEN_URL = parameter("TokenUrl", "TokenUrl", "https://id.example.com/token?tenant=1")


def provider(*rows, flow: str = "ClientCredentials", tag: str = "externalAuthIdentityProviderParameters"):
    items: list[Item] = [("authenticationFlow", flow), ("authenticationProtocol", "OAuth"), ("label", "Carrier")]
    items += [(tag, row) for row in rows]
    path = "externalAuthIdentityProviders/P.externalAuthIdentityProvider-meta.xml"
    return path, document("ExternalAuthIdentityProvider", *items)


def naming(name: str = "P"):
    row = parameter("ExternalAuthIdentityProvider", "EAIP", externalAuthIdentityProvider=name)
    return external("E", "Oauth", row, principal(), parameter("AuthParameter", "Scope", "parcels"))


@pytest.mark.parametrize("tag", ["externalAuthIdentityProviderParameters", "externalAuthIdentityProviderParameter"])
def test_client_credentials_take_their_token_endpoint_from_the_provider(tag: str) -> None:
    post = parameter("ClientAuthentication", "ClientAuthentication", "ClientSecretPost")
    imported = imported_from(provider(TOKEN_URL, post, tag=tag), naming())
    made = definition_of(imported, ExternalCredential, "E")
    assert made.protocol == "oauth2_client_credentials"
    assert made.parameters == {
        "client_authentication": "client_secret_post",
        "token_endpoint": "https://id.example.com/token?tenant=1",
        "scope": "parcels",
    }
    assert commands_of(entry_of(imported, "E")) == ["callout secret set E/Service client_id=- client_secret=-"]
    assert "client id and client secret on the principals of E" in entry_of(imported, "P").by_hand[0].what


def test_the_client_authenticates_by_a_basic_header_where_nothing_is_said() -> None:
    made = definition_of(imported_from(provider(TOKEN_URL), naming()), ExternalCredential, "E")
    assert made.parameters["client_authentication"] == "client_secret_basic"


def test_the_browser_flow_is_not_available() -> None:
    imported = imported_from(provider(TOKEN_URL, flow="AuthorizationCode"), naming())
    why = "flow AuthorizationCode is not available in this version"
    assert entry_of(imported, "P").reasons[0].startswith(why)
    assert why in entry_of(imported, "E").reasons[0]


@pytest.mark.parametrize("kind", ["TokenRequestBodyParameter", "TokenRequestHttpHeader", "RefreshRequestBodyParameter"])
def test_own_parts_of_the_token_request_are_refused(kind: str) -> None:
    imported = imported_from(provider(TOKEN_URL, parameter(kind, "tenant", "1")), naming())
    assert f"got {kind} 'tenant'; expected none" in entry_of(imported, "P").reasons[0]
    assert entry_of(imported, "E").outcome == "refused"


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ((), "got no TokenUrl; expected one"),
        ((parameter("TokenUrl", "TokenUrl", "http://id.example.com"),), "expected https://"),
        ((TOKEN_URL, parameter("ClientAuthentication", "C", "ClientSecretPots")), "did you mean 'ClientSecretPost'?"),
        ((TOKEN_URL, parameter("TokenUri", "C", "x")), "did you mean 'TokenUrl'?"),
    ],
)
def test_what_is_wrong_with_a_provider_is_told(rows, why: str) -> None:
    assert why in "\n".join(entry_of(imported_from(provider(*rows), naming()), "P").reasons)


def test_a_provider_that_nothing_names_is_not_needed() -> None:
    entry = entry_of(imported_from(provider(TOKEN_URL)), "P")
    assert entry.outcome == "not needed"


def test_a_provider_that_is_not_in_the_project_is_named_with_the_nearest() -> None:
    said = "\n".join(entry_of(imported_from(provider(TOKEN_URL), naming("Pp")), "E").reasons)
    assert "got 'Pp'; expected an external auth identity provider of this project" in said


def auth_provider():
    items = ("consumerKey", "k"), ("consumerSecret", "canary-2718"), ("providerType", "Salesforce")
    return "authproviders/P.authprovider-meta.xml", document("AuthProvider", *items)


@pytest.mark.parametrize(
    "user",
    [
        external("E", "Oauth", parameter("AuthProvider", "AuthProvider", authProvider="P"), principal()),
        legacy("E", "Oauth", "NamedUser", ("authProvider", "P")),
    ],
    ids=["external credential", "legacy named credential"],
)
def test_an_auth_provider_that_is_named_serves_a_flow_that_is_not_here(user) -> None:
    entry = entry_of(imported_from(auth_provider(), user), "P")
    assert (entry.outcome, entry.protocol) == ("refused", "Salesforce")
    assert entry.reasons == ("the browser flow is not available in this version; named by E",)


def test_an_auth_provider_for_people_alone_is_not_needed_and_its_secret_not_read() -> None:
    imported = imported_from(auth_provider())
    entry = entry_of(imported, "P")
    assert entry.outcome == "not needed"
    assert "a value in <consumerSecret>, line 4" in entry.notes[0]
    assert "canary-2718" not in repr(imported)
