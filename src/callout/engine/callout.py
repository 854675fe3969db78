"""A callout, in order: identify the caller, climb the ladder, compile the route, then the stages that make its head.

The fast path is a memo of this: `admit` is one dictionary look-up where the route is known, and `Route.ready` holds
the head while its token is fresh. `prepare` and the dry run (`engine.diagnosis`) run the same `STAGES`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from callout.core.access.decide import Decision, decide
from callout.core.access.sources import earliest
from callout.core.access.target import join, split_target
from callout.core.errors import CalloutError, Refused
from callout.core.explanation import Explanation, Step
from callout.core.formula import Scope
from callout.core.message import header_lines, target_of
from callout.core.model.org import Org
from callout.core.model.people import CallerKey
from callout.core.ports import Clock
from callout.core.protocol import AuthenticationProtocol, Catalogue, Needs
from callout.core.reasons import Telling
from callout.engine.callers import Identified, identify, key_in_authorization, key_in_headers
from callout.engine.certificates import Shown, identified_by_certificate
from callout.engine.connect_links import Links, connect_url
from callout.engine.definitions import CurrentOrg
from callout.engine.drafts import FOREVER, Draft, with_values
from callout.engine.evaluating import (
    Asked,
    evaluated_headers,
    request_to_sign,
    signed,
    with_body,
    with_request,
    written_of,
)
from callout.engine.explain import refusal_of, refused_by
from callout.engine.issuers import BEARER, CallerTokens, Unverified
from callout.engine.limits import RateLimits
from callout.engine.records import Records
from callout.engine.refreshing import Superseded
from callout.engine.requests import Demands, demands_of, overriding, take_turn, with_steps
from callout.engine.routes import MemoKey, Ready, Route, compile_route, written_names
from callout.engine.scopes import Reader
from callout.engine.slots import Slots
from callout.engine.tokens import Tokens

#: Routes kept; beyond it the memo starts anew (a caller cannot make it grow: only admitted callers are kept).
MOST_ROUTES = 100_000
#: How long a token in hand is used on while its replacement is on the way, in seconds.
GRACE = 1.0
#: Random bytes of a callout's own nonce.
NONCE = 16

#: Returns the headers of a request; they are read where something is to be judged by them.
Headers = Callable[[], Sequence[tuple[bytes, bytes]]]


class Callouts:
    """Decides, prepares, refreshes and records callouts. One for each process."""

    def __init__(
        self,
        org: CurrentOrg,
        catalogue: Catalogue,
        tokens: Tokens,
        records: Records,
        clock: Clock,
        *,
        slots: Slots,
        links: Links,
        caller_tokens: CallerTokens,
        telling_users: Telling = Telling.FULL,
        telling_guests: Telling = Telling.CODE,
    ) -> None:
        self.org = org
        self.catalogue = catalogue
        self._tokens = tokens
        self._records = records
        self.clock = clock
        self._monotonic = clock.monotonic
        self._caller_tokens = caller_tokens
        self._scopes = tokens.scopes
        self._telling = {True: telling_guests, False: telling_users}
        self._routes: dict[MemoKey, Route] = {}
        self.slots = slots
        self._links = links
        self._own_headers: dict[str, frozenset[bytes]] = {}
        self.refreshes: dict[int, int] = {}
        self.limits = RateLimits()
        self.local_keys: dict[bytes, CallerKey] = {}
        self._suspended: str | None = None
        self.shows = False  # whether what leaves is shown to the one who asked for it
        self.next_id = records.next_id
        self.record = records.record
        org.followers.append(self._forget)

    # --- admission -------------------------------------------------------------------------------------------

    def admit(
        self,
        name: str,
        headers: Sequence[tuple[bytes, bytes]],
        callout_key: bytes | None,
        authorization: bytes | None,
        principal: bytes | None,
        on_behalf_of: bytes | None = None,
        certificate: Shown | None = None,
    ) -> Route:
        """Return the route of this caller by this name. Raises `Refused` with the whole explanation.

        `certificate` is that of the connection: the last proof that counts.

        `Unverified` is raised for a token that `verify` is to be awaited for; then ask again.
        """
        proof, header = callout_key, None
        if authorization is not None and (key := key_in_authorization(authorization)) is not None:
            header = b"authorization"  # never leaves, even where another proof is taken
            if proof is None:
                proof = key
        if proof is None and (found := key_in_headers(headers, self._written(name))) is not None:
            header, proof = found
        if authorization is not None and header != b"authorization":
            token = self._caller_tokens.proof_in(self.org.value, authorization, alone=proof is None)
            if token is not None:
                header, proof = b"authorization", proof or token
        memo = (name, certificate if proof is None else proof, header, principal, on_behalf_of)
        route = self._routes.get(memo)
        if route is not None and (route.until == FOREVER or self._monotonic() < route.until):
            return route
        wanted = principal.decode("latin-1") if principal is not None else None
        route = self._decide_route(name, memo[1], header, wanted, on_behalf_of)
        route.memo = memo
        if len(self._routes) >= MOST_ROUTES:
            self._routes.clear()
        self._routes[memo] = route
        return route

    async def verify(self, unverified: Unverified) -> None:
        """Verify a token that `admit` did not know, and remember what came of it."""
        await self._caller_tokens.verify(self.org.value, unverified.proof)

    def _identify(self, org: Org, now: datetime, proof: bytes | Shown | None, on_behalf_of: bytes | None) -> Identified:
        if isinstance(proof, Shown):
            identified = identified_by_certificate(org, proof, now)
        elif proof is not None and proof.startswith(BEARER):
            identified = self._caller_tokens.identified(org, proof, now)
        else:
            identified = identify(org, now, key=proof, local_keys=self.local_keys)
        if on_behalf_of is None or identified.caller is None:
            return identified
        user = on_behalf_of.decode("utf-8", "replace")
        return replace(identified, caller=replace(identified.caller, on_behalf_of=user))

    def _decide_route(
        self,
        name: str,
        proof: bytes | Shown | None,
        header: bytes | None,
        wanted: str | None,
        on_behalf_of: bytes | None,
    ) -> Route:
        if self._suspended is not None:
            raise Refused("overloaded", self._suspended)
        now, org = self.clock.now(), self.org.value
        identified = self._identify(org, now, proof, on_behalf_of)
        decision = decide(
            org, self.catalogue, identified.caller, name, now=now, principal=wanted, proof=identified.refusal
        )
        telling = self._telling[identified.caller is None or identified.caller.is_guest]
        if not decision.allowed:
            raise self._linked(refused_by(decision, telling), decision)
        until, end = FOREVER, earliest(identified.expires_at, decision.until)
        if end is not None:
            until = self._monotonic() + (end - now).total_seconds()
        return self.compile(decision, header, telling, until, now)

    def _linked(self, refused: Refused, decision: Decision) -> Refused:
        """Say in a refusal that somebody has to authorize where that is done."""
        refused.connect_url = connect_url(self._links, refused, decision, self.catalogue)
        return refused

    def _written(self, name: str) -> frozenset[bytes]:
        names = self._own_headers.get(name)
        if names is None:
            named = self.org.value.named_credentials.get(name)
            external = self.org.value.external_credentials.get(named.external_credential) if named else None
            if named is None or external is None:
                return frozenset()
            names = written_names(named, external, self.catalogue[external.protocol]) - {b"authorization"}
            self._own_headers[name] = names
        return names

    def compile(
        self, decision: Decision, proof_header: bytes | None, telling: Telling, until: float, now: datetime
    ) -> Route:
        """Return the route of a decision that allows. `until` is in monotonic seconds."""
        named, external, principal = decision.named_credential, decision.external_credential, decision.principal
        if named is None or external is None or principal is None:
            msg = "only an allowed decision can be compiled"
            raise ValueError(msg)
        org = self.org.value
        return compile_route(
            decision,
            protocol=self.catalogue[external.protocol],
            slot=self.slots.of(org, decision.holder, external, principal),
            proof_header=proof_header,
            telling=telling,
            until=until,
            demands=demands_of(org, decision, self.limits, now, self._monotonic()),
            generation=org.generation,
            reader=Reader.of(org, decision.caller),
            client_certificate=org.certificates.get(named.client_certificate),
        )

    def judge(
        self,
        route: Route,
        method: bytes,
        target: bytes,
        headers: Headers,
        callout_id: bytes,
    ) -> None:
        """Judge one request of a route that has demands. `target` is what will be sent. Raises `Refused`."""
        demands = route.demands
        if demands is None:
            return
        judged = self._kept_rules(route, demands, method, target, headers)
        turn = take_turn(judged, demands, self.limits, self._monotonic())
        if turn.refused is not None:
            raise refused_by(turn.refused, route.telling, retry_after=turn.retry_after)
        if turn.noted:
            self._records.note(callout_id, turn.noted)

    def judge_again(self, route: Route, method: bytes, target: bytes, headers: Headers) -> Refused | None:
        """Judge a callout under way by the rules as they are now: return why it may not go on, or None."""
        if route.demands is not None:
            try:
                self._kept_rules(route, route.demands, method, join(route.path, split_target(target)[1]), headers)
            except Refused as refused:
                return refused
        return None

    def _kept_rules(
        self,
        route: Route,
        demands: Demands,
        method: bytes,
        target: bytes,
        headers: Headers,
    ) -> Decision:
        steps = demands.judge(method.decode("latin-1"), target[len(route.path) :], overriding(demands, target, headers))
        judged = with_steps(route.decision, steps)
        if not judged.allowed:
            raise refused_by(judged, route.telling)
        return judged

    def reconsider(self, route: Route) -> Refused | None:
        """Decide again about a callout under way: return why it may not go on as this principal, or None."""
        if route.memo is None or route.decision.principal is None:
            return None
        name, proof, header, _, on_behalf_of = route.memo
        try:
            again = self._decide_route(name, proof, header, route.decision.principal.name, on_behalf_of)
        except Refused as refused:
            return refused
        except Unverified:  # its issuer is trusted in another way, or no longer
            return Refused("caller_unknown", "got a token whose issuer was changed; expected it to be verified again")
        route.until, route.demands = again.until, again.demands
        return None

    def suspend(self, because: str | None) -> None:
        """Refuse every callout, saying why; None: take them again. What is known may be too old to decide on."""
        if because is not None and self._suspended is None:
            self._routes = {}
        self._suspended = because

    def _forget(self, org: Org) -> None:
        """Drop everything derived from the old definitions; a token whose every input is unchanged is kept."""
        self._routes, self._own_headers = {}, {}
        self.slots.keep_current(org)
        self.limits.keep_current(org)

    # --- preparation and refresh -----------------------------------------------------------------------------

    async def prepare(self, route: Route, asked: Asked | None = None) -> Ready:
        """Make the head of this route, obtaining a token where none is held. Raises `Refused`.

        `asked` is the request itself, where formulas in it are evaluated or a header reads its body.
        """
        draft = Draft(route, dry=False, asked=asked)
        try:
            for stage in STAGES:
                draft = await stage(self, draft)
            head = header_lines(draft.request.headers)
        except CalloutError as error:
            if isinstance(error, Superseded) and await self._moved(route):
                return await self.prepare(route, asked)
            raise self.explained(route, draft, error) from error
        now, shown = self.clock.monotonic(), draft.request if self.shows else None
        if draft.passing:  # no other callout may be sent with it
            return Ready(head, draft.generation, now, draft.explanation.steps, draft.written, once=True, request=shown)
        fresh_until = min(max(draft.fresh_until, now + GRACE), draft.good_until, route.until)
        ready = Ready(head, draft.generation, fresh_until, draft.explanation.steps, request=shown)
        if route.ready is None or ready.generation >= route.ready.generation:
            route.ready = ready
        return ready

    async def _moved(self, route: Route) -> bool:
        """Decide a callout under way again by definitions that moved; False where they are the same, or lead elsewhere."""
        await self.org.follow()
        if route.memo is None:
            return False
        name, proof, header, wanted, on_behalf_of = route.memo
        principal = wanted.decode("latin-1") if wanted is not None else None
        try:
            return route.move_to(self._decide_route(name, proof, header, principal, on_behalf_of))
        except Unverified:  # its issuer is trusted in another way, or no longer: repeating verifies the token
            return False

    def is_stale(self, route: Route, ready: Ready, status: int) -> bool:
        """Say whether an answer of this status, if a refresh rule matches it, is to be followed by a refresh."""
        return route.slot.protocol.obtains and self._tokens.expects_help(route.slot, ready.generation, status)

    async def refresh(self, route: Route, ready: Ready, status: int, asked: Asked | None = None) -> Ready | None:
        """Replace the token that this answer refused; many callers at once cause one token request. Raises `Refused`.

        None where it is active, as its server says: the answer means something else. Formulas in the request are
        evaluated again: they may have read that token.
        """
        if await self._tokens.is_active(route.slot, ready.generation, status):
            return None
        self.refreshes[status] = self.refreshes.get(status, 0) + 1
        newest = route.slot.generation == ready.generation
        try:
            await self._tokens.replace(route.slot, ready.generation, because=f"status {status}")
        except CalloutError as error:
            if not (isinstance(error, Superseded) and await self._moved(route)):
                raise self.explained(route, Draft(route, dry=False), error, "token") from error
        if newest:
            self._tokens.note_refresh(route.slot)
        return await self.prepare(route, asked and asked.again(ready.written))

    def still_good(self, route: Route) -> bool:
        """Say whether the token in hand can go on being used where it could not be replaced."""
        return self._tokens.is_still_good(route.slot)

    def answered(self, route: Route, ready: Ready, *, helped: bool) -> None:
        """Learn from the answer to a request that was sent again: whether the refresh before it helped."""
        if ready.generation == route.slot.generation:
            self._tokens.note_replay(route.slot, helped=helped)

    def explained(self, route: Route, draft: Draft, error: CalloutError, stage: str = "") -> Refused:
        """Return an error of a stage as a refusal, with every step before it. `stage`: where it is not the next one."""
        refused, caller = refusal_of(error), route.decision.caller
        names = ("target", *STAGE_NAMES) if draft.dry else STAGE_NAMES
        stage = stage or names[min(len(draft.explanation.steps), len(names) - 1)]
        steps = (*route.decision.explanation.steps, *draft.explanation.steps)
        failed = Step(stage, held=False, detail=refused.detail, reason=refused.reason.code, remedies=refused.remedies)
        told = Refused(
            refused.reason.code,
            refused.detail,
            *refused.remedies,
            explanation=Explanation((*steps, failed)),
            telling=route.telling,
            who=caller.user if caller is not None else None,
            namespace=caller.namespace if caller is not None else None,
            on_behalf_of=caller.on_behalf_of if caller is not None else None,
            to_guest=caller is None or caller.is_guest,
            retry_after=refused.retry_after,
        )
        return self._linked(told, route.decision)

    # --- the stages ------------------------------------------------------------------------------------------

    async def open_values(self, draft: Draft) -> Draft:
        """Open the principal's secrets, and the certificate that is presented, once for each version of them."""
        return await with_values(draft, self.slots, self.clock.now())

    async def hold_token(self, draft: Draft) -> Draft:
        """Hold a token that has not expired, where the protocol needs one."""
        slot = draft.route.slot
        if not slot.protocol.obtains:
            return draft.noting("token", "this protocol needs no token")
        held = slot.held if draft.dry else await self._tokens.current(slot)
        if held is None and not draft.dry:
            raise Refused("overloaded", "got no token; expected one")  # never an empty credential on the wire
        if held is None:
            return draft.noting("token", f"no token in this process's memory; {await self._tokens.foresee(slot)}")
        until = held.token.expires_at.isoformat() if held.token.expires_at is not None else "a time not stated"
        draft = replace(
            draft,
            token=held.token,
            generation=held.generation,
            fresh_until=self._tokens.fresh_until(slot),
            good_until=self._tokens.good_until(slot),
        )
        kept = f"; in memory only, because the store does not take it: {held.unsaved}" if held.unsaved else ""
        return draft.noting("token", f"generation {held.generation}, good until {until}{kept}")

    async def evaluate_request(self, draft: Draft) -> Draft:
        """Replace the formulas in what the caller sent, where the named credential allows them.

        What a caller sent is evaluated by the definitions in force alone, however long it took to come.
        """
        route, formulas = draft.route, draft.route.formulas
        draft = replace(draft, now=self.clock.now(), nonce=self._scopes.entropy.bytes(NONCE).hex())
        if formulas is None or draft.asked is None:
            worded = formulas.worded if formulas is not None else ""
            return draft.noting("formulas", f"looked for in {worded or 'nothing'} that the caller sends")
        if route.generation != self.org.value.generation:
            raise Superseded(route.slot, "the request came")
        asked = draft.asked
        if formulas.needs is not Needs.NOTHING:
            lines, body = route.slot.protocol.unwrapped(asked.lines, asked.body)
            asked = replace(asked, lines=lines, body=body)
        written = written_of(asked, formulas, self._scope(draft))
        if formulas.needs is not Needs.NOTHING:
            written = replace(written, lines=route.slot.protocol.announced(written.lines))
        done = (
            f"those in {formulas.worded} were evaluated"
            if formulas.worded
            else "looked for in nothing; taken to be signed"
        )
        return replace(draft, written=written, passing=True).noting("formulas", done)

    async def write_headers(self, draft: Draft) -> Draft:
        """Write Host and the custom headers; their formulas see this principal's values."""
        decision = draft.route.decision
        named, external = decision.named_credential, decision.external_credential
        assert named is not None
        assert external is not None
        request, passing = evaluated_headers(named, external, self._scope(draft))
        draft = replace(draft, request=request, passing=draft.passing or passing)
        return draft.noting("headers", f"{len(request.headers)} headers written")

    def _scope(self, draft: Draft) -> Scope:
        slot, named = draft.route.slot, draft.route.decision.named_credential
        assert named is not None
        name, reader = slot.key.external_credential, draft.route.reader
        scope = self._scopes.scope(name, slot.protocol, draft.token, reader, draft.now)
        return with_request(with_body(scope, draft.written), named, draft.asked, draft.nonce)

    async def authenticate(self, draft: Draft) -> Draft:
        """Apply the protocol: last, so that nothing changes the request afterwards."""
        decision, slot = draft.route.decision, draft.route.slot
        assert decision.named_credential is not None
        if not decision.named_credential.generate_authorization_header:
            return draft.noting("authenticate", "generation of the Authorization header is off")
        protocol, asked, written = slot.protocol, draft.asked, draft.written
        name, token, reader = slot.key.external_credential, draft.token, draft.route.reader
        heard = slot.heard.get(draft.route.destination, "")
        moment = self._scopes.moment(name, protocol, reader, token, heard=heard, scope=self._scope(draft))
        if protocol.needs(protocol.values.parameters) is Needs.NOTHING:
            draft = replace(draft, request=protocol.apply(draft.request, token, moment))
        elif asked is None or written is None:
            msg = "a protocol that signs requests was asked to sign none"
            raise ValueError(msg)
        else:
            given = request_to_sign(draft.request, asked, written)
            request = signed(draft.request, given, protocol.apply(given, token, moment), protocol.writes)
            draft = replace(draft, request=request, passing=True, written=replace(written, encoding=request.encoding))
        return self._kept(draft, protocol).noting("authenticate", f"{protocol.name} applied")

    def _kept(self, draft: Draft, protocol: AuthenticationProtocol) -> Draft:
        """Bound how long what a protocol wrote is used, and take over what it added to the query."""
        lasts = protocol.holds()
        if lasts is not None:
            until = self._monotonic() + lasts.total_seconds()
            draft = replace(draft, fresh_until=min(draft.fresh_until, until), good_until=min(draft.good_until, until))
            draft = replace(draft, passing=draft.passing or not lasts)  # what lasts no time is sent once
        if (draft.request.query_added.parts or draft.request.query_dropped) and draft.written is not None:
            target = target_of(draft.request)
            draft = replace(draft, written=replace(draft.written, target=target, added=draft.request.query_dropped))
        return draft


Stage = Callable[[Callouts, Draft], Awaitable[Draft]]

STAGES: tuple[Stage, ...] = (
    Callouts.open_values,
    Callouts.hold_token,
    Callouts.evaluate_request,
    Callouts.write_headers,
    Callouts.authenticate,
)
STAGE_NAMES = ("values", "token", "formulas", "headers", "authenticate")
