"""Commands on people and what they were given, on a home."""


def test_a_user_is_shown_with_kind_time_boxes_and_what_groups_mute(cli):
    assert cli("user", "set", "bob", "--kind", "service").code == 0
    assert (
        cli("permission-set-group", "create", "Staff", "--permission-set", "Order Clerks", "--assign", "bob").code == 0
    )
    assert cli("permission-set-group", "mute", "Staff", "--principal", "Orders/Service").code == 0
    assigned = cli("permission-set", "assign", "Order Clerks", "bob", "--until", "2h", "--purpose", "incident 7")
    assert "until 2026-01-01T02:00:00+00:00 (incident 7)" in assigned.out
    shown = cli("user", "show", "bob").out
    for text in ("service", "permission set Order Clerks of group Staff", "Orders/Service", "incident 7"):
        assert text in shown
    assert "Order Clerks (until 2026-01-01" in " ".join(cli("user", "list").out.split())
    assert cli("permission-set-group", "unmute", "Staff", "--principal", "Orders/Service").code == 0
    assert cli("permission-set-group", "list").code == 0


def test_admin_permissions_are_given_and_listed(cli):
    made = cli("permission-set", "create", "Viewers", "--admin-permission", "view_setup", "--assign", "bob")
    assert "admin permission view_setup" in made.out
    assert "view_setup" in cli("permission-set", "list").out
    assert "manage_users" in cli("profile", "list").out
    assert cli("permission-set", "revoke", "Viewers", "--admin-permission", "view_setup").code == 0
    assert cli("permission-set", "grant", "Viewers", "--admin-permission", "rule_all").code == 3
