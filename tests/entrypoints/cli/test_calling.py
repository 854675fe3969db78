import pytest


def fill(cli):
    values = {"client_id": "abc", "client_secret": "s3cret"}
    cli.runs(cli.world.run("secret.set", external_credential="Orders", principal="Service", values=values))


def test_diagnose_shows_every_rung_and_the_exact_request_without_a_secret(cli):
    fill(cli)
    ran = cli("diagnose", "Orders", "--as", "alice", "-X", "POST", "--path", "/items?x=1")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count("✓") >= 7
    assert (
        "POST https://orders.example.com/v2/items?x=1\nHost: orders.example.com\nAuthorization: Bearer …\n" in ran.out
    )
    assert "s3cret" not in ran.out


@pytest.mark.parametrize(
    ("argv", "reason", "code"),
    [
        (("Orders", "--as", "nobody"), "caller_unknown", 2),
        (("Nothing", "--as", "alice"), "named_credential_not_found", 2),
        (("Orders", "--as", "alice", "--namespace", "acme"), "namespace_not_allowed", 3),
        (("Orders", "--as", "bob"), "principal_not_granted", 3),
        (("Orders", "--as", "guest"), "principal_not_granted", 3),
        (("Orders", "--as", "alice"), "principal_not_configured", 3),
        (("Orders", "--as", "alice", "--principal", "Nobody"), "principal_not_granted", 3),
    ],
)
def test_diagnose_ends_with_the_exit_code_of_the_reason_that_the_callout_would_end_with(cli, argv, reason, code):
    ran = cli("diagnose", *argv, "--json")
    assert (ran.code, ran.json["reason"]) == (code, reason)
    text = cli("diagnose", *argv)
    assert (text.code, reason in text.out) == (code, True)


def test_diagnose_prints_the_remedy_under_the_rung_that_did_not_hold(cli):
    lines = cli("diagnose", "Orders", "--as", "bob").out.splitlines()
    rung = next(n for n, line in enumerate(lines) if line.startswith("✗ principal"))
    assert lines[rung + 1].endswith("callout permission-set assign 'Order Clerks' bob")


def test_who_can_shows_who_how_who_nearly_and_which_packages(cli):
    fill(cli)
    out = cli("who-can", "Orders").out
    assert "alice  Standard User  Orders/Service" in out
    assert "bob: bob has no grant" in out
    assert "acme             no" in out


def test_status_shows_a_row_for_each_principal(cli):
    fill(cli)
    assert "Orders/Service  –     no token yet" in cli("status").out
    assert cli("status", "--json").json["states"] == {"no_token_yet": 1}


def test_explain_shows_who_called_what_came_of_it_and_how_to_mend_it(cli):
    record = {
        "callout_id": "c1",
        "at": "2026-01-01T00:00:00+00:00",
        "caller": {"user": "bob", "namespace": "acme"},
        "method": "GET",
        "path": "/callout/Orders/items",
        "status": 403,
        "duration_ms": 0.2,
        "replay": "done",
        "allowed": False,
        "reason": "principal_not_granted",
        "title": "No access",
        "blame": "admin",
        "detail": "bob has no grant",
        "remedy": ["Assign it: callout x", "Other"],
        "steps": [{"name": "principal", "held": False, "detail": "none", "remedy": ["Assign it: callout x"]}],
    }

    async def explained(*_):
        return record

    cli.world.operations.run = explained
    out = cli("explain", "c1").out
    assert (
        "bob (package acme)  GET /callout/Orders/items\nanswered 403 in 0.2 ms, replay done\nbob has no grant\n" in out
    )
    assert (out.count("callout x"), out.count("Other")) == (1, 1)


def test_an_id_that_is_not_recorded_ends_with_2(cli):
    ran = cli("explain", "0123", "--json")
    assert (ran.code, ran.json["reason"]) == (2, "callout_not_found")
