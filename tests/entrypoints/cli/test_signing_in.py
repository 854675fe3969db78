"""Commands on signing in to Setup, on a home."""

import json

GOOD = "grass under nine moons"
ISSUER = {"issuer": "https://id.example.com", "audience": "callout", "users_by_name": True, "client_id": "setup"}


def test_an_invitation_prints_its_link_alone(cli):
    made = cli("user", "invite", "alice", "--expires", "12h")
    assert made.code == 0
    assert made.out.startswith("https://callout.example/setup/welcome?link=")
    assert "good once until 2026-01-01T12:00:00+00:00" in made.err
    assert cli("user", "invite", "alice", "--json").json["user"] == "alice"
    assert cli("user", "invite", "nobody").code == 3


def test_a_password_is_read_and_never_shown(cli):
    done = cli("user", "password", "alice", stdin=f"{GOOD}\n")
    assert (done.code, "Password of alice is set" in done.out) == (0, True)
    refused = cli("user", "password", "alice", stdin="too short\n")
    assert refused.code == 3
    assert "expected at least 12" in refused.err
    assert "too short" not in refused.out + refused.err
    assert GOOD not in done.out + done.err


def test_ones_own_password_is_changed_with_the_present_one_first(cli):
    done = cli("user", "password", "alice", "--current", stdin=f"{GOOD}\n{GOOD} again\n")
    assert done.code == 0


def test_sessions_are_listed_and_ended(cli):
    assert "alice is signed in nowhere." in cli("user", "sessions", "alice").out
    assert "alice: 0 sessions ended" in cli("user", "sign-out", "alice", "--id", "0123456789ab").out
    assert cli("user", "sessions", "nobody").code == 3


def test_the_secret_of_a_client_is_set_and_the_client_listed(cli, tmp_path):
    (tmp_path / "issuer.json").write_text(json.dumps({"trusted_issuers": {"Login": ISSUER}}))
    assert cli("apply", "-f", str(tmp_path / "issuer.json")).code == 0
    done = cli("trusted-issuer", "set-secret", "Login", "client_secret=-", stdin="c4n4ry\n")
    assert (done.code, "set client_secret" in done.out, "c4n4ry" in done.out) == (0, True, False)
    assert "setup" in cli("trusted-issuer", "list").out
    assert cli("trusted-issuer", "set-secret", "Login", "client_id=-", stdin="a\n").code == 3
