"""A process that writes: `writing_process.py PATH WHO COUNT`. It says `ready`, waits for a line, then writes.

It appends COUNT segments, as many definitions, and tries COUNT times to win the next token generation. It prints
how many it won.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from callout.adapters.store.store import Store
from callout.adapters.system import SystemClock
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.people import Package
from callout.core.ports import AdminAct, Change, Segment, StoredToken

KEY = UserExternalCredentialKey("Orders", "Service")
AT = datetime(2026, 1, 1, tzinfo=UTC)


async def write(store: Store, who: str, count: int) -> int:
    won = 0
    for number in range(count):
        label = f"{who}{number}"
        await asyncio.to_thread(store.audit.append, Segment(who, label, label, 1, b"[]"))
        await store.definitions.write([Change("packages", label, Package(label))], [AdminAct(AT, who, "put", label)])
        token = StoredToken(KEY, number + 1, who.encode(), AT, None)
        won += await store.user_external_credentials.swap_token(token, replaces=number)
    return won


def main() -> None:
    path, who, count = sys.argv[1:]
    store = Store.open(path, clock=SystemClock(), busy_timeout_seconds=30)
    print("ready", flush=True)
    sys.stdin.readline()
    print(asyncio.run(write(store, who, int(count))), flush=True)
    store.close()


if __name__ == "__main__":
    main()
