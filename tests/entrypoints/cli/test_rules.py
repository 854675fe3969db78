"""Rules for requests on the command line: shown, predicted, and mended by the command that is printed."""

import shlex

import pytest

from callout.core.model.credentials import LimitScope, PrincipalReference, RateLimit
from tests.world import CLERKS, ORDERS_URL, replace


def restrict(cli, **rules) -> None:
    cli.runs(cli.world.define(replace(ORDERS_URL, **rules)))


def narrow(cli, **rules) -> None:
    grant = PrincipalReference("Orders", "Service", **rules)
    cli.runs(cli.world.define(replace(CLERKS, principals=frozenset({grant}))))


@pytest.fixture
def configured(cli):
    assert cli("secret", "set", "Orders/Service", "client_id=-", "client_secret=-", stdin="a\nb\n").code == 0
    return cli


def diagnosed(cli, method: str, path: str) -> dict:
    return cli("diagnose", "Orders", "--as", "alice", "-X", method, "--path", path, "--json").json


@pytest.mark.parametrize(
    ("rules", "grant", "method", "path"),
    [
        ({"allowed_methods": ("GET",)}, {}, "DELETE", "/items/7"),
        ({"allowed_paths": ("/items/*",)}, {}, "GET", "/admin/a%20b;x=1"),
        ({}, {"methods": ("GET",)}, "PUT", "/items/7"),
        ({}, {"paths": ("/items/*",)}, "GET", "/admin"),
        ({"allowed_methods": ("GET",)}, {"methods": ("GET",), "paths": ("/items/*",)}, "PUT", "/admin"),
        ({"allowed_paths": ("/items/*",)}, {"paths": ("/items/*",)}, "PUT", "/it's/*"),
    ],
)
def test_the_printed_commands_mend_a_refusal(configured, rules, grant, method, path):
    restrict(configured, **rules)
    narrow(configured, **grant)
    found = diagnosed(configured, method, path)
    assert found["reason"] in ("method_not_allowed_here", "path_not_allowed")
    for command in found["remedy_commands"]:
        ran = configured(*shlex.split(command)[1:])
        assert (ran.code, ran.err) == (0, "")
    after = diagnosed(configured, method, path)
    assert (after["allowed"], after["remedy_commands"]) == (True, [])


def test_a_refusal_is_predicted_with_its_rung_on_the_command_line(configured):
    restrict(configured, allowed_methods=("GET",))
    ran = configured("diagnose", "Orders", "--as", "alice", "-X", "DELETE")
    assert ran.code == 3
    assert "✗ method" in ran.out
    assert "callout named-credential allow-method Orders DELETE" in ran.out


def test_where_any_method_is_allowed_allowing_one_changes_nothing(cli):
    ran = cli("named-credential", "allow-method", "Orders", "GET", "--json").json
    assert (ran["changed"], ran["message"]) == (False, "Orders allows any method already")


def test_a_pattern_that_could_be_misread_is_refused(cli):
    restrict(cli, allowed_paths=("/items/*",))
    ran = cli("named-credential", "allow-path", "Orders", "items")
    assert ran.code == 3
    assert "starts with /" in ran.err


def test_show_names_rules_and_rate_limits(cli):
    limits = (RateLimit(100, 60), RateLimit(9, 1, LimitScope.NAMED_CREDENTIAL, observe=True))
    restrict(cli, allowed_methods=("GET",), allowed_paths=("/items/*",), rate_limits=limits)
    shown = cli("named-credential", "show", "Orders").out
    assert "allowed methods" in shown
    assert "/items/*" in shown
    assert "rate limit  100 calls each 60 s per caller\n" in shown
    assert "rate limit  9 calls each 1 s per named credential, observed\n" in shown


def test_who_can_names_what_each_user_is_restricted_to(configured):
    restrict(configured, rate_limits=(RateLimit(100, 60),))
    narrow(configured, methods=("GET",), paths=("/items/*",))
    shown = configured("who-can", "Orders").out
    assert "permission set Order Clerks allows GET on /items/*" in shown
    assert "at most 100 calls each 60 s per caller" in shown


def test_revoking_a_principal_takes_every_grant_of_it(cli):
    argv = ("permission-set", "grant", "Order Clerks", "--principal", "Orders/Service", "--method", "GET")
    assert cli(*argv).code == 0
    assert "Orders/Service (GET)" in cli("permission-set", "list").out
    assert cli("permission-set", "revoke", "Order Clerks", "--principal", "Orders/Service").code == 0
    assert "Orders/Service" not in cli("permission-set", "list").out


def test_a_method_without_a_principal_narrows_nothing_and_is_refused(cli):
    ran = cli("permission-set", "grant", "Order Clerks", "--user-external-credential", "read", "--method", "GET")
    assert (ran.code, "--principal" in ran.err) == (2, True)
