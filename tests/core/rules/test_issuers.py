"""Rules over trusted issuers, and over who may act for whom."""

from dataclasses import replace

import pytest

from callout.core.model.issuers import TrustedIssuer
from callout.core.model.org import Org
from callout.core.model.people import Package, PermissionSet, User
from callout.core.protocols import CATALOGUE
from callout.core.rules import problems_of

EXAMPLE = TrustedIssuer(
    "Example",
    "https://id.example.com",
    "callout",
    users={"alice-id": "alice"},
    namespace_claim="azp",
    namespaces={"acme-app": "acme", "own": ""},
)
OTHERS = (User("alice"), Package("acme"))


def places(*definitions) -> list[str]:
    return [
        problem.place.partition(".Example.")[2] for problem in problems_of(Org.of(*OTHERS, *definitions), CATALOGUE)
    ]


def test_a_whole_issuer_is_accepted() -> None:
    assert places(EXAMPLE) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"issuer": "http://id.example.com"}, "issuer"),
        ({"issuer": "https://127.0.0.1"}, "issuer"),
        ({"jwks_uri": "ftp://id.example.com/keys"}, "jwks_uri"),
        ({"audience": ""}, "audience"),
        ({"user_claim": ""}, "user_claim"),
        ({"algorithms": ("HS256",)}, "algorithms[HS256]"),
        ({"algorithms": ("none",)}, "algorithms[none]"),
        ({"users": {}}, "users"),
        ({"users": {"x": "nobody"}}, "users.x"),
        ({"users": {"x": "guest"}}, "users.x"),
        ({"namespaces": {"x": "unknown"}}, "namespaces.x"),
        ({"namespaces": {}}, "namespaces"),
        ({"namespace_claim": ""}, "namespaces"),
    ],
)
def test_what_would_prove_nothing_or_the_wrong_one_is_refused_at_its_place(change, place) -> None:
    assert places(replace(EXAMPLE, **change)) == [place]


@pytest.mark.parametrize("other", ["Again", "Yet Another"])
def test_two_names_for_one_issuer_are_refused_whichever_is_the_new_one(other) -> None:
    org = Org.of(*OTHERS, EXAMPLE, replace(EXAMPLE, name=other))
    for new in ("Example", other):
        problems = problems_of(org, CATALOGUE, {("trusted_issuers", new)})
        assert [problem.place for problem in problems] == [f"trusted_issuers.{new}.issuer"]


def test_a_user_or_package_that_an_issuer_maps_to_cannot_go() -> None:
    for gone in (("users", "alice"), ("packages", "acme")):
        left = [each for each in OTHERS if not isinstance(each, User if gone[0] == "users" else Package)]
        assert problems_of(Org.of(*left, EXAMPLE), CATALOGUE, {gone})


@pytest.mark.parametrize("other", ["nobody", "guest", "profile:Nothing", "profile:"])
def test_acting_for_names_users_and_profiles_that_are_there(other) -> None:
    agents = PermissionSet("Agents", may_act_for=frozenset({"alice", "profile:Standard User", other}))
    (problem,) = problems_of(Org.of(*OTHERS, agents), CATALOGUE)
    assert problem.place == f"permission_sets.Agents.may_act_for[{other}]"
