"""The fast path is a memo of the slow one: whatever the definitions go through, `admit` says what `decide` says."""

import asyncio
import hashlib
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from callout.core.access.decide import decide
from callout.core.errors import Refused
from callout.core.model.org import Org
from callout.core.model.people import CallerKey
from callout.core.protocols import CATALOGUE
from callout.core.refresh.rules import signs_of
from callout.engine.callers import identify
from callout.engine.callout import Callouts
from callout.engine.definitions import CurrentOrg
from callout.engine.issuers import CallerTokens
from callout.engine.slots import Slots
from tests.core.access.test_decide_ladder import SITUATIONS, Situation, org_of
from tests.world import HandClock, Nowhere, make_world

BOB = "bob o'neil"
KEYS = {b"co_own": (BOB, None), b"co_acme": (BOB, "acme"), b"co_nobody": ("nobody", None)}
QUESTIONS = st.tuples(
    st.sampled_from(["Orders", "Ordres"]),
    st.sampled_from([None, b"co_unknown", *KEYS]),
    st.sampled_from([None, b"Main Service", b"Another"]),
)


@dataclass
class Defined:
    """Implements `Definitions`, as far as they are read."""

    org: Org = field(default_factory=Org.of)

    def define(self, situation: Situation) -> Org:
        made = org_of(situation)
        clock = HandClock()
        keys = {
            (digest := hashlib.sha256(text).digest()): CallerKey(digest, text.decode(), *whose, clock.now())
            for text, whose in KEYS.items()
        }
        self.org = replace(made, keys=keys, generation=self.org.generation + 1)
        return self.org

    async def generation(self) -> int:
        return self.org.generation

    async def load(self) -> Org:
        return self.org


def asked(callouts: Callouts, question) -> object:
    """Return what the engine says: the decision, or the refusal's reason, detail and remedies."""
    name, key, principal = question
    try:
        route = callouts.admit(name, (), key, None, principal)
    except Refused as refused:
        return refused.reason.code, refused.detail, refused.remedies
    external = route.decision.external_credential
    protocol = CATALOGUE[external.protocol]
    statuses = signs_of(external, protocol.stale_signs).statuses if protocol.obtains else set()
    assert route.refresh_statuses == statuses
    return route.decision


def decided(org: Org, clock: HandClock, question) -> object:
    """Say the same without any memo."""
    name, key, principal = question
    identified = identify(org, clock.now(), key=key, local_keys={})
    wanted = principal.decode() if principal is not None else None
    decision = decide(
        org, CATALOGUE, identified.caller, name, now=clock.now(), principal=wanted, proof=identified.refusal
    )
    if decision.allowed:
        return decision
    step = decision.explanation.refused
    return step.reason, step.detail, decision.explanation.remedies


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SITUATIONS, st.lists(QUESTIONS, max_size=8)), min_size=1, max_size=4))
def test_after_any_changes_of_the_definitions_the_memo_says_what_the_ladder_says(history) -> None:
    asyncio.run(live_through(history))


async def live_through(history) -> None:
    """Take over one org after the other; ask each question twice, so that the second time the memo answers."""
    world, defined = make_world(), Defined()
    current = CurrentOrg(defined, world.clock)
    issuers, slots = CallerTokens(Nowhere(), world.clock), Slots(world.store, world.vault, CATALOGUE)
    parts = (current, CATALOGUE, world.callouts._tokens, world.records, world.clock)
    callouts = Callouts(*parts, slots=slots, links=world.callouts._links, caller_tokens=issuers)
    all_asked = []
    for situation, questions in history:
        org = defined.define(situation)
        assert await current.follow()
        all_asked += questions
        for question in (*all_asked, *all_asked):
            assert asked(callouts, question) == decided(org, world.clock, question)
