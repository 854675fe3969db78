"""Which state follows from what is stored, and what a failed or cut-off refresh leaves behind."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from callout.core.errors import Refused
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.refreshes import ENDS, Intent, Phase, State, Stated
from callout.core.oauth2 import TokenRefused
from callout.core.refresh.state import (
    Aftermath,
    Facts,
    Reconciliation,
    after_failure,
    buffer_of,
    condition_of,
    reconcile,
    refusal_of,
    remedy_of,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = UserExternalCredentialKey("Hub", "Service")
SECRETS = ("client_id", "refresh_token")
ASKS = Intent(KEY, "f", 1, "expiry", START)
SPENDS = replace(ASKS, spent=b"x", phase=Phase.SENT)
STATED = Stated(KEY, State.RECONNECT_REQUIRED, "f", START, "error invalid_grant")
TOKEN = Facts(issued_at=START, expires_at=START + HOUR)


@pytest.mark.parametrize(
    ("facts", "minutes", "state"),
    [
        (Facts(), 0, State.NO_TOKEN_YET),
        (TOKEN, 1, State.CONNECTED),
        (replace(TOKEN, expires_at=None), 10**6, State.CONNECTED),
        (TOKEN, 59.5, State.EXPIRING),
        (TOKEN, 61, State.EXPIRING),
        (replace(TOKEN, intent=ASKS, leased=True), 1, State.REFRESHING),
        (replace(TOKEN, intent=ASKS), 1, State.CONNECTED),
        (replace(TOKEN, intent=SPENDS), 1, State.EXPIRING),
        (replace(TOKEN, failed_at=START + HOUR), 61, State.FAILING),
        (replace(TOKEN, failed_at=START - HOUR), 1, State.CONNECTED),
        (replace(TOKEN, stated=STATED, intent=SPENDS, leased=True), 1, State.RECONNECT_REQUIRED),
        (replace(TOKEN, stated=replace(STATED, state=State.REVOKED)), 1, State.REVOKED),
    ],
)
def test_the_state_is_the_one_that_needs_attention_first(facts, minutes, state) -> None:
    assert condition_of(facts, KEY, SECRETS, START + timedelta(minutes=minutes)).state is state


def test_a_stated_end_says_why_since_when_and_what_mends_it() -> None:
    condition = condition_of(replace(TOKEN, stated=STATED), KEY, SECRETS, START + HOUR)
    assert (condition.reason, condition.since) == ("error invalid_grant", START)
    assert condition.remedy.command == "callout secret set Hub/Service refresh_token=-"


@pytest.mark.parametrize(
    ("key", "secrets", "command"),
    [
        (UserExternalCredentialKey("Hub", "My Own", "o'brien"), SECRETS, "'Hub/My Own' refresh_token=- --user 'o'"),
        (KEY, ("client_id", "client_secret"), "Hub/Service client_id=-"),
    ],
)
def test_the_remedy_can_be_pasted_into_a_shell(key, secrets, command) -> None:
    assert command in remedy_of(key, secrets).command


@pytest.mark.parametrize("life", [1, 60, 600, 3600, 86400])
def test_the_buffer_is_jittered_and_never_more_than_a_part_of_a_life(life) -> None:
    ends = START + timedelta(seconds=life)
    least, most = buffer_of(START, ends), buffer_of(START, ends, 1.0)
    assert least < most <= timedelta(seconds=min(90, life * 0.15))


INVALID_GRANT = Refused("reconnect_required", "invalid_grant")
UNREACHED = Refused("token_endpoint_unreachable", "refused", unsent=True)
LOST = Refused("token_endpoint_unreachable", "reset")
REFUSED_ONCE = TokenRefused("reconnect_required", "no refresh token", transient=True, unsent=True)
NAMED = TokenRefused("token_endpoint_refused", "invalid_client", error="invalid_client")
ODD = TokenRefused("token_endpoint_refused", "a body that is no JSON")


@pytest.mark.parametrize(
    ("intent", "refused", "aftermath"),
    [
        (ASKS, LOST, Aftermath.NOTHING),
        (ASKS, INVALID_GRANT, Aftermath.RECONNECT_REQUIRED),
        (ASKS, REFUSED_ONCE, Aftermath.NOTHING),
        (SPENDS, INVALID_GRANT, Aftermath.RECONNECT_REQUIRED),
        (replace(SPENDS, doubtful=True), INVALID_GRANT, Aftermath.OUTCOME_UNKNOWN),
        (SPENDS, LOST, Aftermath.UNSETTLED),
        (SPENDS, ODD, Aftermath.UNSETTLED),
        (SPENDS, NAMED, Aftermath.NOTHING),
        (SPENDS, UNREACHED, Aftermath.NOTHING),
        (replace(SPENDS, doubtful=True), UNREACHED, Aftermath.UNSETTLED),
        (replace(SPENDS, doubtful=True), NAMED, Aftermath.UNSETTLED),
        (replace(SPENDS, phase=Phase.INTENDED), LOST, Aftermath.NOTHING),
    ],
)
def test_what_a_failure_leaves_is_what_it_may_have_spent(intent, refused, aftermath) -> None:
    assert after_failure(intent, refused) is aftermath


@pytest.mark.parametrize(
    ("intent", "generation", "minutes_left", "judged"),
    [
        (SPENDS, 2, 10, Reconciliation.ADOPT),
        (SPENDS, 1, 10, Reconciliation.WAIT),
        (SPENDS, 1, 0, Reconciliation.RETRY),
        (SPENDS, 0, 10, Reconciliation.RETRY),
        (replace(SPENDS, phase=Phase.INTENDED), 1, 10, Reconciliation.RETRY),
        (ASKS, 1, 10, Reconciliation.RETRY),
    ],
)
def test_an_open_intent_is_adopted_left_alone_or_tried_again(intent, generation, minutes_left, judged) -> None:
    expires_at = START + timedelta(minutes=minutes_left)
    assert reconcile(intent, generation=generation, expires_at=expires_at, now=START) is judged


@pytest.mark.parametrize("state", sorted(ENDS))
def test_every_stated_end_is_a_refusal_with_its_remedy(state) -> None:
    refused = refusal_of(replace(STATED, state=state), SECRETS)
    assert refused.reason.code in ("reconnect_required", "refresh_outcome_unknown")
    assert refused.remedies[0].command == "callout secret set Hub/Service refresh_token=-"


def test_a_state_that_does_not_end_is_no_refusal() -> None:
    with pytest.raises(ValueError, match="expected one that ends"):
        refusal_of(replace(STATED, state=State.CONNECTED), SECRETS)
