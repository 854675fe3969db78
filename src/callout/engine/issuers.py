"""Tokens of trusted issuers as proofs of a caller: their keys are fetched once, a verified token is remembered.

On the hot path a token is a look-up. One that was not seen yet is `Unverified`: `verify` fetches what is missing,
judges it, and remembers what came of it, so that asking again answers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from callout.core.errors import Refused
from callout.core.explanation import Remedy, Step
from callout.core.jose import Keys, Peeked, TokenRefused, UnknownKey, claim_text, expires_at, peek, read_keys, verify
from callout.core.message import HttpRequest
from callout.core.model.issuers import TrustedIssuer
from callout.core.model.org import Org
from callout.core.model.people import GUEST, Caller
from callout.core.ports import Clock, Transport
from callout.core.secret import Redactable
from callout.engine.callers import Identified

T = TypeVar("T")

#: Tokens remembered that held, and that did not or are not judged yet; beyond it the oldest are forgotten.
MOST_VERIFIED, MOST_UNPROVEN = 50_000, 1_000
#: Keys are fetched anew after so many seconds, and used so long where their issuer does not answer.
KEYS_FRESH, KEYS_GOOD = 900.0, 86_400.0
#: Between two fetches from one issuer, in seconds: a token with a made-up key id must not make more of them.
PAUSE = 10.0
#: How long a refusal is remembered, in seconds.
REFUSED_FOR = 5.0
FETCH_SECONDS = 10.0
#: Before the token in what stands for it in the memo of routes: no key begins with it.
BEARER = b"Bearer "
DISCOVERY = "/.well-known/openid-configuration"


class Unverified(Exception):
    """A token that has to be verified before the callout can be admitted."""

    def __init__(self, proof: bytes) -> None:
        super().__init__("got a token that is not verified yet")
        self.proof = proof


@dataclass(slots=True)
class _KeptKeys:
    """The keys of one issuer; times are monotonic seconds."""

    keys: Keys | None = None
    fetched_at: float = 0.0
    tried_at: float | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token that held. `by` is what it was verified by: where that changes, it is verified again."""

    issuer: str
    by: tuple[object, ...]
    claims: Mapping[str, Any]


class CallerTokens:
    """Recognises, verifies and remembers the tokens of callers. One for each process."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._verified: dict[bytes, _Verified] = {}
        self._refused: dict[bytes, tuple[float, Step]] = {}
        self._peeked: dict[bytes, Peeked | None] = {}
        self._keys: dict[tuple[object, ...], _KeptKeys] = {}

    def proof_in(self, org: Org, authorization: bytes, *, alone: bool) -> bytes | None:
        """Return what stands for the token in an Authorization value, where it claims to be a trusted issuer's.

        None for everything else: that is the caller's own header. Where another proof came too (not `alone`), a token
        counts only if it was made for Callout.
        """
        if not org.trusted_issuers or authorization[:7].lower() != b"bearer ":
            return None
        proof = BEARER + authorization[7:].strip()
        known = self._verified.get(proof)
        if known is not None and known.issuer in org.trusted_issuers:
            return proof
        peeked = self._peek(proof)
        issuer = _issuer_of(org, peeked) if peeked is not None else None
        if peeked is None or issuer is None:
            return None
        return proof if alone or peeked.is_for(issuer.audience) else None

    def identified(self, org: Org, proof: bytes, now: datetime) -> Identified:
        """Return whom a token proves. Raises `Unverified` where that is not known."""
        known = self._verified.get(proof)
        if known is not None:
            issuer = org.trusted_issuers.get(known.issuer)
            if issuer is not None and issuer.verification == known.by:
                return _mapped(issuer, known.claims, now)
            del self._verified[proof]
        refused = self._refused.get(proof)
        if refused is not None and self._clock.monotonic() < refused[0]:
            return Identified(None, refused[1])
        raise Unverified(proof)

    async def verify(self, org: Org, proof: bytes) -> None:
        """Verify a token and remember what came of it; never raises for a token that does not hold."""
        token = proof.removeprefix(BEARER)
        peeked = self._peek(proof)
        issuer = _issuer_of(org, peeked) if peeked is not None else None
        try:
            if issuer is None:
                raise TokenRefused("got a token of an issuer that is not trusted; expected one of a trusted issuer")  # noqa: TRY301 - one place words all
            claims = await self.claims(issuer, token)
        except TokenRefused as error:
            text = "Send a valid token of this issuer, or a key; an admin makes one with"
            self._refuse(proof, "caller_unknown", str(error), Remedy(text, "callout key create USER"))
        except Refused as refused:
            name = issuer.name if issuer is not None else ""
            detail = f"the keys of trusted issuer {name} could not be fetched: {refused.detail}"
            remedy = Remedy(f"Make the keys of {name} reachable, or correct its jwks_uri", "callout apply -f FILE")
            self._refuse(proof, "overloaded", detail, remedy)
        else:
            assert issuer is not None
            _remember(self._verified, proof, _Verified(issuer.name, issuer.verification, claims), MOST_VERIFIED)

    def _peek(self, proof: bytes) -> Peeked | None:
        if proof in self._peeked:
            return self._peeked[proof]
        peeked = peek(proof.removeprefix(BEARER))
        _remember(self._peeked, proof, peeked, MOST_UNPROVEN)
        return peeked

    def _refuse(self, proof: bytes, reason: str, detail: str, remedy: Remedy) -> None:
        step = Step("caller", held=False, detail=detail, reason=reason, remedies=(remedy,))
        _remember(self._refused, proof, (self._clock.monotonic() + REFUSED_FOR, step), MOST_UNPROVEN)

    async def claims(self, issuer: TrustedIssuer, token: bytes) -> Mapping[str, Any]:
        """Return the claims of a token that holds now. Raises `TokenRefused`, or `Refused` where keys are not to be had."""
        now = self._clock.now().timestamp()
        try:
            return verify(token, issuer, await self._keys_of(issuer), now)
        except UnknownKey:
            return verify(token, issuer, await self._keys_of(issuer, renewed=True), now)

    async def _keys_of(self, issuer: TrustedIssuer, *, renewed: bool = False) -> Keys:
        """Return the keys of an issuer, fetched where they are old or asked for anew. Raises `Refused`."""
        kept = self._keys.setdefault(issuer.verification, _KeptKeys())
        async with kept.turn:
            now = self._clock.monotonic()
            fresh = kept.keys is not None and not renewed and now - kept.fetched_at < KEYS_FRESH
            paused = kept.tried_at is not None and now - kept.tried_at < PAUSE
            if kept.keys is not None and (fresh or paused):
                return kept.keys
            if paused:
                raise Refused("overloaded", f"the last attempt failed; the next is made after {PAUSE:g} seconds")
            kept.tried_at = now
            try:
                kept.keys, kept.fetched_at = await self._fetch(issuer), now
            except Refused:
                if kept.keys is None or now - kept.fetched_at >= KEYS_GOOD:
                    raise
            return kept.keys

    async def _fetch(self, issuer: TrustedIssuer) -> Keys:
        """Fetch the keys (RFC 7517), from where discovery says if nothing else does (OpenID Connect Discovery 4)."""
        url = issuer.jwks_uri
        if not url:
            url = str((await self.discovered(issuer)).get("jwks_uri", ""))
            if not url.startswith(("https://", "http://")):
                raise Refused("overloaded", f"got a discovery document that is not that of {issuer.issuer}")
        try:
            return read_keys(await self._get(issuer, url))
        except TokenRefused as error:
            raise Refused("overloaded", str(error)) from None

    async def discovered(self, issuer: TrustedIssuer) -> Mapping[str, Any]:
        """Return what an issuer says of itself (OpenID Connect Discovery 1.0 section 4). Raises `Refused`."""
        found = _members(await self._get(issuer, issuer.issuer.rstrip("/") + DISCOVERY))
        if found.get("issuer") != issuer.issuer:
            raise Refused("overloaded", f"got a discovery document that is not that of {issuer.issuer}")
        return found

    async def _get(self, issuer: TrustedIssuer, url: str) -> bytes:
        if not url.startswith("https://") and not issuer.allow_private_network:
            raise Refused("overloaded", f"got {url}; expected https")
        request = HttpRequest("GET", url, (("Accept", Redactable.of("application/json")),))
        answer = await self._transport.send(
            request, allow_private_network=issuer.allow_private_network, timeout_seconds=FETCH_SECONDS
        )
        if answer.status != 200:
            raise Refused("overloaded", f"got status {answer.status} from {url}; expected 200")
        return answer.body


def _members(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def _issuer_of(org: Org, peeked: Peeked) -> TrustedIssuer | None:
    return next((i for i in org.trusted_issuers.values() if i.issuer == peeked.issuer), None)


def _mapped(issuer: TrustedIssuer, claims: Mapping[str, Any], now: datetime) -> Identified:
    """Map verified claims to a caller. What no mapping names is nobody: neither a user nor a namespace is declared."""
    ends = datetime.fromtimestamp(min(expires_at(claims), 253_402_300_799.0), UTC)
    if ends <= now:
        return Identified(None, f"got a token that expired at {ends.isoformat()}; expected a valid one")
    user = user_of(issuer, claims)
    if user is None:
        return Identified(None, unmapped(issuer, "user", issuer.user_claim, claim_text(claims, issuer.user_claim)))
    namespace = None
    if issuer.namespace_claim:
        value = claim_text(claims, issuer.namespace_claim)
        if value is None or value not in issuer.namespaces:
            return Identified(None, unmapped(issuer, "namespace", issuer.namespace_claim, value))
        namespace = issuer.namespaces[value] or None
    return Identified(Caller(user, namespace, proof=f"token of {issuer.name}"), expires_at=ends)


def user_of(issuer: TrustedIssuer, claims: Mapping[str, Any]) -> str | None:
    """Return the user to whom the mapping of an issuer leads; None where it leads to nobody, or to the guest."""
    value = claim_text(claims, issuer.user_claim)
    user = issuer.users.get(value) if value is not None else None
    if user is None and issuer.users_by_name:
        user = value
    return user if user != GUEST else None


def unmapped(issuer: TrustedIssuer, what: str, claim: str, value: str | None) -> Step:
    """Word that no mapping leads anywhere from this value of a claim, and what to add to it."""
    got = f"{claim} {value[:80]!r}" if value is not None else f"no text in {claim}"
    detail = f"got a token of {issuer.name} with {got}; expected one that its {what}s map to a {what}"
    entry = f"{value[:80]!r}" if value is not None else "the value of the claim"
    text = f"Add {entry} to trusted_issuers.{issuer.name}.{what}s in the manifest, if that is who calls"
    remedy = Remedy(text, "callout apply -f FILE")
    return Step("caller", held=False, detail=detail, reason="caller_unknown", remedies=(remedy,))


def _remember(memo: dict[bytes, T], proof: bytes, what: T, most: int) -> None:
    if len(memo) >= most:
        del memo[next(iter(memo))]
    memo[proof] = what
