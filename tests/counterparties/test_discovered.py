"""Of the certified provider no endpoint is declared, but its issuer: what it publishes is used, and held to."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.counterparties.connected_world import ConnectedWorld
from tests.counterparties.connecting import CLIENT, SECRET
from tests.counterparties.consent import follow
from tests.counterparties.provider import Provider
from tests.counterparties.visitor import Visitor
from tests.journeys.processes import callout_home


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(tmp_path_factory.mktemp("provider"), [CLIENT]) as provider:
        yield provider


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[ConnectedWorld]:
    with callout_home(tmp_path_factory.mktemp("home") / "home") as home:
        home.apply(manifest(provider))
        with home.serve("--workers", "1") as server:
            yield ConnectedWorld(home, server, ("alice",), asks="me")


def manifest(provider: Provider) -> dict:
    """One credential by the issuer's name, and one by a name that is another letter for letter."""
    issuer = provider.ready["issuer"]
    known = {"authorization_request_parameters.prompt": "consent", "scope": "openid offline_access"}
    return {
        "external_credentials": {
            name: {
                "protocol": "oauth2_authorization_code",
                "parameters": {"issuer": called, **known},
                "principals": {
                    "Service": {"secrets": {"client_id": CLIENT["client_id"], "client_secret": SECRET}},
                },
            }
            for name, called in (("Right", issuer), ("Wrong", f"{issuer}/"))
        },
        "named_credentials": {
            name: {"url": issuer, "external_credential": name, "allow_private_network": True}
            for name in ("Right", "Wrong")
        },
        "permission_sets": {"Callers": {"principals": ["Right/Service", "Wrong/Service"]}},
        "users": {"alice": {"permission_sets": ["Callers"]}},
    }


def test_the_issuer_is_enough_to_connect_and_to_revoke(world):
    page = Visitor("robot-at-the-provider").connect(world.link("Right/Service"))
    assert page.status_code == 200, page.text
    assert world.connected_account("alice", "Right") == "robot-at-the-provider"
    receipts = world.home.json("disconnect", "Right/Service")["revocations"]
    assert [receipt["revoked"] for receipt in receipts] == [True]


@pytest.mark.parametrize("iss", ["", "https://elsewhere.example.com"])
def test_a_response_has_to_name_the_issuer_because_the_provider_says_that_it_does(world, iss):
    visitor = Visitor("robot-at-the-provider")
    begun = visitor.send(visitor.open(world.link("Right/Service"))).headers["location"]
    came = follow(begun, visitor.person, until=f"{world.server.setup}/connect/callback")
    query = {name: values[0] for name, values in parse_qs(urlsplit(came).query).items()}
    changed = {name: value for name, value in (query | {"iss": iss}).items() if value}
    page = visitor.open(f"{world.server.setup}/connect/callback?{urlencode(changed)}")
    assert page.status_code == 400
    assert "RFC 9207" in page.text


def test_metadata_of_another_issuer_is_not_believed(world):
    visitor = Visitor("robot-at-the-provider")
    page = visitor.send(visitor.open(world.link("Wrong/Service")))
    assert page.status_code >= 400
    assert "letter for letter" in page.text
