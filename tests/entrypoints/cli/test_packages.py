"""Packages and approvals on the command line, on a terminal and off it."""

import json

import pytest

from callout.core.model.people import Package

MANIFEST = {
    "external_credentials": {"Partner": {"protocol": "basic", "principals": {"Service": {}}}},
    "named_credentials": {"Partner": {"url": "https://partner.example", "external_credential": "Partner"}},
}


@pytest.fixture
def asked(cli, tmp_path):
    """The command line after an install with a manifest, and the id of the request that waits."""
    file = tmp_path / "acme.json"
    file.write_text(json.dumps(MANIFEST))
    assert cli("package", "install", "acme", "-f", str(file), "--version", "1.0").code == 0
    (request,) = cli("approvals", "list", "--json").json["requests"]
    return cli, request["id"]


def enabled(cli) -> bool:
    return cli("named-credential", "show", "Partner", "--json").json["enabled_for_callouts"]


def test_what_waits_is_listed_and_shown_with_what_approving_changes(asked):
    cli, waiting = asked
    assert waiting in cli("approvals", "list").out
    shown = cli("approvals", "show", waiting).out
    assert "enabled_for_callouts: false → true" in shown
    assert f"callout approvals approve {waiting}" in shown


def test_approving_shows_the_change_first_and_makes_the_grant(asked):
    cli, waiting = asked
    ran = cli("approvals", "approve", waiting, "--assign", "Partner Callers", "bob")
    assert ran.code == 0
    assert ran.out.index("enabled_for_callouts: false → true") < ran.out.index("may make callouts by Partner")
    assert "Partner Callers" in cli.world.store.org.users["bob"].permission_sets


def test_on_a_terminal_nothing_is_approved_without_a_yes(asked):
    cli, waiting = asked
    assert cli("approvals", "approve", waiting, stdin="no\n", terminal=True).code == 2
    assert enabled(cli) is False
    assert cli("approvals", "approve", waiting, stdin="yes\n", terminal=True).code == 0
    assert enabled(cli) is True


def test_json_is_one_value_and_a_rejection_says_so(asked):
    cli, waiting = asked
    assert cli("approvals", "reject", waiting, "--json").json["changed"] is True
    assert cli("approvals", "approve", waiting).code == 3
    assert "No package waits" in cli("approvals", "list").out


def test_a_package_shows_its_overrides_beside_its_defaults(asked):
    cli, _ = asked
    out = cli("package", "show", "acme").out
    assert "package default" in out
    assert "named_credentials.Partner.enabled_for_callouts" in out


def test_off_a_terminal_removing_is_refused_until_it_is_said_what_becomes_of_what_was_made(asked):
    cli, _ = asked
    refused = cli("package", "remove", "acme")
    assert (refused.code, "--credentials keep" in refused.err) == (3, True)
    assert cli("package", "remove", "acme", "--credentials", "delete").code == 0
    assert "Partner" not in cli.world.store.org.named_credentials


def test_on_a_terminal_removing_asks_and_says_what_each_answer_does(asked):
    cli, _ = asked
    cli("secret", "set", "Partner/Service", "username=-", stdin="u\n")
    wrong = cli("package", "remove", "acme", stdin="perhaps\n", terminal=True)
    assert (wrong.code, "nothing was removed" in wrong.err) == (2, True)
    ran = cli("package", "remove", "acme", stdin="keep\ndelete\n", terminal=True)
    assert ran.code == 0
    assert "they stay, disabled for callouts" in ran.err
    assert "1 secret values are removed" in ran.out


def test_a_package_that_made_nothing_is_removed_without_a_question(cli):
    cli.runs(cli.world.define(Package("zeta")))
    assert cli("package", "remove", "zeta").code == 0
