"""The home of one installation, opened: store, vault, definitions, tokens, records and the engine on top of them."""

from __future__ import annotations

import asyncio
import gc
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from callout.adapters.nodes import LockedNodes
from callout.adapters.outbound.client import OutboundTransport
from callout.adapters.outbound.pool import Outbound
from callout.adapters.store.store import Store
from callout.adapters.system import SystemClock, SystemEntropy
from callout.adapters.vault.keyring import Keyring
from callout.adapters.vault.master_key import MasterKey
from callout.app.log import described, log
from callout.app.master_keys import master_keys_of
from callout.core.errors import HomeError, StoreError
from callout.core.explanation import Remedy
from callout.core.protocols import CATALOGUE
from callout.engine.callout import Callouts
from callout.engine.connect_links import Links
from callout.engine.definitions import CurrentOrg
from callout.engine.issuers import CallerTokens
from callout.engine.records import CalloutLog, Records
from callout.engine.scopes import Scopes
from callout.engine.slots import Slots
from callout.engine.sweeper import Sweeper
from callout.engine.token_endpoints import TokenEndpoints
from callout.engine.tokens import Tokens
from callout.settings import Settings

DATABASE = "callout.db"
#: How often waiting records are written, in seconds; also the granularity of callout ids.
FLUSH_INTERVAL = 0.2
#: How many digits at the end of a callout id name the process.
PROCESS_DIGITS = 8
#: The definitions are confirmed at least this often, even where nothing says that they changed, in seconds.
CONFIRM_INTERVAL = 5.0


@dataclass(slots=True)
class Home:
    """Everything that is plugged in, for one process."""

    settings: Settings
    store: Store
    vault: Keyring
    clock: SystemClock
    entropy: SystemEntropy
    org: CurrentOrg
    outbound: Outbound
    transport: OutboundTransport
    endpoints: TokenEndpoints
    tokens: Tokens
    records: Records
    callouts: Callouts
    log: CalloutLog
    writer: RecordWriter
    sweeper: Sweeper
    process: str
    """What the callout ids of this process end with."""
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """What is awaited before the home is closed."""


def database_of(settings: Settings) -> Path:
    """Return the path of the database."""
    return settings.folder / DATABASE


def organization_of(settings: Settings) -> dict[str, str]:
    """Return the fields of `$Organization`."""
    return {"Id": settings.organization_id, "Name": settings.organization_name}


def quoted(folder: Path) -> str:
    """Return a folder as a shell reads it."""
    return shlex.quote(str(folder))


def expect_home(settings: Settings) -> None:
    """Raise `HomeError` where there is no home."""
    path = database_of(settings)
    with suppress(OSError):  # one that may not be looked at: opening it says why
        if path.is_file():
            return
        make = Remedy("Make it, or name another with --home", f"callout init --home {quoted(settings.folder)}")
        raise HomeError("home_not_found", f"got no database at {path}; expected one", make)


def read_master_key(settings: Settings) -> MasterKey:
    """Return the master key from the setting, the operating system's keyring or the file. Raises `VaultError`."""
    return master_keys_of(settings).read()[0]


@asynccontextmanager
async def open_home(settings: Settings) -> AsyncIterator[Home]:
    """Open the home and load its definitions. Raises `StoreError` or `VaultError` where it cannot be opened."""
    expect_home(settings)
    clock, entropy = SystemClock(), SystemEntropy()
    store = Store.open(database_of(settings), clock=clock)
    try:
        vault = Keyring(master_keys_of(settings).read, store.data_keys.load, entropy)
        org = CurrentOrg(store.definitions, clock)
        outbound = Outbound(trusted_ca_file=settings.trusted_ca_file or None)
        transport = OutboundTransport(outbound)
        endpoints = TokenEndpoints(transport, clock, entropy)
        credentials = store.user_external_credentials
        nodes = LockedNodes(settings.folder, clock, entropy)
        waits = {"debounce": settings.debounce, "token_timeout": settings.token_timeout}
        scopes = Scopes(clock, entropy, organization_of(settings))
        tokens = Tokens(credentials, vault, endpoints, scopes, nodes=nodes, **waits)
        slots = Slots(credentials, vault, CATALOGUE)
        records = Records(store.audit, clock, entropy, settings.log_sampling)
        links = Links(vault, clock, entropy, settings.setup_url)
        callouts = Callouts(
            org,
            CATALOGUE,
            tokens,
            records,
            clock,
            slots=slots,
            links=links,
            caller_tokens=CallerTokens(transport, clock),
            telling_users=settings.telling_users,
            telling_guests=settings.telling_guests,
        )
        await org.load()
        home = Home(
            settings,
            store,
            vault,
            clock,
            entropy,
            org,
            outbound,
            transport,
            endpoints,
            tokens,
            records,
            callouts,
            CalloutLog(store.audit),
            RecordWriter(records),
            Sweeper(org, slots, tokens, credentials, clock, entropy),
            records.next_id()[-PROCESS_DIGITS:].decode(),
        )
        try:
            yield home
        finally:
            await asyncio.gather(*(close() for close in home.closing))
            await tokens.close()
            await outbound.close()
            await home.writer.flush()
            nodes.close()
    finally:
        store.close()


def why_not_ready(home: Home) -> str | None:
    """Return why callouts are not served, or None. A store that cannot be read is survived for a configured time.

    What counts is when the definitions were last known to be in force, whatever has kept that from being seen since.
    """
    longest = home.settings.longest_without_store
    if home.clock.monotonic() - home.org.confirmed_at <= longest:
        return None
    return f"the definitions could not be confirmed for more than {longest:g} s; expected the store to answer"


async def keep_up(home: Home) -> None:
    """Follow the definitions, judge whether they may still be decided on, and write records, until cancelled.

    The three do not wait for each other: a store that hangs keeps nobody from seeing that it does.
    """

    async def poll() -> None:
        await home.clock.sleep(home.settings.poll_interval)

    async def gather() -> None:
        await home.clock.sleep(FLUSH_INTERVAL)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(repeat(poll, lambda: _follow(home), failed="store_not_read", again="store_read_again"))
        tasks.create_task(repeat(poll, lambda: _judge(home), failed="not_judged", again="judged_again"))
        tasks.create_task(repeat(gather, home.writer.flush, failed="not_flushed", again="flushed_again"))


async def sweep(home: Home) -> None:
    """See to tokens that nobody asks for, until cancelled: end what was cut off, refresh what lies idle."""
    try:
        await repeat(home.sweeper.rest, home.sweeper.sweep, failed="not_swept", again="swept_again", at_once=True)
    finally:
        with suppress(StoreError):
            await home.sweeper.close()


async def repeat(
    rest: Callable[[], Awaitable[None]],
    step: Callable[[], Awaitable[None]],
    *,
    failed: str,
    again: str,
    at_once: bool = False,
) -> None:
    """Take a step after each rest, whatever error it ends with. The log has the first of a row, and its end."""
    because = ""
    while True:
        if not at_once:
            await rest()
        at_once = False
        try:
            await step()
        except Exception as error:  # noqa: BLE001 - a process that follows no more would decide on old definitions
            if because != (because := described(error)):
                log(failed, because=because)
        else:
            if because:
                log(again)
            because = ""


async def _follow(home: Home) -> None:
    """Take over what has changed, and confirm now and then that nothing has. Raises whatever kept it from that."""
    org = home.org
    age = home.clock.monotonic() - org.confirmed_at
    due = age >= min(CONFIRM_INTERVAL, home.settings.longest_without_store / 4)
    try:
        changed = await home.store.changed()
        if changed:
            home.tokens.leases.note_change()
        if (changed or due or org.unreachable_since is not None) and await org.follow():
            await asyncio.to_thread(home.vault.reload)  # a data key may be new: what is sealed next is sealed with it
    except Exception:
        org.note_unreachable()  # or the change that was seen just now would not be asked for again
        raise
    if org.unreachable_since is not None:
        raise StoreError("got no answer when asking for the definitions; expected their generation")


async def _judge(home: Home) -> None:
    home.callouts.suspend(why_not_ready(home))


class RecordWriter:
    """Writes the records that wait, one batch at a time, in a thread. The log says when that fails and works again."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._one_at_a_time = asyncio.Lock()
        self._failing = ""
        self._dropped_before = 0
        self._dropping = False

    async def flush(self) -> None:
        """Write what waits. Records that cannot be written are kept, the oldest dropped where too many wait."""
        self._records.tick()
        async with self._one_at_a_time:
            if not self._records.waiting:
                return
            writing = asyncio.ensure_future(asyncio.to_thread(self._records.flush))
            try:
                await asyncio.wait({writing})
            except asyncio.CancelledError:  # the thread goes on to its end: nobody may write beside it
                await asyncio.wait({writing})
                raise
            finally:
                if writing.done():
                    self._note(writing.exception())

    def _note(self, error: BaseException | None) -> None:
        records = self._records
        if error is not None:
            if self._failing != (because := described(error)):
                log("audit_not_written", waiting=records.waiting, because=because)
                self._failing = because
            if not self._dropping and records.dropped > self._dropped_before:
                log("records_dropped", dropped=records.dropped - self._dropped_before, waiting=records.waiting)
                self._dropping = True
        elif self._failing:
            log("audit_written_again", dropped=records.dropped - self._dropped_before)
            self._failing, self._dropping, self._dropped_before = "", False, records.dropped


def settle_memory() -> None:
    """Move what the start made out of the garbage collector's sight: it lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
