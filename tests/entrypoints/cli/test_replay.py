"""What is sent again after a refresh: declared in a manifest or by a command, shown, and predicted."""

import pytest

from tests.world import ORDERS_URL, replace

IDEMPOTENT = ["DELETE", "GET", "HEAD", "OPTIONS", "PUT"]


@pytest.fixture
def configured(cli):
    assert cli("secret", "set", "Orders/Service", "client_id=-", "client_secret=-", stdin="a\nb\n").code == 0
    return cli


def declare(cli, **declared) -> None:
    cli.runs(cli.world.define(replace(ORDERS_URL, **declared)))


def diagnosed(cli, method: str) -> dict:
    return cli("diagnose", "Orders", "--as", "alice", "-X", method, "--json").json


def step(found: dict) -> str:
    return next(step["detail"] for step in found["steps"] if step["name"] == "replay")


def test_what_is_declared_first_keeps_what_needed_no_declaration(cli):
    ran = cli("named-credential", "allow-replay", "Orders", "POST", "--json").json
    assert (ran["changed"], ran["replay_methods"]) == (True, [*IDEMPOTENT, "POST"])
    again = cli("named-credential", "allow-replay", "Orders", "POST", "--json").json
    assert (again["changed"], again["replay_methods"]) == (False, [*IDEMPOTENT, "POST"])
    assert "DELETE, GET, HEAD, OPTIONS, PUT, POST" in again["message"]


def test_what_is_declared_is_added_to(cli):
    declare(cli, replay_methods=("GET",))
    assert cli("named-credential", "allow-replay", "Orders", "POST", "--json").json["replay_methods"] == ["GET", "POST"]


def test_a_method_that_is_none_is_refused(cli):
    ran = cli("named-credential", "allow-replay", "Orders", "post")
    assert (ran.code, "did you mean 'POST'" in ran.err) == (3, True)


def test_it_is_shown(cli):
    declare(cli, replay_methods=("GET", "POST"), idempotency_header="Idempotency-Key")
    shown = cli("named-credential", "show", "Orders").out
    assert "replay methods" in shown
    assert "Idempotency-Key" in shown


def test_it_is_exported_planned_and_applied(cli, tmp_path):
    declare(cli, replay_methods=("GET", "POST"), idempotency_header="Idempotency-Key")
    exported = cli("export").out
    assert "replay_methods:\n      - GET\n      - POST\n    idempotency_header: Idempotency-Key\n" in exported
    file = tmp_path / "callout.yaml"
    file.write_text(exported.replace("      - POST\n", "").replace("Idempotency-Key", "X-Request-Id"))
    planned = cli("plan", "-f", str(file)).out
    assert "- replay_methods: POST" in planned
    assert "~ idempotency_header: Idempotency-Key → X-Request-Id" in planned
    assert cli("apply", "-f", str(file)).code == 0
    assert cli("named-credential", "show", "Orders", "--json").json["replay_methods"] == ["GET"]


@pytest.mark.parametrize(
    ("declared", "named"),
    [
        ({"replay_methods": ("GET", "GET")}, "replay_methods[GET]"),
        ({"idempotency_header": "Content-Length"}, "idempotency_header"),
        ({"idempotency_header": "authorization"}, "idempotency_header"),
    ],
)
def test_what_cannot_be_declared_is_refused_with_its_place(cli, tmp_path, declared, named):
    exported = cli("export").out
    member = ", ".join(
        f"{name}: {list(value) if isinstance(value, tuple) else value}" for name, value in declared.items()
    )
    file = tmp_path / "callout.yaml"
    file.write_text(exported.replace("    url: https://orders", f"    {member}\n    url: https://orders", 1))
    ran = cli("plan", "-f", str(file))
    assert ran.code == 3
    assert named in ran.err


def test_what_will_happen_is_predicted(configured):
    assert step(diagnosed(configured, "POST")).endswith("with a body of up to replay_limit")
    declare(configured, replay_methods=("GET", "POST"), idempotency_header="Idempotency-Key")
    found = diagnosed(configured, "POST")
    assert step(found).endswith("with a body of up to replay_file_limit")
    assert ["Idempotency-Key", "the callout id"] in found["request"]["headers"]
    got = diagnosed(configured, "GET")
    assert "Idempotency-Key" not in dict(got["request"]["headers"])
    assert "never sent again" in step(diagnosed(configured, "PUT"))
