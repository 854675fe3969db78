"""Trusted Issuers and Client Certificates in Setup: what proves a caller, and as whom."""

import pytest

from callout.core.model.people import AdminPermission, PermissionSet, User
from tests.entrypoints.web.visitor import visitor
from tests.world import make_shop

ISSUERS, CERTIFICATES = "/setup/trusted-issuers", "/setup/client-certificates"
ISSUER = {
    "issuer": "https://id.example.com",
    "audience": "callout",
    "jwks_uri": "https://id.example.com/keys?x=1",
    "user_claim": "email",
    "users": {"a.b@example.com": "alice", "<b>": "bob"},
    "users_by_name": True,
    "namespace_claim": "azp",
    "namespaces": {"acme-app": "acme", "own": ""},
    "algorithms": ["ES256", "RS256"],
    "allow_private_network": True,
    "label": "<i>Login</i>",
    "description": "two\nlines",
    "client_id": "setup",
    "scope": "openid email",
}
MAPPINGS = (
    {"spiffe_id": "spiffe://example.org/orders/*", "user": "alice", "namespace": "acme"},
    {"dns": "orders.example.com", "user": "bob", "label": "<i>", "description": "a\nb"},
    {"subject": "CN=orders,O=<Example>", "user": "bob"},
    {"sha256": "ab" * 32, "user": "bob"},
)


@pytest.fixture
async def shop():
    return await make_shop()


@pytest.fixture
async def admin(shop):
    async with visitor(shop) as admin:
        yield admin


async def test_forms_that_are_saved_as_they_are_shown_change_nothing(shop, admin) -> None:
    await shop.run("trusted_issuer.set", name="Login", definition=ISSUER)
    least = {"issuer": "https://b.example.com", "audience": "x", "users_by_name": True}
    await shop.run("trusted_issuer.set", name="Least", definition=least)
    for number, mapping in enumerate(MAPPINGS):
        await shop.run("client_certificate.define", name=f"C{number}", definition=mapping)
    acts = shop.acts()
    paths = [f"{ISSUERS}/Login", f"{ISSUERS}/Least", *(f"{CERTIFICATES}/C{n}" for n in range(len(MAPPINGS)))]
    for path in paths:
        assert "Nothing to change." in (await admin.fill(f"{path}/edit")).words, path
    assert shop.acts() == acts


async def test_an_issuer_is_made_with_everything_that_the_form_has_and_shown(shop, admin) -> None:
    plain = {name: value for name, value in ISSUER.items() if isinstance(value, (str, list))}
    maps = {"users__0__key": "a.b@example.com", "users__0__value": "alice"}
    maps |= {"users__1__key": "<b>", "users__1__value": "bob"}
    maps |= {"namespaces__0__key": "acme-app", "namespaces__0__value": "acme", "namespaces__1__key": "own"}
    checks = {"users_by_name": "true", "allow_private_network": "true"}
    page = await admin.fill("/setup/new/trusted-issuer", name="Login", **plain, **maps, **checks)
    shown = (await shop.run("trusted_issuer.show", name="Login"))["definition"]
    assert {name: shown[name] for name in ISSUER} == ISSUER
    assert page.title == "<i>Login</i>"
    for told in ("a.b@example.com: alice", "ES256", "own: none", "https://id.example.com/keys?x=1"):
        assert told in page.words
    assert "https://id.example.com" in (await admin.get(ISSUERS)).words
    page = await admin.post(f"{ISSUERS}/Login/remove")
    assert page.title == "Remove trusted issuer Login?"
    await admin.post(f"{ISSUERS}/Login/remove", do="remove")
    assert not shop.store.org.trusted_issuers


async def test_mappings_are_made_changed_shown_and_forgotten(shop, admin) -> None:
    for number, mapping in enumerate(MAPPINGS):
        page = await admin.fill("/setup/new/client-certificate", name=f"C{number}", **mapping)
        assert page.status == 200, page.words
        shown = (await shop.run("client_certificate.show", name=f"C{number}"))["definition"]
        assert {name: value for name, value in shown.items() if value} == mapping
    page = await admin.get(CERTIFICATES)
    assert "SPIFFE ID: spiffe://example.org/orders/*" in page.words
    page = await admin.fill(f"{CERTIFICATES}/C1/edit", user="alice")
    assert "Useralice" in page.words
    page = await admin.post(f"{CERTIFICATES}/C1/remove")
    assert page.title == "Remove client certificate C1?"
    await admin.post(f"{CERTIFICATES}/C1/remove", do="remove")
    assert "C1" not in shop.store.org.client_certificates


async def test_problems_stand_at_their_fields(admin) -> None:
    wrong = {"issuer": "http://id.example.com", "audience": "", "users__0__key": "x.y", "users__0__value": "alcie"}
    page = await admin.fill("/setup/new/trusted-issuer", name="Login", **wrong)
    assert page.status == 422
    assert page.problems_at("issuer")
    assert page.problems_at("audience")
    assert "did you mean alice?" in page.problems_at("users/0/value")
    page = await admin.fill("/setup/new/client-certificate", name="C", dns="*.example.com", user="alice")
    assert "without a wildcard" in page.problems_at("dns")
    page = await admin.fill("/setup/new/client-certificate", name="C", dns="a.example", sha256="x", user="alice")
    assert "exactly one of" in page.words


async def test_nobody_lets_an_issuer_or_certificate_be_one_who_may_more(shop) -> None:
    await shop.define(
        PermissionSet("People", admin_permissions=frozenset({AdminPermission.MANAGE_USERS})),
        PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP})),
    )
    async with visitor(shop, "uma", User("uma", permission_sets=("People",))) as uma:
        page = await uma.fill("/setup/new/client-certificate", name="C", dns="a.example.com", user="admin")
        assert (page.status, "does not have to give" in page.words) == (403, True)
        page = await uma.fill("/setup/new/client-certificate", name="C", dns="a.example.com", user="bob")
        assert page.status == 200
    async with visitor(shop, "vera", User("vera", permission_sets=("Viewers",))) as vera:
        page = await vera.get(f"{CERTIFICATES}/C")
        assert f'method="post" action="{CERTIFICATES}' not in page.text
        assert (await vera.post(f"{CERTIFICATES}/C/remove", do="remove")).status == 403
    async with visitor(shop, "bob") as bob:
        for path in (ISSUERS, CERTIFICATES, f"{CERTIFICATES}/C"):
            assert (await bob.get(path)).status == 403


async def test_the_secret_of_the_client_is_written_and_never_shown(shop, admin) -> None:
    await shop.run("trusted_issuer.set", name="Login", definition=ISSUER)
    page = await admin.fill(f"{ISSUERS}/Login/secret", values__client_secret="c4n4ry-secret")
    assert page.title == "<i>Login</i>"
    assert "c4n4ry" not in page.text + (await admin.get(f"{ISSUERS}/Login/secret")).text
    assert (await admin.post(f"{ISSUERS}/Login/secret", do="save")).status == 400
