"""`callout connect` says what of its arguments does not go together, before anything is asked."""

import pytest


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--for", "alice"), "got --for without --link"),
        (("--link", "--device"), "got --link and --device"),
        (("--link", "--for", "alice", "--user", "bob"), "got --user and --for; expected one of them"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(cli, argv, said):
    ran = cli("connect", "Orders/Service", *argv)
    assert ran.code == 2
    assert said in ran.err


def test_a_per_user_principal_without_a_user_is_told_the_argument(cli):
    ran = cli("connect", "Weather/Own", "--link")
    assert "--user USER" in ran.err


def test_connections_are_listed_with_what_they_lack(cli):
    cli("permission-set", "grant", "Order Clerks", "--principal", "Weather/Own")
    ran = cli("connections", "--user", "alice")
    assert (ran.code, ran.err) == (0, "")
    for told in ("Weather/Own", "not_configured", "ApiKey", "Weather"):
        assert told in ran.out
    assert "was granted no per-user principal" in cli("connections").out
