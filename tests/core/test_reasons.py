import re

import pytest

from callout.core.reasons import REASONS, Blame, Reason, Telling, reason

#: Code and status as the public contract has them, letter for letter.
CONTRACT = {
    "caller_unknown": 401,
    "named_credential_not_found": 404,
    "callouts_disabled": 403,
    "namespace_not_allowed": 403,
    "principal_not_granted": 403,
    "key_limited": 403,
    "acting_not_allowed": 403,
    "user_external_credential_denied": 403,
    "principal_not_configured": 424,
    "authorization_required": 424,
    "connection_failed": 400,
    "reconnect_required": 424,
    "token_endpoint_refused": 502,
    "token_endpoint_unreachable": 503,
    "refresh_outcome_unknown": 424,
    "external_system_unreachable": 502,
    "tls_verification_failed": 502,
    "certificate_not_accepted": 502,
    "address_not_allowed": 403,
    "method_not_allowed_here": 403,
    "path_not_allowed": 403,
    "formula_failed": 424,
    "timed_out": 504,
    "request_too_large": 413,
    "malformed_request": 400,
    "replay_not_possible": 200,
    "rate_limited": 429,
    "overloaded": 503,
}


def test_the_table_is_the_public_contract() -> None:
    assert {r.code: r.status for r in REASONS} == CONTRACT
    assert len(REASONS) == len(CONTRACT)


@pytest.mark.parametrize("each", REASONS, ids=lambda r: r.code)
def test_a_reason_says_what_is_wrong_and_what_mends_it(each: Reason) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", each.code)
    assert each.title[0].isupper()
    assert not each.title.endswith(".")
    assert each.remedy.endswith(".")
    assert each.blame in Blame
    assert each.page == f"docs/reference/reasons.md#{each.code}"


def test_a_reason_is_found_by_its_code() -> None:
    assert reason("timed_out").status == 504
    with pytest.raises(KeyError):
        reason("no_such_reason")


def test_blame_and_telling_are_the_words_of_the_contract() -> None:
    assert [str(b) for b in Blame] == ["caller", "admin", "external", "callout"]
    assert [str(t) for t in Telling] == ["full", "code"]
