"""Callers known by a client certificate, over real processes: curl and Python's ssl against `callout serve` with TLS."""

from __future__ import annotations

import json
import shlex
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection, IncompleteRead
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import callout_client as sdk
from tests.certificates import ORDERS_ID, Authority
from tests.journeys.processes import Home, Sandbox, Server, eventually

pytestmark = pytest.mark.journey

#: What a proxy in front of others says of a certificate. Nobody in front of Callout is believed.
FORGED = {
    "X-Forwarded-Client-Cert": f'By=spiffe://example.org/callout;URI={ORDERS_ID};Subject="CN=orders"',
    "X-SSL-Client-Verify": "SUCCESS",
    "X-SSL-Client-S-DN": "CN=orders",
    "X-Client-Cert": "orders",
    "SSL_CLIENT_CERT": "orders",
}


class NotYet(Exception):
    """The running server has not learned of the change yet."""


@dataclass
class Place:
    """A running server with TLS, its files, and the authority of its callers."""

    home: Home
    server: Server
    folder: Path
    servers: Authority
    clients: Authority

    @property
    def url(self) -> str:
        return self.server.gateway + "/callout/Orders"

    def certificate(self, *uris: str, **more) -> str:
        """Issue a workload's certificate; returns its file."""
        return self.clients.issue(*uris, **more).write(self.folder / "workload.pem")

    def connect(self, certificate: str | None = None) -> HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.folder / "servers.pem"))
        if certificate is not None:
            context.load_cert_chain(certificate)
        parts = urlsplit(self.server.gateway)
        return HTTPSConnection(parts.hostname or "", parts.port, context=context, timeout=60)

    def ask(self, connection: HTTPSConnection, **headers: str) -> tuple[int, str, dict]:
        """Make one callout on a connection; returns status, reason code and callout's or the external system's JSON."""
        connection.request("GET", "/callout/Orders/x", headers=headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        return answer.status, answer.headers.get("Callout-Error", ""), {**body, "id": answer.headers["Callout-Id"]}

    def explained(self, callout_id: str) -> dict:
        """What `explain` says; the record is written a moment after the answer."""

        def explain() -> dict:
            ended = self.home.attempt("explain", callout_id, "--json")
            if ended.returncode:
                raise NotYet
            return json.loads(ended.stdout)

        return eventually(explain, instead_of=NotYet)


@pytest.fixture(scope="module")
def place(home: Home, sandbox: Sandbox, tmp_path_factory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("tls")
    servers, clients = Authority(), Authority()
    servers.write(folder / "servers.pem")
    servers.issue(addresses=["127.0.0.1"]).write(folder / "gateway.pem")
    home.apply(
        {
            "external_credentials": {"Open": {"protocol": "none", "principals": {"Anyone": {}}}},
            "named_credentials": {
                "Orders": {
                    "url": sandbox.url + "/open",
                    "external_credential": "Open",
                    "allow_private_network": True,
                }
            },
            "permission_sets": {"Callers": {"principals": ["Open/Anyone"], "user_external_credential": ["read"]}},
            "users": {"orders": {"permission_sets": ["Callers"]}, "billing": {"permission_sets": ["Callers"]}},
            "client_certificates": {"Orders": {"spiffe_id": ORDERS_ID, "user": "orders"}},
        }
    )
    files = (
        "--tls-certificate-file",
        str(folder / "gateway.pem"),
        "--client-ca-file",
        clients.write(folder / "ca.pem"),
    )
    with home.serve("--workers", "2", *files) as server:
        yield Place(home, server, folder, servers, clients)


def test_a_mapped_workload_calls_with_curl_and_is_explained(place) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("got no curl; expected it, to show that software of others gets through")
    assert place.server.gateway.startswith("https://")
    certificate = place.certificate(ORDERS_ID)
    files = ["--cacert", str(place.folder / "servers.pem"), "--cert", certificate, "--key", certificate]
    done = subprocess.run(
        [curl, "-sS", "-i", "--http1.1", *files, place.url + "/x"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    head, _, body = done.stdout.partition("\n\n")
    assert head.startswith("HTTP/1.1 200"), done.stdout
    assert json.loads(body)["target"] == "/open/x"
    callout_id = next(line for line in head.splitlines() if line.startswith("Callout-Id: ")).split()[1]
    (step, *_) = place.explained(callout_id)["steps"]
    assert step["detail"] == f"orders, profile Standard User, proven by certificate Orders, spiffe_id {ORDERS_ID}"


def test_an_unmapped_workload_is_unknown_until_the_printed_command_is_run(place) -> None:
    billing = "spiffe://example.org/ns/prod/sa/billing"
    connection = place.connect(place.certificate(billing))
    status, reason, body = place.ask(connection)
    assert (status, reason) == (401, "caller_unknown")
    explained = place.explained(body["id"])
    assert billing in explained["detail"]
    (command,) = explained["remedy_commands"]
    place.home.run(*shlex.split(command)[1:])

    def known() -> None:
        if place.ask(connection)[0] != 200:
            raise NotYet

    eventually(known, instead_of=NotYet)
    place.home.run("client-certificate", "forget", "billing")

    def forgotten() -> None:
        if place.ask(connection)[:2] != (401, "caller_unknown"):
            raise NotYet

    eventually(forgotten, instead_of=NotYet)  # on the same connection
    connection.close()


@pytest.mark.parametrize("kind", ["expired", "foreign"])
def test_a_certificate_that_is_not_genuine_ends_in_tls_and_nothing_leaves(place, sandbox, kind) -> None:
    if kind == "expired":
        certificate = place.certificate(ORDERS_ID, ends=datetime.now(UTC) - timedelta(minutes=1))
    else:
        certificate = Authority().issue(ORDERS_ID).write(place.folder / "foreign.pem")
    before = sandbox.counts()
    connection = place.connect(certificate)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        place.ask(connection)
    connection.close()
    assert sandbox.counts() == before

    def logged() -> None:
        if "client_certificate_refused" not in place.server.log:
            raise NotYet

    eventually(logged, instead_of=NotYet)


def test_no_header_claims_a_certificate(place) -> None:
    bare = place.connect()
    status, reason, body = place.ask(bare, **FORGED)
    assert (status, reason) == (403, "principal_not_granted")
    assert place.explained(body["id"])["caller"]["user"] == "guest"
    bare.close()
    other = place.connect(place.certificate("spiffe://example.org/ns/prod/sa/nobody"))
    assert place.ask(other, **FORGED)[:2] == (401, "caller_unknown")
    other.close()


def test_a_key_is_a_proof_over_tls_too_and_comes_before_the_certificate(place) -> None:
    key = place.home.create_key("billing")
    connection = place.connect(place.certificate(ORDERS_ID))

    def known() -> dict:
        status, _, body = place.ask(connection, **{"Callout-Key": key})
        if status != 200:
            raise NotYet
        return body

    body = eventually(known, instead_of=NotYet)
    assert place.explained(body["id"])["caller"]["user"] == "billing"
    connection.close()


def test_the_sdk_shows_a_certificate(place) -> None:
    files = {"ca_file": str(place.folder / "servers.pem"), "cert": place.certificate(ORDERS_ID)}
    with sdk.Client(place.server.gateway, "", **files) as client:
        assert client.get("callout:Orders/x").status_code == 200


def test_a_stream_ends_where_the_mapping_is_removed(place) -> None:
    place.home.run("client-certificate", "trust", "feed", "--dns", "feed.example.com", "--user", "orders")
    certificate = place.certificate(dns=["feed.example.com"])

    def streaming():
        connection = place.connect(certificate)
        connection.request("GET", "/callout/Orders/stream/1200?ms=50")
        answer = connection.getresponse()
        if answer.status != 200:
            connection.close()
            raise NotYet
        return connection, answer

    connection, answer = eventually(streaming, instead_of=NotYet)
    assert answer.read(1)
    place.home.run("client-certificate", "forget", "feed")
    with pytest.raises((OSError, IncompleteRead)):  # cut off, never a clean end
        answer.read()
    connection.close()


def test_a_certificate_that_is_replaced_is_shown_to_the_next_connection(place) -> None:
    kept = place.connect(place.certificate(ORDERS_ID))
    assert place.ask(kept)[0] == 200
    newer = place.servers.issue(addresses=["127.0.0.1"])
    newer.write(place.folder / "gateway.pem")

    def shown() -> None:
        for _ in range(4):  # whichever of the workers takes it
            connection = place.connect()
            connection.connect()
            found = connection.sock.getpeercert(binary_form=True)
            connection.close()
            if found != newer.der:
                raise NotYet

    eventually(shown, instead_of=NotYet)
    assert place.ask(kept)[0] == 200
    kept.close()
    assert "certificate_replaced" in place.server.log


def test_a_new_file_that_cannot_be_used_is_reported_and_the_old_one_stays(place) -> None:
    file = place.folder / "gateway.pem"
    old = file.read_bytes()
    file.write_bytes(b"no certificate")

    def reported() -> None:
        if "certificate_not_taken" not in place.server.log:
            raise NotYet

    eventually(reported, instead_of=NotYet)
    connection = place.connect(place.certificate(ORDERS_ID))
    assert place.ask(connection)[0] == 200
    connection.close()
    file.write_bytes(old)


def test_a_key_that_others_can_read_is_refused_before_anything_starts(place, tmp_path) -> None:
    file = tmp_path / "open.pem"
    place.servers.issue(addresses=["127.0.0.1"]).write(file)
    file.chmod(0o644)
    ended = place.home.attempt("serve", "--port", "0", "--setup-port", "0", "--tls-certificate-file", str(file))
    assert ended.returncode != 0
    assert f"Run: chmod 600 {file}" in ended.stderr
