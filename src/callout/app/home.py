"""The home of one installation, opened: store, vault, definitions, tokens, records and the engine on top of them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from callout.adapters.outbound.client import OutboundTransport
from callout.adapters.outbound.pool import Outbound
from callout.adapters.store.migrate import create
from callout.adapters.store.store import Store
from callout.adapters.system import SystemClock, SystemEntropy
from callout.adapters.vault import master_key
from callout.adapters.vault.keyring import Keyring, new_data_key
from callout.adapters.vault.master_key import MasterKey
from callout.app.log import log
from callout.core.errors import StoreError
from callout.core.ports import AdminAct
from callout.core.protocols import CATALOGUE
from callout.core.secret import Secret
from callout.engine.callout import Callouts
from callout.engine.definitions import CurrentOrg
from callout.engine.records import CalloutLog, Records
from callout.engine.tokens import Tokens
from callout.settings import Settings

DATABASE = "callout.db"
MASTER_KEY_FILE = "master.key"
#: How often waiting records are written, in seconds; also the granularity of callout ids.
FLUSH_INTERVAL = 0.2


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


def make_home(settings: Settings) -> None:
    """Make the folder, the database, the master key and the first data key. Raises `StoreError`, `VaultError`."""
    folder, entropy, clock = settings.folder, SystemEntropy(), SystemClock()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if settings.master_key:
        key = read_master_key(settings)
    elif settings.keyring:
        key = MasterKey.generate(entropy)
        master_key.to_os_keyring(str(folder), key)
    elif (folder / MASTER_KEY_FILE).exists() and not database_of(settings).exists():
        key = read_master_key(settings)  # a key brought along for a new database
    else:
        key = master_key.create_file(folder / MASTER_KEY_FILE, entropy)
    create(database_of(settings))
    store = Store.open(database_of(settings), clock=clock)
    try:
        act = AdminAct(clock.now(), "local", "init", "database and first data key made")
        store.data_keys.add(1, new_data_key(1, key, entropy), act)
    finally:
        store.close()


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
        records = Records(store.audit, clock, entropy)
        callouts = Callouts(
            org,
            CATALOGUE,
            tokens,
            records,
            clock,
            telling_users=settings.telling_users,
            telling_guests=settings.telling_guests,
        )
        await org.load()
        home = Home(
            settings, store, vault, clock, entropy, org, outbound, tokens, records, callouts, CalloutLog(store.audit)
        )
        try:
            yield home
        finally:
            await outbound.close()
            await flush(home)
    finally:
        store.close()


async def flush(home: Home) -> None:
    """Write the waiting records, in a thread; a store that cannot be written is logged, the records are kept."""
    home.records.tick()
    if home.records.waiting:
        try:
            await asyncio.to_thread(home.records.flush)
        except StoreError as error:
            log("audit_not_written", waiting=home.records.waiting, because=str(error))


def why_not_ready(home: Home) -> str | None:
    """Return why callouts are not served, or None. A store that cannot be read is survived for a configured time."""
    since = home.org.unreachable_since
    if since is None or home.clock.monotonic() - since <= home.settings.longest_without_store:
        return None
    return f"the store could not be read for more than {home.settings.longest_without_store:g} s; expected it to answer"


async def keep_up(home: Home) -> None:
    """Follow the definitions and write records until cancelled."""
    loop = asyncio.get_running_loop()
    flushed = loop.time()
    while True:
        await asyncio.sleep(home.settings.poll_interval)
        try:
            if await home.store.changed() or home.org.unreachable_since is not None:
                await home.org.follow()
        except StoreError as error:
            home.org.note_unreachable()
            log("store_not_read", because=str(error))
        home.callouts.suspend(why_not_ready(home))
        if loop.time() - flushed >= FLUSH_INTERVAL:
            await flush(home)
            flushed = loop.time()


def settle_memory() -> None:
    """Move what the start made out of the garbage collector's sight: it lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
