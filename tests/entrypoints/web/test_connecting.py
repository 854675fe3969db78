"""Connecting in the console, through the connect pages and a played authorization server: by admins, and by each user."""

from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette

from callout.core.model.credentials import (
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    PrincipalType,
    UserExternalCredentialKey,
)
from callout.core.model.people import ObjectPermission, PermissionSet, User
from callout.entrypoints.connect_api.app import ConnectPages
from callout.entrypoints.web.app import Console
from tests.connecting import CALLERS, SECRET, SHARED, furnish, open_desk, own, token_of
from tests.engine.conftest import json_answer
from tests.entrypoints.web.visitor import Page, browser

TEAM = "/setup/external-credentials/Shared/principals/Service"
MINE = "/setup/connections"
OWN_KEY = ExternalCredential(
    "Weather", "custom", principals=(Principal("Own", PrincipalType.PER_USER),), label="Weather service"
)


@pytest.fixture
async def desk(tmp_path):
    with open_desk(tmp_path) as made:
        await furnish(made)
        every = frozenset(ObjectPermission) - {ObjectPermission.MODIFY_ALL, ObjectPermission.VIEW_ALL}
        granted = CALLERS.principals | {PrincipalReference("Weather", "Own")}
        await made.world.define(
            OWN_KEY,
            NamedCredential("Weather", "https://weather.example", "Weather"),
            PermissionSet("Callers", granted, every),
            PermissionSet("Readers", granted, frozenset({ObjectPermission.READ})),
            User("rita", profile="Contractors", permission_sets=("Readers",)),
        )
        yield made


def app_of(desk):
    console = Console(desk.operations, "1.2.3")
    pages = ConnectPages(desk.connecting, desk.setup, (), console.sessions.user_of)
    return Starlette(routes=[*console.routes(), *pages.routes()])


@pytest.fixture
async def visit(desk):
    """Return what opens a browser in which a user is signed in."""
    app = app_of(desk)

    @asynccontextmanager
    async def opened(user: str):
        key = (await desk.run("key.create", user=user))["key"]
        async with browser(app, key) as visitor:
            yield visitor

    return opened


async def authorized(visitor, path: str, **fields) -> Page:
    """Press a button that leads to the connect page, agree there, come back from the authorization server."""
    page = await visitor.post(path, **fields)
    assert "Connect" in page.title, page.text
    form = {name: values[0] for name, values in page.form(page.answer.url.path).items()}
    answer = await visitor.client.post(page.answer.url.path, data=form)
    state = parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]
    given = {"state": state, "code": "c4n4ry-code", "iss": "https://id.example"}
    return Page(await visitor.client.get("/connect/callback", params=given, follow_redirects=True))


# --- an admin -------------------------------------------------------------------------------------------------------


async def test_authenticate_leads_to_the_authorization_server_and_back_to_the_principal(desk, visit) -> None:
    async with visit("admin") as admin:
        page = await authorized(admin, f"{TEAM}/connect")
        assert (page.answer.url.path, page.status) == (TEAM, 200)
        assert "Connected as someone@id.example." in page.words
        assert await token_of(desk, SHARED) is not None
        assert "as someone@id.example, since" in page.words
        assert [each for each in ("c4n4ry", "access-1", "refresh-1", SECRET) if each in page.text] == []
        forged = await admin.get(f"{TEAM}?connected=Own/User")
        assert "Connected as" not in forged.words


async def test_a_connect_link_is_shown_once_and_connects_who_opens_it(desk, visit) -> None:
    async with visit("admin") as admin, visit("carol") as carol:
        page = await admin.post(f"{TEAM}/link", expires="7d")
        link = page.tree.xpath('//code[@id="link"]/text()')[0]
        assert link.startswith("https://callout.example/connect/Shared/Service?link=")
        assert page.answer.headers["cache-control"] == "no-store"
        assert "within 7 days" in page.words
        assert link not in (await admin.get(TEAM)).text
        offered = await carol.get(link)
        assert "admin sent this link" in offered.words
        refused = await admin.post(f"{TEAM}/link", expires="90d")
        assert "at most 14d" in refused.words


async def test_a_device_code_is_shown_until_it_was_entered(desk, visit) -> None:
    code = {"device_code": "c4n4ry-device", "user_code": "WDJB-MJHT", "verification_uri": "https://id.example/device"}
    desk.server.answers += [
        json_answer(200, {**code, "expires_in": 600, "interval": 5}),
        json_answer(400, {"error": "authorization_pending"}),
    ]
    async with visit("admin") as admin:
        page = await admin.post(f"{TEAM}/device")
        assert "WDJB-MJHT" in page.words
        assert page.tree.xpath('//a[@href="https://id.example/device"]')
        poll = f"{TEAM}/device/poll"
        again = Page(await admin.client.post(poll, data=page.form(poll)))
        assert "not entered yet" in again.words
        assert "WDJB-MJHT" in again.words
        done = Page(await admin.client.post(poll, data=again.form(poll), follow_redirects=True))
        assert "Connected as someone@id.example." in done.words
        assert "c4n4ry" not in page.text + again.text + done.text


async def test_disconnect_asks_first_and_then_takes_the_token(desk, visit) -> None:
    async with visit("admin") as admin:
        await authorized(admin, f"{TEAM}/connect")
        asked = await admin.post(f"{TEAM}/disconnect")
        assert asked.title == "Disconnect Shared/Service?"
        assert await token_of(desk, SHARED) is not None
        page = await admin.post(f"{TEAM}/disconnect", do="sure")
        assert "disconnected" in page.words
        assert await token_of(desk, SHARED) is None


async def test_a_token_is_introspected_and_revoked_from_its_page(desk, visit) -> None:
    async with visit("admin") as admin:
        await authorized(admin, f"{TEAM}/connect")
        more = {"introspection_endpoint": "https://id.example/introspect", "identity_provider": "Id"}
        more |= {"revocation_endpoint": "https://id.example/revoke"}
        await desk.world.define(
            ExternalCredential("Shared", "oauth2_authorization_code", more, principals=(Principal("Service"),))
        )
        desk.server.answers.append(json_answer(200, {"active": True, "scope": "files.read", "client_id": "the-client"}))
        page = await admin.post(f"{TEAM}/introspect")
        for told in ("What the authorization server says", "Active Yes", "files.read"):
            assert told.replace(" ", "") in page.words.replace(" ", "")
        assert (await admin.post(f"{TEAM}/revoke")).title == "Revoke the token of Shared/Service?"
        desk.server.answers.append(json_answer(200, {}))
        assert (await admin.post(f"{TEAM}/revoke", do="sure")).status == 200
        assert await token_of(desk, SHARED) is None


async def test_what_the_authorization_server_refuses_is_shown_on_the_page(desk, visit) -> None:
    desk.server.answers.append(json_answer(400, {"error": "unauthorized_client"}))
    async with visit("admin") as admin:
        page = await admin.post(f"{TEAM}/device")
        assert page.status >= 400
        assert page.title == "Service"
        assert "unauthorized_client" in page.words


async def test_what_stands_in_the_way_of_a_connection_is_shown_where_one_began(desk, visit) -> None:
    bare = ExternalCredential("Bare", "oauth2_authorization_code", {"issuer": "https://id.example"})
    await desk.world.define(replace(bare, principals=(Principal("Team"),)))
    async with visit("admin") as admin:
        page = await admin.post("/setup/external-credentials/Bare/principals/Team/connect")
        assert page.title == "Team"
        assert "lacks client_id" in page.words


# --- oneself ----------------------------------------------------------------------------------------------------------


async def test_each_user_connects_sees_and_disconnects_only_their_own(desk, visit) -> None:
    async with visit("alice") as alice, visit("bob") as bob:
        page = await alice.get(MINE)
        for told in ("Example ID", "Own/User", "own.example", "not connected", "permission set Callers"):
            assert told in page.words
        assert "Shared/Service" not in page.words
        page = await authorized(alice, f"{MINE}/Own/User/connect")
        assert page.answer.url.path == MINE
        assert "Example ID: Connected as someone@id.example." in page.words
        assert await token_of(desk, own("alice")) is not None
        assert await token_of(desk, own("bob")) is None
        desk.server.account = "bob@id.example"
        assert "someone@id.example" not in (await bob.get(MINE)).text
        assert "bob@id.example" in (await authorized(bob, f"{MINE}/Own/User/connect")).words
        assert "bob@id.example" not in (await alice.get(MINE)).text
        assert "Callouts fail until it is connected again" in (await alice.post(f"{MINE}/Own/User/disconnect")).words
        page = await alice.post(f"{MINE}/Own/User/disconnect", do="sure", user="bob")
        assert "Own/User@alice: disconnected" in page.words
        assert await token_of(desk, own("alice")) is None
        assert await token_of(desk, own("bob")) is not None


async def test_one_gives_a_key_of_ones_own_and_takes_it_back(desk, visit) -> None:
    values = {"more_secrets/0/name": "ApiKey", "more_secrets/0/value": "c4n4ry-key"}
    async with visit("alice") as alice, visit("bob") as bob:
        page = await alice.post(f"{MINE}/Weather/Own/values", **values, user="bob")
        assert "ApiKey set" in page.words
        assert "c4n4ry" not in page.text
        assert "ApiKey" not in (await bob.get(MINE)).words.replace("$Credential.Orders.ApiKey", "")
        stored = desk.world.store.user_external_credentials
        assert set(await stored.secrets(UserExternalCredentialKey("Weather", "Own", "alice"))) == {"ApiKey"}
        assert not await stored.secrets(UserExternalCredentialKey("Weather", "Own", "bob"))
        assert "Remove ApiKey" in (await alice.post(f"{MINE}/Weather/Own/values/remove", name="ApiKey")).title
        await alice.post(f"{MINE}/Weather/Own/values/remove", name="ApiKey", do="sure")
        assert not await stored.secrets(UserExternalCredentialKey("Weather", "Own", "alice"))


async def test_who_was_granted_nothing_is_told_so_and_can_reach_nobody_elses(desk, visit) -> None:
    async with visit("carol") as carol:
        assert "granted nothing that you connect yourself" in (await carol.get(MINE)).words
        assert "My Connections" in (await carol.get("/setup")).text
        for address in ("Own/User", "Shared/Service"):
            assert (await carol.post(f"{MINE}/{address}/connect")).status == 403
            assert (await carol.post(f"{MINE}/{address}/disconnect", do="sure")).status == 403
        assert (await carol.post(f"{TEAM}/connect")).status == 403


async def test_who_may_only_read_is_told_what_is_missing_and_sees_no_button(desk, visit) -> None:
    await desk.run("profile.create", name="Contractors")
    async with visit("rita") as rita:
        page = await rita.get(MINE)
        assert "that takes create on User External Credential" in page.words
        assert page.tree.xpath("//main//form") == []
        assert (await rita.post(f"{MINE}/Weather/Own/values", **{"secrets/ApiKey": "x"})).status == 403


async def test_setup_under_another_address_leads_to_the_one_that_is_known_to_authorization_servers(desk, visit) -> None:
    async with visit("admin") as admin:
        sent = {"form_text": await admin.form_text()}
        answer = await admin.client.post(f"{TEAM}/connect", data=sent, headers={"host": "other.example"})
        page = Page(answer)
        assert page.status == 200
        assert page.tree.xpath('//main//a[contains(@href, "https://callout.example/connect/Shared/Service?link=")]')
