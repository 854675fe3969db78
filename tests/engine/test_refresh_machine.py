"""Any interleaving of calls, refreshes, revocations, deletions, redefinitions, new grants and crashes, against a model.

The model is the authorization server (`rotating.RotatingServer`): what it answers depends on the order of what reaches it
alone. However the processes are interleaved, and wherever one is killed:

- no refresh token is on its way twice at a time, and none arrives again whose answer was not lost;
- no callout bears a token of older definitions or secrets than its process knew when it began;
- in the end there is a token that the server accepts, or what happened is stated, and only where something happened.
"""

import asyncio

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from callout.core.errors import Refused
from tests.engine.conftest import replace
from tests.engine.interleaving import Cluster
from tests.engine.rotating import HUB, HUB_SERVICE, token_of

PROCESSES = 2
STATED = {"reconnect_required", "refresh_outcome_unknown"}
#: What a callout may end with while everything moves.
PASSING = {"overloaded", "token_endpoint_unreachable", "principal_not_configured", *STATED}
WHICH = st.integers(0, PROCESSES - 1)
#: How far something goes on before the next thing happens: a refresh stops about nine times.
STEPS = st.integers(0, 10)


class Refreshes(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.cluster = Cluster()
        self.epochs: dict[int, tuple[int | None, str]] = {}
        self.scope, self.family = "", None
        self.revoked: set[int] = set()
        self.do(self.begin())

    def do(self, work):
        return self.loop.run_until_complete(work)

    async def begin(self) -> None:
        await self.cluster.start()
        await self.new_grant()
        self.processes = [await self.cluster.process() for _ in range(PROCESSES)]

    async def note_epoch(self) -> None:
        generation = self.cluster.admin.org.value.generation
        self.epochs[generation] = (self.family, self.scope)

    async def new_grant(self) -> None:
        self.family = self.cluster.server.family_of[await self.cluster.connect()]
        self.redefined = False
        await self.note_epoch()

    # --- what happens ------------------------------------------------------------------------------------------

    @rule(which=WHICH, steps=STEPS)
    def call(self, which: int, steps: int) -> None:
        self.do(self.cluster.run(self.processes[which], self.calling(self.processes[which])))
        self.go_on(which, steps)

    @rule(first=WHICH, steps=st.tuples(STEPS, STEPS), then=st.sampled_from(["", "crash", "lose_an_answer"]))
    def both_call_when_the_token_has_expired(self, first: int, steps: tuple[int, int], then: str) -> None:
        self.let_time_pass(first, 3601)
        self.call(first, steps[0])
        self.call(1 - first, steps[1])
        if then == "crash":
            self.crash(first)
        elif then:
            self.lose_an_answer()

    @rule(which=WHICH, steps=STEPS)
    def go_on(self, which: int, steps: int) -> None:
        for _ in range(steps):
            stops = self.cluster.stops_of(self.processes[which])
            if stops:
                self.do(self.cluster.let_go(stops[0]))

    async def calling(self, made) -> None:
        known = made.org.value.generation
        try:
            token = await token_of(made)
        except Refused as refused:
            if refused.reason.code not in PASSING:
                raise
            return
        server = self.cluster.server
        fits = {epoch for generation, epoch in self.epochs.items() if generation >= known}
        fits.add(max((g, e) for g, e in self.epochs.items() if g <= known)[1])
        assert (server.access[token], server.scopes[token]) in fits, "a token of an older epoch was used"

    @rule()
    def lose_an_answer(self) -> None:
        for stop in [stop for stop in self.cluster.gates.stops if stop.sent][:1]:
            self.do(self.cluster.let_go(stop, lose=True))

    @rule(which=WHICH)
    def crash(self, which: int) -> None:
        async def crashing() -> None:
            await self.cluster.kill(self.processes[which])
            self.processes[which] = await self.cluster.process()

        self.do(crashing())

    @rule(which=WHICH, seconds=st.sampled_from([1, 60, 3550]))
    def let_time_pass(self, which: int, seconds: int) -> None:
        self.do(self.cluster.pass_time(seconds))
        self.processes[which].tokens.leases.note_change()
        self.do(self.processes[which].org.follow())
        self.do(self.cluster.turn())

    @rule(which=WHICH, steps=STEPS)
    def sweep(self, which: int, steps: int) -> None:
        self.do(self.cluster.run(self.processes[which], self.processes[which].sweeper.sweep()))
        self.go_on(which, steps)

    @rule(what=st.sampled_from(["grant", "scope", "secret", "delete", "revoke"]), known=st.booleans())
    def something_changes(self, what: str, known: bool) -> None:
        """Something is changed by an admin or at the provider; the processes come to know of it, or not yet."""
        if self.family is None:
            what = "grant"
        self.do(getattr(self, f"new_{what}")())
        for made in self.processes if known else ():
            self.do(made.org.follow())

    async def new_scope(self) -> None:
        self.redefined = True
        self.scope = "b" if self.scope == "a" else "a"
        await self.cluster.admin.define(replace(HUB, parameters={**HUB.parameters, "scope": self.scope}))
        await self.note_epoch()

    async def new_secret(self) -> None:
        self.redefined = True
        await self.cluster.admin.put_secrets(HUB_SERVICE, client_secret=f"secret {len(self.epochs)}")
        await self.note_epoch()

    async def new_delete(self) -> None:
        admin = self.cluster.admin
        await admin.store.user_external_credentials.remove_secrets(HUB_SERVICE, None, admin.act("remove"))
        await admin.org.follow()
        self.family = None
        await self.note_epoch()

    async def new_revoke(self) -> None:
        self.revoked |= set(self.cluster.server.family_of.values())
        self.cluster.server.revoke_all()

    # --- what holds --------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_spent_again_unless_its_answer_was_lost(self) -> None:
        assert self.cluster.server.again <= self.cluster.lost

    @invariant()
    def whatever_ended_ended_well(self) -> None:
        for task in [task for task in self.cluster.tasks if task.done()]:
            del self.cluster.tasks[task]
            task.result()

    def teardown(self) -> None:
        try:
            self.do(self.come_to_rest())
        finally:
            self.do(self.cluster.end())
            self.loop.close()

    async def come_to_rest(self) -> None:
        """Let everything end well, then see that nothing was lost in silence."""
        cluster = self.cluster
        cluster.gates.open = True
        for _ in range(200):
            for stop in tuple(cluster.gates.stops):
                await cluster.let_go(stop)
            for made in self.processes:
                made.tokens.leases.note_change()
                await made.org.follow()
            cluster.clock.move(1)
            await cluster.turn()
            self.whatever_ended_ended_well()
            if not cluster.tasks and not any(made.tokens._flights for made in self.processes):
                break
        assert not cluster.tasks, "a callout waits for ever"
        cluster.clock.move(3600)
        for made in (*self.processes, await cluster.process()):
            await made.org.follow()
            cluster.clock.move(10)
            await self.judge(made)

    async def judge(self, made) -> None:
        server = self.cluster.server
        lost = {server.family_of[token] for token in self.cluster.lost}
        try:
            token = await token_of(made)
        except Refused as refused:
            code = refused.reason.code
            if self.family is None:
                assert code == "principal_not_configured"
            elif code == "refresh_outcome_unknown":
                assert self.family in lost, "an answer was lost that was not"
            else:
                assert {code} == {"reconnect_required"}
                known = lost if self.redefined else set()  # what was stated was tried again then
                assert self.family in self.revoked | known, "a grant was lost"
        else:
            assert self.family is not None
            assert server.access[token] == self.family
            assert server.accepts(token) or self.family in self.revoked | lost


TestRefreshes = Refreshes.TestCase
TestRefreshes.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestRefreshes = pytest.mark.filterwarnings("ignore::DeprecationWarning")(TestRefreshes)
