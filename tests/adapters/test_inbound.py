"""TLS from files: what is refused, what is taken over while the listener goes on, and what callers are judged by."""

import ssl
from pathlib import Path

import pytest

from callout.adapters.inbound import TlsFiles, TlsListening
from callout.core.errors import DefinitionError
from tests.certificates import ORDERS_ID, Authority, Issued

SERVERS, CLIENTS = Authority(), Authority()
NAME = "gateway.example.com"
GATEWAY, WORKLOAD = SERVERS.issue(dns=[NAME]), CLIENTS.issue(ORDERS_ID)


@pytest.fixture
def files(tmp_path) -> TlsFiles:
    GATEWAY.write(tmp_path / "gateway.pem")
    CLIENTS.write(tmp_path / "clients.pem")
    SERVERS.write(tmp_path / "servers.pem")
    return TlsFiles(tmp_path / "gateway.pem", tmp_path / "gateway.pem", tmp_path / "clients.pem")


def shake_hands(listening: TlsListening, files: TlsFiles, shown: Issued | None = None) -> tuple[bytes, bytes | None]:
    """Make one TLS connection in memory; returns the certificates that client and server see."""
    folder = files.certificate.parent
    context = ssl.create_default_context(cafile=str(folder / "servers.pem"))
    if shown is not None:
        context.load_cert_chain(shown.write(folder / "shown.pem"))
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(back, there, server_hostname=NAME)
    server = listening.context.wrap_bio(there, back, server_side=True)
    waiting = [client, server]
    for _ in range(10):
        for each in tuple(waiting):
            try:
                each.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(each)
        if not waiting:
            break
    assert not waiting
    return client.getpeercert(binary_form=True) or b"", server.getpeercert(binary_form=True)


def test_the_certificate_of_the_files_is_shown_and_the_callers_is_not_demanded(files) -> None:
    listening = TlsListening(files)
    assert shake_hands(listening, files) == (GATEWAY.der, None)
    assert shake_hands(listening, files, WORKLOAD) == (GATEWAY.der, WORKLOAD.der)


def test_without_authorities_no_certificate_is_asked_for(files) -> None:
    listening = TlsListening(TlsFiles(files.certificate, files.key))
    assert shake_hands(listening, files, WORKLOAD) == (GATEWAY.der, None)


def test_tls_1_2_is_the_oldest_and_no_session_is_resumed_where_certificates_are_judged(files) -> None:
    context = TlsListening(files).context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert (context.num_tickets, context.options & ssl.OP_NO_TICKET) == (0, ssl.OP_NO_TICKET)
    assert TlsListening(TlsFiles(files.certificate, files.key)).context.num_tickets > 0


def test_a_certificate_of_another_authority_or_one_that_ended_is_refused_and_it_is_said_why(files) -> None:
    from datetime import UTC, datetime, timedelta

    listening = TlsListening(files)
    ended = CLIENTS.issue(ORDERS_ID, ends=datetime.now(UTC) - timedelta(hours=1))
    for shown in (ended, ended, Authority().issue(ORDERS_ID)):
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(listening, files, shown)
    (one, first), (two, second) = listening.refused()
    assert (one, first, two, second) == ("certificate has expired", 2, "unable to get local issuer certificate", 1)
    assert listening.refused() == []


def test_files_that_are_replaced_are_taken_over_by_the_same_context(files) -> None:
    listening = TlsListening(files)
    assert not listening.follow().certificate
    newer = SERVERS.issue(dns=[NAME])
    newer.write(files.certificate)
    taken = listening.follow()
    assert (taken.certificate, taken.authorities, taken.ends) == (True, False, "2100-01-01T00:00:00+00:00")
    assert shake_hands(listening, files)[0] == newer.der
    assert not listening.follow().certificate


def test_authorities_that_are_replaced_judge_from_then_on_and_the_old_no_longer(files) -> None:
    listening = TlsListening(files)
    assert shake_hands(listening, files, WORKLOAD)[1] == WORKLOAD.der
    others = Authority()
    assert files.authorities is not None
    files.authorities.write_bytes(others.pem + CLIENTS.pem)
    taken = listening.follow()
    assert (taken.authorities, taken.removed) == (True, False)
    assert shake_hands(listening, files, WORKLOAD)[1] == WORKLOAD.der
    others.write(files.authorities)
    assert listening.follow().removed
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(listening, files, WORKLOAD)
    theirs = others.issue(ORDERS_ID)
    assert shake_hands(listening, files, theirs)[1] == theirs.der


@pytest.mark.parametrize("broken", ["text", "key", "mode", "gone", "authorities"])
def test_a_new_file_that_cannot_be_used_changes_nothing_and_is_told_until_it_is_mended(files, broken) -> None:
    listening = TlsListening(files)
    assert files.authorities is not None
    spoil(files, broken)
    for _ in range(2):
        with pytest.raises(DefinitionError, match="CALLOUT_"):
            listening.follow()
    assert shake_hands(listening, files, WORKLOAD) == (GATEWAY.der, WORKLOAD.der)
    newer = SERVERS.issue(dns=[NAME])
    newer.write(files.certificate)
    CLIENTS.write(files.authorities)
    assert listening.follow().certificate
    assert shake_hands(listening, files)[0] == newer.der


def spoil(files: TlsFiles, broken: str) -> None:
    """Make the files unusable in one way."""
    match broken:
        case "text":
            files.certificate.write_text("no certificate")
        case "key":
            one, other = SERVERS.issue(dns=[NAME]), SERVERS.issue(dns=[NAME])
            Issued(one.certificate, other.key).write(files.certificate)
        case "mode":
            files.certificate.chmod(0o644)
        case "gone":
            files.certificate.unlink()
        case _:
            assert files.authorities is not None
            files.authorities.write_text("no authority")


@pytest.mark.parametrize(
    ("broken", "place", "said"),
    [
        ("text", "CALLOUT_TLS_CERTIFICATE_FILE", "a certificate and its own private key"),
        ("key", "CALLOUT_TLS_CERTIFICATE_FILE", "key values mismatch"),
        ("mode", "CALLOUT_TLS_KEY_FILE", "Run: chmod 600"),
        ("gone", "CALLOUT_TLS_CERTIFICATE_FILE", "No such file"),
        ("authorities", "CALLOUT_CLIENT_CA_FILE", "certificates of authorities"),
    ],
)
def test_files_that_cannot_be_used_are_refused_with_the_setting_that_names_them(files, broken, place, said) -> None:
    spoil(files, broken)
    with pytest.raises(DefinitionError, match=said) as caught:
        TlsListening(files)
    assert [problem.place for problem in caught.value.problems] == [place]


@pytest.mark.parametrize(("mode", "accepted"), [(0o600, True), (0o640, True), (0o604, False), (0o620, False)])
def test_a_key_may_be_read_by_its_group_and_by_no_other(files, mode, accepted) -> None:
    files.key.chmod(mode)
    if accepted:
        TlsListening(files)
    else:
        with pytest.raises(DefinitionError, match=f"mode {mode:04o}"):
            TlsListening(files)


def test_an_encrypted_key_is_refused_and_no_password_is_asked_for(files, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    sealed = GATEWAY.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )
    key = tmp_path / "sealed.key"
    key.write_bytes(sealed)
    key.chmod(0o600)
    with pytest.raises(DefinitionError, match="not encrypted"):
        TlsListening(TlsFiles(files.certificate, key))
