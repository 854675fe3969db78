"""`can`, and `troubleshoot` with its one question; what is applied is what the printed command would have done."""

import asyncio
import shlex

import pytest

from callout.core.errors import Refused
from callout.engine.printed_commands import applicable
from tests.engine.test_troubleshoot import stale
from tests.entrypoints.cli.conftest import CommandLine
from tests.entrypoints.cli.test_remedies import SITUATIONS, decided, set_up
from tests.world import make_shop


@pytest.fixture
def failing(cli):
    """A home whose log holds one refusal of bob's."""
    key = cli.runs(cli.world.key_of("bob")).encode()
    cli("secret", "set", "Orders/Service", "client_id=abc", "client_secret=-", stdin="s3cret")
    cli("permission-set", "grant", "Order Clerks", "--user-external-credential", "read")
    cli.runs(cli.world.current.follow())
    callouts = cli.world.callouts
    with pytest.raises(Refused) as caught:
        callouts.admit("Orders", (), key, None, None)
    row = (None, "Orders", b"GET", b"/callout/Orders/a", 403, 0, 0, cli.world.clock.monotonic(), None, caught.value)
    callouts.record(callouts.next_id(), *row, None, 0)
    cli.world.records.flush()
    return cli


def test_can_says_yes_or_no_with_every_rung_in_a_line_and_ends_by_blame(failing):
    yes, no = failing("can", "alice", "Orders"), failing("can", "bob", "Orders")
    assert (yes.code, yes.out.splitlines()[0]) == (0, "yes: alice may make callouts by Orders as Orders/Service")
    assert (no.code, no.out.splitlines()[0]) == (3, "no: bob may not make callouts by Orders")
    assert "✗ principal" in no.out
    assert "  → Assign permission set Order Clerks, which has Orders/Service, to bob: callout permission-set" in no.out
    assert failing("can", "nobody", "Orders").code == 2
    assert failing("can", "alice", "Orders", "--namespace", "acme").code == 3
    assert failing("can", "alice", "Orders", "--json").json["allowed"] is True


def test_what_failed_is_told_with_cause_remedy_and_how_to_see_that_it_works(failing):
    ran = failing("troubleshoot", "Orders", "--user", "bob")
    lines = ran.out.splitlines()
    assert (ran.code, lines[0]) == (3, "T2  The principal is not enabled for the user")
    assert lines[1].startswith("  1 callout of bob by Orders, last 2026-01-01T")
    assert lines[2] == "  cause: bob has no grant for any principal of Orders; its principals: Service"
    assert lines[3].endswith("callout permission-set assign 'Order Clerks' bob")
    assert lines[4] == "  to see that it works: callout can bob Orders"


def test_it_asks_once_and_no_changes_nothing(failing):
    ran = failing("troubleshoot", "--apply", stdin="n\n", terminal=True)
    assert ran.code == 2
    assert "Apply 1 change? [y/N]" in ran.err
    assert failing("can", "bob", "Orders").code == 3


def test_it_asks_once_and_yes_applies_and_says_how_to_see_it(failing):
    ran = failing("troubleshoot", "--apply", stdin="y\n", terminal=True)
    assert ran.code == 0, ran.err
    assert "applied: callout permission-set assign 'Order Clerks' bob" in ran.out
    assert ran.out.rstrip().endswith("to see that it works: callout can bob Orders")
    assert failing("can", "bob", "Orders").code == 0
    after = failing("troubleshoot")
    assert (after.code, after.out.splitlines()[1]) == (0, "1 earlier cause mended, or without object, since.")


def test_where_nobody_can_be_asked_yes_must_be_said(failing):
    assert failing("troubleshoot", "--apply").code == 2
    assert failing("troubleshoot", "--apply", "--json", terminal=True).code == 2
    told = failing("troubleshoot", "--apply", "--yes", "--json")
    assert (told.code, told.json["left"]) == (0, [])
    assert [row["command"] for row in told.json["applied"]] == ["callout permission-set assign 'Order Clerks' bob"]


def test_with_nothing_to_mend_it_says_so(cli):
    ran = cli("troubleshoot", "--apply", "--yes")
    assert (ran.code, ran.out) == (0, "Nothing to mend: 0 callouts looked at.\n")


def test_a_status_code_is_added_and_taken_off(cli):
    assert cli("external-credential", "add-status-code", "Orders", "712").code == 0
    assert cli("external-credential", "show", "Orders", "--json").json["additional_status_codes"] == [400, 601, 712]
    assert cli("external-credential", "remove-status-code", "Orders", "712").code == 0
    refused = cli("external-credential", "add-status-code", "Orders", "200")
    assert (refused.code, "1xx, 2xx or 3xx does not refuse" in refused.err) == (3, True)


def test_status_suggests_a_status_code_with_its_evidence_and_the_command_that_adds_it(cli):
    cli("secret", "set", "Orders/Service", "client_id=abc", "client_secret=-", stdin="s3cret")
    cli.runs(stale(cli.world, 712, times=5))
    lines = cli("status").out.splitlines()
    assert lines[-2].endswith("callout external-credential add-status-code Orders 712")
    assert "5 answers with status 712 on 1 token" in lines[-1]
    assert cli("external-credential", "add-status-code", "Orders", "712").code == 0
    assert "add-status-code" not in cli("status").out


RULE = ("external-credential", "add-refresh-rule", "Orders", "--status", "500", "--status", "200")


def test_refresh_rules_are_added_shown_and_taken_off(cli):
    assert cli(*RULE, "--json-pointer", "/error", "--equals", "a", "--equals", "b").code == 0
    ran = cli(
        "external-credential", "add-refresh-rule", "Orders", "--status", "403", "--header", "X-E", "--matches", "x*"
    )
    assert (ran.code, "like 'x*' in the header X-E is a sign of stale" in ran.out) == (0, True)
    shown = cli("external-credential", "show", "Orders").out
    assert "refresh rule 1  status 500 or 200 with 'a' or 'b' at /error of its body" in shown
    assert "refresh rule 2  status 403 with like 'x*' in the header X-E" in shown
    assert "status 403 with like" in cli("external-credential", "list").out
    assert cli("external-credential", "remove-refresh-rule", "Orders", "1").code == 0
    (left,) = cli("external-credential", "show", "Orders", "--json").json["refresh_rules"]
    assert (left["number"], left["header"]) == (1, {"name": "X-E", "matches": ["x*"]})
    assert cli("external-credential", "remove-refresh-rule", "Orders", "2").code == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "500 alone"),
        (("--json-pointer", "/error"), "the values there"),
        (("--soap-fault-code", "sf:X"), "without its prefix"),
        (("--contains", "x"), "a header's name"),
    ],
)
def test_a_refresh_rule_that_cannot_be_one_is_refused_with_the_reason(cli, options, said):
    ran = cli(*RULE, *options)
    assert (ran.code, said in ran.err) == (3, True), ran.err


def test_the_debounce_is_set_and_given_back(cli):
    assert "stay quiet for 60 seconds" in cli("external-credential", "set-refresh-debounce", "Orders", "60").out
    assert cli("external-credential", "show", "Orders", "--json").json["refresh_debounce"] == 60
    assert cli("external-credential", "set-refresh-debounce", "Orders").code == 0
    assert cli("external-credential", "show", "Orders", "--json").json["refresh_debounce"] is None


@pytest.mark.parametrize(("situation", "rung"), SITUATIONS.items())
def test_an_applied_change_does_what_its_printed_command_does(cli, situation, rung):
    other = CommandLine(asyncio.run(make_shop()))
    name, caller = set_up(cli, situation)
    set_up(other, situation)
    (step,) = [s for s in decided(cli, name, caller).explanation.steps if s.name == rung]
    for remedy in step.remedies:
        change = applicable(remedy.command)
        by_hand = any(mark in remedy.command for mark in ("=-", "act-for", "--until", "user set"))
        assert (change is None) is by_hand, remedy.command
        if change is not None:
            other.runs(other.world.run(change.operation, **change.arguments))
            assert cli(*shlex.split(remedy.command)[1:]).code == 0
            assert cli.runs(cli.world.store.load()).definitions() == other.runs(other.world.store.load()).definitions()


@pytest.mark.parametrize(
    "command", ["callout apply -f FILE", "callout user set bob --active", "rm -rf x", "callout user"]
)
def test_a_command_that_needs_a_person_cannot_be_applied(command):
    assert applicable(command) is None
