"""Formulas at the callout: who reads what, how long it is true, and what a caller may have evaluated."""

import hashlib
import hmac
from dataclasses import replace

import pytest

from callout.core.errors import DefinitionError, Refused
from callout.core.model.credentials import (
    CustomHeader,
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    PrincipalType,
    UserExternalCredentialKey,
)
from callout.core.model.people import ObjectPermission, PermissionSet, User
from callout.core.protocols import CATALOGUE
from callout.core.rules import problems_of
from callout.engine.callout import Callouts
from callout.engine.diagnosis import diagnose
from callout.engine.evaluating import Asked
from tests.engine.conftest import ALICE, ALICE_KEY, BOB_KEY, CLERKS, ORDERS, ORDERS_URL

BODY = "{!HEX(HASH('SHA-256', $Credential.Orders.Body))}"
DESK = ExternalCredential("Desk", "custom", principals=(Principal("Each", PrincipalType.PER_USER),))
DESK_URL = NamedCredential("Desk", "https://desk.example.com", "Desk")
DESK_CLERKS = PermissionSet("Desk", frozenset({PrincipalReference("Desk", "Each")}), frozenset({ObjectPermission.READ}))


async def define_desk(world, *headers: CustomHeader, **fields) -> None:
    both = ("Clerks", "Desk")
    alice = replace(ALICE, permission_sets=both, label="Alice A.", email="alice@example.com")
    await world.define(
        DESK, replace(DESK_URL, headers=headers, **fields), DESK_CLERKS, alice, User("bob", permission_sets=("Desk",))
    )
    for user in ("alice", "bob"):
        await world.put_secrets(UserExternalCredentialKey("Desk", "Each", user), ApiKey=f"key of {user}")


def asked(body: bytes | None, *lines: bytes, longest: int = 1000) -> Asked:
    return Asked(lines, body, longest)


async def prepared(world, *args: Asked, name: str = "Desk", key: bytes = ALICE_KEY):
    return await world.callouts.prepare(world.admit(name, key), *args)


async def test_a_header_may_say_who_the_user_is_and_each_has_their_own(world) -> None:
    await define_desk(world, CustomHeader("X-User", "{!$User.Username} <{!$User.Name}>"))
    assert b"X-User: alice <Alice A.>\r\n" in (await prepared(world)).head
    assert b"X-User: bob <bob>\r\n" in (await prepared(world, key=BOB_KEY)).head
    assert b"X-User: alice <Alice A.>\r\n" in world.admit("Desk").ready.head


async def test_a_field_that_a_user_lacks_fails_with_its_place_under_a_caret_and_diagnose_says_so(world) -> None:
    await define_desk(world, CustomHeader("X-User", "id {!$User.Email}"))
    assert b"X-User: id alice@example.com" in (await prepared(world)).head
    with pytest.raises(Refused) as caught:
        await prepared(world, key=BOB_KEY)
    assert caught.value.reason.code == "formula_failed"
    assert caught.value.detail.endswith("\n    {!$User.Email}\n      ^")
    assert [remedy.command for remedy in caught.value.remedies] == ["callout user set bob --email ADDRESS"]
    diagnosed = await diagnose(world.callouts, "Desk", user="bob")
    step = diagnosed["steps"][-1]
    assert (step["name"], step["detail"]) == ("headers", caught.value.detail)
    assert diagnosed["remedy_commands"] == ["callout user set bob --email ADDRESS"]


async def test_a_time_is_written_anew_for_every_callout(world) -> None:
    await define_desk(world, CustomHeader("X-Time", "{!TEXT(UNIXTIMESTAMP(NOW()))}"))
    first = await prepared(world)
    assert (first.fresh_until, world.admit("Desk").ready) == (world.clock.monotonic(), None)
    world.clock.move(5)
    second = await prepared(world)
    assert b"X-Time: 1767225600\r\n" in first.head
    assert b"X-Time: 1767225605\r\n" in second.head


async def test_what_does_not_pass_is_written_once(world) -> None:
    await define_desk(world, CustomHeader("X-Key", "{!$Credential.Desk.ApiKey}"))
    assert world.admit("Desk").formulas is None
    assert await prepared(world) is world.admit("Desk").ready


async def test_a_header_reads_the_issued_token_and_the_next_one_after_a_refresh(world) -> None:
    headers = (
        CustomHeader("X-A", "{!'Token ' & $Credential.Orders.AccessToken}"),
        CustomHeader(
            "X-B", "{!$Credential.AuthorizationMethod} {!$Credential.OAuthToken} {!$Credential.OAuthConsumerKey}"
        ),
    )
    await world.define(replace(ORDERS_URL, headers=headers, generate_authorization_header=False))
    route = world.admit()
    ready = await world.callouts.prepare(route)
    assert b"X-A: Token token-1\r\nX-B: Bearer token-1 the-client\r\n" in ready.head
    assert b"X-A: Token token-2\r\n" in (await world.callouts.refresh(route, ready, 401)).head


async def test_diagnose_shows_no_token_and_no_body(world) -> None:
    signature = "{!HEX(HASH('SHA-256', $Credential.Orders.Body))}"
    headers = (CustomHeader("X-A", "{!$Credential.OAuthToken}"), CustomHeader("X-B", signature))
    await world.define(replace(ORDERS_URL, headers=headers))
    request = (await diagnose(world.callouts, "Orders", user="alice"))["request"]
    assert [value for name, value in request["headers"] if name in ("X-A", "X-B")] == ["…", "…"]


async def test_the_organization_is_read_from_the_settings(world) -> None:
    await define_desk(world, CustomHeader("X-Org", "{!$Organization.Name}"))
    with pytest.raises(Refused, match=r"\$Organization.Name, which has no value; expected a value: setting") as caught:
        await prepared(world)
    assert str(caught.value.remedies[0]) == "Set CALLOUT_ORGANIZATION_NAME and start Callout again"
    parts = (world.org, CATALOGUE, world.tokens, world.records, world.clock)
    others = {"links": world.callouts._links, "caller_tokens": world.callouts._caller_tokens}
    world.tokens.scopes = replace(world.tokens.scopes, organization={"Name": "Acme"})
    named = Callouts(*parts, slots=world.callouts.slots, **others)
    ready = await named.prepare(named.admit("Desk", [], ALICE_KEY, None, None))
    assert b"X-Org: Acme\r\n" in ready.head


# --- what callers send -----------------------------------------------------------------------------------------


async def test_nothing_of_a_caller_is_evaluated_unless_it_is_allowed(world) -> None:
    assert world.admit().formulas is None
    await define_desk(world, allow_merge_fields_in_header=True)
    formulas = world.admit("Desk").formulas
    assert (formulas.headers, formulas.body, formulas.reads_body) == (True, False, False)
    assert not formulas.concerns([b"X-A: {x}"], has_body=True)
    assert formulas.concerns([b"X-A: {!x}"], has_body=False)
    assert not formulas.wants_body([b"X-A: {!x}"], has_body=True)
    assert formulas.wants_body([b"X-A: {!$Credential.Desk.BODY}"], has_body=True)


async def test_headers_and_bodies_are_evaluated_for_the_caller_whose_values_they_are(world) -> None:
    await define_desk(world, allow_merge_fields_in_header=True, allow_merge_fields_in_body=True)
    line, body = b"X-Key: {!$Credential.Desk.ApiKey}", b'{"key": "{!$Credential.Desk.ApiKey}"}'
    lines = (b"Content-Type: application/json", line, b"Transfer-Encoding: chunked")
    for key, own in ((ALICE_KEY, b"key of alice"), (BOB_KEY, b"key of bob")):
        written = (await prepared(world, asked(body, *lines), key=key)).written
        sent = b'{"key": "' + own + b'"}'
        assert written.body == sent
        expected = (lines[0], b"X-Key: " + own, b"Content-Length: %d" % len(sent), b"", b"")
        assert written.tail == b"\r\n".join(expected)
        assert own not in repr(written).encode()


@pytest.mark.parametrize(("switch", "evaluated"), [("header", (True, False)), ("body", (False, True))])
async def test_each_switch_stands_for_itself(world, switch: str, evaluated: tuple[bool, bool]) -> None:
    await define_desk(world, **{f"allow_merge_fields_in_{switch}": True})
    written = (await prepared(world, asked(b"{!'x'}", b"X-A: {!'x'}", b"Content-Type: text/plain"))).written
    assert (b"X-A: x\r\n" in written.tail, written.body == b"x") == evaluated


async def test_a_header_signs_the_body_that_is_sent(world) -> None:
    formula = "{!HEX(HMAC('SHA-256', $Credential.Desk.Body, BLOB($Credential.Desk.ApiKey)))}"
    await define_desk(world, CustomHeader("X-Signature", formula), allow_merge_fields_in_body=True)
    sent = b"key of alice\xff"
    code = hmac.new(b"key of alice", sent, hashlib.sha256).hexdigest().encode()
    ready = await prepared(world, asked(b"{!$Credential.Desk.ApiKey}\xff", b"Content-Type: text/plain"))
    assert ready.written.body == sent
    assert b"X-Signature: " + code + b"\r\n" in ready.head
    without = await prepared(world, asked(None))
    empty = hmac.new(b"key of alice", b"", hashlib.sha256).hexdigest().encode()
    assert b"X-Signature: " + empty + b"\r\n" in without.head
    assert world.admit("Desk").ready is None


async def test_a_callers_formula_is_evaluated_again_with_the_token_that_replaces_another(world) -> None:
    await world.define(replace(ORDERS_URL, allow_merge_fields_in_body=True))
    soap = asked(b"<s>{!HTMLENCODE($Credential.OAuthToken)}</s>", b"Content-Type: text/xml")
    route = world.admit()
    ready = await world.callouts.prepare(route, soap)
    assert ready.written.body == b"<s>token-1</s>"
    assert (await world.callouts.refresh(route, ready, 401, soap)).written.body == b"<s>token-2</s>"


async def test_a_formula_that_makes_the_idempotency_value_is_evaluated_once_and_all_others_again(world) -> None:
    await world.define(
        replace(ORDERS_URL, allow_merge_fields_in_header=True, idempotency_header="Idempotency-Key"),
    )
    formula = b"{!$Credential.OAuthToken}"
    said = Asked((b"Idempotency-Key: " + formula, b"X-A: " + formula), None, 1000, b"idempotency-key")
    route = world.admit()
    first = await world.callouts.prepare(route, said)
    assert first.written.tail == b"Idempotency-Key: token-1\r\nX-A: token-1\r\n\r\n"
    again = await world.callouts.refresh(route, first, 401, said)
    assert again.written.tail == b"X-A: token-2\r\nIdempotency-Key: token-1\r\n\r\n"


async def test_a_request_that_came_while_definitions_changed_is_evaluated_by_the_new_ones(world) -> None:
    await define_desk(world, CustomHeader("X-A", "old {!$User.Name}"), allow_merge_fields_in_body=True)
    route = world.admit("Desk")
    await define_desk(world, CustomHeader("X-A", "new {!$User.Email}"), allow_merge_fields_in_body=True)
    await world.put_secrets(UserExternalCredentialKey("Desk", "Each", "alice"), ApiKey="the new key")
    said = asked(b"{!$Credential.Desk.ApiKey}", b"Content-Type: text/plain")
    ready = await world.callouts.prepare(route, said)
    assert (ready.written.body, b"X-A: new alice@example.com\r\n" in ready.head) == (b"the new key", True)


async def test_fields_of_a_user_are_those_of_the_definitions_that_decided(world) -> None:
    await define_desk(world, CustomHeader("X-A", "{!$User.Name}"))
    route = world.admit("Desk")
    await world.define(replace(ALICE, permission_sets=("Clerks", "Desk"), label="Renamed"))
    assert b"X-A: Alice A.\r\n" in (await world.callouts.prepare(route)).head
    assert b"X-A: Renamed\r\n" in (await prepared(world)).head


@pytest.mark.parametrize(
    "fields",
    [{}, {"allow_merge_fields_in_body": True, "url": "https://elsewhere.example.com"}],
    ids=["what is evaluated", "where it leads"],
)
async def test_a_request_that_has_come_in_vain_is_refused_and_may_be_repeated(world, fields) -> None:
    await define_desk(world, allow_merge_fields_in_body=True)
    route = world.admit("Desk")
    await world.define(replace(DESK_URL, **fields))
    with pytest.raises(Refused, match="changed while the request came; expected them to stay") as caught:
        await world.callouts.prepare(route, asked(b"{!$Credential.Desk.ApiKey}", b"Content-Type: text/plain"))
    assert (caught.value.reason.code, caught.value.retry_after) == ("overloaded", 1)


async def test_nothing_is_evaluated_for_who_lost_the_grant_while_the_request_came(world) -> None:
    await define_desk(world, allow_merge_fields_in_body=True)
    route = world.admit("Desk")
    await world.define(ALICE)
    with pytest.raises(Refused) as caught:
        await world.callouts.prepare(route, asked(b"{!$Credential.Desk.ApiKey}", b"Content-Type: text/plain"))
    assert caught.value.reason.code == "principal_not_granted"


@pytest.mark.parametrize("custom", [{"allow_merge_fields_in_body": True}, {"headers": (CustomHeader("X-A", BODY),)}])
async def test_diagnose_says_up_to_which_size_a_body_that_is_taken_whole_is_sent_again(world, custom) -> None:
    await world.define(replace(ORDERS_URL, **custom))
    steps = (await diagnose(world.callouts, "Orders", user="alice", method="POST"))["steps"]
    assert steps[-1]["detail"].endswith("with a body of up to formula_body_limit")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{!$Credential.Orders.client_secret}", "expected a name of $Credential.Desk"),
        (b"{!$Credential.Desk.Nothing}", "which has no value; known names: ApiKey"),
        (b"{!$Credential.Password}", "expected a field that protocol custom has"),
        (b"a\n{!HTMLENCODE($Credential.Desk.ApiKey)", "line 2, byte 1"),
        (b"{!$Credential.Desk.ApiKey}" * 100, "expected at most 1000"),
    ],
)
async def test_what_a_caller_may_not_have_is_refused_at_stage_formulas_and_no_value_is_told(world, body, told) -> None:
    await define_desk(world, allow_merge_fields_in_body=True)
    with pytest.raises(Refused) as caught:
        await prepared(world, asked(body, b"Content-Type: text/plain"))
    assert caught.value.reason.code == "formula_failed"
    assert told in caught.value.detail
    assert caught.value.explanation.steps[-1].name == "formulas"
    assert "key of alice" not in repr(caught.value.explanation) + caught.value.detail


async def test_a_value_with_a_line_break_reaches_a_body_and_no_header(world) -> None:
    await define_desk(world, allow_merge_fields_in_header=True, allow_merge_fields_in_body=True)
    await world.put_secrets(UserExternalCredentialKey("Desk", "Each", "alice"), Pem="c4n4ry\r\nX-Evil: 1")
    text = b"Content-Type: text/plain"
    assert b"X-Evil" in (await prepared(world, asked(b"{!$Credential.Desk.Pem}", text))).written.body
    with pytest.raises(Refused, match="a carriage return in the value") as caught:
        await prepared(world, asked(None, b"X-A: {!$Credential.Desk.Pem}"))
    assert "c4n4ry" not in caught.value.detail


async def test_a_method_that_a_formula_names_is_no_method_that_is_allowed(world) -> None:
    await define_desk(world, allow_merge_fields_in_header=True, allowed_methods=("GET",))
    hidden = [(b"X-HTTP-Method-Override", b"{!'DELETE'}")]
    with pytest.raises(Refused) as caught:
        world.callouts.judge(world.admit("Desk"), b"GET", b"/x", lambda: hidden, b"id")
    assert caught.value.reason.code == "method_not_allowed_here"


# --- definitions -----------------------------------------------------------------------------------------------


async def test_a_formula_that_is_wrong_is_refused_when_it_is_defined_with_a_caret(world) -> None:
    wrong = replace(ORDERS_URL, headers=(CustomHeader("X-A", "{!UPPR('a')}"),))
    org = replace(world.org.value, named_credentials={"Orders": wrong})
    (problem,) = problems_of(org, CATALOGUE)
    assert str(DefinitionError([problem])).endswith("did you mean UPPER?\n    {!UPPR('a')}\n      ^")


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ("{!$User.Id}", "$User.Id, while principal Service is one identity for many users"),
        ("{!$Credential.Password}", "$Credential.Password"),
        ("{!HEX($Credential.Desk.Body)}", "$Credential.Desk.Body"),
    ],
)
async def test_what_a_header_of_this_credential_cannot_read_is_refused_when_it_is_defined(world, value, got) -> None:
    headers = (CustomHeader("X-A", value),)
    for changed in (
        {"named_credentials": {"Orders": replace(ORDERS_URL, headers=headers)}},
        {"external_credentials": {"Orders": replace(ORDERS, headers=headers)}},
    ):
        (problem,) = problems_of(replace(world.org.value, **changed), CATALOGUE)
        assert (problem.got, problem.place.rpartition(".headers")[2]) == (got, "[0].value")


async def test_a_token_in_a_formula_is_no_value_that_is_missing(world) -> None:
    await world.define(replace(ORDERS, headers=(CustomHeader("X-A", "{!$Credential.Orders.OAuthToken}"),)), CLERKS)
    assert (await diagnose(world.callouts, "Orders", user="alice"))["allowed"]
