"""Requests that are signed: by a protocol or by formulas, through the stages of a callout, as they would leave."""

import base64
import hashlib
import hmac
import re
from dataclasses import replace

import pytest

from callout.core.errors import Refused
from callout.core.model.credentials import (
    CustomHeader,
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    UserExternalCredentialKey,
)
from callout.core.model.people import ObjectPermission, PermissionSet
from callout.core.protocols import CATALOGUE
from callout.core.rules import problems_of
from callout.engine.diagnosis import diagnose
from callout.engine.evaluating import Asked
from tests.engine.conftest import ALICE

URL = NamedCredential("Shop", "https://shop.example.com/v2", "Shop")
SET = PermissionSet("Shop", frozenset({PrincipalReference("Shop", "Own")}), frozenset({ObjectPermission.READ}))


async def define(world, protocol: str, *headers: CustomHeader, parameters: dict | None = None, **secrets: str) -> None:
    shop = ExternalCredential("Shop", protocol, parameters or {}, headers=headers, principals=(Principal("Own"),))
    await world.define(shop, URL, SET, replace(ALICE, permission_sets=("Shop",)))
    await world.put_secrets(UserExternalCredentialKey("Shop", "Own", ""), **secrets)


async def sent(world, method: bytes = b"GET", target: bytes = b"/v2/x?q=1", body: bytes | None = None, *lines: bytes):
    asked = Asked(lines, body, 1000, method=method, target=target, callout_id=b"c1")
    return await world.callouts.prepare(world.admit("Shop"), asked)


def header(ready, name: str) -> str:
    return re.search(rf"^{name}: (.*)\r$", ready.head.decode(), re.MULTILINE)[1]


SIGNED = "{!$Request.Method & ' ' & $Request.Target & ' ' & $Callout.Nonce & ' ' & TEXT(UNIXTIMESTAMP(NOW()))}"


async def test_headers_of_one_callout_share_time_and_nonce_and_no_other_callout_has_them(world) -> None:
    parts = "{!$Request.Url & '|' & $Request.Path & '|' & $Request.Query & '|' & $Request.Host & '|' & $Callout.Id}"
    headers = (CustomHeader("X-Signed", SIGNED), CustomHeader("X-Again", SIGNED), CustomHeader("X-Parts", parts))
    await define(world, "custom", *headers)
    first, second = await sent(world), await sent(world, b"POST", b"/v2/y")
    assert header(first, "X-Signed") == header(first, "X-Again")
    assert re.fullmatch(r"GET /v2/x\?q=1 [0-9a-f]{32} \d+", header(first, "X-Signed"))
    assert header(second, "X-Signed").startswith("POST /v2/y ")
    assert header(second, "X-Signed").split()[2] != header(first, "X-Signed").split()[2]
    assert header(first, "X-Parts") == "https://shop.example.com/v2/x?q=1|/v2/x|q=1|shop.example.com|c1"
    assert header(second, "X-Parts").split("|")[2] == ""
    assert world.admit("Shop").ready is None, "what was written for one callout is kept for no other"


async def test_a_digest_of_the_whole_request_is_that_which_the_other_side_computes(world) -> None:
    text = "{!HEX(HMAC('SHA-256', BLOB($Request.Method & $Request.Target) & $Credential.Shop.Body, BLOB($Credential.Shop.Key)))}"
    await define(world, "custom", CustomHeader("X-Signature", text), Key="k3y")
    ready = await sent(world, b"POST", b"/v2/x", b"content", b"Content-Length: 7")
    expected = hmac.new(b"k3y", b"POST/v2/xcontent", hashlib.sha256).hexdigest()
    assert header(ready, "X-Signature") == expected


async def test_a_claim_that_reads_what_the_user_lacks_names_the_command_that_gives_it(world) -> None:
    parameters = {"signing_algorithm": "HS256", "claims.sub": "{!$User.Email}"}
    await define(world, "jwt", parameters=parameters, signing_secret="s" * 32)
    await world.define(replace(ALICE, permission_sets=("Shop",), email=""))
    with pytest.raises(Refused) as caught:
        await sent(world)
    assert caught.value.reason.code == "formula_failed"
    assert [remedy.command for remedy in caught.value.remedies] == ["callout user set alice --email ADDRESS"]


async def test_a_secret_is_added_to_the_query_and_shown_by_nobody(world) -> None:
    await define(world, "api_key_in_query", **{"query_parameters.key": "s3cret/+"})
    ready = await sent(world, b"GET", b"/v2/x?key=mine&q=1")
    assert ready.written.target == b"/v2/x?q=1&key=s3cret%2F%2B"
    assert ready.written.added == {"key"}
    assert "s3cret" not in repr(ready) + repr(ready.stages)
    shown = await diagnose(world.callouts, "Shop", user="alice", path="/x?q=1")
    assert shown["request"]["url"] == "https://shop.example.com/v2/x?q=1&key=…"


async def test_a_signature_in_the_query_is_made_of_the_query(world) -> None:
    """As Binance signs: what the caller sent, and its digest after it."""
    formula = "{!HEX(HMAC('SHA-256', BLOB($Request.Query), BLOB($Credential.Shop.Secret)))}"
    await define(world, "api_key_in_query", parameters={"query_parameters.signature": formula}, Secret="k3y")
    ready = await sent(world, b"GET", b"/v2/x?symbol=LTCBTC&timestamp=1499827319559")
    digest = hmac.new(b"k3y", b"symbol=LTCBTC&timestamp=1499827319559", hashlib.sha256).hexdigest()
    assert ready.written.target.endswith(b"&signature=" + digest.encode())


async def test_oauth1_signs_the_form_that_is_sent(world) -> None:
    await define(world, "oauth1", consumer_key="k", consumer_secret="s")
    form = b"Content-Type: application/x-www-form-urlencoded"
    one, other = [await sent(world, b"POST", b"/v2/x", body, form) for body in (b"a=1", b"a=2")]
    assert header(one, "Authorization").startswith('OAuth oauth_nonce="')
    assert header(one, "Authorization") != header(other, "Authorization")


async def test_a_message_signature_covers_the_body_that_is_sent(world) -> None:
    secret = base64.b64encode(b"shared").decode()
    parameters = {"algorithm": "hmac-sha256", "keyid": "ours"}
    await define(world, "http_message_signatures", parameters=parameters, shared_secret=secret)
    ready = await sent(world, b"POST", b"/v2/x", b"{}", b"Content-Type: application/json")
    digest = base64.b64encode(hashlib.sha256(b"{}").digest()).decode()
    assert header(ready, "Content-Digest") == f"sha-256=:{digest}:"
    covered = '("@method" "@authority" "@target-uri" "content-digest" "content-type")'
    assert header(ready, "Signature-Input").startswith(f"sig1={covered};created=")
    shown = await diagnose(world.callouts, "Shop", user="alice")
    assert dict(shown["request"]["headers"])["Signature"] == "…"


async def test_a_self_signed_token_is_used_for_half_its_life_and_one_with_an_identifier_once(world) -> None:
    parameters = {"signing_algorithm": "HS256", "claims.iss": "callout"}
    await define(world, "jwt", parameters=parameters, signing_secret="s" * 32)
    ready = await world.callouts.prepare(world.admit("Shop"))
    assert ready.fresh_until == world.clock.monotonic() + 60
    assert world.admit("Shop").ready is ready
    await define(world, "jwt", parameters={**parameters, "jti": "written"}, signing_secret="s" * 32)
    first, second = [await world.callouts.prepare(world.admit("Shop")) for _ in range(2)]
    assert first.head != second.head
    assert (ready.once, first.once) == (False, True)
    assert world.admit("Shop").ready is None


@pytest.mark.parametrize(
    ("protocol", "parameter", "formula"),
    [
        ("jwt", "claims.sub", "{!$Request.Path}"),
        ("jwt", "claims.sub", "{!$Callout.Nonce}"),
        ("jwt", "claims.sub", "{!HEX($Credential.Shop.Body)}"),
    ],
)
async def test_a_parameter_reads_no_more_of_a_request_than_its_protocol_looks_at(
    world, protocol, parameter, formula
) -> None:
    await define(world, protocol, parameters={parameter: formula, "signing_algorithm": "HS256"})
    found = [str(problem) for problem in problems_of(world.org.value, CATALOGUE)]
    assert any("a custom header may read it" in problem for problem in found), found
