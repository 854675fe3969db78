"""A trail with acts, callouts of every outcome, and what each format is made of."""

import json

import pytest

from callout.core.errors import Refused
from tests.world import make_shop


@pytest.fixture
async def shop():
    return await make_shop()


def record(
    shop, *, user="alice", name="Orders", method=b"GET", path=b"/a", status=200, refused=None, replay=None
) -> str:
    """Record one callout; returns its id. With `refused`, the reason code that it ends with."""
    callout_id = shop.callouts.next_id()
    error = Refused(refused, "got x=1|2\\3\nand 4; expected less", who=user) if refused else None
    more = (10, 20, shop.clock.monotonic() - 0.25, replay, error, None, 0)
    shop.callouts.record(callout_id, None, name, method, path, status, *more)
    return callout_id.decode()


async def lines_of(shop, form="jsonl", **more) -> list[str]:
    """Export page by page, as the command line does."""
    lines: list[str] = []
    page: dict = {"format": form, **more}
    while True:
        found = await shop.run("audit.export", **page)
        lines += found["lines"]
        if found["done"]:
            return lines
        page |= {"after": found["after"], "through": found["through"]}


def members_of(lines: list[str], kind: str | None = None) -> list[dict]:
    return [m for m in map(json.loads, lines) if kind is None or m["type"] == kind]
