"""Who is calling? A key is looked for in the places of the public contract, in their order.

1. `Callout-Key: co_…`; 2. `Authorization: Bearer co_…`, Basic with the key as password, or AWS Signature Version 4 with
the key as access key id; 3. the header that the named credential itself will write (`x-api-key: co_…`), so that a
vendor's own SDK works unchanged. No proof = guest.
A key that is not accepted is never treated as no proof.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from callout.core.explanation import Step
from callout.core.model.org import Org
from callout.core.model.people import GUEST, Caller, CallerKey

KEY_PREFIX = b"co_"
AWS = b"AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Identified:
    """Who was found. `caller` is None where a proof was given and not accepted; `refusal` says why, or is that step.

    `expires_at` is the end of the life of the key or token.
    """

    caller: Caller | None
    refusal: str | Step = ""
    expires_at: datetime | None = None


def digest_of(key: bytes) -> bytes:
    """Return what is stored of a key: its SHA-256. Keys are 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(key).digest()


def key_in_authorization(value: bytes) -> bytes | None:
    """Return the Callout key in an Authorization value (RFC 6750 section 2.1, RFC 7617 section 2), or None.

    A tool that signs with AWS Signature Version 4 may have it as its access key id.
    """
    scheme, _, rest = value.strip().partition(b" ")
    rest = rest.strip()
    if scheme.lower() == b"bearer" and rest.startswith(KEY_PREFIX):
        return rest
    if scheme == AWS:
        credential = next((part for part in rest.split(b",") if part.strip().startswith(b"Credential=")), b"")
        access_key_id = credential.strip().removeprefix(b"Credential=").partition(b"/")[0]
        return access_key_id if access_key_id.startswith(KEY_PREFIX) else None
    if scheme.lower() != b"basic":
        return None
    try:
        password = base64.b64decode(rest, validate=True).partition(b":")[2]
    except binascii.Error:
        return None
    return password if password.startswith(KEY_PREFIX) else None


def key_in_headers(headers: Iterable[tuple[bytes, bytes]], names: frozenset[bytes]) -> tuple[bytes, bytes] | None:
    """Return the lower-case name and the key of the first header of these names that holds one, or None."""
    for name, value in headers:
        lower = name.lower()
        if lower in names:
            bare = value.strip()
            if bare[:7].lower() == b"bearer ":
                bare = bare[7:].strip()
            if bare.startswith(KEY_PREFIX):
                return lower, bare
    return None


def identify(
    org: Org,
    now: datetime,
    *,
    key: bytes | None,
    local_keys: Mapping[bytes, CallerKey],
) -> Identified:
    """Look a key up. `local_keys` are those of this process alone, which are never stored."""
    if key is None:
        return Identified(Caller(GUEST))
    found = org.keys.get(digest_of(key)) or local_keys.get(digest_of(key))
    if found is None:
        return Identified(None, "got a key that is not known; expected one made with `callout key create`")
    if found.expires_at is not None and found.expires_at <= now:
        refusal = f"got key {found.prefix}…, which expired at {found.expires_at.isoformat()}; expected a valid one"
        return Identified(None, refusal)
    limited = found if found.named_credentials else None
    caller = Caller(found.user, found.namespace, proof=f"key {found.prefix}…", key=limited)
    return Identified(caller, expires_at=found.expires_at)
