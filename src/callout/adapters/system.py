"""The clock and the random bytes of the operating system: the only place that reads either."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from callout.core.key_files import pem_of_key
from callout.core.secret import Secret

_CURVES: dict[str, Callable[[], ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}


class SystemClock:
    """The wall clock of this machine (port `Clock`)."""

    def now(self) -> datetime:
        """Return the present time, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back; the event loop's own scale."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""
        await asyncio.sleep(seconds)


class SystemEntropy:
    """The operating system's random source, fit for keys and nonces (port `Entropy`)."""

    def bytes(self, count: int) -> bytes:
        """Return `count` random bytes; `ValueError` for a count below 1."""
        if count < 1:
            raise ValueError(f"got a count of {count} bytes; expected 1 or more")
        return os.urandom(count)

    def private_key(self, algorithm: str) -> Secret:
        """Make a private key; `ValueError` for an algorithm that is not known."""
        kind, _, bits = algorithm.partition("-")
        if algorithm in _CURVES:
            return pem_of_key(ec.generate_private_key(_CURVES[algorithm]()))
        if kind == "RSA" and bits.isdecimal():
            return pem_of_key(rsa.generate_private_key(public_exponent=65537, key_size=int(bits)))
        if algorithm == "Ed25519":
            return pem_of_key(ed25519.Ed25519PrivateKey.generate())
        raise ValueError(f"got algorithm {algorithm!r}; expected RSA-2048, P-256, Ed25519 or such")
