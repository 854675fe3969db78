"""A route presents the certificate that is defined now: opened once, and taken anew where it was rotated meanwhile."""

from dataclasses import replace

import pytest

from callout.core.errors import Refused
from callout.core.model.own_certificates import Certificate
from callout.core.ports import Change
from tests.engine.conftest import ORDERS_URL
from tests.keys import certificate_of, key


async def defined(world, number: int = 0, *, name: str = "Client", following: bool = True) -> Certificate:
    """Store a certificate with its key; `following`: this process knows of it."""
    certificate, private_key = certificate_of(name, key("P-256", number), f"leaf {number}")
    sealed = {"private_key": world.vault.seal(private_key, row=certificate.key.secret_row("private_key"))}
    change = Change("certificates", name, certificate)
    await world.store.definitions.write([change], [world.act("certificate")], sealed={certificate.key: sealed})
    if following:
        await world.org.follow()
    return certificate


@pytest.fixture
async def presenting(world):
    await defined(world)
    await world.define(replace(ORDERS_URL, client_certificate="Client"))
    return world


async def presented(world) -> tuple[str, tuple[str, ...]]:
    route = world.admit()
    await world.callouts.prepare(route)
    pair = route.destination.client_certificate
    return pair.name, pair.certificates


async def test_what_is_sent_goes_where_the_certificate_is_presented(presenting) -> None:
    assert await presented(presenting) == ("Client", ("leaf 0",))


async def test_a_rotated_one_is_presented_by_the_next_callout(presenting) -> None:
    await presented(presenting)
    await defined(presenting, 1)
    assert await presented(presenting) == ("Client", ("leaf 1",))


async def test_a_callout_under_way_takes_the_one_that_came_meanwhile(presenting) -> None:
    route = presenting.admit()
    await defined(presenting, 1, following=False)  # another process rotated it: this one does not know yet
    ready = await presenting.callouts.prepare(route)
    assert route.destination.client_certificate.certificates == ("leaf 1",)
    assert any("certificate Client is presented" in step.detail for step in ready.stages)


async def test_where_none_is_named_any_more_none_is_presented(presenting) -> None:
    await presented(presenting)
    await presenting.define(ORDERS_URL)
    route = presenting.admit()
    await presenting.callouts.prepare(route)
    assert route.destination.client_certificate is None


async def test_a_key_is_opened_once_for_each_version(presenting) -> None:
    await presented(presenting)
    before = await presenting.callouts.slots.presented(presenting.org.value.certificates["Client"])
    assert await presenting.callouts.slots.presented(presenting.org.value.certificates["Client"]) is before


async def test_one_without_a_private_key_is_refused_with_what_mends_it(presenting) -> None:
    await presenting.define(Certificate("Other"), replace(ORDERS_URL, client_certificate="Other"))
    with pytest.raises(Refused) as refused:
        await presented(presenting)
    assert refused.value.reason.code == "certificate_not_accepted"
    assert refused.value.remedies[0].command == "callout certificate import Other FILE"
