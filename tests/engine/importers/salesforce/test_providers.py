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
    variant,
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
    assert made.parameters == {"identity_provider": "P", "scope": "parcels"}
    assert definition_of(imported, ExternalAuthIdentityProvider, "P").parameters == {
        "client_authentication": "client_secret_post",
        "token_endpoint": "https://id.example.com/token?tenant=1",
    }
    asked = commands_of(entry_of(imported, "P"))
    assert asked == ["callout identity-provider set-secret P client_id=- client_secret=-"]


def test_the_client_authenticates_by_a_basic_header_where_nothing_is_said() -> None:
    made = definition_of(imported_from(provider(TOKEN_URL), naming()), ExternalAuthIdentityProvider, "P")
    assert made.parameters["client_authentication"] == "client_secret_basic"


AUTHORIZE_URL = parameter("AuthorizeUrl", "AuthorizeUrl", "https://id.example.com/authorize")


def browser(*rows):
    """Return the parameters of a provider for the browser flow with these rows."""
    imported = imported_from(provider(AUTHORIZE_URL, TOKEN_URL, *rows, flow="AuthorizationCode"), naming())
    return definition_of(imported, ExternalAuthIdentityProvider, "P").parameters


@pytest.mark.parametrize(
    ("row", "parameter_", "value"),
    [
        (parameter("IdentityProviderOptions", "PkceEnabled", "false"), "pkce", "none"),
        (parameter("IdentityProviderOptions", "PkceEnabled", "true"), "pkce", "S256"),
        (parameter("TokenRequestBodyParameter", "audience", "https://a.example"), "audience", "https://a.example"),
        (parameter("AuthorizeRequestQueryParameter", "acr", "2"), "authorization_request_parameters.acr", "2"),
    ],
)
def test_a_row_of_a_provider_becomes_a_parameter(row, parameter_: str, value: str) -> None:
    assert browser(row)[parameter_] == value


def test_a_query_parameter_of_every_token_request_becomes_part_of_the_endpoint() -> None:
    rows = [parameter(f"{when}RequestQueryParameter", "v", "a b") for when in ("Token", "Refresh")]
    assert browser(*rows)["token_endpoint"] == "https://id.example.com/token?tenant=1&v=a+b"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (parameter("RefreshRequestQueryParameter", "v", "1"), "query parameter 'v' for refresh requests alone"),
        (parameter("TokenRequestBodyParameter", "grant_type", "x"), "token_request_parameters 'grant_type'"),
        (parameter("TokenRequestHttpHeader", "X-Now", "{!NOW()}"), "a formula in 'X-Now'"),
        (parameter("TokenUrl", "TokenUrl", "https://id.example.com/other"), "a second token_endpoint"),
    ],
)
def test_a_row_that_cannot_be_kept_is_refused_with_its_line(row, why: str) -> None:
    imported = imported_from(provider(AUTHORIZE_URL, TOKEN_URL, row, flow="AuthorizationCode"), naming())
    assert why in (said := entry_of(imported, "P").reasons[0])
    assert "P.externalAuthIdentityProvider-meta.xml:8: ExternalAuthIdentityProvider" in said
    assert entry_of(imported, "E").reasons[0].startswith("its external auth identity provider P is refused: ")


def test_an_option_that_means_nothing_here_is_told_of_with_its_line() -> None:
    row = parameter("IdentityProviderOptions", "UserinfoEnabled", "true")
    imported = imported_from(provider(AUTHORIZE_URL, TOKEN_URL, row, flow="AuthorizationCode"), naming())
    assert "IdentityProviderOptions UserinfoEnabled, line 8, was left out" in entry_of(imported, "P").notes[0]


@pytest.mark.parametrize(
    ("flow", "why"),
    [("SalesforceDefined", "flow SalesforceDefined is Salesforce's own"), ("AuthorizationCode", "got no AuthorizeUrl")],
)
def test_a_flow_without_its_endpoints_is_refused_with_who_names_it(flow: str, why: str) -> None:
    imported = imported_from(provider(TOKEN_URL, flow=flow), naming())
    assert why in entry_of(imported, "P").reasons[0]
    assert why in entry_of(imported, "E").reasons[0]


def test_a_variant_wins_over_the_flow_of_the_provider() -> None:
    rows = (
        variant("ClientCredentialsClientSecret"),
        parameter("ExternalAuthIdentityProvider", "EAIP", externalAuthIdentityProvider="P"),
    )
    imported = imported_from(provider(TOKEN_URL), external("E", "Oauth", *rows, principal()))
    made = definition_of(imported, ExternalCredential, "E")
    assert made.parameters == {"identity_provider": "P", "client_authentication": "client_secret_post"}


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


def test_a_provider_that_nothing_names_yet_is_imported() -> None:
    imported = imported_from(provider(TOKEN_URL))
    assert [type(d) for d in imported.definitions] == [ExternalAuthIdentityProvider]


def test_a_provider_that_is_not_in_the_project_is_named_with_the_nearest() -> None:
    said = "\n".join(entry_of(imported_from(provider(TOKEN_URL), naming("Pp")), "E").reasons)
    assert "got 'Pp'; expected an external auth identity provider of this project" in said


def auth_provider(*items: Item, kind: str = "Salesforce", name: str = "P"):
    items = ("consumerKey", "k"), ("consumerSecret", "canary-2718"), ("providerType", kind), *items
    return f"authproviders/{name}.authprovider-meta.xml", document("AuthProvider", *items)


def by_auth_provider(name: str = "P"):
    return external("E", "Oauth", parameter("AuthProvider", "AuthProvider", authProvider=name), principal())


@pytest.mark.parametrize(
    "user",
    [by_auth_provider(), legacy("E", "Oauth", "NamedUser", ("authProvider", "P"))],
    ids=["external credential", "legacy named credential"],
)
def test_an_auth_provider_that_is_named_becomes_an_identity_provider(user) -> None:
    imported = imported_from(auth_provider(), user)
    entry = entry_of(imported, "P")
    assert (entry.outcome, entry.protocol) == ("imported, to be completed", "Salesforce")
    made = definition_of(imported, ExternalAuthIdentityProvider, "P").parameters
    assert made["token_endpoint"] == "https://login.salesforce.com/services/oauth2/token"
    assert made["client_authentication"] == "client_secret_post"
    assert definition_of(imported, ExternalCredential, "E").parameters["identity_provider"] == "P"
    assert "canary-2718" not in repr(imported)


@pytest.mark.parametrize(
    ("kind", "host"),
    [("Google", "oauth2.googleapis.com"), ("GitHub", "github.com"), ("LinkedIn", "www.linkedin.com")],
)
def test_the_endpoints_of_well_known_providers_are_known(kind: str, host: str) -> None:
    imported = imported_from(auth_provider(kind=kind), by_auth_provider())
    made = definition_of(imported, ExternalAuthIdentityProvider, "P").parameters
    assert made["token_endpoint"].startswith(f"https://{host}/")


def test_the_endpoints_of_the_file_win_over_known_ones() -> None:
    urls = ("authorizeUrl", "https://a.my.salesforce.com/a"), ("tokenUrl", "https://a.my.salesforce.com/t")
    made = imported_from(auth_provider(*urls), by_auth_provider())
    parameters = definition_of(made, ExternalAuthIdentityProvider, "P").parameters
    assert parameters["token_endpoint"] == "https://a.my.salesforce.com/t"
    assert "revocation_endpoint" not in parameters


@pytest.mark.parametrize(
    ("kind", "items", "why"),
    [
        ("Custom", (("plugin", "Odd_Login"),), "got providerType Custom (Apex plug-in Odd_Login)"),
        ("OpenIdConnect", (("authorizeUrl", "https://id.example.com"),), "got no <tokenUrl>; expected one"),
        ("Salesforce", (("tokenUrl", "http://id.example.com"),), "expected https://"),
    ],
)
def test_an_auth_provider_whose_endpoints_are_nowhere_is_refused(kind: str, items, why: str) -> None:
    imported = imported_from(auth_provider(*items, kind=kind), by_auth_provider())
    assert why in entry_of(imported, "P").reasons[0]
    assert entry_of(imported, "E").reasons[0].startswith("its auth provider P is refused: ")
    assert imported.definitions == ()


def test_where_its_name_is_taken_an_auth_provider_gets_another() -> None:
    imported = imported_from(provider(TOKEN_URL), auth_provider(), by_auth_provider())
    made = definition_of(imported, ExternalCredential, "E")
    assert made.parameters["identity_provider"] == "P_AuthProvider"


def test_a_browser_flow_without_a_provider_is_refused() -> None:
    said = entry_of(imported_from(external("E", "Oauth", principal())), "E").reasons[0]
    assert "got neither a variant nor a provider; expected one" in said


def test_two_providers_of_one_credential_are_refused() -> None:
    rows = [parameter("AuthProvider", "AuthProvider", authProvider=name) for name in ("P", "Q")]
    imported = imported_from(auth_provider(), auth_provider(name="Q"), external("E", "Oauth", *rows, principal()))
    assert "got a second provider" in entry_of(imported, "E").reasons[0]


def test_an_auth_provider_for_people_alone_is_not_needed_and_its_secret_not_read() -> None:
    imported = imported_from(auth_provider())
    entry = entry_of(imported, "P")
    assert entry.outcome == "not needed"
    assert "a value in <consumerSecret>, line 4" in entry.notes[0]
    assert "canary-2718" not in repr(imported)
