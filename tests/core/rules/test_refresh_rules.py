"""Rules over refresh rules: each refusal names its place and the rule."""

import pytest

from callout.core.model.credentials import BodySign, ExternalCredential, HeaderSign, RefreshRule
from callout.core.rules.refresh_rules import LONGEST_DEBOUNCE, MOST_RULES, refresh_rule_problems

SLACK = BodySign(json_pointer="/error", equals=("token_expired",))
BEARER = HeaderSign("WWW-Authenticate", contains=("invalid_token",))


def found(*rules: RefreshRule, debounce: int | None = None) -> dict:
    """The problems, by place."""
    external = ExternalCredential("E", "none", refresh_rules=rules, refresh_debounce=debounce)
    return {p.place.removeprefix("e."): p for p in refresh_rule_problems(external, "e")}


@pytest.mark.parametrize(
    "rule",
    [
        RefreshRule((419, 601)),
        RefreshRule((200, 302, 503, 999), body=SLACK),
        RefreshRule((500,), BEARER),
        RefreshRule((200,), BEARER, SLACK, ("text/html", "application/*")),
        RefreshRule((500,), body=BodySign(soap_fault_code=("INVALID_SESSION_ID", "Client.Expired"))),
        RefreshRule((200,), body=BodySign(text=("please log in", "é"))),
        RefreshRule((200,), body=BodySign(json_pointer="/errors/*/code", equals=("1",))),
        RefreshRule((403,), HeaderSign("X-E", matches=("*expired*",))),
    ],
)
def test_a_rule_that_can_match_is_accepted(rule) -> None:
    assert found(rule) == {}


@pytest.mark.parametrize("status", [200, 302, 500, 503])
def test_a_status_that_refuses_nothing_needs_a_sign(status) -> None:
    problem = found(RefreshRule((status,)))[f"refresh_rules[0].statuses[{status}]"]
    assert (problem.got, "a sign in its header or body" in problem.expected) == (f"{status} alone", True)


@pytest.mark.parametrize(
    ("rule", "place", "expected"),
    [
        (RefreshRule((), BEARER), "statuses", "such as [200]"),
        (RefreshRule((101,), BEARER), "statuses[101]", "200 to 999"),
        (RefreshRule((1000,), BEARER), "statuses[1000]", "200 to 999"),
        (RefreshRule((500, 500), BEARER), "statuses[500]", "each status once"),
        (RefreshRule((419,), content_types=("text/html",)), "content_types", "no content_types"),
        (RefreshRule((200,), body=SLACK, content_types=("json",)), "content_types[json]", "a media type"),
        (
            RefreshRule((200,), body=SLACK, content_types=("text/event-stream",)),
            "content_types[text/event-stream]",
            "passed on as it comes",
        ),
        (RefreshRule((200,), HeaderSign("X Y", ("a",))), "header.name", "a header's name"),
        (RefreshRule((200,), HeaderSign("X")), "header", "contains"),
        (RefreshRule((200,), HeaderSign("X", ("é",))), "header", "ASCII"),
        (RefreshRule((200,), HeaderSign("X", matches=("**",))), "header.matches[**]", "not every value"),
        (RefreshRule((200,), HeaderSign("X", ("",))), "header.contains", "1 to 256"),
        (RefreshRule((200,), body=BodySign()), "body", "one of json_pointer"),
        (RefreshRule((200,), body=BodySign(soap_fault_code=("A",), text=("b",))), "body", "one of json_pointer"),
        (RefreshRule((200,), body=BodySign(json_pointer="error", equals=("a",))), "body.json_pointer", "RFC 6901"),
        (RefreshRule((200,), body=BodySign(json_pointer="/error")), "body.equals", "the values there"),
        (RefreshRule((200,), body=BodySign(equals=("a",), text=("b",))), "body.json_pointer", "such as /error"),
        (RefreshRule((500,), body=BodySign(soap_fault_code=("sf:A",))), "body.soap_fault_code[sf:A]", "prefix"),
        (RefreshRule((200,), body=BodySign(text=("a", "a"))), "body.text", "each once"),
        (RefreshRule((200,), body=BodySign(text=("a" * 257,))), "body.text", "1 to 256"),
    ],
)
def test_a_rule_that_cannot_match_or_matches_all_is_refused_in_its_place(rule, place, expected) -> None:
    assert expected in found(rule)[f"refresh_rules[0].{place}"].expected


def test_a_rule_stands_once_and_there_are_not_too_many() -> None:
    assert "refresh_rules[1]" in found(RefreshRule((419,)), RefreshRule((419,)))
    rules = [RefreshRule((status,)) for status in range(600, 601 + MOST_RULES)]
    assert found(*rules)["refresh_rules"].expected == f"at most {MOST_RULES}"


@pytest.mark.parametrize(("seconds", "refused"), [(0, False), (LONGEST_DEBOUNCE, False), (-1, True), (10**6, True)])
def test_a_debounce_is_some_seconds_of_a_day(seconds, refused) -> None:
    assert ("refresh_debounce" in found(debounce=seconds)) is refused
