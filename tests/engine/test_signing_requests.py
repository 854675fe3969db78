"""Requests that are signed as a whole: what is signed is what is sent, and each is signed anew."""

import hashlib
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
from callout.core.protocol import Needs
from callout.core.protocols import CATALOGUE
from callout.core.rules import problems_of
from callout.engine.diagnosis import diagnose
from callout.engine.evaluating import Asked
from tests.engine.conftest import ALICE_KEY, CLERKS

STORE = ExternalCredential(
    "Store", "aws_sigv4", {"region": "eu-central-1", "service": "s3"}, principals=(Principal("Team"),)
)
STORE_URL = NamedCredential("Store", "https://s3.example.com/orders", "Store")
GRANTED = PermissionSet(
    CLERKS.name, frozenset({PrincipalReference("Store", "Team")}), frozenset({ObjectPermission.READ})
)
CHUNKED = (b"Content-Encoding: aws-chunked", b"X-Amz-Trailer: x-amz-checksum-crc32", b"Content-Length: 44")


@pytest.fixture
async def store(world):
    await define(world, STORE_URL)
    await world.put_secrets(UserExternalCredentialKey("Store", "Team"), access_key_id="AKID", secret_access_key="k")
    return world


async def define(world, named: NamedCredential) -> None:
    await world.define(STORE, named, GRANTED)


async def prepared(world, body: bytes | None, *lines: bytes, method: bytes = b"PUT"):
    asked = Asked(lines, body, 1000, method=method, target=b"/orders/7?a=b/c")
    return await world.callouts.prepare(world.admit("Store", ALICE_KEY), asked)


def signed_headers(head: bytes) -> str:
    found = re.search(rb"SignedHeaders=([^,]*),", head)
    assert found is not None, head
    return found[1].decode()


async def test_what_is_signed_is_the_body_and_both_callers_and_callouts_headers(store) -> None:
    await define(store, NamedCredential("Store", STORE_URL.url, "Store", headers=(CustomHeader("X-Own", "ü"),)))
    ready = await prepared(store, b"7", b"X-Amz-Acl: private", b"Content-Length: 1")
    assert signed_headers(ready.head) == "host;x-amz-acl;x-amz-content-sha256;x-amz-date;x-own"
    assert b"X-Amz-Content-Sha256: " + hashlib.sha256(b"7").hexdigest().encode() in ready.head
    assert (ready.written.body, ready.written.lines) == (b"7", (b"X-Amz-Acl: private", b"Content-Length: 1"))


async def test_what_was_signed_is_used_for_one_request_alone(store) -> None:
    first, second = await prepared(store, b"7"), await prepared(store, b"8")
    assert first.head != second.head
    assert store.admit("Store", ALICE_KEY).ready is None


async def test_a_body_in_an_sdk_s_chunks_leaves_without_them_under_a_signature_of_what_leaves(store) -> None:
    body = b"1\r\n7\r\n0\r\nx-amz-checksum-crc32:TmkPSg==\r\n\r\n"
    ready = await prepared(store, body, *CHUNKED, b"X-Amz-Acl: private")
    assert ready.written.body == b"7"
    assert ready.written.lines == (b"X-Amz-Acl: private", b"x-amz-checksum-crc32: TmkPSg==", b"Content-Length: 1")
    assert "x-amz-checksum-crc32" in signed_headers(ready.head)


async def test_a_body_that_is_in_no_such_chunks_is_refused_with_every_step_before_it(store) -> None:
    with pytest.raises(Refused) as refused:
        await prepared(store, b"7", *CHUNKED)
    assert refused.value.reason.code == "malformed_request"
    assert [step.name for step in refused.value.explanation.steps][-2:] == ["token", "formulas"]


async def test_a_route_whose_bodies_are_signed_takes_them_whole(store) -> None:
    formulas = store.admit("Store", ALICE_KEY).formulas
    assert (formulas.needs, formulas.gathers_bodies) == (Needs.BODY, True)


async def test_diagnose_shows_the_signed_request_without_key_or_signature(store) -> None:
    shown = await diagnose(store.callouts, "Store", user="alice", method="PUT", path="/7")
    headers = dict(shown["request"]["headers"])
    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=…/")
    assert headers["Authorization"].endswith("Signature=…")


STREAMED = replace(STORE, parameters={**STORE.parameters, "payload": "streaming"})


async def streamed(store, **fields: bool) -> None:
    await store.define(STREAMED, replace(STORE_URL, **fields), GRANTED)


async def test_a_body_that_is_signed_while_it_passes_is_announced_and_comes_with_what_encodes_it(store) -> None:
    await streamed(store)
    ready = await prepared(store, None, b"Content-Length: 5", b"X-Amz-Acl: private")
    assert b"Content-Encoding: aws-chunked" in ready.written.lines
    assert b"Content-Length: %d" % ready.written.encoding.length in ready.written.lines
    assert ready.written.encoding.begin()(b"hello").startswith(b"5;chunk-signature=")
    assert "content-encoding;host;x-amz-acl;" in signed_headers(ready.head)


async def test_a_body_whose_formulas_were_replaced_is_announced_as_it_is_then(store) -> None:
    await streamed(store, allow_merge_fields_in_body=True)
    ready = await prepared(store, b"{!HTMLENCODE('2')}", b"Content-Length: 18", b"Content-Type: text/plain")
    assert ready.written.body == b"2"
    assert b"X-Amz-Decoded-Content-Length: 1" in ready.written.lines
    assert len(ready.written.encoding.begin()(b"2")) == ready.written.encoding.length


@pytest.mark.parametrize(
    ("name", "value"),
    [("region", "x.example/"), ("region", "eu central"), ("account_id", "1234"), ("service", "S3"), ("payload", "no")],
)
async def test_what_no_request_can_be_signed_for_is_refused_where_it_is_defined(store, name, value) -> None:
    assert problems_of(store.org.value, CATALOGUE) == ()
    wrong = replace(STORE, parameters={**STORE.parameters, name: value})
    org = replace(store.org.value, external_credentials={**store.org.value.external_credentials, "Store": wrong})
    (problem,) = problems_of(org, CATALOGUE)
    assert problem.place == f"external_credentials.Store.parameters.{name}"
