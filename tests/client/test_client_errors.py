"""Answers that Callout itself made are raised, typed by reason and blame; the external system's never are."""

import json
import pickle

import httpx2
import pytest

import callout_client
from callout.core.reasons import REASONS as TABLE
from callout_client import (
    REASONS,
    AdminError,
    AuthorizationRequired,
    CallerError,
    CalloutError,
    CalloutFailure,
    ExternalError,
    NamespaceNotAllowed,
    RateLimited,
    raise_for_callout,
)
from tests.client.raw_gateway import answer, refusal

BLAMES = {"caller": CallerError, "admin": AdminError, "external": ExternalError, "callout": CalloutFailure}
RAISED = [reason for reason in TABLE if reason.code != "replay_not_possible"]  # it marks an answer, and is no error


def test_every_reason_of_the_table_has_its_class():
    assert {reason.code for reason in RAISED} == set(REASONS)


@pytest.mark.parametrize("reason", RAISED, ids=lambda reason: reason.code)
def test_a_reason_is_raised_as_its_own_class_below_its_blame(gateway, call, reason):
    gateway.will_answer(refusal(reason.code, reason.blame.value, reason.status))
    with pytest.raises(CalloutError) as caught:
        call("GET", "callout:Orders/x")
    assert type(caught.value) is REASONS[reason.code]
    assert isinstance(caught.value, BLAMES[reason.blame.value])
    assert getattr(callout_client, type(caught.value).__name__) is type(caught.value)
    assert (caught.value.status, caught.value.blame) == (reason.status, reason.blame.value)


def test_an_error_carries_everything_the_problem_says(gateway, call):
    gateway.will_answer(
        refusal("authorization_required", "caller", 424, connect_url="http://h/connect", title="Not connected")
    )
    with pytest.raises(AuthorizationRequired) as caught:
        call("GET", "callout:Orders/x")
    error = caught.value
    assert (error.reason, error.blame, error.title, error.status) == (
        "authorization_required",
        "caller",
        "Not connected",
        424,
    )
    assert (error.detail, error.remedy, error.remedy_commands) == (
        "got this; expected that",
        ["Do this"],
        ["callout do this"],
    )
    assert (error.callout_id, error.connect_url) == ("c-1", "http://h/connect")
    assert error.response is not None
    assert error.response.status_code == 424


def test_the_message_says_why_and_what_mends_it(gateway, call):
    gateway.will_answer(refusal("namespace_not_allowed", title="The namespace is not allowed"))
    with pytest.raises(NamespaceNotAllowed) as caught:
        call("GET", "callout:Orders/x")
    assert str(caught.value).splitlines() == [
        "namespace_not_allowed (403): The namespace is not allowed: got this; expected that",
        "remedy: Do this",
        "  $ callout do this",
        "callout id: c-1",
    ]


def test_the_seconds_to_wait_are_told(gateway, call):
    body = json.dumps({"blame": "caller"}).encode()
    headers = ("Callout-Error: rate_limited", "Retry-After: 7", "Content-Type: application/problem+json; charset=utf-8")
    gateway.will_answer(answer("429 Too Many", *headers, body=body))
    with pytest.raises(RateLimited) as caught:
        call("GET", "callout:Orders/x")
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("status_line", ["401 Unauthorized", "403 Forbidden", "502 Bad", "601 Expired"])
def test_the_external_systems_own_problem_is_an_answer_and_not_an_error(gateway, call, status_line):
    body = b'{"title":"theirs","status":403,"reason":"principal_not_granted","blame":"admin"}'
    gateway.will_answer(answer(status_line, "Content-Type: application/problem+json", body=body))
    assert call("GET", "callout:Orders/x").content == body


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"title":1,"remedy":"x","remedy_commands":[1]}', b"\xff"])
def test_a_body_that_says_nothing_leaves_the_reason_of_the_header(gateway, call, body):
    headers = ("Callout-Error: caller_unknown", "Callout-Id: c-2", "Content-Type: application/problem+json")
    gateway.will_answer(answer("401 No", *headers, body=body))
    with pytest.raises(callout_client.CallerUnknown) as caught:
        call("GET", "callout:Orders/x")
    assert (caught.value.blame, caught.value.callout_id, caught.value.remedy) == ("caller", "c-2", [])


def test_an_answer_to_head_is_raised_from_its_headers(gateway, call):
    head, _, _ = refusal("callouts_disabled").partition(b"\r\n\r\n")
    gateway.will_answer(head + b"\r\n\r\n")
    with pytest.raises(callout_client.CalloutsDisabled):
        call("HEAD", "callout:Orders/x")


@pytest.mark.parametrize(("blame", "kind"), [*BLAMES.items(), ("nobody", CalloutError)])
def test_a_reason_of_a_newer_gateway_is_raised_by_its_blame(gateway, call, blame, kind):
    gateway.will_answer(refusal("quota_spent", blame, 429))
    with pytest.raises(CalloutError) as caught:
        call("GET", "callout:Orders/x")
    assert type(caught.value) is kind
    assert caught.value.reason == "quota_spent"


def test_an_error_crosses_process_borders(gateway, call):
    gateway.will_answer(refusal("callouts_disabled"))
    with pytest.raises(CalloutError) as caught:
        call("GET", "callout:Orders/x", settings={"key": "co_secret"})
    pickled = pickle.dumps(caught.value)
    assert str(pickle.loads(pickled)) == str(caught.value)
    assert b"co_secret" not in pickled


def test_an_answer_that_callout_did_not_make_is_handed_back():
    response = httpx2.Response(601, json={"reason": "caller_unknown"})
    assert raise_for_callout(response) is response
