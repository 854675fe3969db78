"""Certificates and Keys in the console: made, imported, rotated, asked for and removed; no private key is ever shown."""

import base64

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from callout.core.model.people import AdminPermission, PermissionSet, User
from tests.certificates import Authority
from tests.entrypoints.web.visitor import visitor
from tests.keys import pem_of
from tests.world import ORDERS, ORDERS_URL, make_world

VIEWERS = PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP}))
CA = Authority()
ISSUED = CA.issue(name="orders")
KEY = pem_of(ISSUED.key)
LEAF = ISSUED.certificate.public_bytes(Encoding.PEM).decode()
PASSWORD = "c4n4ry-password"
PKCS12 = serialize_key_and_certificates(
    b"orders", ISSUED.key, ISSUED.certificate, None, BestAvailableEncryption(PASSWORD.encode())
)
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
async def world():
    world = make_world()
    await world.define(ORDERS, ORDERS_URL, VIEWERS, User("vera", permission_sets=("Viewers",)), User("bob"))
    return world


@pytest.fixture
async def admin(world):
    async with visitor(world) as admin:
        yield admin


async def made(admin, name="Orders_Client", **more):
    return await admin.fill("/setup/new/certificate", name=name, algorithm="P-256", **more)


async def test_one_is_made_shown_rotated_and_removed(admin, world) -> None:
    would = await admin.fill("/setup/new/certificate", do="preview", name="Orders_Client", algorithm="P-256")
    assert "Orders_Client" in would.tree.xpath('//*[@id="plan"]')[0].text_content()
    assert "Orders_Client" not in (await world.store.load()).certificates
    page = await made(admin, subject="CN=orders,O=Example", dns="orders.example.com", days="90", label="Ours")
    assert page.title == "Ours"
    kept = (await world.store.load()).certificates["Orders_Client"]
    for told in (kept.kid, "it ends in 90 days", "CN=orders,O=Example", "BEGIN CERTIFICATE", "/.well-known/jwks.json"):
        assert told in page.words
    assert (
        page.tree.xpath('//dt[text()="SHA-256 fingerprint"]/following-sibling::dd[1]')[0].text_content().count(":")
        == 31
    )
    assert "PRIVATE KEY" not in page.text
    assert '"d"' not in page.text
    listed = (await admin.get("/setup/certificates")).words
    assert "P-256" in listed
    assert "it ends in 90 days" in listed
    rotated = await admin.fill("/setup/certificates/Orders_Client/rotate", overlap="12h", algorithm="Ed25519")
    assert "stays published for 12h" in rotated.words
    assert kept.kid in rotated.tree.xpath('//dt[text()="Rotated out"]/following-sibling::dd[1]')[0].text_content()
    asked = await admin.post("/setup/certificates/Orders_Client/remove")
    assert "- certificates.Orders_Client" in asked.words
    assert "Orders_Client" in (await world.store.load()).certificates
    gone = await admin.post("/setup/certificates/Orders_Client/remove", do="remove")
    assert "is removed" in gone.words
    assert "Orders_Client" not in (await world.store.load()).certificates


async def test_an_authority_s_is_asked_for_and_imported_into_the_key_that_is_there(admin, world) -> None:
    await made(admin)
    page = await admin.post(
        "/setup/certificates/Orders_Client/request", subject="CN=orders", dns="a.example\nb.example"
    )
    request = page.tree.xpath('//*[@id="csr"]')[0].text_content()
    assert request.strip().startswith("-----BEGIN CERTIFICATE REQUEST-----")
    taken = await admin.fill("/setup/certificates/Orders_Client/import", content=CA.sign(request))
    assert "Signed byan authority" in taken.words
    wrong = await admin.post("/setup/certificates/Orders_Client/request", subject="not a subject", dns="")
    assert wrong.status == 422
    assert "expected a subject such as" in wrong.words


@pytest.mark.parametrize("file", [KEY + LEAF, base64.b64encode(PKCS12).decode()])
async def test_a_key_is_imported_from_text_or_from_a_file_with_its_password(file, admin) -> None:
    password = PASSWORD if file.startswith("MI") else ""
    page = await admin.fill("/setup/new/certificate-import", name="Given", content=file, password=password)
    assert page.title == "Given"
    assert "CN=orders" in page.words
    assert file[40:80] not in page.text
    assert PASSWORD not in page.text


async def test_what_is_wrong_stands_at_its_field_and_nothing_of_a_key_comes_back(admin) -> None:
    page = await admin.fill(
        "/setup/new/certificate-import", name="Given", content=KEY + CA.pem.decode(), password=PASSWORD
    )
    assert page.status == 422
    assert "got" in page.problems_at("content")
    assert KEY[40:80] not in page.text
    assert PASSWORD not in page.text
    assert (await admin.fill("/setup/new/certificate-import", name="Given")).problems_at("content")
    assert "got" in (await admin.fill("/setup/new/certificate", name="A", days="0")).problems_at("days")
    assert "got" in (await admin.fill("/setup/new/certificate", name="A", subject=HOSTILE)).problems_at("subject")
    assert "<script>alert" not in (await admin.fill("/setup/new/certificate", name=HOSTILE, label=HOSTILE)).text


async def test_what_uses_one_is_linked_and_keeps_it(admin, world) -> None:
    await made(admin, label=HOSTILE)
    await world.run("named_credential.present", name="Orders", certificate="Orders_Client")
    page = await admin.get("/setup/certificates/Orders_Client")
    assert page.tree.xpath('//a[@href="/setup/named-credentials/Orders"]')
    assert "<script>alert" not in page.text + (await admin.get("/setup/certificates")).text
    refused = await admin.post("/setup/certificates/Orders_Client/remove")
    assert refused.status == 422
    assert "which is in use" in refused.words


async def test_one_who_may_only_look_is_offered_nothing_and_changes_nothing(world, admin) -> None:
    await made(admin)
    async with visitor(world, "vera") as vera:
        page = await vera.get("/setup/certificates/Orders_Client")
        assert "Rotate" not in page.words
        assert "Import" not in (await vera.get("/setup/certificates")).words
        for path, fields in (
            ("/setup/new/certificate", {"name": "B"}),
            ("/setup/certificates/Orders_Client/rotate", {}),
            ("/setup/certificates/Orders_Client/remove", {"do": "remove"}),
        ):
            assert (await vera.post(path, **fields)).status == 403
    async with visitor(world, "bob") as bob:
        assert (await bob.get("/setup/certificates")).status == 403


async def test_quick_find_knows_certificates_and_what_can_be_done(admin) -> None:
    await made(admin)
    assert "Orders_Client" in (await admin.get("/setup/find?q=orders_client")).words
    assert "Import a Certificate" in (await admin.get("/setup/find?q=pkcs12")).words
