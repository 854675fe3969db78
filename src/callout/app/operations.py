"""The operations on a home, plugged together; a first administrator; a gateway for the time of one callout."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from callout import __version__
from callout.adapters.passwords import Argon2Passwords
from callout.adapters.presets import preset_texts
from callout.app.home import Home, database_of, keep_up, open_home, organization_of, quoted
from callout.app.making import make_home
from callout.app.sending import Sender
from callout.app.worker import addresses, limits_of
from callout.core.errors import DefinitionError, HomeError
from callout.core.explanation import Remedy
from callout.core.model.org import Org
from callout.core.model.people import GUEST, CallerKey, User
from callout.core.protocols import CATALOGUE
from callout.core.rules import problems_of
from callout.engine.audit import Audit
from callout.engine.callers import digest_of
from callout.engine.connect import Connecting
from callout.engine.connect_links import Links
from callout.engine.diagnosis import diagnose
from callout.engine.keys import key_text
from callout.engine.operations import LOCAL, Operations, Uses
from callout.engine.operations.connecting_rights import judge_again
from callout.engine.presets import Presets, read_presets
from callout.engine.setup import Setup
from callout.engine.sign_in import SigningIn
from callout.entrypoints.gateway import Gateway
from callout.settings import Settings


def operations_of(home: Home) -> Operations:
    """Plug the operations of an open home together."""

    async def predict(name: str, **question: Any) -> dict[str, Any]:
        await home.org.follow()
        return await diagnose(home.callouts, name, **question)

    setup = Setup(
        home.store.definitions,
        home.store.user_external_credentials,
        home.vault,
        home.clock,
        home.entropy,
        CATALOGUE,
        home.transport,
        packages_read_only=home.settings.packages_read_only,
        organization=organization_of(home.settings),
    )
    audit = Audit(home.store.audit, home.clock, __version__)
    telling = home.settings.telling_users
    connecting = connecting_of(home, setup)
    told = (setup, predict, home.log.explain, audit, home.log.recent, connecting, signing_in_of(home, setup))
    return Operations(Uses(*told, telling, shipped_presets, send=Sender(home)))


def signing_in_of(home: Home, setup: Setup) -> SigningIn:
    """Plug together what signs people in to Setup."""
    links = Links(home.vault, home.clock, home.entropy, home.settings.setup_url)
    ends = {"idle": home.settings.session_idle, "life": home.settings.session_life}
    return SigningIn(setup, home.store.sign_ins, Argon2Passwords(), links, **ends)


def connecting_of(home: Home, setup: Setup) -> Connecting:
    """Plug together what connects principals of an open home."""
    links = Links(home.vault, home.clock, home.entropy, home.settings.setup_url)
    origins = (home.settings.connect_return_origins + " " + home.settings.connect_frame_ancestors).split()
    return Connecting(setup, home.store.connections, links, home.endpoints, judge_again, origins)


@cache
def shipped_presets() -> Presets:
    """Return the presets that Callout ships; they are read when they are first asked for."""
    return read_presets(preset_texts())


async def initialise(settings: Settings, admin: str) -> Mapping[str, Any]:
    """Make a home with its first administrator and a key for them; the key is shown this once.

    The administrator is judged before anything is made (`DefinitionError`); where the making fails, nothing is left.
    """
    administrator = User(admin, profile="System Administrator")
    problems = problems_of(Org.of(administrator), CATALOGUE)
    if problems:
        raise DefinitionError(problems)
    if database_of(settings).exists():
        detail = f"got a home at {settings.folder} already; expected none"
        look = Remedy("Use it, or name another with --home", f"callout status --home {quoted(settings.folder)}")
        raise HomeError("home_exists", detail, look)
    with make_home(settings):
        async with open_home(settings) as home:
            operations = operations_of(home)
            await operations.run("user.set", {"name": admin, "profile": administrator.profile}, LOCAL)
            made = await operations.run("key.create", {"user": admin, "label": "made by init"}, LOCAL)
            invited = await operations.run("user.invite", {"name": admin}, LOCAL)
    return {
        "home": str(settings.folder),
        "database": str(database_of(settings)),
        "master_key": _where_the_key_is(settings),
        "admin": admin,
        "key": made["key"],
        "setup_url": invited["link"],
    }


def _where_the_key_is(settings: Settings) -> str:
    if settings.master_key:
        return "CALLOUT_MASTER_KEY"
    return "the keyring of the operating system" if settings.keyring else str(settings.folder / "master.key")


@asynccontextmanager
async def local_gateway(settings: Settings, user: str, namespace: str | None) -> AsyncIterator[tuple[str, str]]:
    """Run a gateway on loopback in this process; yields its URL and a key that this process alone accepts."""
    async with open_home(settings) as home:
        key = b"" if user == GUEST else key_text(home.entropy.bytes(32)).encode()
        if key:
            kept = CallerKey(digest_of(key), "this process", user, namespace, home.clock.now())
            home.callouts.local_keys[kept.digest] = kept
        gateway = Gateway(home.callouts, home.outbound, limits_of(settings), addresses(settings))
        await gateway.start("127.0.0.1", 0)
        keeping_up = asyncio.ensure_future(keep_up(home))
        try:
            yield f"http://127.0.0.1:{gateway.port}", key.decode()
        finally:
            keeping_up.cancel()
            await gateway.stop(settings.drain_timeout)
