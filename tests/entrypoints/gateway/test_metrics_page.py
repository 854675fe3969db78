"""`/metrics` beside `/healthz`: for this machine alone, unless it is opened."""

import socket

import pytest

from callout.entrypoints.gateway import Gateway

HERE = ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"]
ELSEWHERE = ["192.0.2.7", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.7", "fe80::1%eth0", ""]


def gateway(world, *, metrics_open: bool = False) -> Gateway:
    own = world.gateway
    return Gateway(world.engine, own.outbound, own.limits, b"{}", metrics=lambda: b"a 1\n", metrics_open=metrics_open)


@pytest.mark.parametrize("peer", HERE)
async def test_a_caller_on_this_machine_sees_the_metrics(world, peer) -> None:
    assert gateway(world).page(b"/metrics", peer) == (200, b"a 1\n", "text/plain; version=0.0.4; charset=utf-8")


@pytest.mark.parametrize("peer", ELSEWHERE)
async def test_a_caller_elsewhere_sees_them_only_where_they_are_open(world, peer) -> None:
    status, body, _ = gateway(world).page(b"/metrics", peer)
    assert status == 403
    assert b"a 1" not in body
    assert b"CALLOUT_METRICS_OPEN" in body
    assert gateway(world, metrics_open=True).page(b"/metrics", peer)[:2] == (200, b"a 1\n")


async def test_the_page_is_plain_text_and_the_others_stay_json(world) -> None:
    made = gateway(world)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        await made.start("", 0, sock=bound)
        world.gateway, own = made, world.gateway
        caller = await world.caller()
        metrics, health = await caller.ask(b"/metrics"), await caller.ask(b"/healthz")
        assert made.open_connections == 1
        world.gateway = own
        await made.stop(0)
    assert (metrics.status, metrics.body) == (200, b"a 1\n")
    assert metrics.values("Content-Type") == ["text/plain; version=0.0.4; charset=utf-8"]
    assert health.values("Content-Type") == ["application/json"]
