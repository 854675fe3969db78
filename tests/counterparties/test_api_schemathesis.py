"""schemathesis reads the OpenAPI document of a running server, and asks it everything that the document says it takes.

It finds no 5xx, and no answer that the document does not describe: for an admin, for a user without rights, and for
somebody without a key. That it really came to the operations is counted.
"""

import json
import os
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import expect

from callout.engine.operations import BY_NAME, Access
from tests.counterparties.browsing import accessibility_violations, new_page
from tests.counterparties.installed import program
from tests.journeys.processes import PATIENCE, Server, callout_home

pytestmark = [pytest.mark.journey, pytest.mark.counterparty]

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
#: How many requests an operation gets of each kind, and how long a run may take at most, in seconds.
EXAMPLES = 2
LONGEST = 300
ADMINS = 12

NUMBERED = tuple(range(6))
#: What is there before it begins. Of everything there are so many that some are left when some were removed.
MANIFEST = {
    "external_credentials": {
        "Orders": {
            "protocol": "basic",
            "additional_status_codes": [403],
            "allow_private_network": True,
            "principals": {"Service": {"secrets": {"username": "desk", "password": "hush"}}, "Spare": {}},
        },
        "Weather": {"protocol": "custom", "principals": {"Own": {"type": "per_user"}}},
        "Desk": {
            "protocol": "oauth2_authorization_code",
            "parameters": {"identity_provider": "Contoso"},
            "principals": {"Service": {}, "Own": {"type": "per_user"}},
        },
    },
    "external_auth_identity_providers": {
        "Contoso": {
            "parameters": {
                "authorization_endpoint": "https://id.example.com/authorize",
                "token_endpoint": "https://id.example.com/token",
            },
            "secrets": {"client_id": "desk", "client_secret": "hush"},
        },
        **{f"Spare{n}": {} for n in NUMBERED},
    },
    "named_credentials": {
        "Orders": {
            "url": "https://orders.example.com",
            "external_credential": "Orders",
            "allowed_methods": ["GET", "HEAD", "PUT"],
            "allowed_paths": ["/items/**", "/notes/**", "/more/**"],
        },
        "Weather": {"url": "https://weather.example.com", "external_credential": "Weather"},
    },
    "permission_sets": {
        "Order Clerks": {"principals": ["Orders/Service"]},
        **{f"Set {n}": {"may_act_for": ["alice"]} for n in NUMBERED},
    },
    "permission_set_groups": {
        "Staff": {"permission_sets": ["Order Clerks"]},
        **{f"Group {n}": {} for n in NUMBERED},
    },
    "profiles": {f"Profile {n}": {} for n in NUMBERED},
    "packages": {name: {} for name in ("acme", *(f"package{n}" for n in NUMBERED))},
    "certificates": {name: {"algorithm": "P-256"} for name in ("Orders_Client", *(f"Client{n}" for n in NUMBERED))},
    "trusted_issuers": {
        f"Issuer {n}": {"issuer": f"https://id{n}.example.com", "audience": "callout", "users_by_name": True}
        for n in NUMBERED
    },
    "client_certificates": {f"mapping{n}": {"dns": f"host{n}.example.com", "user": "alice"} for n in NUMBERED},
    "users": {
        "alice": {"permission_sets": ["Order Clerks"], "permission_set_groups": ["Staff"]},
        "nobody": {"profile": "Minimum Access"},
        **{f"user{n}": {"permission_sets": ["Set 1"]} for n in NUMBERED},
        **{
            f"admin{n}": {"profile": "System Administrator", "permission_sets": ["Order Clerks"]} for n in range(ADMINS)
        },
    },
}
KNOWN = {
    "name": ["Orders", "Weather"],
    "user.name": ["alice", "user1", "user2", "user3"],
    "permission_set.name": ["Set 1", "Order Clerks", *(f"Set {n}" for n in NUMBERED)],
    "permission_set_group.create.name": [f"New Group {n}" for n in range(20)],
    "profile.create.name": [f"New Profile {n}" for n in range(20)],
    "permission_set_group.name": ["Staff", *(f"Group {n}" for n in NUMBERED)],
    "profile.name": [f"Profile {n}" for n in NUMBERED],
    "certificate.name": ["Orders_Client", *(f"Client{n}" for n in NUMBERED)],
    "client_certificate.name": [f"mapping{n}" for n in NUMBERED],
    "identity_provider.name": ["Contoso", *(f"Spare{n}" for n in NUMBERED)],
    "trusted_issuer.name": [f"Issuer {n}" for n in NUMBERED],
    "external_credential": ["Orders", "Desk"],
    "principal": ["Service"],
    "principals": ["Orders/Service", "Orders/Spare"],
    "namespace": ["acme", *(f"package{n}" for n in NUMBERED)],
    "user": ["alice", *(f"user{n}" for n in NUMBERED)],
    "users": ["alice"],
    "assign": ["alice"],
    "permission_set": ["Order Clerks", "Set 2"],
    "permission_sets": ["Order Clerks"],
    "permission_set_groups": ["Staff"],
    "named_credentials": ["Orders"],
    "profile": ["Standard User"],
    "method": ["GET", "HEAD", "PUT"],
    "methods": ["GET"],
    "path": ["/items/**", "/notes/**"],
    "paths": ["/items/**"],
    "preset": ["stripe"],
    "preset.id": ["stripe"],
    "status": [403],
    "number": [1],
    "certificate": ["Orders_Client"],
    "admin_permissions": ["view_setup"],
    "user_external_credential": ["read"],
    "may_act_for": ["alice"],
    "algorithm": ["P-256"],
    "expires": ["1d"],
    "overlap": ["1h"],
    "until": ["2h"],
    "since": ["1d"],
    "before": ["1d"],
    "days": [30],
    "kind": ["human"],
    "email": ["alice@example.com"],
    "client_certificate.dns": [],
    "certificate.dns": ["orders.example.com"],
    "subject": ["CN=orders"],
    "client_certificate.subject": [],
    "client_certificate.sha256": [],
    "client_certificate.spiffe_id": ["spiffe://example.org/orders"],
    "client_certificate.namespace": [],
    "connection.external_credential": ["Desk"],
    "connection.user": [],
    "secret.external_credential": ["Orders"],
    "secret.user": [],
    "package.manifest": ["{}"],
    "named_credential.create.name": [f"New{n}" for n in range(20)],
    "named_credential.create.secrets": [{"ApiKey": "key"}],
    **{
        f"named_credential.create.{field}": []
        for field in ("url", "protocol", "inputs", "parameters", "headers", "scope", "principal", "permission_set")
    },
    "named_credential.create.principal_type": [],
    "named_credential.create.namespaces": [],
    "token.user": [],
    "values": [{"username": "a", "password": "b"}],
    "identity_provider.values": [{"client_id": "desk"}],
    "can.name": ["Orders"],
    "callout.send.name": ["Orders"],
    "callout.send.path": ["/items/1"],
    **{f"callout.send.{field}": [] for field in ("headers", "body", "body_base64", "principal", "on_behalf_of")},
    "expects": [],
    "user.password": ["correct horse battery staple"],
    "user.current": [],
    "preview.operation": ["named_credential.disable"],
    "preview.arguments": [{"name": "Orders"}],
    "preview.command": [],
    "protocol.name": ["basic"],
    "principal_type": ["named"],
    "external_credential.add_refresh_rule.statuses": [500],
    "external_credential.add_refresh_rule.header": ["X-Stale"],
    "external_credential.add_refresh_rule.contains": ["yes"],
    **{
        f"external_credential.add_refresh_rule.{field}": []
        for field in ("matches", "json_pointer", "equals", "text", "content_types")
    },
    "external_credential.add_refresh_rule.soap_fault_code": ["INVALID_SESSION_ID"],
    "references": [],
    "against": [],
    "cursor": [0],
    "seconds": [60],
    "manifest": ["{}", json.dumps({"permission_sets": {"New": {}}})],
}

#: Which part of the operations has to be done at least once; what is left needs a server that answers, or a file.
MOST = 0.9
#: What waits for an approval.
BROUGHT = {
    "external_credentials": {"Partner": {"protocol": "basic", "principals": {"Service": {}}}},
    "named_credentials": {"Partner": {"url": "https://partner.example.com", "external_credential": "Partner"}},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A running server with something of everything, the keys of its admins and of a user without rights."""
    folder = tmp_path_factory.mktemp("api")
    with callout_home(folder / "home") as home:
        home.apply(MANIFEST)
        with home.serve("--workers", "1") as server, httpx2.Client(timeout=PATIENCE, trust_env=False) as client:
            first = {"Callout-Key": home.create_key("admin0")}

            def ask(method, path, **body):
                answer = client.request(method, f"{server.setup}/api/v1{path}", headers=first, json=body or None)
                assert answer.status_code == 200, answer.text
                return answer.json()

            here = {"url": server.setup, "allow_private_network": True}  # a callout goes to this machine alone
            orders = {**MANIFEST["named_credentials"]["Orders"], **here}
            ask("POST", "/apply", manifest=json.dumps({"named_credentials": {"Orders": orders}}))
            refused = client.get(f"{server.gateway}/callout/Orders/items")
            for number in NUMBERED:
                ask("POST", f"/packages/package{number}/upgrade", manifest=renamed(BROUGHT, number))
            known = {
                **KNOWN,
                "callout_id": [refused.headers["Callout-Id"]],
                "prefix": [ask("POST", "/keys", user="alice")["prefix"] for _ in NUMBERED],
                "approvals.id": [each["id"] for each in ask("GET", "/approvals")["requests"]],
            }
            admins = [ask("POST", "/keys", user=f"admin{number}")["key"] for number in range(ADMINS)]
            yield World(server, folder, known, admins, ask("POST", "/keys", user="nobody")["key"])


def renamed(manifest, number):
    """A manifest, with another name for what it makes."""
    return json.dumps(manifest).replace("Partner", f"Partner{number}")


@dataclass
class World:
    server: Server
    folder: Path
    known: dict
    admins: list
    nobody: str

    def run(self, keys, known, **options):
        """Let schemathesis ask; returns how often each operation was answered with each status."""
        counted, told = self.folder / "counted", self.folder / "told.json"
        counted.write_text("")
        told.write_text(json.dumps({"keys": keys, "known": known, "counted": str(counted)}))
        given = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        ended = subprocess.run(
            [
                *(program("schemathesis"), "--no-color", "run", f"{self.server.setup}/api/v1/openapi.json"),
                *("--checks", ",".join(CHECKS), "--seed", "1", "--no-shrink", "--continue-on-failure"),
                *("--warnings", "off", *given),
            ],
            env={
                **os.environ,
                "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
                "PYTHONPATH": str(Path(__file__).parent),
                "CALLOUT_KNOWN": str(told),
            },
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
        return Counter(tuple(line.split()[:2]) for line in counted.read_text().splitlines())


def test_for_an_admin_it_finds_no_5xx_and_nothing_that_is_not_described(world):
    answered = world.run(world.admins, world.known, phases="examples,fuzzing", max_examples=EXAMPLES)
    asked, done = {name for name, _ in answered}, {name for name, status in answered if status == "200"}
    assert asked == set(BY_NAME)
    assert len(done) >= MOST * len(BY_NAME), f"never done: {sorted(set(BY_NAME) - done)}"
    assert sum(count for (_, status), count in answered.items() if status in ("400", "422")) >= len(BY_NAME) / 2


def test_for_a_user_without_rights_it_finds_that_what_is_refused_is_described_too(world):
    answered = world.run([world.nobody], world.known, phases="fuzzing", max_examples=1, mode="positive")
    administering = {name for name, operation in BY_NAME.items() if operation.access is not Access.KNOWN}
    assert {name for name, status in answered if status == "403"} >= administering
    assert {name for name, status in answered if status == "200"} <= BY_NAME.keys() - administering
    assert answered["whoami", "200"]


def test_without_a_key_nothing_is_done_whatever_is_asked(world):
    answered = world.run([], {}, phases="fuzzing", max_examples=1)
    assert {name for name, status in answered if status == "401"} == set(BY_NAME)
    assert {status for _, status in answered} <= {"401", "404", "405"}, answered


def test_the_docs_page_is_for_everyone_also_on_a_phone_and_by_keyboard(world, browser):
    with new_page(browser) as page:
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        for path in ("/api/docs", "/api/docs/keys", "/api/docs/reasons"):
            for width, theme in ((1280, "light"), (375, "dark")):
                page.set_viewport_size({"width": width, "height": 800})
                page.emulate_media(color_scheme=theme)
                page.goto(world.server.setup + path)
                assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (path, width)
                page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
                assert accessibility_violations(page) == []
        page.goto(f"{world.server.setup}/api/docs")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.type("rotate key")
        page.keyboard.press("Enter")
        expect(page.get_by_text("callout key rotate co_1a2B3c4D --overlap 24h")).to_be_visible()
        assert [url for url in asked if not url.startswith(world.server.setup)] == []
