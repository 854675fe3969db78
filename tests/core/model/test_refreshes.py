from dataclasses import replace
from datetime import UTC, datetime

import pytest

from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.refreshes import ENDS, Intent, Phase, State

INTENT = Intent(UserExternalCredentialKey("Hub", "Service"), "f", 1, "expiry", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("fields", "unsettled"),
    [
        ({"phase": Phase.SENT}, False),
        ({"spent": b"x"}, False),
        ({"spent": b"x", "phase": Phase.SENT}, True),
        ({"spent": b"x", "doubtful": True}, True),
    ],
)
def test_only_a_grant_that_can_be_spent_and_may_have_left_is_unsettled(fields, unsettled) -> None:
    assert replace(INTENT, **fields).is_unsettled is unsettled


def test_what_ends_is_what_only_a_person_can_mend() -> None:
    assert {"outcome_unknown", "reconnect_required", "revoked"} == ENDS
    assert State.FAILING not in ENDS
