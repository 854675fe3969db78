"""The data-encryption keys: the newest seals, older ones still open. Implements the port `Vault`.

Data keys are kept wrapped by the master key. The vault does not know where: it is given a function that reads them.
A wrapped data key, version 1::

    byte  0        version, 0x01
    bytes 1..8     fingerprint of the master key that wrapped it
    bytes 9..20    nonce, 12 random bytes
    bytes 21..     AES-256-GCM ciphertext of the 32 key bytes, then its 16-byte tag

Its associated data is `callout data key ` and the id in decimal, so that wrapped keys cannot be exchanged.
To *rotate* is to add a data key: new seals use it. To *re-wrap* is to wrap the same data keys with another master key.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from callout.adapters.vault import envelope as envelopes
from callout.adapters.vault.envelope import KEY_BYTES, NONCE_BYTES, TAG_BYTES
from callout.adapters.vault.master_key import MasterKey
from callout.core.errors import VaultError
from callout.core.ports import Entropy
from callout.core.secret import Secret, reveal

WRAPPED_VERSION = 1

#: Reads the wrapped data keys by their ids, from wherever they are kept. It may block for a moment.
ReadWrappedKeys = Callable[[], Mapping[int, bytes]]
#: Reads the master key, and while it is rotated the next one too.
ReadMasterKeys = Callable[[], Sequence[MasterKey]]

_FINGERPRINT_BYTES = 8
_NONCE_AT = 1 + _FINGERPRINT_BYTES
_CIPHERTEXT_AT = _NONCE_AT + NONCE_BYTES
_WRAPPED_BYTES = _CIPHERTEXT_AT + KEY_BYTES + TAG_BYTES
_LARGEST_ID = 2**32 - 1


class Keyring:
    """Seals with the data key of the highest id and opens with any; safe to use from several threads.

    Opened data keys are held in process memory alone. An envelope whose data key is not held makes it read the
    wrapped keys anew, once: another process has rotated. Master keys are read when a data key is new.
    """

    __slots__ = ("_entropy", "_keys", "_read_master_keys", "_read_wrapped", "_reading")

    def __init__(self, read_master_keys: ReadMasterKeys, read_wrapped: ReadWrappedKeys, entropy: Entropy) -> None:
        self._read_master_keys = read_master_keys
        self._read_wrapped = read_wrapped
        self._entropy = entropy
        self._reading = threading.Lock()
        self._keys: dict[int, AESGCM] = {}
        self.reload()

    def __repr__(self) -> str:
        return f"Keyring(data keys {sorted(self._keys)})"

    @property
    def active(self) -> int:
        """The id of the data key that seals; `VaultError` where there is none."""
        if not self._keys:
            raise VaultError("got no data key; expected one at least. Make it with `callout init`")
        return max(self._keys)

    def reload(self) -> None:
        """Read the wrapped keys and unwrap those that are new; `VaultError` where one does not unwrap."""
        with self._reading:
            try:
                self._keys = self._unwrapped()
            except VaultError:
                self._keys = self._unwrapped()  # a master key may have taken another's place between the two readings

    def _unwrapped(self) -> dict[int, AESGCM]:
        wrapped = self._read_wrapped()
        new = {number: record for number, record in wrapped.items() if number not in self._keys}
        keys = self._read_master_keys() if new else ()
        made = {number: AESGCM(_unwrap(number, record, _among(keys, record))) for number, record in new.items()}
        return {number: made.get(number) or self._keys[number] for number in wrapped}

    def seal(self, secret: Secret, *, row: str) -> bytes:
        """Seal a secret for one row; `VaultError` where it is not Unicode text or no data key is there."""
        try:
            plaintext = reveal(secret).encode()
        except UnicodeEncodeError:
            raise VaultError(f"the value of {row}: got a lone surrogate; expected Unicode text") from None
        number = self.active
        nonce = self._entropy.bytes(NONCE_BYTES)
        return envelopes.seal(plaintext, key=self._keys[number], data_key=number, nonce=nonce, row=row).to_bytes()

    def open(self, envelope: bytes, *, row: str) -> Secret:
        """Open an envelope; `VaultError` where key, row or bytes are not those it was sealed with."""
        parsed = envelopes.parse(envelope, row=row)
        key = self._keys.get(parsed.data_key)
        if key is None:
            self.reload()
            key = self._keys.get(parsed.data_key)
        if key is None:
            raise VaultError(
                f"the sealed value of {row}: got data key {parsed.data_key}; expected one of {sorted(self._keys)}. "
                "It was sealed for another database: set it again"
            )
        plaintext = envelopes.unseal(parsed, key=key, row=row)
        try:
            return Secret(plaintext.decode())
        except UnicodeDecodeError:  # sealed by something else than `seal`; its bytes must not reach the message
            raise VaultError(f"the sealed value of {row}: got bytes; expected UTF-8 text") from None


def new_data_key(number: int, master_key: MasterKey, entropy: Entropy) -> bytes:
    """Make a data key and return it wrapped; the key itself is not kept. `number` is its id, from 1."""
    if not 1 <= number <= _LARGEST_ID:
        raise VaultError(f"data key id: got {number}; expected 1 to {_LARGEST_ID}")
    return _wrap(number, entropy.bytes(KEY_BYTES), master_key, entropy)


def rewrap(wrapped: Mapping[int, bytes], *, old: MasterKey, new: MasterKey, entropy: Entropy) -> dict[int, bytes]:
    """Wrap the same data keys with another master key. All of them or `VaultError`; envelopes stay as they are."""
    return {number: _wrap(number, _unwrap(number, record, old), new, entropy) for number, record in wrapped.items()}


def wrapped_by(record: bytes) -> str:
    """Return the fingerprint of the master key that wrapped a data key."""
    return record[1:_NONCE_AT].hex()


def _among(keys: Sequence[MasterKey], record: bytes) -> MasterKey:
    """Return the master key that wrapped this, or the first: unwrapping with it says what is wrong."""
    return next((key for key in keys if key.fingerprint == wrapped_by(record)), keys[0])


def _wrap(number: int, material: bytes, master_key: MasterKey, entropy: Entropy) -> bytes:
    nonce = entropy.bytes(NONCE_BYTES)
    ciphertext = AESGCM(master_key.material()).encrypt(nonce, material, _associated(number))
    return bytes((WRAPPED_VERSION,)) + bytes.fromhex(master_key.fingerprint) + nonce + ciphertext


def _unwrap(number: int, record: bytes, master_key: MasterKey) -> bytes:
    if not record or record[0] != WRAPPED_VERSION or len(record) != _WRAPPED_BYTES:
        got = f"version {record[0]} of {len(record)} bytes" if record else "no bytes"
        raise VaultError(
            f"data key {number}: got {got}; expected version {WRAPPED_VERSION} of {_WRAPPED_BYTES} bytes. "
            "Bring the database back from a backup"
        )
    if wrapped_by(record) != master_key.fingerprint:
        raise VaultError(
            f"data key {number}: got the master key with fingerprint {master_key.fingerprint}; expected the one with "
            f"{wrapped_by(record)}, which wrapped it. Bring back the master key that goes with this database"
        )
    try:
        return AESGCM(master_key.material()).decrypt(
            record[_NONCE_AT:_CIPHERTEXT_AT], record[_CIPHERTEXT_AT:], _associated(number)
        )
    except InvalidTag:
        raise VaultError(
            f"data key {number}: got bytes that fail authentication; expected those that were wrapped under this id. "
            "They were changed: bring the database back from a backup"
        ) from None


def _associated(number: int) -> bytes:
    return b"callout data key %d" % number
