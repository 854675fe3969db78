"""External auth identity providers and auth providers."""

import pytest

from callout.core.model.credentials import ExternalCredential
from callout.core.model.identity_providers import ExternalAuthIdentityProvider
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


AUTHORIZE_URL = parameter("AuthorizeUrl", "AuthorizeUrl", "https://id.example.com/authorize")


@pytest.mark.parametrize("tag", ["externalAuthIdentityProviderParameters", "externalAuthIdentityProviderParameter"])
def test_client_credentials_have_their_client_and_token_endpoint_from_the_provider(tag: str) -> None:
    post = parameter("ClientAuthentication", "ClientAuthentication", "ClientSecretPost")
    imported = imported_from(provider(TOKEN_URL, post, tag=tag), naming())
    made = definition_of(imported, ExternalCredential, "E")
    assert made.protocol == "oauth2_client_credentials"
    assert made.parameters == {"identity_provider": "P", "scope": "parcels"}
    assert definition_of(imported, ExternalAuthIdentityProvider, "P").parameters == {
        "client_authentication": "client_secret_post",
        "token_endpoint": "https://id.example.com/token?tenant=1",
    }
    assert commands_of(entry_of(imported, "E")) == []
    assert commands_of(entry_of(imported, "P")) == [
        "callout identity-provider set-secret P client_id=- client_secret=-"
    ]


def test_the_client_authenticates_by_a_basic_header_where_nothing_is_said() -> None:
    made = definition_of(imported_from(provider(TOKEN_URL), naming()), ExternalAuthIdentityProvider, "P")
    assert made.parameters["client_authentication"] == "client_secret_basic"


def test_the_browser_flow_is_imported_with_what_is_to_be_done_by_hand() -> None:
    rows = (
        TOKEN_URL,
        AUTHORIZE_URL,
        parameter("UserInfoUrl", "UserInfoUrl", "https://id.example.com/me"),
        parameter("IdentityProviderOptions", "PkceEnabled", "false"),
        parameter("IdentityProviderOptions", "UserinfoEnabled", "true"),
        parameter("AuthorizeRequestQueryParameter", "access_type", "offline"),
        parameter("TokenRequestBodyParameter", "tenant", "1"),
        parameter("TokenRequestHttpHeader", "Accept", "application/json"),
        parameter("RefreshRequestBodyParameter", "tenant", "2"),
        parameter("RefreshRequestHttpHeader", "X-Refresh", "yes"),
    )
    imported = imported_from(provider(*rows, flow="AuthorizationCode"), naming())
    assert definition_of(imported, ExternalAuthIdentityProvider, "P").parameters == {
        "client_authentication": "client_secret_basic",
        "token_endpoint": "https://id.example.com/token?tenant=1",
        "authorization_endpoint": "https://id.example.com/authorize",
        "userinfo_endpoint": "https://id.example.com/me",
        "pkce": "none",
        "authorization_request_parameters.access_type": "offline",
        "token_request_parameters.tenant": "1",
        "token_request_headers.Accept": "application/json",
        "refresh_request_parameters.tenant": "2",
        "refresh_request_headers.X-Refresh": "yes",
    }
    made = definition_of(imported, ExternalCredential, "E")
    assert (made.protocol, made.parameters["identity_provider"]) == ("oauth2_authorization_code", "P")
    assert commands_of(entry_of(imported, "E")) == ["callout connect E/Service"]
    assert commands_of(entry_of(imported, "P"))[1] == "callout identity-provider show P"


def test_a_flow_that_is_not_here_is_refused_and_so_is_who_names_it() -> None:
    imported = imported_from(provider(TOKEN_URL, flow="JwtBearer"), naming())
    why = "flow JwtBearer is not available in this version"
    assert entry_of(imported, "P").reasons[0].startswith(why)
    assert why in entry_of(imported, "E").reasons[0]


@pytest.mark.parametrize(
    ("kind", "name"),
    [("TokenRequestQueryParameter", "tenant"), ("RefreshRequestQueryParameter", "x")],
)
def test_queries_of_token_requests_are_refused(kind: str, name: str) -> None:
    imported = imported_from(provider(TOKEN_URL, parameter(kind, name, "1")), naming())
    assert f"got {kind} {name!r}; expected none" in entry_of(imported, "P").reasons[0]
    assert entry_of(imported, "E").outcome == "refused"


def test_what_the_protocol_writes_itself_is_refused_at_its_place() -> None:
    imported = imported_from(provider(TOKEN_URL, parameter("TokenRequestBodyParameter", "grant_type", "x")), naming())
    assert "the protocol writes this one itself" in entry_of(imported, "P").reasons[0]
    assert ".xml:7" in entry_of(imported, "P").reasons[0]


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


def auth_provider(*more: tuple[str, str], kind: str = "Salesforce"):
    items = ("consumerKey", "k"), ("consumerSecret", "canary-2718"), ("providerType", kind), *more
    return "authproviders/P.authprovider-meta.xml", document("AuthProvider", *items)


USING = external("E", "Oauth", parameter("AuthProvider", "AuthProvider", authProvider="P"), principal())


def test_an_auth_provider_of_a_known_type_becomes_an_identity_provider() -> None:
    more = ("defaultScopes", "api refresh_token"), ("sendClientCredentialsInHeader", "true")
    imported = imported_from(auth_provider(*more), USING)
    assert definition_of(imported, ExternalAuthIdentityProvider, "P").parameters == {
        "authorization_endpoint": "https://login.salesforce.com/services/oauth2/authorize",
        "token_endpoint": "https://login.salesforce.com/services/oauth2/token",
        "userinfo_endpoint": "https://login.salesforce.com/services/oauth2/userinfo",
        "client_authentication": "client_secret_basic",
        "scope": "api refresh_token",
    }
    assert definition_of(imported, ExternalCredential, "E").protocol == "oauth2_authorization_code"
    assert commands_of(entry_of(imported, "E")) == ["callout connect E/Service"]
    assert "canary-2718" not in repr(imported)


def test_an_auth_provider_states_its_own_endpoints() -> None:
    urls = ("authorizeUrl", "https://id.example/a"), ("tokenUrl", "https://id.example/t")
    imported = imported_from(auth_provider(*urls, kind="OpenIdConnect"), USING)
    made = definition_of(imported, ExternalAuthIdentityProvider, "P")
    assert made.parameters["token_endpoint"] == "https://id.example/t"
    assert made.parameters["client_authentication"] == "client_secret_post"


def test_an_auth_provider_of_another_type_without_endpoints_is_refused() -> None:
    imported = imported_from(auth_provider(kind="Custom"), USING)
    assert entry_of(imported, "P").reasons == (
        "an auth provider of type Custom without authorizeUrl and tokenUrl has no flow here",
    )
    assert entry_of(imported, "E").outcome == "refused"


def test_an_auth_provider_of_a_legacy_credential_serves_a_flow_that_is_not_here() -> None:
    entry = entry_of(imported_from(auth_provider(), legacy("E", "Oauth", "NamedUser", ("authProvider", "P"))), "P")
    assert (entry.outcome, entry.protocol) == ("refused", "Salesforce")
    assert entry.reasons == ("the external credentials that name it are refused: E",)


def test_an_auth_provider_for_people_alone_is_not_needed_and_its_secret_not_read() -> None:
    imported = imported_from(auth_provider())
    entry = entry_of(imported, "P")
    assert entry.outcome == "not needed"
    assert "a value in <consumerSecret>, line 4" in entry.notes[0]
    assert "canary-2718" not in repr(imported)
