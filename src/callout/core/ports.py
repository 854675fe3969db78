"""What the engine needs of the world, as protocols. Adapters implement them; `app` plugs them in.

Every store port is asynchronous; nothing here is called while a callout runs on the fast path.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from callout.core.chain import Head, Row, Verification
from callout.core.key_pair import KeyPair
from callout.core.message import HttpRequest, HttpResponse
from callout.core.model.connections import Attempt
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.org import Definition, Org
from callout.core.model.people import CallerKey
from callout.core.model.refreshes import Begun, Intent, Lease, Outcome, Stated
from callout.core.secret import Secret


class Clock(Protocol):
    """The time, aware and in UTC, and the only way in which the engine lets some of it pass."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float:
        """Seconds that never go back; the scale of every deadline on the fast path."""

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""


class Nodes(Protocol):
    """The processes that share one store, as far as this one can see them."""

    @property
    def name(self) -> str:
        """The name of this process; no other ever has it."""

    def is_gone(self, name: str) -> bool:
        """Say whether a process has certainly ended. False where that cannot be told."""


class Entropy(Protocol):
    """Random bytes from the operating system, and keys made of them."""

    def bytes(self, count: int) -> bytes: ...

    def private_key(self, algorithm: str) -> Secret:
        """Make a private key (PKCS #8, PEM) of one of `ALGORITHMS`. It may take a second: call it from a thread."""


class Vault(Protocol):
    """Seals and opens secrets. An envelope is bound to `row`: moved to another row it does not open."""

    def seal(self, secret: Secret, *, row: str) -> bytes: ...

    def open(self, envelope: bytes, *, row: str) -> Secret:
        """Open an envelope; raises `VaultError` where key, row or bytes are not those it was sealed with."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the definitions: put this one, or (`definition` None) remove that name from that section."""

    section: str
    name: str
    definition: Definition | None


@dataclass(frozen=True, slots=True)
class AdminAct:
    """One act of an admin, for the audit trail. `what` names things and never holds a secret."""

    at: datetime
    who: str
    act: str
    what: str


#: Why a token was obtained where there was none to replace; every other reason is that of a refresh.
FIRST = "first"


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A sealed token and its public state. `generation` rises by one with each token.

    `obtained_because` is `first`, or why the one before was replaced: `expiry`, `status NNN`, `idle`, `intent`.
    `fingerprint` digests everything that decided it; it is empty for one that an older version of Callout wrote.
    """

    key: UserExternalCredentialKey
    generation: int
    envelope: bytes
    issued_at: datetime
    expires_at: datetime | None
    obtained_because: str = FIRST
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that is stored of one token, seen at one moment.

    `lineage_holds` is True where the stored refresh token may go on being used: what it hangs on is as it was.
    `set_at` is when a secret of it was last set, `failed_at` and `failure` the last failure to obtain a token.
    """

    key: UserExternalCredentialKey
    token: StoredToken | None = None
    lineage_holds: bool = False
    lease: Lease | None = None
    intent: Intent | None = None
    stated: Stated | None = None
    set_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str = ""

    @property
    def generation(self) -> int:
        """The stored generation; 0 where no token is stored."""
        return self.token.generation if self.token is not None else 0


@dataclass(frozen=True, slots=True)
class PrincipalHealth:
    """What `status` shows of one principal: names set, token times, last error.

    `last_refresh_at` is when a token last replaced another (`StoredToken.obtained_because` is not `first`).
    """

    key: UserExternalCredentialKey
    secrets_set: frozenset[str]
    generation: int = 0
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    obtained_because: str = ""
    last_refresh_at: datetime | None = None
    last_error_at: datetime | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of callout records of one writer, sealed into the audit chain as one row.

    `oldest` and `newest` are the smallest and largest callout id in it; `records` is JSON.
    """

    writer: str
    oldest: str
    newest: str
    count: int
    records: bytes


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning removed, and the chain's head after it. `through` is the last row that went."""

    through: Head
    rows: int
    acts: int
    callouts: int
    head: Head


Sealed = Mapping[UserExternalCredentialKey, Mapping[str, bytes]]


class Definitions(Protocol):
    """Definitions and keys. A write is one transaction with its audit rows, and raises the generation by one.

    Where `expects` is given, `Outdated` is raised, and nothing written, if the generation is another: what is to be
    written was made from definitions that have moved.
    """

    async def generation(self) -> int: ...

    async def load(self) -> Org: ...

    async def write(
        self,
        changes: Sequence[Change],
        acts: Sequence[AdminAct],
        *,
        expects: int | None = None,
        sealed: Sealed | None = None,
        forget: Collection[str] = (),
    ) -> int:
        """Apply all changes and set all `sealed` values (as `put_secrets` does), or none; returns the new generation.

        `acts` are at least one where `sealed` is given.
        With a user go their keys, and their own sealed values and tokens; with a package go its keys. What is sealed
        for a principal that goes stays, until `remove_secrets`; of the external credentials, and of the principals
        (`EC/Principal`), in `forget` every value and token goes, those of users too.
        """

    async def put_key(
        self, key: CallerKey, *acts: AdminAct, expects: int | None = None, ending: CallerKey | None = None
    ) -> None:
        """Add a key, and change the one that it takes the place of (`ending`), or neither.

        Raises `StoreError` where its digest or prefix is taken, or `ending` is not there.
        """

    async def change_key(self, key: CallerKey, act: AdminAct, *, expects: int | None = None) -> bool:
        """Change the key with this digest; False, and nothing is written, where there is none.

        Raises `Outdated` where the generation is not the one that is expected.
        """

    async def remove_key(self, prefix: str, act: AdminAct) -> bool:
        """Remove the key with this prefix; False, and nothing is written, where there is none."""


class UserExternalCredentials(Protocol):
    """Sealed secrets and tokens of principals."""

    async def put_secrets(
        self,
        key: UserExternalCredentialKey,
        sealed: Mapping[str, bytes],
        act: AdminAct,
        *,
        expects: int | None = None,
    ) -> None:
        """Set these values and leave others; drops the token, which was obtained with the old ones.

        `expects` is as in `Definitions`: the principal may have gone meanwhile.
        """

    async def remove_secrets(self, key: UserExternalCredentialKey, names: Sequence[str] | None, act: AdminAct) -> int:
        """Remove these values (None: all) and the token; returns how many values went."""

    async def secrets(self, key: UserExternalCredentialKey) -> Mapping[str, bytes]: ...

    async def token(self, key: UserExternalCredentialKey) -> StoredToken | None: ...

    async def swap_token(self, token: StoredToken, *, replaces: int) -> bool:
        """Write where the stored generation is `replaces` (0: none stored); False where it is another.

        A token whose `fingerprint` is given and is not in force any more is not written either.
        """

    async def note_error(self, key: UserExternalCredentialKey, at: datetime, error: str) -> None: ...

    async def health(self) -> tuple[PrincipalHealth, ...]: ...

    # What refreshes need. Every write is one transaction that is on the disk when it returns.

    async def look(self, key: UserExternalCredentialKey) -> Look:
        """Return everything that is stored of one token, seen at one moment."""

    async def looks(self) -> tuple[Look, ...]:
        """Return the same of every key of which anything is stored, in their order."""

    async def begin_refresh(self, intent: Intent, owner: str, expires_at: datetime, *, over: Lease | None) -> Begun:
        """Take the lease and write the intent. A lease that is there is taken over where it is `over`, unchanged.

        `HELD`: another has it. `MOVED`: the stored generation is not `intent.replaces`, or an end was stated meanwhile.
        `SUPERSEDED`: the fingerprint is not in force. The new intent is doubtful where the one before it spent the same and may have left.
        """

    async def renew_lease(self, lease: Lease, expires_at: datetime) -> Lease | None:
        """Renew a lease; None where it is lost."""

    async def note_sent(self, lease: Lease) -> bool:
        """Note that the grant leaves now; False where the lease is lost."""

    async def keep_token(self, lease: Lease, intent: Intent, token: StoredToken) -> Outcome:
        """Store what was obtained and end intent and lease.

        `HELD`: another took the lease over. `MOVED`: another generation is stored. `SUPERSEDED`: definitions or
        secrets are others; nothing was stored. `CARRIED`: the same, but the refresh token is stored for the new ones.
        """

    async def end_refresh(self, lease: Lease, intent: Intent, *, unsettled: bool, stated: Stated | None = None) -> Look:
        """Give up the lease, and end the intent unless it is `unsettled`; keep what is stated. Look in the same moment.

        A lease that was lost is left alone; nothing is stated then, nor where another generation is stored or another
        fingerprint is in force.
        """

    async def give_up_token(self, key: UserExternalCredentialKey, act: AdminAct, *, stated: str | None) -> bool:
        """Drop a token, and what a refresh under way brings; where `stated` is given, state that it was revoked.

        Returns whether there was one; where there was none and nothing is stated, nothing is written.
        """

    async def take_lease(
        self, key: UserExternalCredentialKey, owner: str, expires_at: datetime, *, over: Lease | None
    ) -> Lease | None:
        """Take a lease without an intent; None where another has it."""

    async def lease(self, key: UserExternalCredentialKey) -> Lease | None: ...

    async def drop_lease(self, lease: Lease) -> None:
        """Give up a lease; one that was lost is left alone."""


class Connections(Protocol):
    """Attempts to connect that are under way, links that are spent, and the token that one ends with."""

    async def put_attempt(self, attempt: Attempt) -> None:
        """Keep an attempt; those that have ended go. Raises `StoreError`."""

    async def take_attempt(self, digest: bytes) -> Attempt | None:
        """Return an attempt and remove it: of several who ask at once, one gets it."""

    async def attempt(self, digest: bytes) -> Attempt | None:
        """Return an attempt and leave it; None where there is none."""

    async def change_attempt(self, attempt: Attempt) -> bool:
        """Put a changed attempt in the place of one that is there; False where it has been taken."""

    async def is_spent(self, link: bytes) -> bool:
        """Say whether a link was used already."""

    async def connect(
        self,
        token: StoredToken,
        sealed: bytes,
        act: AdminAct,
        *,
        expects: int,
        link: bytes = b"",
        link_ends: datetime | None = None,
    ) -> bool:
        """Store the token of a new authorization, and `sealed` as the value `connection` of its key, in one transaction.

        A refresh that is under way loses its lease, an end that was stated is over, and the chain begins anew. False,
        and nothing is written, where the link was spent meanwhile. Raises `Outdated` where the generation is not the
        one that is expected, or the fingerprint of the token is not that which is in force afterwards.
        """


class AuditTrail(Protocol):
    """The append-only hash chain. `append` is called from a thread of its own and may block."""

    def append(self, segment: Segment) -> None: ...

    async def segments(self, callout_id: str) -> tuple[Segment, ...]:
        """Return the segments that may hold this callout, newest first."""

    async def recent(self, limit: int) -> tuple[Segment, ...]:
        """Return the newest segments, newest first."""

    async def rows(
        self, limit: int, *, after: int = 0, before: int | None = None, kinds: Iterable[str] = (), newest: bool = False
    ) -> tuple[tuple[Row, bytes], ...]:
        """Return rows between these two, exclusive, with their stored hashes; oldest first, or newest first.

        `kinds`: rows of these kinds alone (none named: all).
        """

    async def written_since(self, moment: datetime) -> int | None:
        """Return the number of the first row that was written at this time or later, or None."""

    async def head(self) -> Head:
        """Return the end of the chain."""

    async def verify(self, kept: Head | None = None) -> Verification:
        """Walk the whole chain; with `kept`, a head noted earlier, see that its row is still there as it was."""

    async def prune(self, before: datetime, who: str, at: datetime, *, dry_run: bool = False) -> Pruned | None:
        """Remove the rows that were written before this time, and append a checkpoint; None where there is none.

        With `dry_run` nothing is removed or appended: what would go is told.

        Raises `StoreError`, and removes nothing, where the chain does not hold.
        """


class Transport(Protocol):
    """Sends one side request (a token request) and reads the whole answer.

    Raises `Refused`: `address_not_allowed`, `tls_verification_failed`, `external_system_unreachable`, `timed_out`.
    """

    async def send(
        self, request: HttpRequest, *, allow_private_network: bool, timeout_seconds: float
    ) -> HttpResponse: ...


class Spool(Protocol):
    """One request's body, kept sealed in a file that has no name. One call at a time; `close` at any time.

    `frames` is how many frames are kept: a frame is what one `read` returns.
    """

    frames: int

    async def write(self, body: bytes) -> None:
        """Keep these bytes after those before; raises `SpoolError`, and then keeps none of them."""

    async def read(self, frame: int) -> bytes:
        """Return one frame, counted from 0; raises `SpoolError` where it is not as it was written."""

    def close(self) -> None:
        """Let go of the file, and so of its bytes: after what is under way, and without waiting for that."""


class Spools(Protocol):
    """Where the bodies of requests are kept that are too large for memory, until they are sent again or dropped."""

    def open(self) -> Spool:
        """Begin one; its file is made with the first write."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where callouts of one route are sent: the key of the connection pool. `host` is a name or address.

    `client_certificate` is presented in TLS: a connection is used again only for the same one.
    """

    scheme: str
    host: str
    port: int
    allow_private_network: bool = False
    client_certificate: KeyPair | None = None
