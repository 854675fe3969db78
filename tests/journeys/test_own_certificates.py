"""Certificates of Callout's own, over real processes: presented in TLS, rotated while it runs, published, asked for."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
import trustme

from tests.asking import Asking, asking_context, asking_server
from tests.certificates import Authority
from tests.journeys.processes import PATIENCE, Home, Server, callout_home, eventually

pytestmark = pytest.mark.journey


class NotYet(Exception):
    """The running server has not learned of the change yet."""


@dataclass
class Place:
    """A running server, and an external system that asks for a certificate of its clients."""

    home: Home
    server: Server
    external: Asking
    clients: Authority
    folder: Path
    key: str
    admin: str

    def callout(self, name: str) -> httpx2.Response:
        with httpx2.Client(base_url=self.server.gateway, trust_env=False, timeout=PATIENCE) as client:
            return client.get(f"/callout/{name}/items", headers={"Callout-Key": self.key})

    def answers(self, name: str, subject: str) -> None:
        """Wait until callouts are made with the certificate of this subject."""

        def answered() -> None:
            answer = self.callout(name)
            if (answer.status_code, answer.text) != (200, subject):
                raise NotYet(answer.text)

        eventually(answered, instead_of=NotYet)

    def refused(self, name: str, said: str) -> dict:
        """Wait until callouts are refused with this in the detail; returns the problem document."""

        def refusing() -> dict:
            answer = self.callout(name)
            problem = answer.json() if answer.status_code != 200 else {}
            if said not in problem.get("detail", ""):
                raise NotYet(str(problem))
            return problem

        return eventually(refusing, instead_of=NotYet)

    def ask(self, method: str, path: str, **members: object) -> dict:
        """Run one operation of the running server's setup API; it must succeed."""
        with httpx2.Client(base_url=self.server.setup, trust_env=False, timeout=PATIENCE) as client:
            headers, body = {"Callout-Key": self.admin}, members or None
            answer = client.request(method, f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def imported(self, certificate: str, subject: str, **more) -> None:
        file = self.clients.issue(name=subject, **more).write(self.folder / f"{certificate}.pem")
        self.ask("POST", f"/certificates/{certificate}/import", content=Path(file).read_text())

    def found(self, name: str) -> list[dict]:
        """Wait until troubleshooting has found something: callouts are recorded in batches."""

        def finding() -> list[dict]:
            found = self.ask("GET", f"/troubleshoot?name={name}")["findings"]
            if not [each for each in found if "CERTIFICATE_EXPIRED" in each["cause"]]:
                raise NotYet(str(found))
            return [each for each in found if "CERTIFICATE_EXPIRED" in each["cause"]]

        return eventually(finding, instead_of=NotYet)

    def presents(self, name: str, certificate: str) -> None:
        self.ask("PUT", f"/named-credentials/{name}/client-certificate", certificate=certificate)


def manifest(port: int) -> dict:
    return {
        "external_credentials": {"Orders": {"protocol": "none", "principals": {"Anyone": {"type": "anonymous"}}}},
        "named_credentials": {
            name: {
                "url": f"https://localhost:{port}",
                "external_credential": "Orders",
                "allow_private_network": True,
            }
            for name in ("Orders", "Billing", "Stock")
        },
        "permission_sets": {"All": {"principals": ["Orders/Anyone"], "user_external_credential": ["read"]}},
        "users": {"alice": {"permission_sets": ["All"]}},
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One for all: each test has a named credential and a certificate of its own."""
    tmp_path = tmp_path_factory.mktemp("place")
    servers, clients = trustme.CA(), Authority()
    servers.cert_pem.write_to_path(str(tmp_path / "servers.pem"))
    context = asking_context(servers.issue_cert("localhost"), clients.pem)
    trusting = {"CALLOUT_TRUSTED_CA_FILE": str(tmp_path / "servers.pem")}
    with asking_server(context) as external, callout_home(tmp_path / "home", trusting) as home:
        home.apply(manifest(external.port))
        with home.serve("--workers", "1") as server:
            yield Place(home, server, external, clients, tmp_path, home.create_key("alice"), home.create_key("admin"))


def test_a_client_certificate_is_presented_and_another_while_callout_runs(place: Place) -> None:
    problem = place.refused("Orders", "having presented no certificate")
    assert (problem["reason"], problem["status"], problem["blame"]) == ("certificate_not_accepted", 502, "admin")
    place.imported("Orders_Client", "orders")
    place.presents("Orders", "Orders_Client")
    place.answers("Orders", "CN=orders")
    shown = place.ask("POST", "/diagnose", name="Orders", user="alice")
    assert shown["request"]["client_certificate"]["name"] == "Orders_Client"
    assert any("certificate Orders_Client is presented" in step["detail"] for step in shown["steps"])
    place.imported("Orders_Client", "orders-2")  # another key, while connections with the first are open
    place.answers("Orders", "CN=orders-2")


def test_one_that_the_external_system_does_not_know_is_told_with_what_mends_it(place: Place) -> None:
    place.ask("POST", "/certificates", name="Billing_Client", algorithm="P-256")
    place.presents("Billing", "Billing_Client")
    problem = place.refused("Billing", "having presented certificate 'Billing_Client'")
    assert problem["reason"] == "certificate_not_accepted"
    issued = place.clients.sign(place.home.run("certificate", "request", "Billing_Client"))
    place.home.run("certificate", "import", "Billing_Client", "-", standard_input=issued)
    place.answers("Billing", "CN=Billing_Client")


def test_an_end_is_warned_of_and_told_afterwards(place: Place) -> None:
    place.imported("Stock_Client", "stock", ends=datetime.now(UTC) + timedelta(days=9, hours=1))
    place.presents("Stock", "Stock_Client")
    place.answers("Stock", "CN=stock")
    status = place.home.run("status")
    assert "certificate Stock_Client: it ends in 9 days; used by named_credentials.Stock" in status
    metrics = httpx2.get(f"{place.server.setup}/metrics", trust_env=False, timeout=PATIENCE).text
    assert 'callout_certificate_expires_seconds{certificate="Stock_Client"} 7' in metrics
    place.imported("Stock_Client", "stock", ends=datetime.now(UTC) - timedelta(days=2))
    place.refused("Stock", "CERTIFICATE_EXPIRED")
    found = place.found("Stock")
    assert found[0]["remedy"][0].startswith("client certificate Stock_Client: it ended 2 days ago")
    assert found[0]["remedy_commands"][0] == "callout certificate request Stock_Client"


def test_public_keys_are_published_and_openssl_takes_what_is_made(place: Place, tmp_path: Path) -> None:
    old = place.ask("POST", "/certificates", name="Signing", algorithm="RSA-2048", subject="CN=signing,O=Example")
    new = place.ask("POST", "/certificates/Signing/rotate", algorithm="Ed25519")
    keys = published(place, old["kid"], new["kid"])
    assert not {"d", "p", "q"} & {member for key in keys for member in key}
    request = place.ask("POST", "/certificates/Signing/request", dns=["signing.example.com"])["request"]
    said = openssl("req", "-noout", "-verify", "-text", standard_input=request)
    assert "DNS:signing.example.com" in said
    (tmp_path / "made.pem").write_text(place.ask("GET", "/certificates/Signing")["certificates"][0])
    assert "OK" in openssl("verify", "-CAfile", str(tmp_path / "made.pem"), str(tmp_path / "made.pem"))


def published(place: Place, *kids: str) -> list[dict]:
    """Wait until these keys are published; returns them as anybody sees them."""

    def shown() -> list[dict]:
        url = f"{place.server.setup}/.well-known/jwks.json"
        told = httpx2.get(url, trust_env=False, timeout=PATIENCE)
        assert told.headers["content-type"] == "application/jwk-set+json"
        keys = [key for key in json.loads(told.text)["keys"] if key["kid"] in kids]
        if len(keys) != len(kids):
            raise NotYet(told.text)
        return keys

    return eventually(shown, instead_of=NotYet)


def openssl(*arguments: str, standard_input: str | None = None) -> str:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl is installed")
    done = subprocess.run(["openssl", *arguments], input=standard_input, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
