"""The record in which a secret is kept: a versioned AEAD envelope. What is written here must open forever.

Version 1, every number big-endian::

    byte  0        version, 0x01
    bytes 1..4     id of the data-encryption key, unsigned
    bytes 5..16    nonce, 12 random bytes
    bytes 17..     AES-256-GCM ciphertext of the UTF-8 text, then its 16-byte tag

The associated data is the UTF-8 text of the row's identity, so an envelope that is moved to another row, field,
user or credential does not open. AES-GCM: NIST SP 800-38D; with random nonces one data key may seal 2**32 values
(its section 8.3), far above what is ever stored. A new version gets a new first byte and a second branch in `parse`;
version 1 stays readable.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from callout.core.errors import VaultError

VERSION = 1
NONCE_BYTES = 12
TAG_BYTES = 16
KEY_BYTES = 32

_HEAD = struct.Struct(f">BI{NONCE_BYTES}s")


@dataclass(frozen=True, slots=True)
class Envelope:
    """The parts of one envelope. Nothing in it is secret: the ciphertext is sealed."""

    data_key: int
    nonce: bytes
    ciphertext: bytes

    def to_bytes(self) -> bytes:
        """Return the record as it is stored."""
        return _HEAD.pack(VERSION, self.data_key, self.nonce) + self.ciphertext


def parse(record: bytes, *, row: str) -> Envelope:
    """Take a stored record apart without opening it. `row` only names it in errors (`VaultError`)."""
    if not record:
        raise VaultError(f"the sealed value of {row}: got no bytes; expected an envelope")
    if record[0] != VERSION:
        raise VaultError(
            f"the sealed value of {row}: got envelope version {record[0]}; expected {VERSION}. "
            "If a newer Callout wrote it, run that one"
        )
    if len(record) < _HEAD.size + TAG_BYTES:
        raise VaultError(
            f"the sealed value of {row}: got {len(record)} bytes; expected {_HEAD.size + TAG_BYTES} or more. "
            "It was cut short: set it again"
        )
    _, data_key, nonce = _HEAD.unpack_from(record)
    return Envelope(data_key, nonce, bytes(record[_HEAD.size :]))


def seal(plaintext: bytes, *, key: AESGCM, data_key: int, nonce: bytes, row: str) -> Envelope:
    """Seal bytes for one row. A nonce must never be used twice with one key."""
    return Envelope(data_key, nonce, key.encrypt(nonce, plaintext, row.encode()))


def unseal(envelope: Envelope, *, key: AESGCM, row: str) -> bytes:
    """Return the bytes that were sealed for this row; `VaultError` where key, row or bytes are others."""
    try:
        return key.decrypt(envelope.nonce, envelope.ciphertext, row.encode())
    except InvalidTag:
        # AES-GCM cannot tell which of the three it is, and telling more would help only a forger.
        raise VaultError(
            f"the sealed value of {row} does not open: got bytes that fail authentication; expected those sealed "
            f"for this row with data key {envelope.data_key}. It was changed or moved: set it again"
        ) from None
