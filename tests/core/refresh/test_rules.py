import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.core.model.credentials import BodySign, ExternalCredential, HeaderSign, RefreshRule
from callout.core.refresh.rules import (
    Judgement,
    Signs,
    is_like,
    oauth_judge,
    refresh_statuses,
    refusal_of,
    signs_of,
    worded,
)


def test_401_is_a_sign_of_stale_credentials_always() -> None:
    assert refresh_statuses(()) == {401}
    assert refresh_statuses((400, 601, 401)) == {400, 401, 601}


@pytest.mark.parametrize("status", [400, 401, 403, 419, 499, 600, 601, 712, 899, 999])
def test_4xx_and_6xx_to_9xx_may_be_additional_status_codes(status: int) -> None:
    assert refusal_of(status) is None


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (100, "does not refuse anything"),
        (200, "does not refuse anything"),
        (302, "does not refuse anything"),
        (399, "does not refuse anything"),
        (500, "the external system's own failure"),
        (599, "the external system's own failure"),
        (99, "three digits"),
        (0, "three digits"),
        (-401, "three digits"),
        (1000, "three digits"),
    ],
)
def test_other_statuses_are_refused_with_the_reason(status: int, why: str) -> None:
    assert why in (refusal_of(status) or "")


# --- refresh rules ------------------------------------------------------------------------------------------------

BEARER = HeaderSign("WWW-Authenticate", contains=('error="invalid_token"',))
JSON, SLACK = b"Content-Type: application/json", BodySign(json_pointer="/error", equals=("token_expired",))


def signs(*rules: RefreshRule, codes: tuple[int, ...] = ()) -> Signs:
    return signs_of(ExternalCredential("E", "none", additional_status_codes=codes, refresh_rules=rules))


def test_a_rule_without_a_sign_is_an_additional_status_code() -> None:
    made = signs(RefreshRule((419, 440)), codes=(400,))
    assert made.statuses == made.alone == {400, 401, 419, 440}
    assert made.judge(440, ()).sign == "status 440"


@pytest.mark.parametrize(
    ("sign", "line", "said"),
    [
        (BEARER, b'WWW-Authenticate: Bearer realm="x", error="invalid_token"', True),
        (BEARER, b'www-AUTHENTICATE:Bearer ERROR="Invalid_Token"', True),
        (BEARER, b'WWW-Authenticate: Bearer error="insufficient_scope"', False),
        (BEARER, b'X-WWW-Authenticate: error="invalid_token"', False),
        (HeaderSign("X-Error", matches=("expired*token*",)), b"X-Error: Expired access token!", True),
        (HeaderSign("X-Error", matches=("expired*token",)), b"X-Error: expired token!", False),
        (HeaderSign("X-Error", matches=("expired",)), b"X-Error: expired ", True),
    ],
)
def test_a_sign_in_the_header_is_found_in_any_case(sign, line, said) -> None:
    made = signs(RefreshRule((403,), sign))
    assert bool(made.judge(403, [b"X: y", line]).sign) is said
    assert made.judge(404, [line]) == Judgement()


def test_a_rule_with_two_signs_needs_both() -> None:
    made = signs(RefreshRule((403,), BEARER, SLACK))
    assert made.judge(403, [JSON]) == Judgement()
    judge = made.judge(403, [JSON, b'WWW-Authenticate: error="invalid_token"']).body
    judge.feed(b'{"error":"token_expired"}', ended=True)
    header = "'error=\"invalid_token\"' in the header WWW-Authenticate"
    assert judge.sign == f"status 403 with {header} and 'token_expired' at /error of its body"


def test_of_several_rules_any_will_do() -> None:
    soap = BodySign(soap_fault_code=("INVALID_SESSION_ID",))
    made = signs(RefreshRule((200, 500), body=SLACK), RefreshRule((500,), BEARER), RefreshRule((500,), body=soap))
    assert made.judge(500, [JSON, b'WWW-Authenticate: error="invalid_token"']).sign
    judge = made.judge(500, [JSON]).body
    judge.feed(b'{"error":"token_expired"}', ended=False)
    assert judge.sign == "status 500 with 'token_expired' at /error of its body"


@pytest.mark.parametrize(
    ("kinds", "line", "judged"),
    [
        ((), JSON, True),
        ((), b"content-type: application/graphql-response+json", True),
        ((), b"X: y", True),
        ((), b"Content-Type: text/html", False),
        ((), b"Content-Type: text/event-stream", False),
        (("text/html",), b"Content-Type: TEXT/html; charset=x", True),
        (("text/*",), b"Content-Type: text/plain", True),
        (("text/*",), b"Content-Type: text/event-stream", False),
        (("text/html",), JSON, False),
        (("text/html",), b"X: y", False),
    ],
)
def test_a_body_is_judged_in_the_media_types_of_its_rule(kinds, line, judged) -> None:
    found = signs(RefreshRule((200,), body=SLACK, content_types=kinds)).judge(200, [line])
    assert (found.body is not None) is judged


def test_a_body_in_a_coding_that_is_not_undone_is_said_not_to_be_judged() -> None:
    found = signs(RefreshRule((200,), body=SLACK)).judge(200, [JSON, b"Content-Encoding: br"])
    assert (found.body, "'br'" in found.unjudged) == (None, True)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_a_pattern_is_read_as_a_shell_reads_it(pattern: str, value: str) -> None:
    assert is_like(value, pattern) == fnmatch.fnmatchcase(value, pattern)


def test_an_oauth_error_in_a_body_is_looked_for_in_json_alone() -> None:
    judge = oauth_judge([JSON])
    judge.feed(b'{"error":"invalid_token"}', ended=True)
    assert judge.sign is not None
    assert oauth_judge([b"Content-Type: text/html"]) is None


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (RefreshRule((419,)), "status 419"),
        (RefreshRule((200, 500), body=SLACK), "status 200 or 500 with 'token_expired' at /error of its body"),
        (
            RefreshRule((500,), body=BodySign(soap_fault_code=("A", "B"))),
            "status 500 with the SOAP fault code A or B",
        ),
        (RefreshRule((200,), body=BodySign(text=("log in",))), "status 200 with 'log in' in its body"),
        (
            RefreshRule((403,), HeaderSign("X-E", ("a",), ("b*",))),
            "status 403 with 'a' or like 'b*' in the header X-E",
        ),
    ],
)
def test_a_rule_is_worded_in_one_line(rule, words) -> None:
    assert worded(rule) == words
