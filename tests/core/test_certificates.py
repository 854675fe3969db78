"""What is read of a client certificate, and which are refused as SVIDs."""

import pytest

from callout.core.certificates import CertificateRefused, read_certificate
from callout.core.model.certificates import ClientCertificate
from tests.certificates import NEVER, ORDERS_ID, Authority

AUTHORITY = Authority()


def mapped(**identity: str) -> ClientCertificate:
    return ClientCertificate("Orders", "alice", **identity)


def test_everything_that_a_mapping_may_name_is_read() -> None:
    issued = AUTHORITY.issue(ORDERS_ID, dns=["Orders.example.com", "b.example.com"], name="orders")
    found = read_certificate(issued.der)
    assert (found.spiffe_id, found.dns, found.subject) == (
        ORDERS_ID,
        ("orders.example.com", "b.example.com"),
        "CN=orders",
    )
    assert (found.sha256, found.not_after) == (issued.sha256, NEVER)


@pytest.mark.parametrize(
    ("given", "identity"),
    [
        ({"uris": (ORDERS_ID,), "dns": ["a.example.com"]}, ("spiffe_id", ORDERS_ID)),
        ({"dns": ["a.example.com"], "name": "orders"}, ("dns", "a.example.com")),
        ({"dns": ["a.example.com", "b.example.com"], "name": "orders"}, ("subject", "CN=orders")),
        ({"dns": ["*.example.com"], "name": "orders"}, ("subject", "CN=orders")),
        ({"uris": ("https://example.com/a", "https://example.com/b"), "name": "orders"}, ("subject", "CN=orders")),
    ],
)
def test_it_is_best_known_by_the_most_lasting_thing_that_is_its_own(given, identity) -> None:
    issued = AUTHORITY.issue(*given.pop("uris", ()), **given)
    assert read_certificate(issued.der).identity == identity


@pytest.mark.parametrize("name", ["", "two\nlines", "\x1b[2J"])
def test_a_certificate_that_says_nothing_that_can_be_shown_is_known_by_its_fingerprint(name) -> None:
    issued = AUTHORITY.issue(name=name)
    assert read_certificate(issued.der).identity == ("sha256", issued.sha256)


def test_a_mapping_names_a_certificate_by_each_of_the_four() -> None:
    issued = AUTHORITY.issue(ORDERS_ID, dns=["orders.example.com"], name="orders")
    found = read_certificate(issued.der)
    upper = ":".join(issued.sha256[at : at + 2] for at in range(0, 64, 2)).upper()
    for identity in (
        {"spiffe_id": ORDERS_ID},
        {"spiffe_id": "spiffe://example.org/ns/*/sa/orders"},
        {"dns": "ORDERS.example.com"},
        {"subject": "CN=orders"},
        {"sha256": upper},
    ):
        assert found.is_named_by(mapped(**identity)), identity
    for identity in (
        {"spiffe_id": "spiffe://example.org/ns/*/sa/other"},
        {"dns": "example.com"},
        {"subject": "CN=order"},
        {"sha256": "0" * 64},
        {},
    ):
        assert not found.is_named_by(mapped(**identity)), identity


def test_a_wildcard_in_a_certificate_stands_for_no_name() -> None:
    found = read_certificate(AUTHORITY.issue(dns=["*.example.com"]).der)
    assert not found.is_named_by(mapped(dns="orders.example.com"))


@pytest.mark.parametrize(
    ("uris", "signs", "said"),
    [
        ((ORDERS_ID, "spiffe://example.org/b"), False, "2 URIs"),
        ((ORDERS_ID, "https://example.com"), False, "2 URIs"),
        (("spiffe://example.org",), False, "expected spiffe://TRUST_DOMAIN/PATH"),
        (("SPIFFE://example.org/a/../b",), False, "expected spiffe://TRUST_DOMAIN/PATH"),
        ((ORDERS_ID,), True, "signs others"),
    ],
)
def test_a_certificate_that_breaks_the_rules_of_an_svid_says_nothing(uris, signs, said) -> None:
    with pytest.raises(CertificateRefused, match=said):
        read_certificate(AUTHORITY.issue(*uris, signs=signs, name="orders").der)


def test_what_is_no_certificate_is_refused() -> None:
    with pytest.raises(CertificateRefused, match="does not read"):
        read_certificate(b"no certificate")
