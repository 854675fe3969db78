"""A client certificate is presented where it is asked for, one connection for each, and a refusal says whose it was."""

import ssl

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from callout.adapters.outbound import Connection, OutboundTransport, tls
from callout.core.errors import Refused
from callout.core.http1.head import ResponseParser
from callout.core.key_pair import KeyPair
from callout.core.message import HttpRequest
from callout.core.secret import Secret
from tests.adapters.outbound.conftest import SECONDS, local
from tests.asking import asking_context, asking_server
from tests.certificates import Authority
from tests.keys import pem_of

CLIENTS = Authority()


def pair(issued, name: str = "Orders_Client") -> KeyPair:
    pem = issued.certificate.public_bytes(Encoding.PEM).decode()
    return KeyPair(name, name.lower(), Secret(pem_of(issued.key)), (pem,))


ORDERS = pair(CLIENTS.issue(name="orders"))
BILLING = pair(CLIENTS.issue(name="billing"), "Billing_Client")
STRANGER = pair(Authority().issue(name="stranger"), "Stranger")


def context_of(authority, version=ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    return asking_context(authority.issue_cert("localhost"), CLIENTS.pem, version=version)


async def asked(outbound, server, *presented: KeyPair | None) -> list[int]:
    transport, statuses = OutboundTransport(outbound), []
    for certificate in presented:
        request = HttpRequest("GET", f"https://localhost:{server.port}/", client_certificate=certificate)
        answer = await transport.send(request, allow_private_network=True, timeout_seconds=SECONDS)
        statuses.append(answer.status)
    return statuses


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_certificate_is_presented(outbound, authority, version) -> None:
    with asking_server(context_of(authority, version)) as server:
        assert await asked(outbound, server, ORDERS) == [200]
        assert server.subjects == ["CN=orders"]


async def test_a_connection_is_used_again_for_the_same_certificate_alone(outbound, authority) -> None:
    with asking_server(context_of(authority)) as server:
        assert await asked(outbound, server, ORDERS, BILLING, ORDERS, BILLING) == [200] * 4
        assert server.subjects == ["CN=orders", "CN=billing"] * 2
        assert server.connections == 2


async def test_where_there_are_no_files_in_memory_the_disk_holds_it_for_a_moment(
    outbound, authority, monkeypatch, tmp_path
) -> None:
    monkeypatch.setattr(tls, "_MEMORY", None)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = sorted(tmp_path.iterdir())
    with asking_server(context_of(authority)) as server:
        assert await asked(outbound, server, ORDERS) == [200]
        assert server.subjects == ["CN=orders"]
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_one_of_another_authority_is_said_to_be_refused(outbound, authority, version) -> None:
    with asking_server(context_of(authority, version)) as server, pytest.raises(Refused) as refused:
        await asked(outbound, server, STRANGER)
    assert refused.value.reason.code == "certificate_not_accepted"
    assert "having presented certificate 'Stranger' (kid stranger, valid until 2100-01-01" in refused.value.detail
    assert refused.value.remedies[0].command == "callout certificate show Stranger"


async def test_none_where_one_is_asked_for_is_said_to_be_missing(outbound, authority) -> None:
    said = "having presented no certificate"
    with asking_server(context_of(authority)) as server, pytest.raises(Refused, match=said) as refused:
        await asked(outbound, server, None)
    assert refused.value.reason.code == "certificate_not_accepted"
    assert refused.value.remedies[0].command == "callout certificate list"


async def test_a_handshake_that_fails_for_another_reason_says_what_was_presented(outbound, authority) -> None:
    context, said = context_of(authority, ssl.TLSVersion.TLSv1_2), "HANDSHAKE_FAILURE', having presented no certificate"
    with asking_server(context) as server, pytest.raises(Refused, match=said) as refused:
        await asked(outbound, server, None)
    assert refused.value.reason.code == "tls_verification_failed"


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (KeyPair("Key_Alone", "k", ORDERS.private_key), "a key without a certificate"),
        (KeyPair("Mixed", "k", BILLING.private_key, ORDERS.certificates), "which TLS does not take"),
    ],
)
async def test_what_cannot_be_presented_is_refused_before_anything_is_sent(outbound, authority, broken, said) -> None:
    with asking_server(context_of(authority)) as server, pytest.raises(Refused, match=said) as refused:
        await asked(outbound, server, broken)
    assert refused.value.reason.code == "certificate_not_accepted"
    assert refused.value.unsent


async def test_an_unused_certificate_is_let_go_of(outbound, authority) -> None:
    with asking_server(context_of(authority)) as server:
        await asked(outbound, server, ORDERS, BILLING)
        outbound._tls.keep({BILLING})
        assert set(outbound._tls._presenting) == {BILLING}


def test_one_that_was_refused_before_a_request_was_sent_knows_why() -> None:
    alert = ssl.SSLError(1, "alert")
    alert.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    connection = Connection(local(443, "https"), ResponseParser(), lambda _: None)
    connection.connection_lost(alert)
    assert connection.failed.reason.code == "certificate_not_accepted"
    connection.connection_lost(ConnectionResetError())
    assert connection.failed is None
