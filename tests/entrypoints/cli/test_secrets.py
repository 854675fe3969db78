import pytest

from callout.core.secret import reveal
from callout.engine.slots import secret_row
from tests.world import SERVICE

CANARY = "canary-9c1e"


def stored(cli, name: str) -> str:
    envelope = cli.world.store.sealed[SERVICE][name]
    return reveal(cli.world.vault.open(envelope, row=secret_row(SERVICE, name)))


def test_one_value_is_all_of_standard_input_without_its_line_end(cli):
    ran = cli("secret", "set", "Orders/Service", "client_secret=-", stdin=f"{CANARY}\n")
    assert (ran.code, stored(cli, "client_secret")) == (0, CANARY)
    assert CANARY not in ran.out + ran.err


def test_several_values_are_one_line_each_in_the_order_of_the_arguments(cli):
    cli("secret", "set", "Orders/Service", "client_secret=-", "client_id=-", stdin="the secret\r\nthe id\r\n")
    assert (stored(cli, "client_secret"), stored(cli, "client_id")) == ("the secret", "the id")


def test_too_few_lines_are_refused_and_nothing_is_stored(cli):
    ran = cli("secret", "set", "Orders/Service", "client_secret=-", "client_id=-", stdin=f"{CANARY}\n")
    assert (ran.code, cli.world.store.sealed) == (2, {})
    assert CANARY not in ran.out + ran.err


def test_a_value_is_read_from_a_file(cli, tmp_path):
    (tmp_path / "secret").write_text(f"{CANARY}\n")
    assert cli("secret", "set", "Orders/Service", f"client_secret=@{tmp_path / 'secret'}").code == 0
    assert stored(cli, "client_secret") == CANARY
    assert cli("secret", "set", "Orders/Service", f"client_secret=@{tmp_path / 'none'}").code == 2


def test_a_value_on_the_command_line_is_taken_with_a_warning(cli):
    ran = cli("secret", "set", "Orders/Service", f"client_secret={CANARY}=x")
    assert (ran.code, stored(cli, "client_secret")) == (0, f"{CANARY}=x")
    assert ran.err.startswith("warning: client_secret")
    assert CANARY not in ran.out + ran.err


def test_on_a_terminal_a_value_is_asked_for_without_being_shown(cli, monkeypatch):
    asked = []
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or f"typed {len(asked)}")
    assert cli("secret", "set", "Orders/Service", "client_id", "client_secret=-", terminal=True).code == 0
    assert asked == ["client_id: ", "client_secret: "]
    assert (stored(cli, "client_id"), stored(cli, "client_secret")) == ("typed 1", "typed 2")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\0b"])
def test_a_value_that_would_break_out_of_a_header_is_refused_by_its_rule(cli, value):
    ran = cli("secret", "set", "Orders/Service", "client_secret=-", "--json", stdin=value)
    assert (ran.code, cli.world.store.sealed) == (3, {})
    assert ran.json["problems"][0]["place"].endswith("Service.secrets.client_secret")
    assert "X-Evil" not in ran.out


def test_names_are_listed_and_removed_and_values_are_not_shown(cli):
    cli("secret", "set", "Orders/Service", "client_secret=-", stdin=CANARY)
    listed = cli("secret", "list", "Orders/Service")
    assert listed.out == "set      client_secret\nmissing  client_id\n"
    assert cli("secret", "remove", "Orders/Service", "client_secret", "--json").json["removed"] == 1
    assert cli("secret", "remove", "Orders/Service", "--all", "--json").json["removed"] == 0


def test_an_argument_without_a_name_is_refused_without_being_repeated(cli):
    ran = cli("secret", "set", "Orders/Service", f"={CANARY}")
    assert ran.code == 2
    assert CANARY not in ran.err
    odd = cli("secret", "set", "Orders/Service", f"{CANARY}!")
    assert odd.code == 2
    assert CANARY not in odd.err
