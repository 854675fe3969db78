"""Rotates the keys of a home while its servers run: a fresh data key, every value sealed again, a new master key."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from callout.adapters.store.envelopes import Sealed
from callout.adapters.vault.envelope import parse
from callout.adapters.vault.keyring import new_data_key, rewrap, wrapped_by
from callout.adapters.vault.master_key import MasterKey
from callout.app.home import Home, open_home
from callout.app.master_keys import MasterKeys, master_keys_of
from callout.core.errors import VaultError
from callout.core.explanation import Remedy
from callout.core.ports import AdminAct
from callout.core.refresh.epoch import fingerprint_of
from callout.engine.slots import secret_row, token_row
from callout.settings import Settings

#: Envelopes that are replaced in one transaction; callouts wait no longer than one takes.
BATCH = 200
#: Locked while a rotation runs; it holds nothing.
LOCK_FILE = "rotation.lock"
#: Servers that had not yet read the new data key may have sealed with the old one meanwhile: so often it is looked again.
PASSES = 3


async def rotate(settings: Settings) -> Mapping[str, Any]:
    """Rotate all keys. Raises `VaultError`, `StoreError`; what was done by then holds, and may be repeated."""
    place = master_keys_of(settings)
    async with open_home(settings) as home:
        with _alone(settings):
            return await _rotate(home, place)


async def _rotate(home: Home, place: MasterKeys) -> Mapping[str, Any]:
    old = _in_force(home, place)
    place.prepare(home.entropy)  # where there is none to be had, nothing else is begun
    number = _add_data_key(home, old)
    counts = {"sealed_again": 0, "unusable": 0, "left": 0}
    for _ in range(PASSES):
        if not await _seal_again(home, number, counts):
            break
    new = place.prepare(home.entropy)
    _wrap_anew(home, old, new)
    left = place.promote()
    return {
        "master_key": new.fingerprint,
        "master_key_before": old.fingerprint,
        "data_key": number,
        **counts,
        "to_do": left or None,
    }


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Keep other rotations of this home out: of two that end each other's, a master key in use could be lost."""
    with (settings.folder / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait = Remedy(
                "Wait until it has ended; whether another is needed, the audit trail says", "callout audit list"
            )
            raise VaultError("keys: got a rotation that runs already; expected none", remedy=wait) from None
        yield


def _in_force(home: Home, place: MasterKeys) -> MasterKey:
    """Return the master key that wraps the data keys; a rotation that ended half-way is brought to its end first."""
    keys = place.read()
    prints = {wrapped_by(record) for record in home.store.data_keys.load().values()}
    found = [key for key in keys if {key.fingerprint} == prints]
    if not found:
        raise VaultError(f"data keys: got those of master keys {sorted(prints)}; expected one, which is given")
    if found[0] != keys[0]:
        left = place.promote()
        if left:
            raise VaultError(f"master key: got data keys that the new one wraps already; expected the old one. {left}")
    return found[0]


def _add_data_key(home: Home, master_key: MasterKey) -> int:
    number = max(home.store.data_keys.load()) + 1
    act = AdminAct(home.clock.now(), "local", "rotate data key", f"data key {number} seals from now on")
    home.store.data_keys.add(number, new_data_key(number, master_key, home.entropy), act)
    home.vault.reload()
    return number


def _wrap_anew(home: Home, old: MasterKey, new: MasterKey) -> None:
    before = home.store.data_keys.load()
    wrapped = rewrap(before, old=old, new=new, entropy=home.entropy)
    what = f"{len(wrapped)} data keys, from master key {old.fingerprint} to {new.fingerprint}"
    act = AdminAct(home.clock.now(), "local", "rotate master key", what)
    home.store.data_keys.replace(wrapped, act, before=before)


async def _seal_again(home: Home, number: int, counts: dict[str, int]) -> bool:
    """Seal what another data key seals; returns whether there was any. Counts what was, and what cannot be opened."""
    await home.org.follow()
    older = [s for s in await home.store.envelopes.all() if parse(s.envelope, row="").data_key < number]
    pairs, counts["unusable"] = _pairs(home, older)
    done = 0
    for start in range(0, len(pairs), BATCH):
        done += await home.store.envelopes.replace(pairs[start : start + BATCH])
    counts["sealed_again"] += done
    counts["left"] = len(pairs) - done
    return bool(pairs)


def _pairs(home: Home, older: Sequence[Sealed]) -> tuple[list[tuple[Sealed, bytes]], int]:
    """Return each envelope with its new one, and how many open no more: tokens of what was defined otherwise."""
    pairs: list[tuple[Sealed, bytes]] = []
    for sealed in older:
        row = _row_of(home, sealed)
        try:
            value = home.vault.open(sealed.envelope, row=row) if row is not None else None
        except VaultError:
            if sealed.name is not None:
                raise  # a secret that does not open must not pass unseen
            value = None
        if row is not None and value is not None:
            pairs.append((sealed, home.vault.seal(value, row=row)))
    return pairs, len(older) - len(pairs)


def _row_of(home: Home, sealed: Sealed) -> str | None:
    if sealed.name is not None:
        return secret_row(sealed.key, sealed.name)
    if sealed.fingerprint:
        return token_row(sealed.key, sealed.fingerprint)
    org, key = home.org.value, sealed.key
    external = org.external_credentials.get(key.external_credential)
    principal = external.principal(key.principal) if external is not None else None
    if external is None or principal is None:
        return None
    return token_row(key, fingerprint_of(org, external, principal, key))
