"""A manifest names certificates without their keys: they are kept, taken from where it says, or made."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from callout.core.errors import DefinitionError
from callout.core.jose.jwk import belongs_to
from callout.core.secret import reveal
from tests.certificates import Authority
from tests.keys import key, pem_of
from tests.world import make_shop

CA = Authority()
ISSUED = CA.issue(name="orders")
FILE = pem_of(ISSUED.key) + ISSUED.certificate.public_bytes(Encoding.PEM).decode()
GIVEN = "certificates: {Orders_Client: {label: Ours, private_key: {file: orders.pem}}}"


@pytest.fixture
async def shop():
    return await make_shop()


async def certificate(shop):
    return (await shop.store.load()).certificates["Orders_Client"]


async def sealed_key(shop):
    kept = await certificate(shop)
    return shop.vault.open(shop.store.sealed[kept.key]["private_key"], row=kept.key.secret_row("private_key"))


async def applied(shop, manifest, content: str | None = None, **more):
    references = {"file:orders.pem": content} if content is not None else {}
    return await shop.run("apply", manifest=manifest, references=references, **more)


async def test_one_without_a_key_gets_one_when_the_manifest_is_applied(shop) -> None:
    manifest = "certificates: {Orders_Client: {algorithm: P-256}}"
    planned = await shop.run("plan", manifest=manifest)
    assert "+ certificates.Orders_Client" in planned["text"]
    assert shop.store.sealed == {}
    await applied(shop, manifest)
    kept = await certificate(shop)
    assert (kept.algorithm, len(kept.certificates)) == ("P-256", 1)
    assert belongs_to(await sealed_key(shop), kept.public_key)
    assert not (await applied(shop, manifest))["changed"]


async def test_a_key_is_taken_from_a_file_and_the_same_again_changes_nothing(shop) -> None:
    assert (await applied(shop, GIVEN, FILE))["changed"]
    kept = await certificate(shop)
    assert (kept.label, kept.algorithm, len(kept.certificates)) == ("Ours", "P-256", 1)
    assert reveal(await sealed_key(shop)) == pem_of(ISSUED.key)
    assert not (await applied(shop, GIVEN, FILE))["changed"]


async def test_another_key_takes_its_place_and_the_one_before_stays_published(shop) -> None:
    await applied(shop, GIVEN, FILE)
    before = await certificate(shop)
    planned = await shop.run("plan", manifest=GIVEN, references={"file:orders.pem": pem_of(key())})
    assert "~ secret certificate:Orders_Client/private_key private_key: changed" in planned["text"]
    await applied(shop, GIVEN, pem_of(key()))
    after = await certificate(shop)
    assert after.kid != before.kid
    assert [each.public_key for each in after.retired] == [before.public_key]


async def test_an_export_has_no_key_and_changes_nothing_where_it_came_from(shop) -> None:
    await applied(shop, GIVEN, FILE)
    exported = (await shop.run("export"))["manifest"]
    assert "Orders_Client:\n    label: Ours\n    algorithm: P-256\n" in exported
    assert "BEGIN" not in exported
    assert not (await applied(shop, exported))["changed"]


async def test_the_label_is_the_manifests_and_the_key_is_kept(shop) -> None:
    await applied(shop, GIVEN, FILE)
    before = await certificate(shop)
    await applied(shop, "certificates: {Orders_Client: {label: Theirs}}")
    after = await certificate(shop)
    assert (after.label, after.version, after.algorithm) == ("Theirs", before.version, "P-256")


@pytest.mark.parametrize(
    ("manifest", "content", "said"),
    [
        (GIVEN, "nothing", r"manifest:1: certificates\.Orders_Client\.private_key: got content of no known form"),
        (GIVEN, CA.pem.decode(), "got certificates alone; expected the private key with them"),
        (GIVEN.replace("label: Ours", "algorithm: RSA-2048"), FILE, "got 'RSA-2048'; expected P-256, that of the key"),
        ("certificates: {Orders_Client: {algorithm: DSA}}", None, r"algorithm: got 'DSA'; expected one of RSA-2048"),
        ("certificates: {Orders_Client: {kid: mine}}", None, "no such field: it comes with the key"),
        ("certificates: {a-b: {}}", None, "letters, digits and single underscores"),
    ],
)
async def test_what_is_wrong_is_told_with_its_line(shop, manifest, content, said) -> None:
    with pytest.raises(DefinitionError, match=said):
        await applied(shop, manifest, content)
    assert shop.store.sealed == {}


async def test_an_algorithm_that_the_key_does_not_have_is_for_a_rotation(shop) -> None:
    await applied(shop, GIVEN, FILE)
    with pytest.raises(DefinitionError, match="callout certificate rotate Orders_Client --algorithm"):
        await applied(shop, "certificates: {Orders_Client: {algorithm: Ed25519}}")


async def test_what_a_manifest_leaves_out_goes_with_its_key_where_that_is_asked_for(shop) -> None:
    await applied(shop, GIVEN, FILE)
    planned = await shop.run("plan", manifest="certificates: {}", prune=True)
    assert "! certificate Orders_Client goes with 1 secret value" in planned["text"]
    await applied(shop, "certificates: {}", prune=True)
    assert shop.store.sealed == {}
