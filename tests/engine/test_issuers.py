"""Tokens of trusted issuers: verified once, remembered until they end, mapped by the admin and never self-declared."""

import json

import pytest

from callout.core.errors import Refused
from callout.core.message import HttpResponse
from callout.core.model.credentials import NamedCredential
from callout.core.model.issuers import TrustedIssuer
from callout.engine.evaluating import Asked
from callout.engine.issuers import PAUSE, Unverified
from tests.engine.conftest import ALICE_KEY, ORDERS, ORDERS_URL, replace
from tests.tokens import AUDIENCE, ISSUER, TokenIssuer

EXAMPLE = TrustedIssuer(
    "Example", ISSUER, AUDIENCE, jwks_uri="https://id.example.com/keys", users={"alice-id": "alice", "bob-id": "bob"}
)
MAPPED = replace(EXAMPLE, namespace_claim="azp", namespaces={"acme-app": "acme", "own": ""})


@pytest.fixture(scope="module")
def signer() -> TokenIssuer:
    return TokenIssuer()


@pytest.fixture
async def trusting(world, signer):
    signer.rotate("one")
    world.server.answers = Published(signer)
    await world.define(EXAMPLE)
    return world


class Published(list):
    """Stands for the answers of the issuer: its keys, whenever they are asked for."""

    def __init__(self, signer: TokenIssuer) -> None:
        super().__init__([None])
        self.signer = signer
        self.fails: Exception | None = None

    def pop(self, _index: int = 0):
        if self.fails is not None:
            return self.fails
        return HttpResponse(200, "OK", (), self.signer.jwks)


def now(world) -> float:
    return world.clock.now().timestamp()


async def admitted(world, token: bytes, **more):
    """Admit as the gateway does: ask, verify what is not verified, ask again."""
    authorization = b"Bearer " + token
    for _ in range(2):
        try:
            return world.admit(key=more.get("key"), authorization=authorization, **more.get("headers", {}))
        except Unverified as unverified:
            await world.callouts.verify(unverified)
    raise AssertionError("a token that was verified is not to be verified again")


async def refusal(world, token: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        await admitted(world, token)
    return caught.value


async def test_a_token_is_verified_once_and_then_admitted_without_waiting(trusting, signer) -> None:
    token = signer.token(now(trusting))
    route = await admitted(trusting, token)
    caller = route.decision.caller
    assert (caller.user, caller.namespace, caller.proof) == ("alice", None, "token of Example")
    assert b"authorization" in route.drops
    assert trusting.admit(key=None, authorization=b"Bearer " + token) is route
    assert len(trusting.server.requests) == 1


async def test_the_hot_path_raises_before_anything_is_awaited(trusting, signer) -> None:
    with pytest.raises(Unverified):
        trusting.admit(key=None, authorization=b"Bearer " + signer.token(now(trusting)))
    assert trusting.server.requests == []


async def test_a_remembered_token_ends_with_its_exp(trusting, signer) -> None:
    token = signer.token(now(trusting))
    await admitted(trusting, token)
    trusting.clock.move(331)
    refused = await refusal(trusting, token)
    assert refused.reason.code == "caller_unknown"
    assert "expired" in refused.detail


async def test_a_token_of_another_issuer_is_the_callers_own_header(trusting) -> None:
    await trusting.define(replace(ORDERS_URL, generate_authorization_header=False))
    stranger = TokenIssuer("https://elsewhere.example.com").token(now(trusting))
    route = await admitted(trusting, stranger, key=ALICE_KEY)
    assert b"authorization" not in route.drops
    assert (await refusal(trusting, stranger)).to_guest


async def test_beside_a_key_a_token_for_someone_else_passes_and_one_for_callout_never_leaves(trusting, signer) -> None:
    await trusting.define(replace(ORDERS_URL, generate_authorization_header=False))
    theirs = await admitted(trusting, signer.token(now(trusting), aud="orders"), key=ALICE_KEY)
    ours = await admitted(trusting, signer.token(now(trusting)), key=ALICE_KEY)
    assert b"authorization" not in theirs.drops
    assert b"authorization" in ours.drops
    assert trusting.server.requests == []


async def test_a_token_that_claims_a_trusted_issuer_and_does_not_hold_is_refused_and_never_a_guest(trusting) -> None:
    forged = TokenIssuer(kid="one").token(now(trusting))
    refused = await refusal(trusting, forged)
    assert refused.reason.code == "caller_unknown"
    assert "signature" in refused.detail
    assert refused.explanation.steps[0].name == "caller"


async def test_a_user_that_no_mapping_names_is_nobody(trusting, signer) -> None:
    refused = await refusal(trusting, signer.token(now(trusting), sub="mallory"))
    assert refused.reason.code == "caller_unknown"
    assert "trusted_issuers.Example.users" in str(refused.remedies[0])
    assert (await refusal(trusting, signer.token(now(trusting), sub=None))).reason.code == "caller_unknown"


async def test_users_by_name_takes_the_claim_for_the_name_but_never_for_the_guest(trusting, signer) -> None:
    await trusting.define(replace(EXAMPLE, users={}, users_by_name=True, user_claim="preferred_username"))
    route = await admitted(trusting, signer.token(now(trusting), preferred_username="alice"))
    assert route.decision.caller.user == "alice"
    refused = await refusal(trusting, signer.token(now(trusting), preferred_username="guest"))
    assert (refused.reason.code, refused.to_guest) == ("caller_unknown", True)


@pytest.mark.parametrize("claims", [{}, {"azp": "acme"}, {"azp": ["acme-app"]}, {"azp": 1}, {"namespace": "acme"}])
async def test_a_namespace_without_mapping_is_refused(trusting, signer, claims) -> None:
    await trusting.define(MAPPED)
    refused = await refusal(trusting, signer.token(now(trusting), **claims))
    assert refused.reason.code == "caller_unknown"
    assert "namespaces map" in refused.detail


async def test_a_mapped_namespace_is_the_callers_and_the_empty_one_is_the_admins_own_code(trusting, signer) -> None:
    await trusting.define(MAPPED)
    refused = await refusal(trusting, signer.token(now(trusting), azp="acme-app"))
    assert (refused.reason.code, refused.namespace) == ("namespace_not_allowed", "acme")
    route = await admitted(trusting, signer.token(now(trusting), azp="own"))
    assert route.decision.caller.namespace is None


async def test_a_change_of_a_mapping_bites_on_a_token_that_is_remembered(trusting, signer) -> None:
    token = signer.token(now(trusting))
    await admitted(trusting, token)
    await trusting.define(replace(EXAMPLE, users={"bob-id": "bob"}))
    assert (await refusal(trusting, token)).reason.code == "caller_unknown"
    assert len(trusting.server.requests) == 1


async def test_a_stream_under_a_token_whose_issuer_is_changed_may_not_go_on(trusting, signer) -> None:
    route = await admitted(trusting, signer.token(now(trusting)))
    await trusting.define(replace(EXAMPLE, audience="another"))
    assert trusting.callouts.reconsider(route).reason.code == "caller_unknown"


async def test_a_request_that_came_while_its_issuer_was_changed_may_be_repeated(trusting, signer) -> None:
    await trusting.define(replace(ORDERS, protocol="none", parameters={}, headers=()))
    await trusting.define(replace(ORDERS_URL, allow_merge_fields_in_body=True))
    route = await admitted(trusting, signer.token(now(trusting)))
    await trusting.define(replace(EXAMPLE, audience="another"))
    with pytest.raises(Refused, match="changed while the request came") as caught:
        await trusting.callouts.prepare(route, Asked((), b"text", 100))
    assert caught.value.retry_after == 1


async def test_a_rotated_key_is_fetched_and_made_up_ones_are_not_fetched_for_each(trusting, signer) -> None:
    await admitted(trusting, signer.token(now(trusting)))
    signer.rotate("two")
    trusting.clock.move(PAUSE)
    await admitted(trusting, signer.token(now(trusting)))
    assert len(trusting.server.requests) == 2
    for number in range(5):
        await refusal(trusting, TokenIssuer(kid=f"made-up-{number}").token(now(trusting)))
    assert len(trusting.server.requests) == 2


async def test_keys_that_are_held_are_used_while_the_issuer_does_not_answer(trusting, signer) -> None:
    await admitted(trusting, signer.token(now(trusting)))
    trusting.server.answers.fails = Refused("external_system_unreachable", "nobody is there")
    trusting.clock.move(3600)
    await admitted(trusting, signer.token(now(trusting)))


async def test_an_issuer_that_does_not_answer_is_no_fault_of_the_caller(trusting, signer) -> None:
    trusting.server.answers.fails = Refused("external_system_unreachable", "nobody is there")
    refused = await refusal(trusting, signer.token(now(trusting)))
    assert refused.reason.code == "overloaded"
    assert "nobody is there" in refused.detail


async def test_keys_are_discovered_and_a_document_of_another_issuer_is_refused(world, signer) -> None:
    await world.define(replace(EXAMPLE, jwks_uri=""))
    document = {"issuer": ISSUER, "jwks_uri": "https://keys.example.com/jwks"}
    world.server.answers = [
        HttpResponse(200, "", (), json.dumps(document).encode()),
        HttpResponse(200, "", (), signer.jwks),
    ]
    await admitted(world, signer.token(now(world)))
    asked = [request.url for request in world.server.requests]
    assert asked == [ISSUER + "/.well-known/openid-configuration", "https://keys.example.com/jwks"]
    await world.define(replace(EXAMPLE, jwks_uri="", audience="again"))
    world.server.answers = [HttpResponse(200, "", (), json.dumps(document | {"issuer": "https://x"}).encode())]
    assert "discovery" in (await refusal(world, signer.token(now(world), aud="again"))).detail


async def test_on_behalf_of_is_shown_in_the_record_beside_the_caller(trusting, signer) -> None:
    with pytest.raises(Refused) as caught:
        trusting.callouts.admit("Orders", [], ALICE_KEY, None, None, b"bob")
    assert (caught.value.who, caught.value.on_behalf_of) == ("alice", "bob")
    trusting.callouts.record(b"1", None, "Orders", b"GET", b"/", 403, 0, 0, 0.0, None, caught.value, None, 0)
    trusting.records.flush()
    (record,) = await trusting.log.recent(1)
    assert (record["caller"]["user"], record["on_behalf_of"]) == ("alice", "bob")


async def test_a_key_limited_to_a_named_credential_is_refused_on_another(trusting) -> None:
    await trusting.define(NamedCredential("Other", "https://other.example.com", "Orders"))
    stored = next(key for key in trusting.org.value.keys.values() if key.prefix == ALICE_KEY.decode())
    await trusting.store.definitions.change_key(replace(stored, named_credentials=("Other",)), trusting.act("limit"))
    await trusting.org.follow()
    assert trusting.admit("Other").decision.allowed
    with pytest.raises(Refused) as caught:
        trusting.admit("Orders")
    assert caught.value.explanation.refused.name == "key_limit"
