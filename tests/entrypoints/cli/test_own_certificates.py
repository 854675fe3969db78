"""`callout certificate`: files are read where the command runs, in every form, and nothing of a private key is shown."""

import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from callout.core.secret import reveal
from tests.certificates import Authority
from tests.keys import pem_of

CA = Authority()
ISSUED = CA.issue(name="orders")
KEY = pem_of(ISSUED.key)
FILE = KEY + ISSUED.certificate.public_bytes(Encoding.PEM).decode()
P12 = pkcs12.serialize_key_and_certificates(
    b"orders",
    ISSUED.key,
    ISSUED.certificate,
    [x509.load_pem_x509_certificate(CA.pem)],
    BestAvailableEncryption(b"open"),
)


def sealed(cli) -> str:
    kept = cli.runs(cli.world.store.load()).certificates["Client"]
    envelope = cli.world.store.sealed[kept.key]["private_key"]
    return reveal(cli.world.vault.open(envelope, row=kept.key.secret_row("private_key")))


def test_a_key_is_made_shown_asked_for_rotated_and_removed(cli) -> None:
    made = cli("certificate", "create", "Client", "--algorithm", "P-256", "--subject", "CN=orders", "--days", "90")
    assert (made.code, made.out) == (0, "Certificate Client made: P-256, it ends in 90 days\n")
    assert "CN=orders" in cli("certificate", "list").out
    shown = cli("certificate", "show", "Client").out
    assert "BEGIN CERTIFICATE" in shown
    assert "PRIVATE" not in shown
    assert cli("certificate", "request", "Client").out.startswith("-----BEGIN CERTIFICATE REQUEST-----")
    assert "has another key" in cli("certificate", "rotate", "Client", "--overlap", "2h").out
    assert len(json.loads(cli("certificate", "jwks").out)["keys"]) == 2
    assert cli("certificate", "remove", "Client").code == 0
    assert "callout certificate create NAME" in cli("certificate", "list").out


@pytest.mark.parametrize("password", ["-", "@FILE"])
def test_pkcs12_is_read_with_a_password_that_comes_apart(cli, tmp_path, password) -> None:
    (tmp_path / "orders.p12").write_bytes(P12)
    (tmp_path / "password").write_text("open\n")
    given = password.replace("FILE", str(tmp_path / "password"))
    ran = cli("certificate", "import", "Client", str(tmp_path / "orders.p12"), "--password", given, stdin="open\n")
    assert (ran.code, sealed(cli)) == (0, KEY)
    assert "PRIVATE" not in ran.out + ran.err


def test_on_a_terminal_the_password_is_asked_for(cli, tmp_path, monkeypatch) -> None:
    (tmp_path / "orders.p12").write_bytes(P12)
    monkeypatch.setattr("getpass.getpass", lambda prompt: "open")
    ran = cli("certificate", "import", "Client", str(tmp_path / "orders.p12"), "--password", "-", terminal=True)
    assert (ran.code, sealed(cli)) == (0, KEY)


def test_a_wrong_password_is_said_to_be_wrong(cli, tmp_path) -> None:
    (tmp_path / "orders.p12").write_bytes(P12)
    ran = cli("certificate", "import", "Client", str(tmp_path / "orders.p12"), "--password", "-", stdin="shut\n")
    assert (ran.code, cli.world.store.sealed) == (3, {})
    assert "got a password that does not open it" in ran.err
    assert "shut" not in ran.err


def test_pem_comes_from_standard_input(cli) -> None:
    assert cli("certificate", "import", "Client", "-", stdin=FILE).code == 0
    assert sealed(cli) == KEY


def test_a_password_on_the_command_line_is_refused(cli, tmp_path) -> None:
    (tmp_path / "orders.p12").write_bytes(P12)
    ran = cli("certificate", "import", "Client", str(tmp_path / "orders.p12"), "--password", "open")
    assert (ran.code, cli.world.store.sealed) == (2, {})
    assert "expected - or @FILE" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("import", "Client", "none.pem"), "got file 'none.pem', which cannot be read"),
        (("import", "Client", "-", "--password", "-"), "got - for the file and for the password"),
        (("import", "Client", "-", "--password", "@none"), "got file 'none' for the password"),
    ],
)
def test_what_cannot_be_read_is_said(cli, arguments, said) -> None:
    ran = cli("certificate", *arguments, stdin=FILE)
    assert (ran.code, said in ran.err) == (2, True)


def test_one_is_presented_and_none_any_more(cli) -> None:
    cli("certificate", "create", "Client", "--algorithm", "P-256")
    assert "Orders presents certificate Client" in cli("named-credential", "present", "Orders", "Client").out
    assert "Orders presents no certificate" in cli("named-credential", "present", "Orders", "--none").out
    for wrong in ((), ("Client", "--none")):
        assert cli("named-credential", "present", "Orders", *wrong).code == 2


def test_status_warns_of_an_end(cli) -> None:
    cli("certificate", "create", "Client", "--algorithm", "P-256", "--days", "3")
    out = cli("status").out
    assert "certificate Client: it ends in 3 days; used by nothing" in out
    assert "callout certificate rotate Client" in out
