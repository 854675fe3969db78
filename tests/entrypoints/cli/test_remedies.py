"""Every command that the ladder prints works as it is printed: run it, and the rung that it mends holds."""

import inspect
import re
import shlex
from dataclasses import replace

import pytest

from callout.core.access import decide as ladder
from callout.core.access import keys
from callout.core.model.credentials import NamedCredential
from callout.core.model.identity_providers import ExternalAuthIdentityProvider
from callout.core.model.people import Caller, Package, PermissionSet, Profile, User


def set_up(cli, situation: str) -> tuple[str, Caller]:
    """Bring about a refusal; returns the name of the callout and its caller."""
    world, run = cli.world, cli.runs
    match situation:
        case "user not active":
            run(world.define(User("alice", permission_sets=("Order Clerks",), active=False)))
            return "Orders", Caller("alice")
        case "user not defined":
            return "Orders", Caller("some.one@example.com")
        case "package not installed":
            return "Orders", Caller("alice", "zeta")
        case "named credential disabled":
            run(world.run("named_credential.disable", name="Orders"))
            return "Orders", Caller("alice")
        case "namespace not allowed":
            return "Orders", Caller("alice", "acme")
        case "principal granted by a set that the user lacks":
            return "Orders", Caller("bob")
        case "principal granted by no set":
            return "Weather", Caller("bob")
        case "principal granted by no set, whose name is taken":
            run(world.define(PermissionSet("Weather Callers")))
            return "Weather", Caller("bob")
        case "no read on user external credential":
            run(world.define(Profile("Contractors"), User("eve", "Contractors", ("Order Clerks",))))
            return "Orders", Caller("eve")
        case "a time box that has ended":
            run(world.run("permission_set.assign", name="Order Clerks", user="bob", until="1h", purpose="incident 7"))
            world.clock.move(hours=1)
            return "Orders", Caller("bob")
        case "a time box of a group that has ended":
            run(world.run("permission_set_group.create", name="Staff", permission_sets=["Order Clerks"]))
            run(world.run("permission_set_group.assign", name="Staff", user="bob", until="1h"))
            world.clock.move(hours=1)
            return "Orders", Caller("bob")
        case "principal muted in a group":
            run(
                world.run("permission_set_group.create", name="Staff", permission_sets=["Order Clerks"], assign=["bob"])
            )
            run(world.run("permission_set_group.mute", name="Staff", principals=["Orders/Service"]))
            return "Orders", Caller("bob")
        case "values of a named principal missing":
            return "Orders", Caller("alice")
        case "values of a per-user principal missing":
            run(world.run("profile.grant", name="Standard User", principals=["Weather/Own"]))
            return "Weather", Caller("bob")
        case "client of an identity provider missing":
            orders = run(world.store.load()).external_credentials["Orders"]
            named = replace(orders, parameters={**orders.parameters, "identity_provider": "Contoso"})
            run(world.define(ExternalAuthIdentityProvider("Contoso"), named))
            return "Orders", Caller("alice")
        case "no set lets act for the user":
            return "Orders", Caller("bob", on_behalf_of="alice")
        case "a set lets act for the user, which the caller lacks":
            run(world.run("permission_set.let_act_for", name="Order Clerks", user="profile:Standard User"))
            return "Orders", Caller("bob", on_behalf_of="alice")
    raise AssertionError(situation)


SITUATIONS = {
    "user not active": "caller",
    "user not defined": "caller",
    "package not installed": "caller",
    "named credential disabled": "enabled",
    "namespace not allowed": "namespace",
    "principal granted by a set that the user lacks": "principal",
    "principal granted by no set": "principal",
    "principal granted by no set, whose name is taken": "principal",
    "no read on user external credential": "user_external_credential",
    "a time box that has ended": "principal",
    "a time box of a group that has ended": "principal",
    "principal muted in a group": "principal",
    "values of a named principal missing": "configured",
    "values of a per-user principal missing": "configured",
    "client of an identity provider missing": "configured",
    "no set lets act for the user": "on_behalf_of",
    "a set lets act for the user, which the caller lacks": "on_behalf_of",
}


def decided(cli, name: str, caller: Caller):
    org = cli.runs(cli.world.store.load())
    return ladder.decide(org, cli.world.setup.catalogue, caller, name, now=cli.world.setup.now())


@pytest.mark.parametrize(("situation", "rung"), SITUATIONS.items())
def test_the_printed_command_mends_its_rung(cli, situation, rung):
    name, caller = set_up(cli, situation)
    before = {step.name: step for step in decided(cli, name, caller).explanation.steps}
    assert before[rung].held is False
    for remedy in before[rung].remedies:
        program, *argv = shlex.split(remedy.command)
        assert program == "callout"
        ran = cli(*argv, stdin="a value\n" * remedy.command.count("=-"))
        assert (ran.code, ran.err) == (0, ""), ran
    after = {step.name: step for step in decided(cli, name, caller).explanation.steps}
    assert after[rung].held is True


def test_key_create_works_as_it_is_printed_once_user_is_replaced(cli):
    assert 'callout key create USER"' in inspect.getsource(ladder)
    ran = cli("key", "create", "alice")
    assert re.fullmatch(r"co_\w{44}\n", ran.out)


def test_apply_works_as_it_is_printed_once_file_is_replaced(cli, tmp_path):
    assert '"callout apply -f FILE"' in inspect.getsource(ladder)
    file = tmp_path / "callout.yaml"
    file.write_text("named_credentials: {New: {url: https://new.example.com, external_credential: Orders}}")
    assert cli("apply", "-f", str(file)).code == 0
    assert decided(cli, "New", Caller("alice")).named_credential == NamedCredential(
        "New", "https://new.example.com", "Orders"
    )


def test_the_printed_command_widens_a_limited_key(cli):
    made = cli("key", "create", "alice", "--named-credential", "Weather").out.strip()

    def rung():
        org = cli.runs(cli.world.store.load())
        key = next(each for each in org.keys.values() if made.startswith(each.prefix))
        decision = ladder.decide(
            org, cli.world.setup.catalogue, Caller("alice", proof="key", key=key), "Orders", now=cli.world.setup.now()
        )
        return next(step for step in decision.explanation.steps if step.name == "key_limit")

    (remedy,) = rung().remedies
    assert cli(*shlex.split(remedy.command)[1:]).code == 0
    assert rung().held


def test_a_key_is_rotated_as_the_manual_says_and_shown_alone_on_standard_output(cli):
    old = cli("key", "create", "alice").out.strip()
    ran = cli("key", "rotate", old[:11], "--overlap", "24h")
    assert re.fullmatch(r"co_\w{44}\n", ran.out)
    assert f"{old[:11]}… ends at" in ran.err


def test_no_other_command_is_printed_by_the_ladder():
    printed = set(
        re.findall(r'"(callout [a-z-]+(?: [a-z][a-z-]+)?)', inspect.getsource(ladder) + inspect.getsource(keys))
    )
    assert printed == {
        "callout apply",
        "callout certificate import",
        "callout identity-provider set-secret",
        "callout key create",
        "callout key limit",
        "callout user set",
        "callout package install",
        "callout named-credential enable",
        "callout named-credential allow-namespace",
        "callout permission-set assign",
        "callout permission-set create",
        "callout secret set",
    }


def test_a_package_in_an_allow_namespace_remedy_may_have_to_be_installed_first(cli):
    cli.runs(cli.world.define(Package("zeta")))
    assert cli("named-credential", "allow-namespace", "Orders", "zeta").code == 0
