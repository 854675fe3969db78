"""Keys for certificates: made here or taken from a file, and what a certificate is with another key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from callout.core.certificate_making import SERIAL_BYTES, NotASubject, is_self_signed, self_signed
from callout.core.errors import DefinitionError, Problem
from callout.core.jose.jwk import public_jwk, thumbprint
from callout.core.key_files import KeyFile, NotReadable, algorithm_of, kid_of, read_key_file
from callout.core.model.org import SECTIONS
from callout.core.model.own_certificates import ALGORITHMS, USUAL_DAYS, Certificate, RetiredKey
from callout.core.ports import Clock, Entropy
from callout.core.private_key import loaded
from callout.core.secret import Secret

T = TypeVar("T")

SECTION = SECTIONS[Certificate]
#: Longest life of a self-signed certificate, in days.
LONGEST_DAYS = 36500


async def made_key(
    entropy: Entropy,
    clock: Clock,
    name: str,
    algorithm: str,
    *,
    subject: str = "",
    dns: tuple[str, ...] = (),
    days: int = USUAL_DAYS,
) -> KeyFile:
    """Make a key and a certificate that it signs for itself. Raises `DefinitionError`."""
    if algorithm not in ALGORITHMS:
        problem = Problem(f"{SECTION}.{name}.algorithm", repr(algorithm), f"one of {', '.join(ALGORITHMS)}")
        raise DefinitionError([problem])
    if not 1 <= days <= LONGEST_DAYS:
        raise DefinitionError([Problem(f"{SECTION}.{name}.days", str(days), f"1 to {LONGEST_DAYS} days")])
    private_key = await asyncio.to_thread(entropy.private_key, algorithm)
    key, serial = loaded(private_key), entropy.bytes(SERIAL_BYTES)
    named = subject or f"CN={name}"
    pem, ends = judging_names(name, lambda: self_signed(key, named, dns, now=clock.now(), days=days, serial=serial))
    public = key.public_key()
    return KeyFile(private_key, public_jwk(public), algorithm_of(public), "", (pem,), ends)


async def read_key(name: str, content: Secret, password: Secret | None = None) -> KeyFile:
    """Read a key and its certificates, or certificates alone, as a file holds them. Raises `DefinitionError`."""
    try:
        return await asyncio.to_thread(read_key_file, content, password)
    except NotReadable as error:
        raise DefinitionError([Problem(f"{SECTION}.{name}.private_key", error.got, error.expected)]) from None


def judging_names(name: str, make: Callable[[], T]) -> T:
    """Make something with a subject and DNS names in it. Raises `DefinitionError` where they are none."""
    try:
        return make()
    except NotASubject as error:
        expected = "a subject such as CN=orders,O=Example, and DNS names such as orders.example.com"
        raise DefinitionError([Problem(f"{SECTION}.{name}.subject", repr(str(error)[:200]), expected)]) from None


def with_key(known: Certificate, read: KeyFile, now: datetime, overlap: timedelta) -> Certificate:
    """Return a certificate with the key of a file, and with its chain; without one the same key keeps that it has.

    Another key that was there before stays published for the overlap. Raises `DefinitionError` for one of the same
    `kid`: those who verify would take it for the one before.
    """
    if is_same_key(known, read):
        kid = read.kid or known.kid
        chain = (read.certificates, read.expires_at) if read.certificates else (known.certificates, known.expires_at)
        created_at, retired = known.created_at, known.retired
    elif known.kid and read.kid == known.kid:
        got = f"another key of the same kid {read.kid!r}"
        raise DefinitionError([Problem(f"{SECTION}.{known.name}.kid", got, "another kid: it names one key alone")])
    else:
        kid, chain, created_at = kid_of(read), (read.certificates, read.expires_at), now
        retired = tuple(each for each in known.retired if each.published_until > now)
        if known.public_key and overlap:
            retired = (*retired, RetiredKey(known.public_key, now + overlap))
    return replace(
        known,
        algorithm=read.algorithm,
        kid=kid,
        public_key=json.dumps({**read.public_key, "kid": kid}),
        certificates=chain[0],
        expires_at=chain[1],
        created_at=created_at,
        retired=retired,
    )


def with_chain(known: Certificate, read: KeyFile) -> Certificate:
    """Return a certificate with another chain for the key that it has. Raises `DefinitionError`."""
    place = f"{SECTION}.{known.name}"
    if not known.public_key:
        expected = "its private key with them, or a key that was made before: callout certificate create NAME"
        raise DefinitionError([Problem(place, "certificates alone, and no key is there", expected)])
    if not is_same_key(known, read):
        got = "certificates of another key"
        raise DefinitionError([Problem(place, got, f"those of the key that is there ({known.algorithm}, {known.kid})")])
    return replace(known, certificates=read.certificates, expires_at=read.expires_at)


def is_same_key(known: Certificate, read: KeyFile) -> bool:
    """Say whether a file holds the key that a certificate has, or its public half."""
    return bool(known.public_key) and thumbprint(json.loads(known.public_key)) == thumbprint(read.public_key)


def is_of_an_authority(certificate: Certificate) -> bool:
    """Say whether an authority issued it: then Callout cannot make another that is taken for it."""
    return bool(certificate.certificates) and not is_self_signed(certificate.certificates[0])
