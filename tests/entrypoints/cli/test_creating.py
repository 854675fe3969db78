import pytest

STRIPE = ("create", "Pay", "--preset", "stripe", "--secret", "ApiKey=-", "--user", "alice")


def test_presets_are_listed_and_found_by_words(cli):
    everything = cli("presets", "--json").json["presets"]
    assert len(everything) >= 75
    assert [p["id"] for p in cli("presets", "salesforce", "jwt", "--json").json["presets"]] == ["salesforce-jwt"]
    listed = cli("presets", "strip")
    assert listed.out.splitlines()[0].split() == ["preset", "what", "it", "is", "description", "protocol"]
    assert listed.out.splitlines()[1].startswith("stripe")
    assert "No preset is like that" in cli("presets", "zzzz").out


def test_a_preset_is_shown_with_what_it_asks_for_and_the_command(cli):
    shown = cli("presets", "show", "zendesk")
    command = "callout create Zendesk --preset zendesk --input subdomain=acme --input email=agent@acme.example"
    assert shown.out.splitlines()[-1] == f"{command} --secret ApiKey=-"
    assert "Subdomain, as in https://SUBDOMAIN.zendesk.com" in shown.out
    assert "API token, under Admin Center" in shown.out
    assert cli("presets", "show", "zendesk", "--json").json["url"] == "https://{subdomain}.zendesk.com"


def test_one_command_makes_everything_and_says_what_is_next(cli):
    made = cli(*STRIPE, stdin="sk_canary\n")
    assert made.code == 0
    assert made.out.splitlines()[-1] == "Next: Try it: callout send Pay/v1/balance --as alice"
    assert "sk_canary" not in made.out + made.err
    assert cli("diagnose", "Pay", "--as", "alice", "--path", "/v1/balance").code == 0


def test_json_has_the_plan_and_the_steps(cli):
    made = cli(*STRIPE, "--json", stdin="sk_canary\n").json
    assert [change["section"] for change in made["changes"]] == [
        "external_credentials",
        "named_credentials",
        "permission_sets",
        "users",
    ]
    assert made["next"] == [{"say": "Try it", "command": "callout send Pay/v1/balance --as alice", "user": "alice"}]


def test_a_dry_run_changes_nothing(cli):
    shown = cli(*STRIPE, "--dry-run", stdin="sk_canary\n")
    assert "+ named_credentials.Pay" in shown.out
    assert "Nothing is changed" in shown.out
    assert "Pay" not in cli.world.store.org.named_credentials


def test_without_a_preset_the_system_is_described_in_a_few_words(cli):
    made = cli(
        *("create", "Stock", "--endpoint", "https://stock.example.com", "--protocol", "custom", "--label", "Stock"),
        *("-H", "X-Key: {!$Credential.Stock.ApiKey}", "--secret", "ApiKey=-", "--grant", "Stock Callers"),
        *("--user", "alice", "--namespace", "acme"),
        stdin="canary\n",
    )
    assert made.code == 0, made.err
    stock = cli.world.store.org.named_credentials["Stock"]
    assert (stock.label, stock.allowed_namespaces) == ("Stock", ("acme",))
    assert cli("diagnose", "Stock", "--as", "alice", "--namespace", "acme").code == 0


def test_a_missing_secret_is_named_with_the_command_that_sets_it(cli):
    made = cli("create", "Pay", "--preset", "stripe", "--user", "alice")
    assert made.code == 0
    assert "Next: Set what Pay/Service lacks: callout secret set Pay/Service ApiKey=-" in made.out
    assert cli("secret", "set", "Pay/Service", "ApiKey=-", stdin="x\n").code == 0
    assert cli("diagnose", "Pay", "--as", "alice").code == 0


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (("create", "Pay", "--preset", "strpe"), 3, "did you mean 'stripe'"),
        (("create", "Help", "--preset", "zendesk"), 3, "such as --input subdomain=acme"),
        (("create", "Help", "--preset", "zendesk", "--input", "acme"), 2, "expected --input NAME=VALUE"),
        (("create", "Orders", "--preset", "stripe"), 3, "named_credentials.Orders: got a name that is taken"),
        (("create", "Pay", "--preset", "stripe", "--user", "alcie"), 3, "did you mean 'alice'"),
        (("create", "Pay", "--preset", "stripe", "--named", "--per-user"), 2, "expected one of them"),
        (("create", "Pay"), 3, "expected --endpoint https://HOST"),
        (("create", "Pay", "--preset", "stripe", "-H", "nonsense"), 2, "expected 'NAME: VALUE'"),
        (("create", "Pay", "--preset", "stripe", "--secret", "ApiKy=@none"), 2, "which cannot be read"),
        (("presets", "show", "strpe"), 3, "did you mean 'stripe'"),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_told_and_nothing_is_made(cli, argv, code, told):
    before = cli.world.store.org.generation
    ran = cli(*argv)
    assert (ran.code, told in ran.err) == (code, True), ran.err
    assert cli.world.store.org.generation == before


def test_a_running_server_makes_it_too_and_is_told_no_user(cli, server):
    key = cli.runs(cli.world.key_of("admin"))
    made = cli(*STRIPE, "--url", server, "--key", key, stdin="sk_canary\n")
    assert made.code == 0, made.err
    assert made.out.splitlines()[-1] == f"Next: Try it: callout send Pay/v1/balance --url {server}"
    assert cli("presets", "show", "stripe", "--url", server, "--key", key).code == 0
