"""Texts that only Callout can have made: links by which one connects once, and what a browser keeps for it meanwhile.

They are sealed by the vault, so every process of the store can read them and nobody else can write them. A link is
good once: what was used is kept in the store until it would have ended anyway.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from callout.core.access.decide import Decision
from callout.core.errors import Refused, VaultError
from callout.core.explanation import Remedy
from callout.core.model.connections import Link
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.ports import Clock, Entropy, Vault
from callout.core.protocol import Catalogue
from callout.core.secret import Secret, digest_of, reveal  # noqa: TID251 - what was opened here was sealed here, and is no secret of anybody's

#: How long the link in a problem document is good, in seconds.
LIFE = 3600.0
#: Characters of a sealed text that are looked at.
LONGEST = 4096
CALLBACK = "/connect/callback"
_CONNECTING = frozenset({"authorization_required", "reconnect_required"})


class Links:
    """Makes and reads them. One for each process; `public_url` is where browsers reach setup."""

    def __init__(self, vault: Vault, clock: Clock, entropy: Entropy, public_url: str) -> None:
        self._vault = vault
        self._clock = clock
        self._entropy = entropy
        self.public_url = public_url.rstrip("/")

    @property
    def callback_url(self) -> str:
        """The redirect URI that is registered at authorization servers."""
        return self.public_url + CALLBACK

    def page_of(self, key: UserExternalCredentialKey) -> str:
        """Return the address of the page that connects a principal; whoever opens it has to prove who they are."""
        path = "/".join(quote(part, safe="") for part in (key.external_credential, key.principal))
        return f"{self.public_url}/connect/{path}"

    def link(self, key: UserExternalCredentialKey, by: str, *, seconds: float = LIFE, invited: bool = False) -> str:
        """Return the address of the page with a link that is good once. `by` is whose authority it bears; '': a home's."""
        members = {"key": [key.external_credential, key.principal, key.user], "by": by, "invited": invited}
        text = self.seal("link", {**members, "id": self._entropy.bytes(16).hex()}, seconds)
        return f"{self.page_of(key)}?{urlencode({'link': text})}"

    def read_link(self, text: str) -> Link:
        """Read a link. Raises `Refused(connection_failed)` for one that is not ours, or has ended."""
        members = self.open("link", text)
        if members is None:
            detail = "got a link that has ended, or that Callout did not make; expected one that is still good"
            raise Refused("connection_failed", detail, Remedy("Ask for a new link, or repeat the callout"))
        key = UserExternalCredentialKey(*members["key"])
        ends = datetime.fromisoformat(members["ends"])
        return Link(members["id"], key, members["by"], ends, members["invited"])

    def seal(self, kind: str, members: Mapping[str, Any], seconds: float) -> str:
        """Seal members as text for a URL or cookie, until so many seconds from now."""
        ends = self._clock.now() + timedelta(seconds=seconds)
        whole = Secret(json.dumps({**members, "ends": ends.isoformat()}))
        return base64.urlsafe_b64encode(self._vault.seal(whole, row=f"connect/{kind}")).rstrip(b"=").decode()

    def open(self, kind: str, text: str) -> Mapping[str, Any] | None:
        """Return the members of a sealed text of this kind; None where it is not ours, or has ended."""
        try:
            envelope = base64.urlsafe_b64decode(text[:LONGEST] + "=" * (-len(text) % 4))
            members: dict[str, Any] = json.loads(reveal(self._vault.open(envelope, row=f"connect/{kind}")))
        except (VaultError, ValueError, binascii.Error):
            return None
        return members if datetime.fromisoformat(members["ends"]) > self._clock.now() else None


def connect_url(links: Links, refused: Refused, decision: Decision, catalogue: Catalogue) -> str | None:
    """Return where what a callout lacks is authorized; None where nothing can be.

    For a per-user principal it is a link that bears the acting user's own authority, but not where the code of a package
    calls, a key that is limited to callouts, or somebody who acts for the user: who holds those could connect an account
    of their own. Whoever opens another address proves who they are there.
    """
    external, caller = decision.external_credential, decision.caller
    if refused.reason.code not in _CONNECTING or external is None or decision.principal is None or caller is None:
        return None
    if not catalogue[external.protocol].interactive or caller.is_guest:
        return None
    holder = decision.holder
    own = caller.acting_user == caller.user
    if not holder.user or not own or caller.namespace is not None or caller.key is not None:
        return links.page_of(holder)
    return links.link(holder, holder.user)


def digest_of_text(kind: str, text: Secret | str) -> bytes:
    """Return the digest by which a state, a browser session or a link is known to the store."""
    return digest_of(text if isinstance(text, Secret) else Secret(text), purpose=f"connect/{kind}")
