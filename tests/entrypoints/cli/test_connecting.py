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
