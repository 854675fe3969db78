"""The admin's side of Callout's own certificates: made, imported, rotated, asked for, published, removed."""

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import import_key

from callout.core.errors import DefinitionError
from callout.core.jose.jwk import belongs_to
from callout.core.model.own_certificates import ALGORITHMS, Certificate
from callout.core.secret import Secret, reveal
from tests.certificates import Authority
from tests.keys import key, pem_of
from tests.world import ORDERS_URL, make_shop

CA = Authority()
ISSUED = CA.issue(name="orders")
LEAF = ISSUED.certificate.public_bytes(Encoding.PEM).decode()
FILE = pem_of(ISSUED.key) + LEAF + CA.pem.decode()


@pytest.fixture
async def shop():
    return await make_shop()


async def made(shop, **more):
    return await shop.run("certificate.create", **{"name": "Orders_Client", "algorithm": "P-256", **more})


async def certificate(shop, name="Orders_Client") -> Certificate:
    return (await shop.store.load()).certificates[name]


async def sealed_key(shop, name="Orders_Client") -> Secret:
    kept = await certificate(shop, name)
    return shop.vault.open(shop.store.sealed[kept.key]["private_key"], row=kept.key.secret_row("private_key"))


async def kids(shop) -> list[str]:
    return [each["kid"] for each in (await shop.run("certificate.jwks"))["keys"]]


@pytest.mark.parametrize("algorithm", [a for a in ALGORITHMS if a not in ("RSA-3072", "RSA-4096")])
async def test_a_key_is_made_sealed_and_its_public_half_defined(shop, algorithm) -> None:
    shown = await made(shop, algorithm=algorithm, subject="CN=orders,O=Example", days=90, label="Ours")
    kept = await certificate(shop)
    assert (shown["algorithm"], shown["subject"], shown["label"]) == (algorithm, "CN=orders,O=Example", "Ours")
    assert (shown["state"], shown["state_reason"]) == ("ready", "it ends in 90 days")
    assert belongs_to(await sealed_key(shop), kept.public_key)
    assert json.loads(kept.public_key)["kid"] == kept.kid == shown["kid"]
    assert shop.acts() == [("local", "create certificate", f"Orders_Client ({algorithm}, {kept.kid})")]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"algorithm": "RSA-1024"},
            r"certificates\.Orders_Client\.algorithm: got 'RSA-1024'; expected one of RSA-2048",
        ),
        ({"days": 0}, "got 0; expected 1 to 36500 days"),
        ({"subject": "orders"}, "expected a subject such as CN=orders,O=Example"),
        ({"name": "orders client"}, "letters, digits and single underscores"),
    ],
)
async def test_what_cannot_be_made_is_refused_and_nothing_is_kept(shop, more, said) -> None:
    with pytest.raises(DefinitionError, match=said):
        await made(shop, **more)
    assert shop.store.sealed == {}


async def test_a_name_that_has_a_key_is_not_made_again(shop) -> None:
    await made(shop)
    with pytest.raises(DefinitionError, match="callout certificate rotate Orders_Client"):
        await made(shop)


async def test_a_key_and_its_chain_are_imported_and_the_same_again_changes_nothing(shop) -> None:
    first = await shop.run("certificate.import", name="Orders_Client", content=FILE)
    assert (first["changed"], first["subject"], first["self_signed"]) == (True, "CN=orders", False)
    assert reveal(await sealed_key(shop)) == pem_of(ISSUED.key)
    again = await shop.run("certificate.import", name="Orders_Client", content=FILE)
    assert (again["changed"], again["kid"]) == (False, first["kid"])
    assert len(shop.acts()) == 1


async def test_a_private_key_that_got_lost_is_sealed_again(shop) -> None:
    await shop.run("certificate.import", name="Orders_Client", content=FILE)
    shop.store.sealed.clear()
    assert (await shop.run("certificate.list"))["certificates"][0]["state"] == "no_private_key"
    assert (await shop.run("certificate.import", name="Orders_Client", content=FILE))["changed"]
    assert reveal(await sealed_key(shop)) == pem_of(ISSUED.key)


async def test_what_is_refused_says_why_and_shows_nothing_of_it(shop) -> None:
    with pytest.raises(DefinitionError, match="got a private key that none of the certificates is for") as refused:
        await shop.run("certificate.import", name="Orders_Client", content=pem_of(key()) + LEAF)
    assert pem_of(key()).splitlines()[1] not in str(refused.value)
    assert shop.store.sealed == {}


async def test_what_an_authority_issues_for_the_key_is_taken_without_the_key(shop) -> None:
    await made(shop)
    before = await certificate(shop)
    asked = await shop.run("certificate.request", name="Orders_Client", subject="CN=asked", dns=["a.example.com"])
    issued = CA.sign(asked["request"])
    shown = await shop.run("certificate.import", name="Orders_Client", content=issued + CA.pem.decode())
    after = await certificate(shop)
    assert (shown["subject"], shown["self_signed"], after.kid) == ("CN=asked", False, before.kid)
    assert len(after.certificates) == 2
    assert after.version != before.version
    with pytest.raises(
        DefinitionError, match="got certificates of another key; expected those of the key that is there"
    ):
        await shop.run("certificate.import", name="Orders_Client", content=LEAF)
    with pytest.raises(DefinitionError, match="got certificates alone, and no key is there"):
        await shop.run("certificate.import", name="Another", content=LEAF)


async def test_a_rotated_key_stays_published_for_the_overlap(shop) -> None:
    first = (await made(shop))["kid"]
    second = (await shop.run("certificate.rotate", name="Orders_Client", overlap="2h"))["kid"]
    assert await kids(shop) == [second, first]
    assert belongs_to(await sealed_key(shop), (await certificate(shop)).public_key)
    shop.clock.move(hours=2)
    assert await kids(shop) == [second]
    third = (await shop.run("certificate.rotate", name="Orders_Client", overlap="0s"))["kid"]
    assert await kids(shop) == [third]
    assert (await certificate(shop)).retired == ()


@pytest.mark.parametrize("overlap", ["soon", "999999w", "-1h"])
async def test_an_overlap_that_is_none_is_refused_and_the_key_stays(shop, overlap) -> None:
    first = (await made(shop))["kid"]
    with pytest.raises(DefinitionError, match=r"overlap: got .*; expected a life such as 30m.*at most 3650d"):
        await shop.run("certificate.rotate", name="Orders_Client", overlap=overlap)
    assert await kids(shop) == [first]


async def test_a_rotation_keeps_subject_and_kind_or_takes_another_kind(shop) -> None:
    await made(shop, subject="CN=orders")
    assert (await shop.run("certificate.rotate", name="Orders_Client"))["algorithm"] == "P-256"
    shown = await shop.run("certificate.rotate", name="Orders_Client", algorithm="Ed25519")
    assert (shown["algorithm"], shown["subject"]) == ("Ed25519", "CN=orders")


async def test_what_an_authority_issued_is_not_signed_by_callout(shop) -> None:
    await shop.run("certificate.import", name="Orders_Client", content=FILE)
    with pytest.raises(
        DefinitionError, match=r"callout certificate request Orders_Client\), then callout certificate import"
    ):
        await shop.run("certificate.rotate", name="Orders_Client")


async def test_the_chain_is_published_with_its_key_and_no_private_member_is(shop) -> None:
    await shop.run("certificate.import", name="Orders_Client", content=FILE)
    (published,) = (await shop.run("certificate.jwks"))["keys"]
    ders = [x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER) for pem in (LEAF, CA.pem.decode())]
    assert [base64.b64decode(each) for each in published["x5c"]] == ders
    assert (published["use"], "d" in published) == ("sig", False)


async def test_one_in_use_is_not_removed_and_who_uses_it_is_named(shop) -> None:
    await made(shop)
    await shop.run("named_credential.present", name="Orders", certificate="Orders_Client")
    assert (await certificate(shop)).name == (await shop.run("named_credential.show", name="Orders"))[
        "client_certificate"
    ]
    with pytest.raises(DefinitionError, match=r"it is named by named_credentials\.Orders"):
        await shop.run("certificate.remove", name="Orders_Client")
    with pytest.raises(DefinitionError, match=r"named_credentials\.Orders\.client_certificate"):
        await shop.run("apply", manifest="certificates: {}", prune=True)
    await shop.run("named_credential.present", name="Orders")
    await shop.run("certificate.remove", name="Orders_Client")
    assert shop.store.sealed == {}
    assert ("local", "remove secrets", "certificate:Orders_Client/private_key: private_key") in shop.acts()


async def test_a_name_that_is_not_there_is_refused_with_the_nearest(shop) -> None:
    await made(shop)
    for name in ("certificate.show", "certificate.rotate", "certificate.request", "certificate.remove"):
        with pytest.raises(DefinitionError, match="did you mean 'Orders_Client'"):
            await shop.run(name, name="Orders_Clint")
    with pytest.raises(DefinitionError, match="did you mean 'Orders_Client'"):
        await shop.run("named_credential.present", name="Orders", certificate="Orders_Clint")


async def test_the_private_key_does_not_go_as_a_secret_of_a_principal(shop) -> None:
    await made(shop)
    with pytest.raises(DefinitionError):
        await shop.run("secret.remove", external_credential="certificate:Orders_Client", principal="private_key")
    assert await sealed_key(shop)


async def test_status_warns_of_the_last_thirty_days_and_shows_no_row_of_a_key(shop) -> None:
    await made(shop, days=31)
    await shop.run("named_credential.present", name="Orders", certificate="Orders_Client")
    for days, state, words in ((0, "ready", "31 days"), (5, "ends_soon", "26 days"), (25, "ends_soon", "1 day")):
        shop.clock.move(days=days)
        shown = await shop.run("status")
        (row,) = shown["certificates"]
        assert (row["state"], row["state_reason"]) == (state, f"it ends in {words}")
    assert row["used_by"] == ["named_credentials.Orders"]
    assert row["remedy_commands"] == ["callout certificate rotate Orders_Client"]
    assert not [p for p in shown["principals"] if "certificate" in p["principal"]]
    shop.clock.move(days=3)
    (row,) = (await shop.run("status"))["certificates"]
    assert (row["state"], row["state_reason"]) == ("ended", "it ended 1 day ago")


async def test_diagnose_shows_what_is_presented_and_what_lacks(shop) -> None:
    await shop.define(Certificate("Orders_Client"), replace(ORDERS_URL, client_certificate="Orders_Client"))
    await shop.run("secret.set", external_credential="Orders", principal="Service", values=SECRETS)
    shown = await shop.run("diagnose", name="Orders", user="alice")
    assert (shown["reason"], shown["remedy_commands"]) == (
        "certificate_not_accepted",
        ["callout certificate import Orders_Client FILE"],
    )
    kid = (await made(shop))["kid"]
    shown = await shop.run("diagnose", name="Orders", user="alice")
    assert shown["request"]["client_certificate"] == {"name": "Orders_Client", "kid": kid}
    shop.clock.at += timedelta(days=1000)
    shown = await shop.run("diagnose", name="Orders", user="alice")
    assert any("which ended on 2027-01-01" in step["detail"] for step in shown["steps"])


SECRETS = {"client_id": "a", "client_secret": "b"}


async def test_a_url_without_tls_presents_none(shop) -> None:
    await made(shop)
    await shop.define(replace(ORDERS_URL, url="http://localhost", allow_private_network=True))
    with pytest.raises(DefinitionError, match="expected an https URL: a certificate is presented in TLS"):
        await shop.run("named_credential.present", name="Orders", certificate="Orders_Client")


async def test_code_of_a_package_neither_makes_a_certificate_nor_shows_one(shop) -> None:
    await made(shop)
    with pytest.raises(DefinitionError, match="the rest is an admin's"):
        await shop.run("apply", manifest="certificates: {Mine: {}}", namespace="acme")
    manifest = (
        "external_credentials: {Own: {protocol: none, principals: {A: {type: anonymous}}}}\n"
        "named_credentials:\n  Own: {url: https://acme.example.com, external_credential: Own, "
        "client_certificate: Orders_Client}\n"
    )
    with pytest.raises(DefinitionError, match="an admin says who sees a certificate"):
        await shop.run("apply", manifest=manifest, namespace="acme")


async def test_code_of_a_package_signs_with_no_key_of_an_external_credential_that_it_did_not_make(shop) -> None:
    await made(shop)
    theirs = (
        "external_credentials: {Signing: {protocol: custom, parameters: {signing_certificate: Orders_Client}, "
        "principals: {A: {}}}}"
    )
    await shop.run("apply", manifest=theirs)
    formula = "{!IF(TRUE, BASE64ENCODE(SIGN_WITH_CERTIFICATE('ECDSA-SHA256', BLOB('x'), 'Orders_Client')), '')}"
    manifest = (
        "named_credentials:\n  Mine: {url: https://acme.example.com, external_credential: Signing, "
        f'headers: [{{name: X-Signed, value: "{formula}"}}]}}\n'
    )
    with pytest.raises(DefinitionError, match="SIGN_WITH_CERTIFICATE by code of package acme"):
        await shop.run("apply", manifest=manifest, namespace="acme")
    await shop.run("apply", manifest=manifest)


async def test_another_key_under_the_same_kid_is_refused(shop) -> None:
    def jwk(number: int) -> str:
        members = import_key(pem_of(key("P-256", number)).encode(), "EC").as_dict(private=True)
        return json.dumps({**members, "kid": "mine"})

    await shop.run("certificate.import", name="Orders_Client", content=jwk(1))
    with pytest.raises(DefinitionError, match="got another key of the same kid 'mine'"):
        await shop.run("certificate.import", name="Orders_Client", content=jwk(2))
    with pytest.raises(DefinitionError, match="got kid 'mine', which the key of Orders_Client has too"):
        await shop.run("certificate.import", name="Another", content=jwk(2))


async def test_code_of_a_package_signs_with_no_key_of_the_admins(shop) -> None:
    await made(shop)
    manifest = (
        "external_credentials: {Own: {protocol: http_message_signatures, "
        "parameters: {signing_certificate: Orders_Client}, "
        "principals: {A: {}}}}"
    )
    with pytest.raises(DefinitionError, match="an admin says what is signed with a certificate"):
        await shop.run("apply", manifest=manifest, namespace="acme")
    await shop.run("apply", manifest=manifest)
    with pytest.raises(DefinitionError, match=r"named by external_credentials\.Own\.parameters\.signing_certificate"):
        await shop.run("certificate.remove", name="Orders_Client")
