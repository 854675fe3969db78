"""Connections that are being made: the attempt that a browser (or device) is on, and the link that lets one begin."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from callout.core.model.credentials import UserExternalCredentialKey


@dataclass(frozen=True, slots=True)
class Attempt:
    """One authorization that was asked for and has not come back. It is good once, until `expires_at`.

    `digest` is the SHA-256 of its state (or handle), `session` that of the browser session that began it; empty for a
    device. `who` began it, and is judged again in the end. `fingerprint` is everything that it was asked for with.
    `envelope` seals what only Callout may know: the code verifier, or the device code. `link` is that of the link that
    was used, to be spent with it; empty: none was.
    """

    digest: bytes = field(repr=False)
    key: UserExternalCredentialKey
    who: str
    session: bytes = field(repr=False)
    fingerprint: str
    envelope: bytes = field(repr=False)
    return_url: str
    link: bytes = field(repr=False)
    began_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """What a link lets one do: connect this principal (and user), once, with the authority of who made it.

    `id` tells links apart. `invited`: it was made to be sent to somebody.
    """

    id: str
    key: UserExternalCredentialKey
    by: str
    expires_at: datetime
    invited: bool = False
