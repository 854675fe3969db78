"""Rules over external credentials: each refusal names its place and the rule."""

import pytest

from callout.core.model.credentials import (
    CustomHeader,
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalType,
)
from callout.core.model.org import Org
from callout.core.protocols import CATALOGUE
from callout.core.rules.external_credentials import external_credential_problems, secret_name_problems, users_of

TOKEN_ENDPOINT = {"token_endpoint": "https://id.example.com/token"}


def orders(**fields):
    """An acceptable client-credentials external credential, with some fields changed."""
    given = {
        "protocol": "oauth2_client_credentials",
        "parameters": TOKEN_ENDPOINT,
        "principals": (Principal("Service"),),
    }
    return ExternalCredential("Orders", **{**given, **fields})


def user_of_orders(**fields):
    return NamedCredential("Orders", **{"url": "https://orders.example.com", "external_credential": "Orders", **fields})


def found(external, *users):
    """The problems, by place below the external credential."""
    start = f"external_credentials.{external.name}"
    problems = external_credential_problems(external, CATALOGUE, users)
    return {problem.place.removeprefix(start).removeprefix("."): problem for problem in problems}


def test_a_whole_external_credential_is_accepted():
    assert found(orders(additional_status_codes=(400, 401, 601)), user_of_orders()) == {}


def test_a_name_with_a_space_is_refused():
    assert "single underscores" in found(ExternalCredential("My Orders", "none"))[""].expected


def test_an_unknown_protocol_is_refused_with_the_alternatives_and_the_nearest():
    problem = found(ExternalCredential("Orders", "basik"))["protocol"]
    assert problem.nearest == "basic"
    assert "oauth2_client_credentials" in problem.expected


def test_an_unknown_parameter_is_refused_with_the_nearest():
    problem = found(orders(parameters={**TOKEN_ENDPOINT, "scopes": "a"}))["parameters.scopes"]
    assert problem.nearest == "scope"


def test_a_parameter_that_a_header_formula_reads_is_accepted():
    header = CustomHeader("X-Tenant", "{!$Credential.Orders.tenant}")
    tenant = {**TOKEN_ENDPOINT, "tenant": "t1"}
    assert found(orders(parameters=tenant, headers=(header,))) == {}
    assert found(orders(parameters=tenant), user_of_orders(headers=(header,))) == {}
    assert "parameters.tenant" in found(orders(parameters=tenant))


def test_a_parameter_that_only_a_formula_reads_takes_one_line():
    header = CustomHeader("X-Tenant", "{!$Credential.Orders.tenant}")
    assert "parameters.tenant" in found(orders(parameters={**TOKEN_ENDPOINT, "tenant": "a\nb"}, headers=(header,)))


def test_a_secret_among_the_parameters_is_refused_and_not_shown():
    problem = found(orders(parameters={**TOKEN_ENDPOINT, "client_secret": "hunter2"}))["parameters.client_secret"]
    assert "in secrets" in problem.expected
    assert "hunter2" not in str(problem)


def test_a_missing_parameter_is_refused_where_no_principal_has_it():
    assert found(orders(parameters={}))["parameters"].got == "no token_endpoint"
    assert found(orders(parameters={}, principals=()))["parameters"].got == "no token_endpoint"


def test_a_missing_parameter_is_refused_at_the_one_principal_that_lacks_it():
    having = Principal("A", parameters=TOKEN_ENDPOINT)
    assert set(found(orders(parameters={}, principals=(having, Principal("B"))))) == {"principals.B.parameters"}
    assert found(orders(parameters={}, principals=(having,))) == {}


@pytest.mark.parametrize("value", ["", "a\nb"])
def test_an_empty_or_broken_parameter_is_refused(value):
    assert "parameters.token_endpoint" in found(orders(parameters={"token_endpoint": value}))


def test_a_value_that_is_no_choice_is_refused_with_the_choices():
    problem = found(orders(parameters={**TOKEN_ENDPOINT, "client_authentication": "client_secret_boddy"}))
    assert "one of client_secret_basic, client_secret_post" in problem["parameters.client_authentication"].expected


def test_a_principals_own_parameters_are_judged_too():
    principal = Principal("Service", parameters={"token_endpoint": "ftp://x"})
    assert "principals.Service.parameters.token_endpoint" in found(orders(principals=(principal,)))


HTTP = {"token_endpoint": "http://id.internal/token"}


def test_an_http_token_endpoint_is_refused_unless_private_networks_are_allowed_on_it():
    assert "parameters.token_endpoint" in found(orders(parameters=HTTP))
    assert found(orders(parameters=HTTP, allow_private_network=True)) == {}


def test_an_http_token_endpoint_follows_the_named_credentials_where_nothing_is_said():
    private = user_of_orders(allow_private_network=True)
    assert found(orders(parameters=HTTP), private) == {}
    assert "parameters.token_endpoint" in found(orders(parameters=HTTP), user_of_orders())
    assert "parameters.token_endpoint" in found(orders(parameters=HTTP, allow_private_network=False), private)


@pytest.mark.parametrize("status", [200, 302, 500, 503, 99, 1000, 0, -400])
def test_a_status_that_is_no_refusal_of_credentials_is_refused_with_the_reason(status):
    problem = found(orders(additional_status_codes=(400, status)))[f"additional_status_codes[{status}]"]
    assert problem.got == str(status)
    assert "400 to 499 or 600 to 999: " in problem.expected


def test_a_status_given_twice_is_refused():
    assert found(orders(additional_status_codes=(419, 400, 419)))["additional_status_codes[419]"].got == "419 twice"


def test_principals_whose_names_differ_in_case_alone_are_refused():
    assert "principals.service" in found(orders(principals=(Principal("Service"), Principal("service"))))


@pytest.mark.parametrize("sequence", [0, -1, 2**31, True])
def test_a_sequence_starts_at_one(sequence):
    assert "principals.Service.sequence" in found(orders(principals=(Principal("Service", sequence=sequence),)))


def test_a_principal_of_a_type_that_the_protocol_lacks_is_refused():
    problem = found(orders(principals=(Principal("P", PrincipalType.ANONYMOUS),)))["principals.P.type"]
    assert problem.expected.endswith("named, per_user")


def test_a_custom_authorization_header_beside_a_generated_one_is_refused():
    external = orders(headers=(CustomHeader("authorization", "x"),))
    assert "headers[0].name" in found(external, user_of_orders())
    assert found(external, user_of_orders(generate_authorization_header=False)) == {}


def test_an_impossible_maker_is_refused():
    assert "created_by_namespace" in found(orders(created_by_namespace="no such"))


def secret_names(external, *names, users=()):
    problems = secret_name_problems(external, CATALOGUE, users, "Service", names)
    return {problem.place.rpartition(".")[2]: problem for problem in problems}


def test_the_secrets_that_a_protocol_declares_are_accepted():
    assert secret_names(orders(), "client_id", "client_secret") == {}


def test_an_unknown_secret_is_refused_with_the_nearest():
    assert secret_names(orders(), "client_secrt")["client_secrt"].nearest == "client_secret"


def test_a_secret_that_a_header_formula_reads_is_accepted():
    reading = user_of_orders(headers=(CustomHeader("X-Key", "{!$Credential.Orders.key}"),))
    assert secret_names(orders(), "key", users=(reading,)) == {}


def test_a_parameter_given_as_a_secret_is_refused():
    assert "under parameters" in secret_names(orders(), "scope")["scope"].expected


def test_a_protocol_without_declared_values_takes_any_name_that_a_formula_can_say():
    external = ExternalCredential("Weather", "custom", principals=(Principal("Service"),))
    assert set(secret_names(external, "ApiKey", "api-key", "1st")) == {"api-key", "1st"}


def test_the_users_of_an_external_credential_are_the_named_credentials_that_name_it():
    mine, other = user_of_orders(), NamedCredential("Other", "https://o.example", "Elsewhere")
    assert users_of(Org.of(mine, other), "Orders") == (mine,)


ISSUER = {"issuer": "https://id.example.com"}


def signed(**parameters):
    return orders(protocol="oauth2_jwt_bearer", parameters={**ISSUER, "claims.iss": "c", **parameters})


def test_an_issuer_stands_in_for_the_endpoints_that_its_metadata_names():
    assert found(orders(parameters=ISSUER)) == {}
    (lacking, having) = (Principal("Lacking"), Principal("Having", parameters=ISSUER))
    assert found(orders(parameters={}, principals=(lacking, having))).keys() == {"principals.Lacking.parameters"}


@pytest.mark.parametrize(
    ("method", "lacking"),
    [
        ("private_key_jwt", "signing_certificate"),
        ("tls_client_auth", "client_certificate"),
        ("self_signed_tls_client_auth", "client_certificate"),
        ("client_secret_post", None),
        ("none", None),
    ],
)
def test_what_proves_a_client_is_missing_only_where_it_proves_itself_so(method, lacking):
    problems = found(orders(parameters={**TOKEN_ENDPOINT, "client_authentication": method}))
    assert [problem.got for problem in problems.values()] == ([f"no {lacking}"] if lacking else [])


def test_an_assertion_needs_its_key_and_lives_for_whole_seconds_of_a_day_at_most():
    assert found(signed())["parameters"].got == "no signing_certificate"
    for seconds in ("0", "-5", "1.5", "soon", "86401", "9" * 400, "٣"):
        problem = found(signed(jwt_lifetime=seconds))["parameters.jwt_lifetime"]
        assert problem.expected == "a whole number from 1 to 86400"
    assert "parameters.jwt_lifetime" not in found(signed(jwt_lifetime="86400"))


def test_a_claim_is_a_formula_and_its_name_any_but_the_algorithm():
    assert "parameters.claims.sub" in found(signed(**{"claims.sub": "{!NOSUCH()}"}))
    assert "parameters.header_claims.alg" in found(signed(**{"header_claims.alg": "none"}))
    names = ("https://example.com/role", "kid", "sub")
    assert not [place for place in found(signed(**{f"claims.{name}": "x" for name in names})) if "claims" in place]
