"""How often signing in may fail: counted per user, per address, and per browser that a user has signed in with before.

A stranger who goes on guessing makes strangers wait, fifteen minutes at most each time. A browser that the user has
signed in with before is counted for itself, a key and single sign-on for their address alone, a link not at all:
so nobody can keep a user out.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from ipaddress import IPv4Address, IPv6Network, ip_address

from callout.core.model.sign_in import Allowance
from callout.engine.sign_in.refusals import SignInRefused

#: Failures without a wait, and the longest wait in seconds. Together a user's strangers try some hundred times a day.
OF_A_USER, OF_A_BROWSER, OF_AN_ADDRESS = (10, 900.0), (10, 900.0), (30, 300.0)


def of_password(user: str, address: str, browser: str) -> tuple[Allowance, ...]:
    """Return what an attempt with a password is counted for. `browser` is empty for one that the user never had."""
    if browser:
        return (Allowance(_subject("browser", browser), *OF_A_BROWSER),)
    return (Allowance(_subject("user", user), *OF_A_USER), *of_address(address))


def of_address(address: str) -> tuple[Allowance, ...]:
    """Return what an attempt without a name is counted for."""
    return (Allowance(_subject("address", _place(address)), *OF_AN_ADDRESS, clears=False),)


def of_own(user: str) -> tuple[Allowance, ...]:
    """Return what it is counted for where somebody who is signed in says their password."""
    return (Allowance(_subject("own", user), *OF_A_BROWSER),)


def too_many(next_at: datetime, now: datetime) -> SignInRefused:
    """Word the refusal of an attempt that comes too early."""
    seconds = max(1, round((next_at - now).total_seconds()))
    wait = f"{seconds} seconds" if seconds < 120 else f"{round(seconds / 60)} minutes"
    at = next_at.strftime("%H:%M:%S")
    detail = f"got another attempt after too many that failed; expected it at {at} UTC, in {wait}, or later"
    return SignInRefused("too_many_attempts", detail, next_at=next_at)


def _place(address: str) -> str:
    """Return what one customer of a network has: of IPv6 the first 64 bits, since the others are theirs to choose."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, IPv4Address):
        return address
    return str(known.ipv4_mapped or IPv6Network((known, 64), strict=False))


def _subject(kind: str, name: str) -> bytes:
    """Digest it: what strangers type, which may be a password, is kept nowhere."""
    return hashlib.sha256(f"sign-in/{kind}\0{name}".encode("utf-8", "surrogatepass")).digest()
