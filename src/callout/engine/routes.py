"""Compiled decisions: everything about a callout that is decidable before the request's bytes.

A `Route` is the memo of one decision (caller × name × principal); its `ready` is the memo of the head that is
written for one generation of the token. Both are dropped as a whole when the definitions move.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from callout.core.access.decide import Decision
from callout.core.access.target import origin_of
from callout.core.explanation import Step
from callout.core.message import HttpRequest
from callout.core.model.credentials import ExternalCredential, NamedCredential
from callout.core.model.own_certificates import Certificate
from callout.core.ports import Destination
from callout.core.protocol import AuthenticationProtocol, Needs
from callout.core.reasons import Telling
from callout.core.refresh.replay import ReplayContract
from callout.core.refresh.rules import Signs, signs_of
from callout.engine.certificates import Shown
from callout.engine.evaluating import Formulas, Written, formulas_of, headers_of
from callout.engine.requests import Demands
from callout.engine.scopes import NOBODY, Reader
from callout.engine.slots import Slot

#: Name, proof (a key, a token, or the certificate of the connection), header that held it, wanted principal, user on
#: whose behalf.
MemoKey = tuple[str, bytes | Shown | None, bytes | None, bytes | None, bytes | None]


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """What is written for one route at one token generation. `head` holds secrets and is never shown.

    `written` is what is sent in place of the caller's own headers and body, where formulas in them were evaluated.
    `once`: it was made for one request, and a second sending of that is given another (a nonce, a `jti`).
    `request` is what the head was made of, its secrets marked, where that is to be shown (`Callouts.shows`).
    """

    head: bytes = field(repr=False)
    generation: int
    fresh_until: float
    stages: tuple[Step, ...] = ()
    written: Written | None = None
    once: bool = False
    request: HttpRequest | None = field(default=None, repr=False)


@dataclass(slots=True, eq=False)
class Route:
    """Where the callouts of one caller by one name go, and what is written for them."""

    decision: Decision
    destination: Destination
    path: bytes
    drops: frozenset[bytes]
    signs: Signs
    refresh_statuses: frozenset[int]  # of the signs; none where there is no token to refresh
    telling: Telling
    slot: Slot
    until: float  # the route itself holds this long (monotonic seconds): a key or a time box ends
    replay: ReplayContract
    ready: Ready | None = None
    demands: Demands | None = None  # what each request has to keep; None, as mostly: nothing
    memo: MemoKey | None = None  # what it was decided for: decided again when the definitions move
    formulas: Formulas | None = None  # what is evaluated of each request; None, as mostly: nothing
    generation: int = 0  # of the definitions that it was decided by
    reader: Reader = NOBODY  # whose fields formulas read
    hears: bool = False  # whether answers say what the next request has to repeat
    client_certificate: Certificate | None = None  # opened with the values; `destination` has it then

    def move_to(self, other: Route) -> bool:
        """Become what this was decided to be by newer definitions; False, and nothing done, where it leads elsewhere.

        Elsewhere is also where a request had to be taken whole, and was not, or is not evaluated any more.
        """
        ours = replace(self.destination, client_certificate=other.destination.client_certificate)
        same = (other.destination, other.path, other.drops) == (ours, self.path, self.drops)
        moved = other.slot is not self.slot or other.generation != self.generation
        if not (same and moved and other.formulas == self.formulas):
            return False
        for each in fields(self):
            if each.name != "memo":
                setattr(self, each.name, getattr(other, each.name))
        return True


def written_names(
    named: NamedCredential, external: ExternalCredential, protocol: type[AuthenticationProtocol]
) -> frozenset[bytes]:
    """Return the lower-case names of the headers that Callout writes: the caller's own of these are dropped."""
    names = [header.name for header in headers_of(named, external)]
    if named.generate_authorization_header:
        names += protocol.writes
    return frozenset(name.lower().encode() for name in names)


def compile_route(
    decision: Decision,
    *,
    protocol: type[AuthenticationProtocol],
    slot: Slot,
    proof_header: bytes | None,
    telling: Telling,
    until: float,
    demands: Demands | None = None,
    generation: int = 0,
    reader: Reader = NOBODY,
    client_certificate: Certificate | None = None,
) -> Route:
    """Compile an allowed decision."""
    named, external = decision.named_credential, decision.external_credential
    if named is None or external is None:
        msg = "only an allowed decision can be compiled"
        raise ValueError(msg)
    origin = origin_of(named.url)
    drops = written_names(named, external, protocol) | {b"host"}
    signs = signs_of(external, protocol.stale_signs)
    needs = protocol.needs(slot.sources.parameters) if named.generate_authorization_header else Needs.NOTHING
    return Route(
        decision=decision,
        destination=Destination(origin.scheme, origin.host, origin.port, named.allow_private_network),
        path=origin.path.rstrip("/").encode(),
        drops=drops | {proof_header} if proof_header is not None else drops,
        signs=signs,
        refresh_statuses=signs.statuses if protocol.obtains else frozenset(),
        telling=telling,
        slot=slot,
        until=until,
        replay=ReplayContract(
            possible=protocol.obtains,
            methods=frozenset(method.encode() for method in named.replay_methods),
            idempotency_header=named.idempotency_header.encode(),
        ),
        demands=demands,
        formulas=formulas_of(named, external, needs),
        generation=generation,
        reader=reader,
        hears=protocol.hears and needs is not Needs.NOTHING,
        client_certificate=client_certificate,
    )
