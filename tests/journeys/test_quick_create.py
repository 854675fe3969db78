"""Quick create over real processes: one command, and the command that it prints next works as it is printed."""

import json
import shlex
import subprocess

import pytest

from tests.journeys.processes import CALLOUT, PATIENCE, PROJECT, Sandbox, callout_home

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with Sandbox(tmp_path_factory.mktemp("quick") / "sandbox.log", "--key", "api-key:canary-key") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with callout_home(tmp_path_factory.mktemp("quick") / "home") as home:
        home.run("user", "set", "alice")
        yield home


def run_as_printed(home, line: str) -> subprocess.CompletedProcess[str]:
    """Run the command at the end of a line, as it stands there."""
    words = shlex.split(line[line.index("callout ") :])
    return subprocess.run(
        [*CALLOUT, *words[1:]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=home.environment,
        cwd=PROJECT,
        timeout=PATIENCE,
    )


def test_a_preset_an_endpoint_and_a_secret_are_one_command_away_from_an_answer(home, sandbox):
    where = ("--endpoint", f"{sandbox.url}/key", "--allow-private-network")
    made = home.run(
        *("create", "Mail", "--preset", "brevo", *where, "--secret", "ApiKey=-", "--user", "alice"),
        standard_input="canary-key\n",
    )
    last = made.splitlines()[-1]
    assert last.startswith("Next: Try it: callout send Mail/account --as alice")
    answered = run_as_printed(home, last)
    assert answered.returncode == 0, answered.stderr
    assert "canary" not in made + answered.stdout


def test_a_grant_obtains_its_token_and_each_step_works_as_it_is_printed(home, sandbox):
    made = home.run(
        *("create", "Money", "--preset", "paypal", "--endpoint", f"{sandbox.url}/bearer", "--allow-private-network"),
        *("--parameter", f"token_endpoint={sandbox.token_endpoint}", "--grant", "Payers"),
    )
    secrets, granting, trying = made.splitlines()[-3:]
    assert "callout secret set Money/Service client_id=- client_secret=-" in secrets
    home.set_secrets("Money/Service", client_id="sandbox-client", client_secret="sandbox-secret")
    for line in (granting, trying):
        ended = run_as_printed(home, line)
        assert ended.returncode == 0, f"{line}\n{ended.stdout}\n{ended.stderr}"


def test_what_is_refused_makes_nothing(home):
    before = home.run("export")
    ended = home.attempt("create", "Broken", "--preset", "zendesk", "--json")
    assert ended.returncode == 3
    assert [p["place"] for p in json.loads(ended.stdout)["problems"]] == ["inputs.subdomain", "inputs.email"]
    assert home.run("export") == before
