"""Commands on who a caller is: client certificates."""

from pathlib import Path

import pytest

from callout.entrypoints.cli.wiring import Serving
from tests.certificates import ORDERS_ID

TRUST = ("client-certificate", "trust", "Orders", "--user", "alice")


def test_a_client_certificate_is_mapped_listed_and_forgotten(cli):
    assert cli(*TRUST, "--spiffe-id", ORDERS_ID, "--namespace", "acme").code == 0
    listed = " ".join(cli("client-certificate", "list").out.split())
    assert f"Orders spiffe_id {ORDERS_ID} alice acme" in listed
    assert cli("client-certificate", "forget", "Orders").code == 0
    assert cli("client-certificate", "list", "--json").json == {"client_certificates": []}


@pytest.mark.parametrize("identity", [(), ("--dns", "a.example.com", "--subject", "CN=a")])
def test_a_mapping_by_nothing_or_by_two_things_is_refused(cli, identity):
    ran = cli(*TRUST, *identity)
    assert ran.code == 2
    assert "expected exactly one" in ran.err


def test_the_files_of_tls_are_handed_to_the_server(cli, tmp_path):
    argv = ("--tls-certificate-file", "a.pem", "--tls-key-file", "a.key", "--client-ca-file", "ca.pem")
    cli("serve", "--home", str(tmp_path), *argv)
    files = (Path("a.pem"), Path("a.key"), Path("ca.pem"))
    assert cli.called[-1][-1] == Serving(None, None, None, None, *files)
