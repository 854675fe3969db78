import pytest

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.problem import GUEST_REMEDY, HIDDEN_FROM_GUESTS, problem
from callout.core.reasons import REASONS, Reason, Telling

REQUIRED = {"type", "title", "status", "detail", "instance", "reason", "blame", "remedy", "callout_id"}


@pytest.mark.parametrize("reason", REASONS, ids=lambda r: r.code)
def test_the_body_of_every_reason_has_the_members_of_the_contract(reason: Reason) -> None:
    body = problem(Refused(reason.code, "got x; expected y"), "id1")
    assert body.keys() >= REQUIRED
    assert body["type"] == f"urn:callout:reason:{reason.code}"
    assert (body["status"], body["reason"], body["blame"]) == (reason.status, reason.code, reason.blame.value)
    assert (body["detail"], body["callout_id"]) == ("got x; expected y", "id1")
    assert body["instance"] == "urn:callout:callout:id1"


def test_full_telling_names_remedies_and_the_commands_that_do_them() -> None:
    body = problem(Refused("callouts_disabled", "off", Remedy("Enable it", "callout x"), Remedy("Wait")), "1")
    assert body["remedy"] == ["Enable it: callout x", "Wait"]
    assert body["remedy_commands"] == ["callout x"]


@pytest.mark.parametrize("reason", REASONS, ids=lambda r: r.code)
def test_code_telling_shows_neither_detail_nor_the_exact_remedy(reason: Reason) -> None:
    remedy = Remedy("Assign Clerks", "callout y")
    for to_guest, told in ((True, GUEST_REMEDY), (False, reason.remedy)):
        refused = Refused(reason.code, "Orders points to x", remedy, telling=Telling.CODE, to_guest=to_guest)
        body = problem(refused, "1")
        assert "Orders" not in str(body)
        assert "Clerks" not in str(body)
        assert body["remedy"] == [told]
        assert body["remedy_commands"] == []


@pytest.mark.parametrize("code", sorted(HIDDEN_FROM_GUESTS))
def test_a_guest_cannot_tell_an_unknown_name_from_a_forbidden_one(code: str) -> None:
    forbidden = problem(Refused("principal_not_granted", "x", telling=Telling.CODE, to_guest=True), "1")
    assert problem(Refused(code, "y", telling=Telling.CODE, to_guest=True), "1") == forbidden


def test_a_caller_with_a_name_can_tell_them_apart() -> None:
    for telling in Telling:
        assert problem(Refused("named_credential_not_found", "x", telling=telling), "1")["status"] == 404


def test_the_connect_url_is_there_where_there_is_one() -> None:
    assert "connect_url" not in problem(Refused("authorization_required", "x"), "1")
    refused = Refused("authorization_required", "x", connect_url="https://c.example/1")
    assert problem(refused, "1")["connect_url"] == "https://c.example/1"
