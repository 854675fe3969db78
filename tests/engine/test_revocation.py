"""A token that is kept no longer is revoked where it came from, after the deletion, with a receipt that has no token."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl

import pytest

from callout.core.errors import DefinitionError, Refused
from callout.core.message import HttpRequest, HttpResponse
from callout.core.model.credentials import (
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalType,
    UserExternalCredentialKey,
)
from callout.core.model.people import Package
from callout.core.oauth2 import sealable
from callout.core.ports import FIRST, StoredToken
from callout.core.protocol import Token
from callout.core.refresh.epoch import fingerprint_of
from callout.core.secret import Secret, reveal
from callout.engine import revocation
from tests.world import make_world

ENDPOINTS = {
    "token_endpoint": "https://id.example.com/token",
    "revocation_endpoint": "https://id.example.com/revoke?tenant=7",
    "introspection_endpoint": "https://id.example.com/introspect",
}
CRM = ExternalCredential("Crm", "oauth2_refresh_token", ENDPOINTS, principals=(Principal("Service"),))
MAIL = ExternalCredential(
    "Mail", "oauth2_refresh_token", ENDPOINTS, principals=(Principal("Own", PrincipalType.PER_USER),)
)
JOBS = ExternalCredential("Jobs", "oauth2_client_credentials", ENDPOINTS, principals=(Principal("Service"),))
SERVICE = {"external_credential": "Crm", "principal": "Service"}
JOBS_SERVICE = {"external_credential": "Jobs", "principal": "Service"}
CLIENT = {"client_id": "c1", "client_secret": "canary-client-secret"}
CRM_VALUES = {**CLIENT, "refresh_token": "canary-begun-with"}


@dataclass
class Provider:
    """Implements `Transport`: an authorization server's revocation and introspection endpoints."""

    answers: list[HttpResponse | Exception] = field(default_factory=list)
    received: list[HttpRequest] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def send(self, request: HttpRequest, *, allow_private_network: bool, timeout_seconds: float) -> HttpResponse:
        self.received.append(request)
        if self.gate is not None:
            await self.gate.wait()
        answer = self.answers.pop(0) if self.answers else HttpResponse(200, "", (), b"")
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def forms(self) -> list[tuple[str, str]]:
        forms = [dict(parse_qsl(reveal(request.body))) for request in self.received]
        return [(form["token_type_hint"], form["token"]) for form in forms]


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
async def world(provider):
    made = make_world(provider)
    named = NamedCredential("Crm", "https://crm.example.com", "Crm")
    await made.define(CRM, MAIL, JOBS, named)
    await made.run("user.set", name="root", profile="System Administrator")
    await made.run("user.set", name="alice", profile="Standard User")
    await made.run("secret.set", **SERVICE, values=CRM_VALUES)
    await made.run("secret.set", **JOBS_SERVICE, values=CLIENT)
    await made.run("secret.set", external_credential="Mail", principal="Own", user="alice", values=CRM_VALUES)
    return made


async def keep_token(world, name: str, principal: str = "Service", user: str = "", **token: Secret) -> None:
    """Store a token as a callout would have."""
    key, org = UserExternalCredentialKey(name, principal, user), await world.store.load()
    external = org.external_credentials[name]
    fingerprint = fingerprint_of(org, external, external.principal(principal), key)
    made = Token(Secret("canary-access"), world.clock.now(), **token)
    envelope = world.vault.seal(sealable(made), row=f"token/{key}/{fingerprint}")
    await world.store.swap_token(StoredToken(key, 1, envelope, made.issued_at, None, FIRST), replaces=0)


def revoked(result) -> list[tuple[str, str, bool, int | None]]:
    return [(r["reference"], r["token"], r["revoked"], r["status"]) for r in result.get("revocations", ())]


async def test_removing_the_values_of_a_principal_revokes_its_newest_refresh_token(world, provider) -> None:
    await keep_token(world, "Crm", refresh_token=Secret("canary-rotated"))
    result = await world.run("secret.remove", **SERVICE)
    assert provider.forms == [("refresh_token", "canary-rotated")]
    assert revoked(result) == [("Crm/Service", "refresh_token", True, 200)]
    (receipt,) = result["revocations"]
    assert receipt["endpoint"] == "https://id.example.com/revoke?…"
    assert receipt["at"] == world.clock.now().isoformat().replace("+00:00", "Z")
    assert world.acts()[-1] == (
        "local",
        "revoke token",
        "Crm/Service: refresh_token at https://id.example.com/revoke?…: 200",
    )


async def test_before_the_first_refresh_the_token_that_was_begun_with_is_revoked(world, provider) -> None:
    await world.run("secret.remove", **SERVICE)
    assert provider.forms == [("refresh_token", "canary-begun-with")]


async def test_of_a_grant_without_refresh_tokens_the_access_token_is_revoked(world, provider) -> None:
    assert revoked(await world.run("secret.remove", **JOBS_SERVICE)) == []
    await world.run("secret.set", **JOBS_SERVICE, values=CLIENT)
    await keep_token(world, "Jobs")
    await world.run("secret.remove", **JOBS_SERVICE)
    assert provider.forms == [("access_token", "canary-access")]


async def test_removing_a_user_revokes_their_own_tokens_and_nobody_elses(world, provider) -> None:
    await keep_token(world, "Mail", "Own", "alice", refresh_token=Secret("canary-alice"))
    await keep_token(world, "Crm", refresh_token=Secret("canary-service"))
    result = await world.run("user.remove", name="alice")
    assert revoked(result) == [("Mail/Own@alice", "refresh_token", True, 200)]
    assert provider.forms == [("refresh_token", "canary-alice")]


async def test_a_principal_that_a_manifest_removes_has_its_token_revoked_and_dropped(world, provider) -> None:
    await keep_token(world, "Crm", refresh_token=Secret("canary-rotated"))
    manifest = f"external_credentials: {{Crm: {{protocol: oauth2_refresh_token, parameters: {json.dumps(ENDPOINTS)},"
    result = await world.run("apply", manifest=f"{manifest} principals: {{Other: {{}}}}}}}}", source="m.yaml")
    assert revoked(result) == [("Crm/Service", "refresh_token", True, 200)]
    assert await world.store.token(UserExternalCredentialKey("Crm", "Service")) is None


async def test_an_external_credential_that_a_manifest_prunes_has_its_tokens_revoked(world, provider) -> None:
    await keep_token(world, "Crm", refresh_token=Secret("canary-rotated"))
    manifest = "external_credentials: {Weather: {protocol: none}}\nnamed_credentials: {}\n"
    result = await world.run("apply", manifest=manifest, source="m.yaml", prune=True)
    assert set(provider.forms) == {("refresh_token", "canary-rotated"), ("refresh_token", "canary-begun-with")}
    assert [reference for reference, *_ in revoked(result)] == ["Crm/Service", "Mail/Own@alice"]


async def test_a_package_that_goes_with_its_secrets_has_their_tokens_revoked(world, provider) -> None:
    await world.define(Package("acme", "Acme"), replace(JOBS, created_by_namespace="acme"))
    await keep_token(world, "Jobs")
    await world.run("package.remove", namespace="acme", credentials="disable", secrets="delete")
    assert provider.forms == [("access_token", "canary-access")]


async def test_a_client_secret_that_is_replaced_revokes_the_access_token_with_the_new_one(world, provider) -> None:
    await keep_token(world, "Jobs")
    result = await world.run("secret.set", **JOBS_SERVICE, values={"client_secret": "the-new-one"})
    assert revoked(result) == [("Jobs/Service", "access_token", True, 200)]
    basic = reveal(dict(provider.received[0].headers)["Authorization"])
    assert basic == "Basic YzE6dGhlLW5ldy1vbmU="  # c1:the-new-one


async def test_another_client_revokes_with_the_old_values_what_the_old_client_had(world, provider) -> None:
    await keep_token(world, "Crm", refresh_token=Secret("canary-rotated"))
    await world.run("secret.set", **SERVICE, values={"client_id": "c2", "client_secret": "s2", "refresh_token": "r2"})
    assert provider.forms == [("refresh_token", "canary-rotated")]
    basic = reveal(dict(provider.received[0].headers)["Authorization"])
    assert basic == "Basic YzE6Y2FuYXJ5LWNsaWVudC1zZWNyZXQ="  # c1:canary-client-secret


async def test_a_refresh_token_that_is_replaced_is_left_alone_because_its_grant_may_go_on(world, provider) -> None:
    await keep_token(world, "Crm", refresh_token=Secret("canary-rotated"))
    result = await world.run("secret.set", **SERVICE, values={"refresh_token": "pasted-anew"})
    assert revoked(result) == []
    assert provider.received == []


async def test_the_deletion_is_committed_before_the_provider_is_asked(world, provider) -> None:
    provider.gate = asyncio.Event()
    removing = asyncio.ensure_future(world.run("secret.remove", **SERVICE))
    while not provider.received:
        await asyncio.sleep(0)
    assert await world.store.secrets(UserExternalCredentialKey("Crm", "Service")) == {}
    provider.gate.set()
    assert revoked(await removing) == [("Crm/Service", "refresh_token", True, 200)]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (HttpResponse(503, "", (), b""), "revocation endpoint answered 503"),
        (
            HttpResponse(400, "", (), b'{"error": "unsupported_token_type", "token": "canary-begun-with"}'),
            "error 'unsupported_token_type'",
        ),
        (Refused("external_system_unreachable", "connection refused"), "connection refused"),
    ],
)
async def test_a_provider_that_does_not_revoke_leaves_a_receipt_that_says_what_to_do(
    world, provider, answer, said
) -> None:
    provider.answers = [answer]
    result = await world.run("secret.remove", **SERVICE)
    (receipt,) = result["revocations"]
    assert (receipt["revoked"], result["removed"]) == (False, 3)
    assert said in receipt["because"]
    assert receipt["remedy"] == (
        "Revoke the access of Crm/Service by hand at the provider of https://id.example.com/revoke?…"
    )
    assert world.acts()[-1][1] == "fail to revoke token"


async def test_a_provider_that_never_answers_is_given_up(world, provider, monkeypatch) -> None:
    monkeypatch.setattr(revocation, "ALL_SECONDS", 0.01)
    provider.gate = asyncio.Event()
    (receipt,) = (await world.run("secret.remove", **SERVICE))["revocations"]
    assert (receipt["revoked"], receipt["because"]) == (False, "no answer within 0.01 seconds")


async def test_values_that_cannot_be_opened_are_removed_and_the_receipt_says_so(world, provider) -> None:
    world.vault.sealed.clear()
    (receipt,) = (await world.run("secret.remove", **SERVICE))["revocations"]
    assert (receipt["revoked"], receipt["token"]) == (False, "token")
    assert "envelope" in receipt["because"]
    assert provider.received == []


async def test_neither_receipts_nor_the_audit_trail_hold_a_token(world, provider) -> None:
    await keep_token(world, "Crm", refresh_token=Secret("canary-rotated"))
    provider.answers = [HttpResponse(400, "", (), b'{"error": "canary-rotated", "x": "canary-client-secret"}')]
    result = await world.run("secret.remove", **SERVICE)
    assert "canary" not in str((result, world.acts()))


async def test_where_no_endpoint_is_declared_nothing_is_sent(world, provider) -> None:
    only = {"token_endpoint": ENDPOINTS["token_endpoint"]}
    await world.define(replace(CRM, parameters=only))
    assert revoked(await world.run("secret.remove", **SERVICE)) == []
    assert provider.received == []


#: A principal that signs with a certificate: it has a token, and no value of its own.
APP = ExternalCredential(
    "App",
    "github_app",
    {"client_id": "Iv1", "installation_id": "42", "signing_certificate": "Key"},
    principals=(Principal("Installation"),),
)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("token.revoke", {"external_credential": "App", "principal": "Installation"}),
        ("apply", {"manifest": "external_credentials: {Crm: {protocol: none}}", "source": "m.yaml", "prune": True}),
    ],
)
async def test_a_token_of_a_github_app_is_revoked_although_no_endpoint_is_declared(
    world, provider, command, arguments
) -> None:
    await world.define(APP)
    await keep_token(world, "App", "Installation")
    provider.answers = [HttpResponse(204, "", (), b"")]
    result = await world.run(command, **arguments)
    assert revoked(result)[:1] == [("App/Installation", "access_token", True, 204)]
    request = provider.received[0]
    assert (request.method, request.url) == ("DELETE", "https://api.github.com/installation/token")
    assert reveal(dict(request.headers)["Authorization"]) == "Bearer canary-access"
    assert await world.store.token(UserExternalCredentialKey("App", "Installation")) is None


# --- callout revoke ------------------------------------------------------------------------------------------------


async def test_revoking_leaves_definition_and_values_and_gives_up_the_token(world, provider) -> None:
    await keep_token(world, "Jobs")
    result = await world.run("token.revoke", **JOBS_SERVICE)
    assert revoked(result) == [("Jobs/Service", "access_token", True, 200)]
    assert result["message"].endswith("the next callout obtains another")
    key = UserExternalCredentialKey("Jobs", "Service")
    assert await world.store.token(key) is None
    assert set(await world.store.secrets(key)) == set(CLIENT)


async def test_after_a_refresh_token_was_revoked_the_status_says_that_a_new_connection_is_needed(world) -> None:
    await keep_token(world, "Crm", refresh_token=Secret("canary-rotated"))
    result = await world.run("token.revoke", **SERVICE)
    assert "callout secret set Crm/Service refresh_token=-" in result["message"]
    shown = next(p for p in (await world.run("status"))["principals"] if p["principal"] == "Crm/Service")
    assert (shown["state"], shown["state_reason"]) == ("revoked", "it was revoked by local")
    assert shown["remedy_commands"] == ["callout secret set Crm/Service refresh_token=-"]


async def test_revoking_where_there_is_no_token_changes_nothing(world, provider) -> None:
    result = await world.run("token.revoke", **JOBS_SERVICE)
    assert (result["changed"], revoked(result)) == (False, [])
    assert "nothing to revoke" in result["message"]


async def test_revoking_without_a_declared_endpoint_says_that_the_provider_was_not_told(world, provider) -> None:
    await world.define(replace(JOBS, parameters={"token_endpoint": ENDPOINTS["token_endpoint"]}))
    await keep_token(world, "Jobs")
    result = await world.run("token.revoke", **JOBS_SERVICE)
    assert "declares no revocation_endpoint" in result["message"]
    assert (result["changed"], provider.received) == (True, [])


async def test_a_per_user_principal_needs_the_user_whose_token_is_meant(world) -> None:
    with pytest.raises(DefinitionError, match="--user USER, whose values"):
        await world.run("token.revoke", external_credential="Mail", principal="Own")


# --- introspection -------------------------------------------------------------------------------------------------


async def test_the_authorization_server_is_asked_whether_the_token_is_active(world, provider) -> None:
    await keep_token(world, "Crm")
    provider.answers = [HttpResponse(200, "", (), b'{"active": true, "scope": "a b", "exp": 1800000000}')]
    result = await world.run("token.introspect", **SERVICE)
    assert provider.forms == [("access_token", "canary-access")]
    assert (result["active"], result["scope"], result["expires_at"]) == (True, "a b", "2027-01-15T08:00:00Z")
    provider.answers = [HttpResponse(200, "", (), b'{"active": false}')]
    assert (await world.run("token.introspect", **SERVICE))["message"].endswith("its token is not active")


async def test_where_no_token_is_kept_nobody_is_asked(world, provider) -> None:
    result = await world.run("token.introspect", **SERVICE)
    assert (result["active"], provider.received) == (None, [])


async def test_without_a_declared_endpoint_it_says_which_parameter_is_missing(world) -> None:
    await world.define(replace(CRM, parameters={"token_endpoint": ENDPOINTS["token_endpoint"]}))
    with pytest.raises(DefinitionError, match="introspection_endpoint: got none"):
        await world.run("token.introspect", **SERVICE)


async def test_an_answer_that_says_nothing_is_refused_without_the_token(world, provider) -> None:
    await keep_token(world, "Crm")
    provider.answers = [HttpResponse(401, "", (), b'{"error": "invalid_client", "error_description": "canary-access"}')]
    with pytest.raises(Refused, match="introspection endpoint answered 401") as caught:
        await world.run("token.introspect", **SERVICE)
    assert "canary" not in str(caught.value)
