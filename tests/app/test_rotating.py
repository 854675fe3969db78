"""`keys rotate`: everything opens before, while and after; what ends half-way is brought to its end."""

import fcntl
import sqlite3
from dataclasses import replace

import pytest

from callout.adapters.system import SystemEntropy
from callout.adapters.vault import master_key
from callout.adapters.vault.envelope import parse
from callout.adapters.vault.keyring import rewrap
from callout.adapters.vault.master_key import MasterKey
from callout.app.home import open_home
from callout.app.master_keys import master_keys_of
from callout.app.operations import initialise, operations_of
from callout.app.rotating import LOCK_FILE, rotate
from callout.core.errors import StoreError, VaultError
from callout.core.jose.jwk import belongs_to
from callout.core.ports import AdminAct
from callout.core.secret import Secret, reveal
from callout.engine.operations import LOCAL
from callout.engine.sign_in import Browser
from callout.settings import Settings
from tests.adapters.vault.test_master_key import os_keyring  # noqa: F401 - a fixture

MANIFEST = """
external_credentials:
  Orders:
    protocol: basic
    principals: {Service: {secrets: {username: alice, password: first}}}
named_credentials:
  Orders: {url: "https://orders.example.com", external_credential: Orders}
permission_sets:
  Clerks: {principals: [Orders/Service], user_external_credential: [read]}
users:
  alice: {permission_sets: [Clerks]}
"""


@pytest.fixture
async def settings(tmp_path) -> Settings:
    made = Settings(home=tmp_path / "home", poll_interval=0.001)
    await filled(made)
    return made


async def filled(settings: Settings) -> None:
    await initialise(settings, "admin")
    async with open_home(settings) as home:
        await operations_of(home).run("apply", {"manifest": MANIFEST, "source": "here", "references": {}}, LOCAL)


async def password(home) -> str:
    """Open the password as a callout does."""
    org = home.org.value
    external = org.external_credentials["Orders"]
    (key,) = org.configured
    principal = external.principals[0]
    opened = await home.callouts.slots.equip(home.callouts.slots.of(org, key, external, principal))
    return reveal(opened.secrets["password"])


async def password_in(settings: Settings) -> str:
    async with open_home(settings) as home:
        return await password(home)


def data_keys_used(settings: Settings) -> set[int]:
    with sqlite3.connect(settings.folder / "callout.db") as connection:
        return {parse(row[0], row="").data_key for row in connection.execute("SELECT envelope FROM secret")}


async def test_every_value_is_sealed_again_and_the_master_key_is_another(settings) -> None:
    before = master_key.read_file(settings.folder / "master.key")
    done = await rotate(settings)
    assert (done["data_key"], done["sealed_again"], done["left"], done["unusable"]) == (2, 2, 0, 0)
    assert data_keys_used(settings) == {2}
    assert master_key.read_file(settings.folder / "master.key").fingerprint == done["master_key"] != before.fingerprint
    assert [path.name for path in settings.folder.glob("master.key*")] == ["master.key"]
    assert await password_in(settings) == "first"


async def test_a_process_that_runs_goes_on_and_seals_with_the_new_data_key(settings) -> None:
    async with open_home(settings) as running:
        await rotate(settings)
        await rotate(settings)
        assert await password(running) == "first"  # an unknown data key, and a master key read anew
        values = {"external_credential": "Orders", "principal": "Service", "values": {"password": "second"}}
        await operations_of(running).run("secret.set", values, LOCAL)
    assert data_keys_used(settings) == {3}
    assert await password_in(settings) == "second"


async def test_the_acts_are_in_the_audit_trail(settings) -> None:
    await rotate(settings)
    async with open_home(settings) as home:
        acts = (await operations_of(home).run("audit.list", {"limit": 2}, LOCAL))["acts"]
        assert [act["act"] for act in acts] == ["rotate master key", "rotate data key"]
        assert (await operations_of(home).run("audit.verify", {}, LOCAL))["ok"]


def wrap_only(home, place) -> MasterKey:
    """Rotate the master key and end before it takes its place."""
    (old,), new = place.read(), place.prepare(home.entropy)
    before = home.store.data_keys.load()
    act = AdminAct(home.clock.now(), "local", "rotate master key", "ended half-way")
    home.store.data_keys.replace(rewrap(before, old=old, new=new, entropy=home.entropy), act, before=before)
    return new


async def test_one_that_ended_after_wrapping_opens_and_is_brought_to_its_end_by_the_next(settings) -> None:
    async with open_home(settings) as home:
        waiting = wrap_only(home, master_keys_of(settings))
    assert await password_in(settings) == "first"
    done = await rotate(settings)
    assert done["master_key_before"] == waiting.fingerprint
    assert await password_in(settings) == "first"


async def test_one_that_ended_before_wrapping_is_repeated_with_the_key_that_waits(settings) -> None:
    waiting = master_keys_of(settings).prepare(SystemEntropy())
    assert await password_in(settings) == "first"
    assert (await rotate(settings))["master_key"] == waiting.fingerprint


async def test_of_two_at_once_one_is_refused_and_nothing_is_lost(settings) -> None:
    async with open_home(settings) as home:
        before = home.store.data_keys.load()
        await rotate(settings)
        act = AdminAct(home.clock.now(), "local", "rotate master key", "late")
        with pytest.raises(StoreError, match="rotate again"):
            home.store.data_keys.replace(before, act, before=before)
    assert await password_in(settings) == "first"


async def test_a_rotation_waits_for_none_and_is_refused_while_another_runs(settings) -> None:
    with (settings.folder / LOCK_FILE).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(VaultError, match="a rotation that runs already"):
            await rotate(settings)
    assert (await rotate(settings))["data_key"] == 2


async def test_a_master_key_of_the_environment_is_rotated_with_the_next_one_beside_it(tmp_path) -> None:
    old, new = (reveal(MasterKey.generate(SystemEntropy()).to_text()) for _ in range(2))
    given = Settings(home=tmp_path / "home", master_key=old)
    await filled(given)
    with pytest.raises(VaultError, match="CALLOUT_NEW_MASTER_KEY"):
        await rotate(given)
    async with open_home(replace(given, new_master_key=new)) as running:
        assert "CALLOUT_MASTER_KEY" in (await rotate(replace(given, new_master_key=new)))["to_do"]
        assert await password(running) == "first"
    assert await password_in(replace(given, master_key=new)) == "first"
    with pytest.raises(VaultError, match="expected the one with"):
        await password_in(given)


async def test_a_master_key_of_the_operating_system_is_rotated_where_it_is(tmp_path, os_keyring) -> None:  # noqa: F811
    kept = Settings(home=tmp_path / "home", keyring=True)
    await filled(kept)
    done = await rotate(kept)
    assert master_key.from_os_keyring(str(kept.folder)).fingerprint == done["master_key"]
    assert len(os_keyring.entries) == 1
    assert await password_in(kept) == "first"


async def test_the_private_key_of_a_certificate_opens_before_while_and_after(settings) -> None:
    made = {"name": "Orders_Client", "algorithm": "P-256"}
    async with open_home(settings) as running:
        await operations_of(running).run("certificate.create", made, LOCAL)
        await running.org.follow()
        certificate = running.org.value.certificates["Orders_Client"]
        done = await rotate(settings)
        assert (done["sealed_again"], done["unusable"]) == (3, 0)
        assert (await running.callouts.slots.presented(certificate)).kid == certificate.kid
    async with open_home(settings) as anew:
        pair = await anew.callouts.slots.presented(anew.org.value.certificates["Orders_Client"])
        assert belongs_to(pair.private_key, certificate.public_key)


async def test_who_is_signed_in_stays_so_and_the_secret_of_an_issuers_client_is_sealed_again(settings) -> None:
    manifest = (
        '{"trusted_issuers": {"Login": {"issuer": "https://id.example.com", "audience": "a", "users_by_name": true}}}'
    )
    browser = Browser("192.0.2.1", "Chrome")
    async with open_home(settings) as home:
        operations = operations_of(home)
        await operations.run("apply", {"manifest": manifest}, LOCAL)
        secret = {"name": "Login", "values": {"client_secret": "of the client"}}
        await operations.run("trusted_issuer.set_secret", secret, LOCAL)
        chosen = {"name": "alice", "password": "grass under nine moons"}
        await operations.run("user.set_password", chosen, LOCAL)
        entered = await operations.uses.signing_in.with_password("alice", Secret(chosen["password"]), browser)
    assert (await rotate(settings))["unusable"] == 0
    assert data_keys_used(settings) == {2}
    async with open_home(settings) as home:
        signing_in = operations_of(home).uses.signing_in
        assert (await signing_in.session(entered.text)).user == "alice"
        again = replace(browser, known=entered.known)
        assert signing_in._known(again, "alice"), "what the browser is known by still opens"
        assert await signing_in.with_password("alice", Secret(chosen["password"]), again)
