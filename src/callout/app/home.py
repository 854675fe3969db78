"""The home of one installation, opened: store, vault, definitions, tokens, records and the engine on top of them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from callout.adapters.outbound.client import OutboundTransport
from callout.adapters.outbound.pool import Outbound
from callout.adapters.store.store import Store
from callout.adapters.system import SystemClock, SystemEntropy
from callout.adapters.vault import master_key
from callout.adapters.vault.keyring import Keyring
from callout.adapters.vault.master_key import MasterKey
from callout.app.log import described, log
from callout.core.errors import StoreError
from callout.core.protocols import CATALOGUE
from callout.core.secret import Secret
from callout.engine.callout import Callouts
from callout.engine.definitions import CurrentOrg
from callout.engine.issuers import CallerTokens
from callout.engine.records import CalloutLog, Records
from callout.engine.tokens import Tokens
from callout.settings import Settings

DATABASE = "callout.db"
MASTER_KEY_FILE = "master.key"
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
    tokens: Tokens
    records: Records
    callouts: Callouts
    log: CalloutLog
    writer: RecordWriter
    process: str
    """What the callout ids of this process end with."""


def database_of(settings: Settings) -> Path:
    """Return the path of the database."""
    return settings.folder / DATABASE


def read_master_key(settings: Settings) -> MasterKey:
    """Return the master key from the setting, the operating system's keyring or the file. Raises `VaultError`."""
    if settings.master_key:
        return master_key.from_text(Secret(settings.master_key), where="CALLOUT_MASTER_KEY")
    if settings.keyring:
        return master_key.from_os_keyring(str(settings.folder))
    return master_key.read_file(settings.folder / MASTER_KEY_FILE)


@asynccontextmanager
async def open_home(settings: Settings) -> AsyncIterator[Home]:
    """Open the home and load its definitions. Raises `StoreError` or `VaultError` where it cannot be opened."""
    clock, entropy = SystemClock(), SystemEntropy()
    store = Store.open(database_of(settings), clock=clock)
    try:
        vault = Keyring(read_master_key(settings), store.data_keys.load, entropy)
        org = CurrentOrg(store.definitions, clock)
        outbound = Outbound(trusted_ca_file=settings.trusted_ca_file or None)
        transport = OutboundTransport(outbound)
        tokens = Tokens(store.user_external_credentials, vault, transport, clock, entropy, debounce=settings.debounce)
        records = Records(store.audit, clock, entropy, settings.log_sampling)
        callouts = Callouts(
            org,
            CATALOGUE,
            tokens,
            records,
            clock,
            caller_tokens=CallerTokens(transport, clock),
            telling_users=settings.telling_users,
            telling_guests=settings.telling_guests,
            organization={"Id": settings.organization_id, "Name": settings.organization_name},
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
            tokens,
            records,
            callouts,
            CalloutLog(store.audit),
            RecordWriter(records),
            records.next_id()[-PROCESS_DIGITS:].decode(),
        )
        try:
            yield home
        finally:
            await outbound.close()
            await home.writer.flush()
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
    poll = home.settings.poll_interval
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(repeat(poll, lambda: _follow(home), failed="store_not_read", again="store_read_again"))
        tasks.create_task(repeat(poll, lambda: _judge(home), failed="not_judged", again="judged_again"))
        tasks.create_task(repeat(FLUSH_INTERVAL, home.writer.flush, failed="not_flushed", again="flushed_again"))


async def repeat(seconds: float, step: Callable[[], Awaitable[None]], *, failed: str, again: str) -> None:
    """Take a step every so many seconds, whatever error it ends with. The log has the first of a row, and its end."""
    because = ""
    while True:
        await asyncio.sleep(seconds)
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
        if await home.store.changed() or due or org.unreachable_since is not None:
            await org.follow()
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
