import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from callout.entrypoints.cli.main import main
from callout.entrypoints.cli.tree import build


def test_a_change_is_said_in_a_sentence_on_standard_output(cli):
    ran = cli("named-credential", "disable", "Orders")
    assert (ran.code, ran.out, ran.err) == (0, "Orders is disabled for callouts\n", "")


def test_with_json_standard_output_is_one_json_value(cli):
    ran = cli("named-credential", "list", "--json")
    assert [n["name"] for n in ran.json["named_credentials"]] == ["Orders", "Weather"]


def test_a_refusal_goes_to_standard_error_with_place_and_nearest_name_and_ends_with_3(cli):
    ran = cli("named-credential", "enable", "Odrers")
    assert (ran.code, ran.out) == (3, "")
    assert "named_credentials.Odrers" in ran.err
    assert "did you mean 'Orders'?" in ran.err


def test_a_refusal_with_json_is_a_problem_document_on_standard_output(cli):
    ran = cli("named-credential", "enable", "Odrers", "--json")
    assert (ran.code, ran.err) == (3, "")
    assert (ran.json["reason"], ran.json["blame"], ran.json["problems"][0]["nearest"]) == (
        "not_defined",
        "admin",
        "Orders",
    )


@pytest.mark.parametrize(
    "argv",
    [
        ("no-such-command",),
        ("permission-set", "assign", "Order Clerks"),
        ("status", "--no-such-option"),
        ("status", "--home", "a", "--url", "http://127.0.0.1:1"),
        ("status", "--url", "http://127.0.0.1:1"),
        ("status", "--key", "co_x"),
        ("status", "--url", "ftp://x", "--key", "co_x"),
        ("secret", "set", "Orders", "client_id=-"),
        ("secret", "set", "Orders/Service"),
        ("secret", "set", "Orders/Service", "client_id=-", "client_id=-"),
        ("secret", "remove", "Orders/Service"),
        ("secret", "remove", "Orders/Service", "client_id", "--all"),
        ("key", "expire", "co_x"),
        ("permission-set", "grant", "Order Clerks"),
        ("plan", "-f", "no-such-file.yaml"),
        ("import", "salesforce", "no-such-folder"),
        ("serve", "--url", "http://127.0.0.1:1"),
        ("send", "not a name"),
        ("send", "Orders", "-H", "no colon"),
    ],
)
def test_arguments_that_are_wrong_end_with_2_in_text_and_in_json(cli, argv):
    ran = cli(*argv)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    as_json = cli(*argv, "--json")
    assert (as_json.code, as_json.err, as_json.json["blame"]) == (2, "", "caller")


def test_a_home_that_is_not_there_ends_with_5_and_says_how_to_make_one(cli):
    ran = cli("status", "--home", "/tmp/missing")
    assert ran.code == 5
    assert "callout init" in ran.err


def test_commands_that_are_printed_work_where_the_command_did_that_printed_them(cli):
    assert "callout permission-set assign 'Order Clerks' admin\n" in cli("who-can", "Orders").out
    given = cli("who-can", "Orders", "--home", "/srv/my callout").out
    assert "callout permission-set assign 'Order Clerks' admin --home '/srv/my callout'\n" in given
    cli.environment["CALLOUT_HOME"] = "/srv/callout"
    assert "--home" not in cli("who-can", "Orders", "--home", "/srv/callout").out


def test_wrong_arguments_are_answered_with_the_help_of_their_command(cli):
    assert "callout permission-set assign --help\n" in cli("permission-set", "assign", "Order Clerks").err
    assert cli("no-such-command", "--json").json["remedy_commands"] == ["callout --help"]


def test_a_request_that_breaks_a_limit_names_the_option(cli):
    ran = cli("audit", "list", "--limit", "0")
    assert (ran.code, "audit.list: limit: Expected `int` >= 1" in ran.err) == (2, True)


def test_a_time_that_cannot_be_read_is_the_callers_to_mend(cli):
    for argv in (("audit", "list", "--since", "foo"), ("audit", "verify", "--against", "foo")):
        ran = cli(*argv)
        assert (ran.code, "(malformed_request)" in ran.err) == (2, True), argv


@pytest.mark.parametrize("argv", [("plan", "-f", "-"), ("secret", "set", "Orders/Service", "client_secret=-")])
def test_a_closed_standard_input_is_an_empty_one(cli, argv, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)  # so Python finds it after `<&-`
    out, err = io.StringIO(), io.StringIO()
    assert main(argv, cli.wiring(), stdout=out, stderr=err) == 3
    assert "got an empty" in err.getvalue()


def test_a_folder_without_anything_to_import_is_not_an_import_of_nothing(cli, tmp_path):
    ran = cli("import", "salesforce", str(tmp_path))
    assert (ran.code, ran.out) == (2, "")
    assert "namedCredential-meta.xml" in ran.err


def test_keys_are_rotated_in_a_home_and_what_was_done_is_said(cli):
    ran = cli("keys", "rotate", "--home", "/srv/callout")
    assert (ran.code, cli.called) == (0, [("rotate", Path("/srv/callout"))])
    assert "master key  new\ndata key    2\n" in ran.out
    assert cli("keys", "rotate", "--json").json["to_do"] is None
    assert cli("keys", "rotate", "--url", "http://127.0.0.1:1").code == 2


def test_the_home_is_the_option_else_the_variable_else_the_users_own(cli):
    cli("status", "--home", "here")
    cli.environment["CALLOUT_HOME"] = "/srv/callout"
    cli("status")
    del cli.environment["CALLOUT_HOME"]
    cli("status")
    homes = [home for _, home in cli.called]
    assert homes == [Path("here").absolute(), Path("/srv/callout"), Path("~/.callout").expanduser()]


def test_an_unforeseen_error_ends_with_5_and_shows_nothing_of_its_text(cli):
    async def fails(*_):
        raise RuntimeError("hunter2")

    cli.world.operations.run = fails
    ran = cli("status")
    assert ran.code == 5
    assert "RuntimeError" in ran.err
    assert "hunter2" not in ran.err


def test_an_interrupted_command_ends_as_shells_expect(cli):
    async def interrupted(*_):
        raise KeyboardInterrupt

    cli.world.operations.run = interrupted
    assert cli("status").code == 130


def test_version_and_help_go_to_standard_output(cli):
    assert cli("--version").out.strip() == "1.2.3"
    ran = cli("secret", "set", "--help")
    assert ran.code == 0
    assert "callout secret set Orders/Service client_id=-" in ran.out


def commands(app, path=()):
    for name in app:
        if not name.startswith("-"):
            yield from commands(app[name], (*path, name)) if list(app[name]) != ["--help", "-h", "--version"] else ()
            yield (*path, name)


def leaves():
    found = sorted(commands(build("1")))
    return [path for path in found if not any(other[: len(path)] == path and other != path for other in found)]


HANDED_ON = {("demo",), ("sandbox",)}


@pytest.mark.parametrize("path", [path for path in leaves() if path not in HANDED_ON], ids=" ".join)
def test_every_command_has_a_sentence_and_an_example_and_takes_json_and_a_home(cli, path):
    ran = cli(*path, "--help")
    said = ran.out.partition("\n")[2]
    assert ran.code == 0
    assert said.strip()[0].isupper()
    assert f"Example: `callout {' '.join(path)}" in ran.out
    assert ("--home" in ran.out, "--json" in ran.out) == (True, True)


def test_every_command_is_in_the_reference_page():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "cli.md").read_text()
    assert [path for path in leaves() if f"callout {' '.join(path)}" not in page] == []


def test_everything_after_sandbox_and_demo_is_handed_on(cli):
    assert cli("sandbox", "serve", "--port", "0", "--help").code == 0
    assert cli("demo", "--keep").code == 7
    assert cli.called == [("sandbox", ("serve", "--port", "0", "--help")), ("demo", ("--keep",))]


def test_init_serve_and_migrate_are_handed_what_was_given(cli, tmp_path):
    made = cli("init", "--home", str(tmp_path), "--admin", "root", "--json")
    assert made.json == {"home": str(tmp_path), "admin": "root", "key": "co_made"}
    cli("serve", "--home", str(tmp_path), "--port", "0", "--workers", "3")
    _, (_, home, serving) = cli.called
    assert (home, serving.port, serving.setup_port, serving.workers) == (tmp_path, 0, None, 3)
    assert cli("db", "migrate", "--json").json["after"] == "0001"


def test_the_command_line_starts_without_what_a_command_does_not_need():
    code = (
        "import sys; from callout.entrypoints.cli.tree import build; build('1').help_print([]);"
        "print([m for m in ('msgspec', 'yaml', 'lark', 'lxml', 'sqlalchemy', 'starlette', 'cryptography', 'httpx2',"
        " 'http.client') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_audit_verify_ends_with_5_where_the_chain_is_broken(cli):
    assert cli("audit", "verify").code == 0

    async def broken(*_):
        return {"ok": False, "rows": 7, "broken": "row 4"}

    cli.world.operations.run = broken
    ran = cli("audit", "verify", "--json")
    assert (ran.code, json.loads(ran.out)["broken"]) == (5, "row 4")


def test_a_key_is_alone_on_standard_output_so_that_a_script_can_take_it(cli):
    ran = cli("key", "create", "alice", "--namespace", "acme", "--expires", "90d")
    assert (ran.out.startswith("co_"), ran.out.count("\n"), "shown this once" in ran.err) == (True, 1, True)
    prefix = ran.out[:11]
    assert cli("key", "expire", prefix, "--at", "12h").out == f"Key {prefix}… of alice: 2026-01-01T12:00:00+00:00\n"
    assert cli("key", "expire", prefix, "--never").out == f"Key {prefix}… of alice: no end\n"
    assert cli("key", "revoke", prefix).out == f"Key {prefix}… of alice is revoked\n"
    assert cli("key", "list").out == "There is no key.\n"
