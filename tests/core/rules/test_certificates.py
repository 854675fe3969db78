"""Rules over mappings of client certificates."""

from dataclasses import replace

import pytest

from callout.core.model.certificates import ClientCertificate
from callout.core.model.org import Org
from callout.core.model.people import Package, User
from callout.core.protocols import CATALOGUE
from callout.core.rules import problems_of
from tests.certificates import ORDERS_ID

ORDERS = ClientCertificate("Orders", "alice", spiffe_id=ORDERS_ID, namespace="acme")
OTHERS = (User("alice"), User("bob"), Package("acme"))
FINGERPRINT = "0f" * 32


def places(*definitions) -> list[str]:
    return [
        problem.place.removeprefix("client_certificates.")
        for problem in problems_of(Org.of(*OTHERS, *definitions), CATALOGUE)
    ]


@pytest.mark.parametrize(
    "identity",
    [
        {"spiffe_id": ORDERS_ID},
        {"spiffe_id": "spiffe://example.org/ns/*/sa/**"},
        {"dns": "orders.example.com"},
        {"subject": "CN=orders,O=Example"},
        {"sha256": FINGERPRINT},
        {"sha256": ":".join(["0F"] * 32)},
    ],
)
def test_each_way_to_know_a_certificate_is_accepted(identity) -> None:
    assert places(ClientCertificate("Orders", "alice", **identity)) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"name": "a/b"}, "a/b"),
        ({"spiffe_id": ""}, "Orders"),
        ({"dns": "a.example.com"}, "Orders"),
        ({"spiffe_id": "spiffe://example.org"}, "Orders.spiffe_id"),
        ({"spiffe_id": "spiffe://example.org/**/a"}, "Orders.spiffe_id"),
        ({"spiffe_id": "", "dns": "*.example.com"}, "Orders.dns"),
        ({"spiffe_id": "", "sha256": "0f"}, "Orders.sha256"),
        ({"spiffe_id": "", "subject": "CN=a\nO=b"}, "Orders.subject"),
        ({"user": "nobody"}, "Orders.user"),
        ({"user": "guest"}, "Orders.user"),
        ({"namespace": "unknown"}, "Orders.namespace"),
    ],
)
def test_what_would_prove_nothing_or_the_wrong_one_is_refused_at_its_place(change, place) -> None:
    assert places(replace(ORDERS, **change)) == [place]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"spiffe_id": ORDERS_ID}, {"spiffe_id": "spiffe://example.org/ns/*/sa/orders"}),
        ({"spiffe_id": ORDERS_ID}, {"spiffe_id": ORDERS_ID}),
        ({"dns": "a.example.com"}, {"dns": "A.example.com"}),
        ({"subject": "CN=a"}, {"subject": "CN=a"}),
        ({"sha256": FINGERPRINT}, {"sha256": ":".join(["0F"] * 32)}),
    ],
)
@pytest.mark.parametrize("changed", ["One", "Two"])
def test_a_certificate_that_two_mappings_would_name_is_refused_whichever_came_last(one, other, changed) -> None:
    org = Org.of(*OTHERS, ClientCertificate("One", "alice", **one), ClientCertificate("Two", "bob", **other))
    (problem,) = problems_of(org, CATALOGUE, {("client_certificates", changed)})
    assert problem.place.startswith(f"client_certificates.{changed}.")
    assert {"One": "Two", "Two": "One"}[changed] in problem.got


@pytest.mark.parametrize("gone", [("users", "alice"), ("packages", "acme")])
def test_a_user_or_package_that_a_certificate_is_mapped_to_cannot_go(gone) -> None:
    left = [each for each in OTHERS if getattr(each, "name", getattr(each, "namespace", "")) != gone[1]]
    assert problems_of(Org.of(*left, ORDERS), CATALOGUE, {gone})
