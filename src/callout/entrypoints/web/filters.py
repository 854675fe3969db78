"""How templates show what they are given."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00|Z)")


def part(text: str) -> str:
    """Write a text as one part of a path."""
    return quote(str(text), safe="")


def moment(value: str | datetime | None) -> str:
    """Write a time as people read it, in UTC."""
    if not value:
        return "never"
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def timed(text: str | None) -> str:
    """Write the times that a message of the engine has (ISO 8601, UTC) as people read them."""
    return _TIME.sub(lambda found: moment(found[0]), text or "")


def counted(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def words(name: str) -> str:
    """Write a name of ours as a label: `client_authentication` becomes `Client authentication`."""
    text = name.replace("_", " ").replace(".", " ")
    return text[:1].upper() + text[1:]


#: Where the pages of a section of a manifest stand, and what one of it is called.
_PAGES: Mapping[str, tuple[str, str]] = {
    "named_credentials": ("named-credentials", "Named Credential"),
    "external_credentials": ("external-credentials", "External Credential"),
    "external_auth_identity_providers": ("identity-providers", "External Auth Identity Provider"),
    "permission_sets": ("permission-sets", "Permission Set"),
    "permission_set_groups": ("permission-set-groups", "Permission Set Group"),
    "profiles": ("profiles", "Profile"),
    "users": ("users", "User"),
    "packages": ("packages", "Package"),
    "certificates": ("certificates", "Certificate"),
    "trusted_issuers": ("trusted-issuers", "Trusted Issuer"),
}


def linked(place: str) -> dict[str, str]:
    """Read a place of a manifest, such as `permission_sets.Clerks`: its kind, title and page; no page: it has none."""
    section, _, rest = place.partition(".")
    if section not in _PAGES or not rest:
        return {"kind": "", "title": place, "path": ""}
    folder, kind = _PAGES[section]
    muting = rest.endswith((".muted.principals", ".muted"))
    name = rest.partition(".muted")[0] if muting else rest
    title = f"{name} (muted)" if muting else name
    return {"kind": kind, "title": title, "path": f"/setup/{folder}/{part(name)}"}


FILTERS: Mapping[str, Callable[..., Any]] = {
    "part": part,
    "moment": moment,
    "timed": timed,
    "counted": counted,
    "words": words,
    "linked": linked,
}
