"""Certificates and requests that Callout makes say what they should, and are signed by their own keys."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from callout.core.certificate_making import (
    NotASubject,
    end_of,
    is_self_signed,
    self_signed,
    signing_request,
    subject_in,
)
from tests.certificates import Authority
from tests.keys import KINDS, key

NOW = datetime(2030, 1, 1, 12, 0, 0, 500, tzinfo=UTC)


def made(kind: str = "P-256", subject: str = "CN=orders,O=Example", dns=(), serial: bytes = b"\x01" * 19):
    pem, ends = self_signed(key(kind), subject, dns, now=NOW, days=30, serial=serial)
    return x509.load_pem_x509_certificate(pem.encode()), pem, ends


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_is_signed_by_its_own_key(kind) -> None:
    certificate, pem, _ = made(kind)
    certificate.verify_directly_issued_by(certificate)
    assert certificate.public_key() == key(kind).public_key()
    assert is_self_signed(pem)
    assert subject_in(pem) == "CN=orders,O=Example"


def test_it_is_for_a_client_and_signs_no_others() -> None:
    extensions = made(dns=["orders.example.com"])[0].extensions
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["orders.example.com"]


def test_it_lasts_as_long_as_asked_and_began_before_clocks_that_are_behind() -> None:
    certificate, pem, ends = made()
    assert certificate.not_valid_before_utc < NOW
    assert ends == end_of(pem) == certificate.not_valid_after_utc
    assert timedelta(days=30) <= ends - NOW <= timedelta(days=30, seconds=1)


@pytest.mark.parametrize("serial", [b"\x00" * 19, b"\xff" * 19])
def test_whatever_the_random_bytes_the_serial_number_is_one(serial) -> None:
    assert 0 < made(serial=serial)[0].serial_number < 2**159


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_names_subject_and_key_and_is_signed_by_it(kind) -> None:
    request = x509.load_pem_x509_csr(signing_request(key(kind), "CN=orders", ["a.example.com"]).encode())
    assert request.is_signature_valid
    assert request.subject.rfc4514_string() == "CN=orders"
    assert request.public_key() == key(kind).public_key()
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.example.com"]


@pytest.mark.parametrize(("subject", "dns"), [("orders", ()), ("", ()), ("CN", ()), ("CN=a", ("ü.example.com",))])
def test_what_is_no_subject_or_dns_name_is_refused(subject, dns) -> None:
    with pytest.raises(NotASubject):
        signing_request(key(), subject, dns)
    with pytest.raises(NotASubject):
        made(subject=subject, dns=dns)


def test_what_an_authority_issued_is_told_apart() -> None:
    assert not is_self_signed(Authority().issue(name="a").certificate.public_bytes(Encoding.PEM).decode())
