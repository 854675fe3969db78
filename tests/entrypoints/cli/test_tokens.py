"""Commands about tokens: revoke one, ask whether one is active, and the receipts of deletions."""

from dataclasses import replace

import pytest

from callout.core.message import HttpResponse
from tests.engine.test_revocation import CRM, CRM_VALUES, ENDPOINTS, JOBS, SERVICE, Provider, keep_token

GONE = HttpResponse(503, "", (), b"")


@pytest.fixture
def provider(cli) -> Provider:
    provider = cli.world.setup.transport = Provider()
    cli.runs(cli.world.define(CRM, JOBS))
    cli.runs(cli.world.run("secret.set", **SERVICE, values=CRM_VALUES))
    return provider


def test_a_revoked_token_is_told_with_what_is_left_to_do(cli, provider):
    ran = cli("revoke", "Crm/Service")
    assert ran.code == 0
    assert "callout secret set Crm/Service refresh_token=-" in ran.out
    assert ran.err == "Crm/Service: refresh token revoked at https://id.example.com/revoke?… (200)\n"


def test_a_provider_that_did_not_revoke_is_an_exit_code_of_its_own(cli, provider):
    provider.answers = [GONE]
    ran = cli("revoke", "Crm/Service")
    assert ran.code == 4
    assert ran.err.startswith("warning: Crm/Service: refresh token not revoked: revocation endpoint answered 503")
    assert ran.err.endswith(
        "Revoke the access of Crm/Service by hand at the provider of https://id.example.com/revoke?…\n"
    )


def test_the_receipt_of_a_deletion_is_in_the_answer_and_its_failure_leaves_the_exit_code(cli, provider):
    provider.answers = [GONE]
    ran = cli("secret", "remove", "Crm/Service", "--all", "--json")
    assert (ran.code, ran.json["removed"], ran.json["revocations"][0]["revoked"]) == (0, 3, False)
    assert "not revoked" in ran.err


def test_the_revocation_of_nothing_says_so(cli, provider):
    assert "nothing to revoke" in cli("revoke", "Jobs/Service").out


@pytest.mark.parametrize(("said", "code"), [(b'{"active": true, "scope": "a b"}', 0), (b'{"active": false}', 4)])
def test_asking_whether_a_token_is_active_is_an_exit_code(cli, provider, said, code):
    cli.runs(keep_token(cli.world, "Crm"))
    provider.answers = [HttpResponse(200, "", (), said)]
    ran = cli("status", "Crm/Service", "--live")
    assert ran.code == code
    assert ("scope           a b" in ran.out) == (code == 0)
    assert "canary" not in ran.out + ran.err


def test_asking_needs_a_principal_and_a_declared_endpoint(cli, provider):
    assert "expected EXTERNAL_CREDENTIAL/PRINCIPAL" in cli("status", "--live").err
    only = {"token_endpoint": ENDPOINTS["token_endpoint"]}
    cli.runs(cli.world.define(replace(CRM, parameters=only)))
    ran = cli("status", "Crm/Service", "--live")
    assert ran.code == 3
    assert "external_credentials.Crm.parameters.introspection_endpoint: got none" in ran.err


def test_the_status_of_one_principal_leaves_the_others_out(cli, provider):
    shown = cli("status", "Crm/Service", "--json").json["principals"]
    assert [each["principal"] for each in shown] == ["Crm/Service"]
    ran = cli("status", "Crm/Nobody")
    assert (ran.code, "Crm/Service" in ran.err) == (2, True)
