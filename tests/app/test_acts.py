"""A10: every mutating operation leaves exactly one act in the audit trail, and everything else leaves none.

An operation that does several things in one write leaves the act for the whole first, then one for each part: which
ones is said here for that operation alone.

An operation that is added to the table fails here until it has a case (or is named as one that changes nothing).
"""

import asyncio
import json
import shutil
from contextlib import nullcontext

import msgspec
import pytest
import pytest_asyncio

from callout.app.home import open_home
from callout.app.operations import operations_of
from callout.core.chain import ACTS
from callout.core.errors import CalloutError
from callout.engine.operations import BY_NAME, LOCAL, OPERATIONS
from callout.engine.operations.preview import PREVIEWED
from callout.settings import Settings
from tests.judging import JudgedOperations
from tests.keys import key, pem_of

#: Operations whose method is not GET and that change nothing.
ASKING = {"plan", "diagnose", "token.introspect", "certificate.request", "preview", "callout.send"}
#: Those that need an authorization server that answers: tests/engine/test_connect.py shows their acts.
ELSEWHERE = {"connection.begin_device", "connection.poll_device", "connection.remove"}
#: That needs a browser that is signed in: tests/engine/test_sign_in.py shows its act.
ELSEWHERE |= {"user.sign_out"}
#: Those of them that have nothing to ask here, and what they say.
REFUSING = {
    "explain": "callout_not_found",
    "token.introspect": "introspection_endpoint",
    "connection.begin_device": "nobody authorizes",
    "connection.poll_device": "has ended",
    "identity_provider.show": "none is defined yet",
    "trusted_issuer.show": "none is defined yet",
    "client_certificate.show": "none is defined yet",
    "preview": "expected one of them",
}
#: What is asked about where it is not called Orders.
OF_OTHERS = {
    **dict.fromkeys(("user.show", "user.sessions", "user.sign_out"), "alice"),
    "permission_set.show": "Clerks",
    "permission_set_group.show": "Office",
    "profile.show": "Contractors",
    "protocol.show": "basic",
}
MUTATING = [o.name for o in OPERATIONS if o.method != "GET" and o.name not in ASKING | ELSEWHERE]

MANIFEST = {
    "external_credentials": {
        "Orders": {"protocol": "basic", "principals": {"Service": {}, "Spare": {}}},
        "Idle": {"protocol": "basic", "principals": {"Service": {}}},
    },
    "named_credentials": {"Orders": {"url": "https://orders.example.com", "external_credential": "Orders"}},
    "permission_sets": {"Clerks": {"principals": ["Orders/Service"]}, "Idle": {}, "Held": {}},
    "permission_set_groups": {"Office": {"permission_sets": ["Clerks"]}, "Empty": {}},
    "profiles": {"Contractors": {"principals": ["Orders/Service"]}},
    "packages": {"acme": {"label": "Acme"}, "zeta": {"label": "Zeta"}},
    "certificates": {"Orders": {"algorithm": "P-256"}},
    "users": {"alice": {"permission_sets": ["Held"], "permission_set_groups": ["Office"]}, "bob": {}},
}
SPARE = {"principals": ["Orders/Spare"]}
SERVICE = {"external_credential": "Orders", "principal": "Service"}
MORE = json.dumps({"packages": {"more": {"label": "More"}}})
#: What package acme brings: it waits for an approval, whose id is `REQUEST` in the arguments.
BROUGHT = json.dumps(
    {
        "external_credentials": {"Partner": {"protocol": "basic", "principals": {"Service": {}}}},
        "named_credentials": {"Partner": {"url": "https://partner.example.com", "external_credential": "Partner"}},
    }
)
UPGRADED = ("package.upgrade", {"namespace": "acme", "manifest": BROUGHT})

ISSUER = json.dumps(
    {"trusted_issuers": {"Login": {"issuer": "https://id.example.com", "audience": "callout", "users_by_name": True}}}
)
#: A principal that somebody has to connect, by an identity provider; and a provider that nothing uses.
UNUSED_PROVIDER = (("apply", {"manifest": json.dumps({"external_auth_identity_providers": {"Spare": {}}})}),)
CONNECTABLE = (
    (
        "apply",
        {
            "manifest": json.dumps(
                {
                    "external_auth_identity_providers": {
                        "Id": {
                            "parameters": {
                                "authorization_endpoint": "https://id.example.com/authorize",
                                "token_endpoint": "https://id.example.com/token",
                            },
                            "secrets": {"client_id": "desk", "client_secret": "canary-first"},
                        }
                    },
                    "external_credentials": {
                        "Desk": {
                            "protocol": "oauth2_authorization_code",
                            "parameters": {"identity_provider": "Id"},
                            "principals": {"Service": {}},
                        }
                    },
                }
            )
        },
    ),
)
#: A principal with a refresh token, whose authorization server does not answer.
REVOCABLE = (
    (
        "apply",
        {
            "manifest": json.dumps(
                {
                    "external_credentials": {
                        "Crm": {
                            "protocol": "oauth2_refresh_token",
                            "allow_private_network": True,
                            "parameters": {
                                "token_endpoint": "http://127.0.0.1:1/token",
                                "revocation_endpoint": "http://127.0.0.1:1/revoke",
                            },
                            "principals": {
                                "Service": {
                                    "secrets": {
                                        "client_id": "c",
                                        "client_secret": "canary-client",
                                        "refresh_token": "canary-refresh",
                                    }
                                }
                            },
                        }
                    }
                }
            )
        },
    ),
)
#: Lets little through at first, so that there is more to allow.
SELDOM = (
    (
        "apply",
        {
            "manifest": json.dumps(
                {
                    "named_credentials": {
                        "Orders": {
                            "url": "https://orders.example.com",
                            "external_credential": "Orders",
                            "allowed_methods": ["GET", "HEAD"],
                            "allowed_paths": ["/items/**", "/notes/**"],
                        }
                    }
                }
            )
        },
    ),
)

DEFINED = {"url": "https://more.example.com", "external_credential": "Orders"}
TRUSTED = {"issuer": "https://id.example.com", "audience": "callout", "users_by_name": True}

RULE = {"statuses": [500], "soap_fault_code": ["INVALID_SESSION_ID"]}

#: What to run first, and the arguments. `KEY` stands for the visible start of alice's key, `REQUEST` for the id of the
#: request that waits.
CASES = {
    "apply": ((), {"manifest": MORE}),
    "named_credential.create": (
        (),
        {"name": "Pay", "preset": "stripe", "secrets": {"ApiKey": "canary-key"}, "user": "bob"},
    ),
    "named_credential.enable": ((("named_credential.disable", {"name": "Orders"}),), {"name": "Orders"}),
    "named_credential.disable": ((), {"name": "Orders"}),
    "named_credential.allow_namespace": ((), {"name": "Orders", "namespace": "acme"}),
    "named_credential.disallow_namespace": (
        (("named_credential.allow_namespace", {"name": "Orders", "namespace": "acme"}),),
        {"name": "Orders", "namespace": "acme"},
    ),
    "external_credential.add_status_code": ((), {"name": "Orders", "status": 403}),
    "external_credential.remove_status_code": (
        (("external_credential.add_status_code", {"name": "Orders", "status": 403}),),
        {"name": "Orders", "status": 403},
    ),
    "external_credential.add_refresh_rule": ((), {"name": "Orders", **RULE}),
    "external_credential.remove_refresh_rule": (
        (("external_credential.add_refresh_rule", {"name": "Orders", **RULE}),),
        {"name": "Orders", "number": 1},
    ),
    "external_credential.set_refresh_debounce": ((), {"name": "Orders", "seconds": 5}),
    "secret.set": ((), {**SERVICE, "values": {"password": "canary-password"}}),
    "secret.remove": ((("secret.set", {**SERVICE, "values": {"password": "x"}}),), SERVICE),
    "connection.link": (CONNECTABLE, {"external_credential": "Desk", "principal": "Service"}),
    "identity_provider.set_secret": (CONNECTABLE, {"name": "Id", "values": {"client_secret": "canary-secret"}}),
    "identity_provider.remove": (UNUSED_PROVIDER, {"name": "Spare"}),
    "token.revoke": (REVOCABLE, {"external_credential": "Crm", "principal": "Service"}),
    "user.set": ((), {"name": "carol"}),
    "user.remove": ((), {"name": "bob"}),
    "key.create": ((), {"user": "alice"}),
    "key.expire": ((), {"prefix": "KEY", "expires": "1d"}),
    "key.revoke": ((), {"prefix": "KEY"}),
    "package.install": ((), {"namespace": "more"}),
    "package.upgrade": ((), {"namespace": "zeta", "version": "2", "manifest": "{}"}),
    "package.remove": ((), {"namespace": "zeta"}),
    "approvals.approve": (
        (UPGRADED,),
        {"id": "REQUEST", "namespaces": ["zeta"], "permission_set": "Idle", "users": ["alice", "bob"]},
    ),
    "approvals.reject": ((UPGRADED,), {"id": "REQUEST"}),
    "permission_set.create": ((), {"name": "New"}),
    "permission_set.remove": ((), {"name": "Idle"}),
    "permission_set.assign": ((), {"name": "Idle", "user": "bob"}),
    "permission_set.unassign": ((), {"name": "Held", "user": "alice"}),
    "permission_set.grant": ((), {"name": "Clerks", **SPARE}),
    "permission_set.revoke": ((), {"name": "Clerks", "principals": ["Orders/Service"]}),
    "profile.create": ((), {"name": "New"}),
    "profile.remove": ((), {"name": "Contractors"}),
    "profile.grant": ((), {"name": "Contractors", **SPARE}),
    "profile.revoke": ((), {"name": "Contractors", "principals": ["Orders/Service"]}),
    "permission_set_group.create": ((), {"name": "New"}),
    "permission_set_group.remove": ((), {"name": "Empty"}),
    "permission_set_group.include": ((), {"name": "Office", "permission_set": "Idle"}),
    "permission_set_group.exclude": ((), {"name": "Office", "permission_set": "Clerks"}),
    "permission_set_group.assign": ((), {"name": "Office", "user": "bob"}),
    "permission_set_group.unassign": ((), {"name": "Office", "user": "alice"}),
    "permission_set_group.mute": ((), {"name": "Office", "principals": ["Orders/Service"]}),
    "permission_set_group.unmute": (
        (("permission_set_group.mute", {"name": "Office", "principals": ["Orders/Service"]}),),
        {"name": "Office", "principals": ["Orders/Service"]},
    ),
    "audit.prune": ((), {"before": "0s"}),
    "named_credential.disallow_method": (SELDOM, {"name": "Orders", "method": "HEAD"}),
    "named_credential.disallow_path": (SELDOM, {"name": "Orders", "path": "/notes/**"}),
    "named_credential.allow_method": (SELDOM, {"name": "Orders", "method": "PATCH"}),
    "named_credential.allow_replay": ((), {"name": "Orders", "method": "POST"}),
    "named_credential.allow_path": (SELDOM, {"name": "Orders", "path": "/more/**"}),
    "key.rotate": ((), {"prefix": "KEY"}),
    "key.limit": ((), {"prefix": "KEY", "named_credentials": ["Orders"]}),
    "permission_set.let_act_for": ((), {"name": "Idle", "user": "bob"}),
    "permission_set.stop_acting_for": (
        (("permission_set.let_act_for", {"name": "Idle", "user": "bob"}),),
        {"name": "Idle", "user": "bob"},
    ),
    "client_certificate.trust": ((), {"name": "Orders", "dns": "orders.example.com", "user": "alice"}),
    "user.define": ((), {"name": "bob", "definition": {"permission_sets": ["Idle"]}}),
    "client_certificate.define": ((), {"name": "Orders", "definition": {"dns": "o.example.com", "user": "alice"}}),
    "client_certificate.forget": (
        (("client_certificate.trust", {"name": "Orders", "dns": "orders.example.com", "user": "alice"}),),
        {"name": "Orders"},
    ),
    "certificate.create": ((), {"name": "Client", "algorithm": "P-256"}),
    "certificate.import": ((), {"name": "Client", "content": pem_of(key())}),
    "certificate.rotate": ((), {"name": "Orders"}),
    "certificate.remove": ((), {"name": "Orders"}),
    "named_credential.present": ((), {"name": "Orders", "certificate": "Orders"}),
    "user.invite": ((), {"name": "alice"}),
    "user.set_password": ((), {"name": "alice", "password": "canary under nine moons"}),
    "trusted_issuer.set_secret": (
        (("apply", {"manifest": ISSUER}),),
        {"name": "Login", "values": {"client_secret": "canary-secret"}},
    ),
    "named_credential.set": ((), {"name": "Orders", "definition": DEFINED}),
    "named_credential.remove": ((), {"name": "Orders"}),
    "external_credential.set": ((), {"name": "Orders", "definition": {"protocol": "basic", "label": "More"}}),
    "external_credential.remove": (
        (("secret.set", {"external_credential": "Idle", "principal": "Service", "values": {"password": "x"}}),),
        {"name": "Idle"},
    ),
    "principal.set": ((), {**SERVICE, "definition": {"secrets": {"password": "canary-password"}}}),
    "principal.remove": ((), {"external_credential": "Orders", "principal": "Spare"}),
    "identity_provider.set": ((), {"name": "Id", "definition": {"label": "Id"}}),
    "permission_set.set": ((), {"name": "Clerks", "definition": SPARE}),
    "permission_set_group.set": ((), {"name": "Office", "definition": {"permission_sets": ["Idle"]}}),
    "profile.set": ((), {"name": "Contractors", "definition": SPARE}),
    "trusted_issuer.set": ((), {"name": "Login", "definition": TRUSTED}),
    "trusted_issuer.remove": ((("apply", {"manifest": ISSUER}),), {"name": "Login"}),
}

#: The parts of an operation that does several things: each has its act beside that for the whole.
PARTS = {
    "approvals.approve": [
        "enable named credential",
        "allow namespace",
        "grant",
        "assign permission set",
        "assign permission set",
    ],
    "certificate.remove": ["remove secrets"],
    "external_credential.remove": ["remove secrets"],
    "named_credential.create": [*["create by manifest"] * 3, "change by manifest", "set secrets"],
    "key.rotate": ["change key"],
    "token.revoke": ["fail to revoke token"],
}


@pytest.fixture(scope="module")
def home_of_all(tmp_path_factory, new_home):
    """A home with something of everything, and the key of alice; each test opens a copy."""
    settings = Settings(home=tmp_path_factory.mktemp("all") / "home")
    shutil.copytree(new_home, settings.folder)
    return settings.folder, asyncio.run(fill(settings))


async def fill(settings: Settings) -> str:
    async with open_home(settings) as home:
        operations = operations_of(home)
        await operations.run("apply", {"manifest": json.dumps(MANIFEST)}, LOCAL)
        return (await operations.run("key.create", {"user": "alice"}, LOCAL))["prefix"]


@pytest.fixture
async def home(tmp_path, home_of_all):
    settings = Settings(home=tmp_path / "home", poll_interval=0.001)
    shutil.copytree(home_of_all[0], settings.folder)
    async with open_home(settings) as opened:
        yield opened


@pytest.fixture
def run(home, home_of_all):
    return runner(home, home_of_all[1])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def unchanged(tmp_path_factory, home_of_all):
    """A home that no test changes, where something waits for an approval."""
    settings = Settings(home=tmp_path_factory.mktemp("unchanged") / "home")
    shutil.copytree(home_of_all[0], settings.folder)
    async with open_home(settings) as opened:
        await runner(opened, home_of_all[1])(*UPGRADED)
        yield opened


def runner(home, key: str):
    """Return what runs an operation on a home; `KEY` and `REQUEST` stand for the key of alice and what waits."""
    operations = JudgedOperations(operations_of(home).uses)

    async def run(name: str, arguments: dict):
        waiting = (await operations.run("approvals.list", {}, LOCAL))["requests"]
        meant = {"KEY": key, "REQUEST": waiting[0]["id"] if waiting else "none waits"}

        def filled(members: dict) -> dict:
            return {n: meant.get(v, v) if isinstance(v, str) else v for n, v in members.items()}

        given = filled(arguments)
        if name == "preview":
            given["arguments"] = filled(given.get("arguments", {}))
        return await operations.run(name, given, LOCAL)

    return run


async def end_of(home) -> int:
    return (await home.store.audit.head()).seq


async def acts_after(home, seq: int) -> list:
    return [row for row, _ in await home.store.audit.rows(1000, after=seq, kinds=ACTS)]


def act_of(row) -> str:
    return json.loads(row.records)["act"]


def test_every_mutating_operation_has_a_case() -> None:
    assert sorted(CASES) == sorted(MUTATING)
    assert BY_NAME.keys() >= ASKING


@pytest.mark.parametrize("name", MUTATING)
async def test_a_mutating_operation_leaves_exactly_one_act(home, run, name: str) -> None:
    before, arguments = CASES[name]
    for earlier, given in before:
        await run(earlier, given)
    end = await end_of(home)
    foreseen = await previewed(home, run, name, arguments)
    assert await end_of(home) == end
    assert (await run(name, arguments))["changed"] is not False
    row, *parts = await acts_after(home, end)
    sent = ("revoke token", "fail to revoke token")  # noted when it was sent
    assert foreseen in (None, [act for act in map(act_of, (row, *parts)) if act not in sent])
    assert [act_of(part) for part in parts] == PARTS.get(name, [])
    assert {row.writer, *(part.writer for part in parts)} == {str(LOCAL)}
    assert b"canary" not in row.records
    assert (await home.store.audit.verify()).held


async def previewed(home, run, name: str, arguments: dict) -> list[str] | None:
    """Preview an operation on the same home: the acts that it would leave; None where it has no preview."""
    before = await home.store.definitions.load()
    if name not in PREVIEWED:
        with pytest.raises(CalloutError, match="no_preview"):
            await run("preview", {"operation": name, "arguments": arguments})
        return None
    shown = await run("preview", {"operation": name, "arguments": arguments})
    assert await home.store.definitions.load() == before
    assert shown["text"]
    assert "canary" not in str(shown)
    return [act["act"] for act in shown["acts"]]


async def test_the_parts_of_an_approval_name_the_request_of_the_whole(home, run) -> None:
    before, arguments = CASES["approvals.approve"]
    for earlier, given in before:
        await run(earlier, given)
    end = await end_of(home)
    approved = await run("approvals.approve", arguments)
    whole, *parts = await acts_after(home, end)
    assert act_of(whole) == "approve request"
    assert all(approved["id"] in json.loads(part.records)["what"] for part in (whole, *parts))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", [n for n in MUTATING if n != "key.create"])
async def test_what_is_refused_leaves_no_act(unchanged, home_of_all, name: str) -> None:
    end = await end_of(unchanged)
    broken = dict.fromkeys(CASES[name][1], "no such 'thing'")
    with pytest.raises(CalloutError):
        await runner(unchanged, home_of_all[1])(name, broken | {"colour": "red"})
    assert await acts_after(unchanged, end) == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.name not in MUTATING], ids=lambda o: o.name)
async def test_asking_leaves_no_act(unchanged, home_of_all, operation) -> None:
    named = {"name": "Orders", "callout_id": "0" * 25, **SERVICE, "manifest": MORE}
    named |= {"handle": "none", "user": "alice", "namespace": "acme", "id": "REQUEST"}
    if operation.name == "preset.show":
        named["id"] = "stripe"
    named["name"] = OF_OTHERS.get(operation.name, named["name"])
    required = {field.name for field in msgspec.structs.fields(operation.request) if field.required}
    end = await end_of(unchanged)
    refusing = REFUSING.get(operation.name)
    with pytest.raises(CalloutError, match=refusing) if refusing else nullcontext():
        await runner(unchanged, home_of_all[1])(operation.name, {name: named[name] for name in required})
    assert await acts_after(unchanged, end) == []
    assert operation.name == "callout.send" or await end_of(unchanged) == end, "a callout leaves its record alone"
