"""When a port raises, nothing leaves unauthenticated: preparing a callout ends in a refusal, never in a bare head."""

from dataclasses import replace as with_fields

import pytest

from callout.core.errors import Refused, StoreError, VaultError
from tests.engine.conftest import World, build, new_world, world

__all__ = ["new_world", "world"]


class Broken:
    """A port of which every call raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str):
        def call(*_: object, **__: object):
            raise self._error

        return call


def with_broken(made: World, **ports: object):
    """The engine of this world, with some ports broken."""
    parts = {"vault": made.vault, "transport": made.server} | ports
    broken = build(made.clock, made.store, parts["vault"], parts["transport"], credentials=parts.get("store"))
    broken.org.value = made.org.value
    return broken


@pytest.mark.parametrize(
    ("ports", "code"),
    [
        ({"vault": Broken(VaultError("got the wrong key; expected the one that sealed"))}, "principal_not_configured"),
        ({"store": Broken(StoreError("got a locked database; expected one to read"))}, "overloaded"),
        ({"transport": Broken(Refused("external_system_unreachable", "down"))}, "token_endpoint_unreachable"),
        ({"transport": Broken(Refused("address_not_allowed", "private"))}, "address_not_allowed"),
        ({"transport": Broken(Refused("tls_verification_failed", "expired"))}, "tls_verification_failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
async def test_a_port_that_raises_ends_the_callout_with_a_reason(world, ports, code) -> None:
    broken = with_broken(world, **ports)
    route = broken.admit()
    with pytest.raises(Refused) as caught:
        await broken.callouts.prepare(route)
    assert caught.value.reason.code == code
    assert caught.value.explanation.reason.code == code
    assert route.ready is None


async def test_a_token_whose_envelope_was_changed_is_not_used(world) -> None:
    await world.callouts.prepare(world.admit())
    key = world.admit().slot.key
    row = await world.store.user_external_credentials.token(key)
    spoiled = bytes(row.envelope[:-1]) + bytes([row.envelope[-1] ^ 1])
    await world.store.user_external_credentials.swap_token(with_fields(row, envelope=spoiled, generation=2), replaces=1)
    other = world.another_process()
    await other.org.load()
    ready = await other.callouts.prepare(other.admit())
    assert b"token-2" in ready.head
    assert ready.generation == 3
