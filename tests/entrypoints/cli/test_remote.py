"""A command behaves the same on a home and on a running server: they run one table of operations."""

import asyncio
import re

import pytest

from callout.entrypoints.cli.errors import RemoteRefused
from callout.entrypoints.cli.remote import Remote
from tests.entrypoints.cli.conftest import CommandLine
from tests.world import make_shop

COMMANDS = [
    "named-credential list",
    "named-credential show Orders",
    "named-credential disable Orders",
    "named-credential allow-namespace Orders acme",
    "named-credential disallow-namespace Orders acme",
    "external-credential list",
    "external-credential show Weather",
    "user list",
    "user set carol --profile Nobody",
    "user remove bob",
    "user set bob --label Bob --inactive",
    "user set bob --active --permission-set Order%20Clerks",
    "key create bob --expires 90d --label laptop",
    "key list --user bob",
    "key expire co_nothing --never",
    "key revoke co_nothing",
    "package install zeta",
    "package remove acme",
    "package list",
    "package show zeta",
    "package show acme",
    "package remove zeta --credentials keep --secrets keep",
    "approvals list",
    "approvals show 0123",
    "approvals reject 0123",
    "permission-set list",
    "permission-set create Callers --principal Orders/Service --user-external-credential read --assign bob",
    "permission-set assign Callers bob",
    "permission-set unassign Nothing bob",
    "permission-set revoke Callers --user-external-credential read",
    "permission-set unassign Callers bob",
    "permission-set remove Callers",
    "permission-set grant External%20Credential%20User --principal Weather/Own",
    "permission-set-group create Office --permission-set External%20Credential%20User",
    "permission-set-group include Office Order%20Clerks",
    "permission-set-group exclude Office Order%20Clerks",
    "permission-set-group assign Office alice",
    "permission-set-group unassign Office alice",
    "permission-set-group list",
    "permission-set-group remove Office",
    "permission-set-group remove Office",
    "profile create Contractors --user-external-credential read",
    "profile list",
    "profile grant Contractors --principal Orders/Service",
    "profile revoke Contractors --principal Orders/Service",
    "profile remove Contractors",
    "secret list Orders/Service",
    "secret remove Orders/Service client_id",
    "who-can Orders",
    "who-can Nothing",
    "diagnose Orders --as bob --namespace acme",
    "explain 0123",
    "export",
    "status",
    "permission-set show Order%20Clerks",
    "profile show Nobody",
    "protocol list",
    "protocol show basic",
    "trusted-issuer show Nobody",
    'preview named_credential.enable {"name":"Orders"}',
    "preview callout%20named-credential%20enable%20Orders",
    "principal remove Weather/Own --dry-run",
    "principal remove Weather/Own",
    "named-credential remove Weather --dry-run",
    "named-credential remove Weather",
    "external-credential remove Weather",
    "audit verify",
    "audit prune --before 900d",
    "log --since 1h --user alice",
]
#: The hash of a chain in which another stands as the one who did it.
HASH = re.compile(r"[0-9a-f]{64}")


def words(command: str) -> list[str]:
    return [word.replace("%20", " ") for word in command.split()]


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_commands_say_the_same_on_a_home_and_on_a_running_server(cli, server, form):
    key = cli.runs(cli.world.key_of("admin"))
    twin = CommandLine(asyncio.run(make_shop()))
    twin.runs(twin.world.key_of("admin"))
    for command in COMMANDS:
        at_home = twin(*words(command), *form)
        remote = cli(*words(command), *form, "--url", server, "--key", key)
        printed = remote.out.replace(f" --url {server}", "")  # commands work as they are printed
        out, expected = HASH.sub("…", printed), HASH.sub("…", at_home.out)
        assert (command, remote.code, out, remote.err) == (command, at_home.code, expected, at_home.err)
    assert cli.world.store.org.definitions() == twin.world.store.org.definitions()


def test_either_url_of_a_server_will_do(cli, server, gateway):
    gateway.body = f'{{"gateway": "{gateway.url}", "setup": "{server}"}}'.encode()
    gateway.headers = [("Content-Length", str(len(gateway.body)))]
    key = cli.runs(cli.world.key_of("admin"))
    assert cli("user", "list", "--url", gateway.url, "--key", key).code == 0
    assert "Callout-Key" not in dict(gateway.seen[0].headers)


def test_the_key_comes_from_the_environment_where_it_is_not_given(cli, server):
    cli.environment["CALLOUT_KEY"] = cli.runs(cli.world.key_of("admin"))
    assert cli("user", "list", "--url", server).code == 0


@pytest.mark.parametrize(
    ("user", "code", "reason"), [("alice", 2, "administrator_required"), (None, 2, "caller_unknown")]
)
def test_who_may_not_is_told_so_with_the_exit_code_of_the_blame(cli, server, user, code, reason):
    key = cli.runs(cli.world.key_of(user)) if user else "co_unknown"
    ran = cli("user", "list", "--url", server, "--key", key, "--json")
    assert (ran.code, ran.json["reason"]) == (code, reason)


def test_a_secret_set_on_a_server_is_sealed_there_and_applied_references_are_read_here(cli, server, tmp_path):
    key = cli.runs(cli.world.key_of("admin"))
    (tmp_path / "secret").write_text("from the file\n")
    manifest = tmp_path / "callout.yaml"
    manifest.write_text(
        "external_credentials: {New: {protocol: basic, principals: {Own: {secrets:"
        " {username: {env: NEW_USER}, password: {file: secret}}}}}}"
    )
    cli.environment["NEW_USER"] = "from the variable"
    applied = cli("apply", "-f", str(manifest), "--url", server, "--key", key, "--json")
    assert {s["name"]: s["action"] for s in applied.json["secrets"]} == {"username": "set", "password": "set"}
    again = cli("secret", "set", "New/Own", "password=-", "--url", server, "--key", key, stdin="from the file")
    assert "unchanged" in again.out


@pytest.mark.parametrize("answer", [b"<html>", b'{"gateway": 1}', b"[]", b"{}"])
def test_a_server_that_is_not_callout_is_refused_before_the_key_is_sent(cli, gateway, answer):
    gateway.body, gateway.headers = answer, [("Content-Length", str(len(answer)))]
    ran = cli("user", "list", "--url", gateway.url, "--key", "co_secret", "--json")
    assert (ran.code, ran.json["reason"]) == (5, "server_unreachable")
    assert "co_secret" not in repr(gateway.seen) + ran.out


def discovered(given: str, said: str) -> str:
    remote = Remote(given, "co_x", "1")
    return remote._public(said).geturl()


@pytest.mark.parametrize(
    ("given", "said", "used"),
    [
        ("http://callout.local:8471", "http://0.0.0.0:8470", "http://callout.local:8470"),
        ("http://[::1]:8471", "http://[::]:8470", "http://[::1]:8470"),
        ("http://callout.local:8471", "http://10.0.0.7:8470", "http://10.0.0.7:8470"),
        ("https://callout.example.com", "https://gate.example.com", "https://gate.example.com"),
        ("https://callout.example.com", "http://127.0.0.1:8470", "http://127.0.0.1:8470"),
    ],
)
def test_the_url_that_a_server_names_is_used_with_a_host_that_can_be_reached(given, said, used):
    assert discovered(given, said) == used


def test_a_server_cannot_talk_the_key_down_from_https_to_http():
    with pytest.raises(RemoteRefused) as refused:
        discovered("https://callout.example.com", "http://elsewhere.example.com")
    assert "unencrypted" in refused.value.document["detail"]
