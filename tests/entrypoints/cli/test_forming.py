"""One definition on the command line: shown, changed in a file, set, refused where another was faster, removed."""

import json

import pytest

ORDERS = "url: https://orders.example.com/v3\nexternal_credential: Orders\nallowed_methods: [GET, HEAD]\n"


def test_what_is_shown_can_be_set_again_and_changes_nothing(cli, tmp_path):
    shown = cli("named-credential", "show", "Orders", "--json").json
    ran = cli("named-credential", "set", "Orders", "-f", "-", stdin=json.dumps(shown["definition"]))
    assert (ran.code, ran.out, ran.err) == (0, "Nothing to change.\n", "")
    assert shown["used_by"] == []


def test_a_definition_is_set_from_a_yaml_file_after_a_dry_run(cli, tmp_path):
    file = tmp_path / "orders.yaml"
    file.write_text(ORDERS)
    dry = cli("named-credential", "set", "Orders", "-f", str(file), "--dry-run")
    assert "~ url: https://orders.example.com/v2 → https://orders.example.com/v3" in dry.out
    assert "Nothing is changed" in dry.out
    assert cli("named-credential", "set", "Orders", "-f", str(file)).out.endswith("Saved.\n")
    assert cli("named-credential", "show", "Orders", "--json").json["definition"]["allowed_methods"] == ["GET", "HEAD"]


def test_a_definition_that_another_changed_meanwhile_is_left_alone(cli):
    version = cli("named-credential", "show", "Orders", "--json").json["version"]
    cli("named-credential", "disable", "Orders")
    ran = cli("named-credential", "set", "Orders", "-f", "-", "--expects", str(version), stdin=ORDERS)
    assert (ran.code, "changed meanwhile by another" in ran.err) == (2, True)
    assert "callout named-credential show Orders" in ran.err


def test_a_principal_is_set_with_a_secret_that_is_read_here(cli):
    cli.environment["ORDERS_SECRET"] = "canary"
    definition = '{"sequence": 2, "secrets": {"client_id": "a", "client_secret": {"env": "ORDERS_SECRET"}}}'
    ran = cli("principal", "set", "Orders/Service", "-f", "-", stdin=definition)
    assert (ran.code, "canary" in ran.out + ran.err) == (0, False)
    (principal,) = cli("external-credential", "show", "Orders", "--json").json["principals"]
    assert (principal["sequence"], principal["secrets_set"]) == (2, ["client_id", "client_secret"])
    assert principal["used_by"] == ["permission_sets.Order Clerks"]
    lacking = cli("principal", "set", "Orders/Service", "-f", "-", stdin=definition.replace("ORDERS_", "NO_"))
    assert "variable 'NO_SECRET', which is not set" in lacking.err


def test_a_principal_is_shown_with_what_it_needs_and_who_was_granted_it(cli):
    ran = cli("principal", "show", "Orders/Service")
    assert (ran.code, ran.err) == (0, "")
    for told in ("client_id, client_secret", "permission_sets.Order Clerks", "alice"):
        assert told in ran.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n", "no mapping"),
        ("url: a\nurl: b\n", "a second 'url'"),
        ("<<: {}\n", "merge key"),
        ("url: 1.5\n", "a number"),
        ("? [a]\n: b\n", "no text"),
    ],
)
def test_a_file_that_is_no_definition_is_refused_with_its_line(cli, text, said):
    ran = cli("named-credential", "set", "Orders", "-f", "-", stdin=text)
    assert (ran.code, said in ran.err, "standard input:" in ran.err) == (3, True, True)


def test_what_is_used_stays_and_what_is_not_goes(cli):
    ran = cli("external-credential", "remove", "Weather")
    assert (ran.code, "used by named_credentials.Weather" in ran.err) == (3, True)
    assert cli("named-credential", "remove", "Weather").out == "Named credential Weather is gone\n"
    dry = cli("principal", "remove", "Weather/Own", "--dry-run")
    assert "- principals.Own.type: per_user" in dry.out
    assert cli("external-credential", "remove", "Weather").code == 0
    assert cli("external-credential", "show", "Weather").code == 3


def test_a_remedy_is_previewed_as_it_is_printed(cli):
    ran = cli("preview", "callout permission-set assign 'Order Clerks' bob")
    assert "+ access to Orders as Orders/Service: bob" in ran.out
    named = cli("preview", "permission_set.assign", '{"name": "Order Clerks", "user": "bob"}')
    assert named.out == ran.out
    assert cli("preview", "callout secret set Orders/Service a=-").code == 2
    assert cli("preview", "user.remove", "[]").code == 2
    assert "expected one of the table (nearest: user.remove)" in cli("preview", "user.remve").err


def test_sets_profiles_and_protocols_are_shown(cli):
    assert '"Orders/Service"' in cli("permission-set", "show", "Order Clerks").out
    assert "users.alice" in cli("permission-set", "show", "Order Clerks").out
    assert "users.admin" in cli("profile", "show", "System Administrator").out
    assert "oauth2_client_credentials" in cli("protocol", "list").out
    shown = cli("protocol", "show", "oauth2_client_credentials")
    assert "token_endpoint" in shown.out
    parameters = {p["name"]: p for p in cli("protocol", "show", "basic", "--json").json["parameters"]}
    assert parameters["password"]["secret"] is True


def test_a_definition_is_set_on_a_running_server_as_on_a_home(cli, server):
    place = ("--url", server, "--key", cli.runs(cli.world.key_of("admin")))
    assert cli("named-credential", "set", "Orders", "-f", "-", *place, stdin=ORDERS).code == 0
    version = cli("named-credential", "show", "Orders", "--json", *place).json["version"]
    again = ("named-credential", "set", "Orders", "-f", "-", "--expects", str(version), *place)
    assert cli(*again, stdin=ORDERS).out == "Nothing to change.\n"
    assert cli(*again, stdin=ORDERS.replace("/v3", "/v4")).out.endswith("Saved.\n")
    late = cli(*again, "--json", stdin=ORDERS)
    assert (late.code, late.json["status"], late.json["reason"]) == (2, 409, "changed_meanwhile")


def test_a_user_and_a_mapping_are_defined_whole_and_shown_again(cli):
    for noun, name, text in (
        ("user", "alice", "profile: Minimum Access\nemail: alice@example.com\n"),
        ("client-certificate", "Orders", "dns: orders.example.com\nuser: alice\n"),
    ):
        assert cli(noun, "define", name, "-f", "-", stdin=text).out.endswith("Saved.\n")
        shown = cli(noun, "show", name, "--json").json
        again = cli(noun, "define", name, "-f", "-", "--expects", str(shown["version"]), stdin=text)
        assert (again.code, again.out) == (0, "Nothing to change.\n")
    assert cli("user", "show", "alice", "--json").json["email"] == "alice@example.com"
