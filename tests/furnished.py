"""A home with one of everything that the console shows, over real processes, and callouts that succeeded and failed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.journeys.processes import PATIENCE, Home, Sandbox, Server, eventually
from tests.setup_console import Names

#: Canaries: no page may ever show one.
SECRETS = {
    "client_secret": "c4n4ry-client-secret",
    "password": "c4n4ry-password",
    "ApiKey": "c4n4ry-api-key",
    "secret_access_key": "c4n4ry-secret-access-key",
    "provider": "c4n4ry-provider-secret",
}


#: Who may what in it, and how callers prove who they are.
PEOPLE: Mapping[str, Any] = {
    "permission_sets": {
        "Order Clerks": {"principals": ["Orders/Service", "Files/User"], "user_external_credential": ["read"]},
        "Payroll": {"principals": ["Mail/Service"]},
        "Auditors": {"admin_permissions": ["view_setup"]},
    },
    "permission_set_groups": {"Staff": {"permission_sets": ["Order Clerks", "Payroll"]}},
    "profiles": {"Contractors": {}},
    "packages": {"acme": {"label": "Acme Tools"}},
    "users": {
        "alice": {"label": "Alice Miller", "permission_sets": ["Order Clerks"], "email": "alice@example.com"},
        "bob": {"profile": "Contractors"},
        "quentin": {"profile": "Minimum Access", "permission_sets": ["Auditors"]},
    },
    "trusted_issuers": {
        "Platform": {
            "issuer": "https://ci.example.com",
            "audience": "callout",
            "jwks_uri": "https://ci.example.com/keys",
            "users_by_name": True,
        }
    },
    "client_certificates": {"Till": {"user": "alice", "dns": "till.example.com"}},
}


class NotYet(Exception):
    """The running server has not learned, or not written, of it yet."""


@dataclass
class Api:
    """The API of the admins, asked by one of them; and the gateway, called by anyone."""

    server: Server
    key: str
    client: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx2.Client(headers={"Callout-Key": self.key}, trust_env=False, timeout=PATIENCE)

    def ask(self, method: str, path: str, /, **members: object) -> Any:
        """Run an operation that must succeed; returns its answer."""
        sent = {"params": members} if method == "GET" else {"json": members}
        answer = self.client.request(method, f"{self.server.setup}/api/v1{path}", **sent)
        assert answer.status_code == 200, f"{method} {path}: {answer.text}"
        return answer.json()

    def apply(self, manifest: Mapping[str, Any], **more: object) -> None:
        """Apply a manifest."""
        self.ask("POST", "/apply", manifest=json.dumps(manifest), **more)

    def key_of(self, user: str, namespace: str | None = None) -> str:
        """Make a key, and wait until the gateway knows it."""
        package = {} if namespace is None else {"namespace": namespace}
        key = str(self.ask("POST", "/keys", user=user, **package)["key"])

        def known() -> None:
            if self.call("Orders", key).status_code == 401:
                raise NotYet

        eventually(known, instead_of=NotYet)
        return key

    def call(self, name: str, key: str, path: str = "/orders/7") -> httpx2.Response:
        """Make a callout through the gateway."""
        url = f"{self.server.gateway}/callout/{name}{path}"
        return httpx2.get(url, headers={"Callout-Key": key}, trust_env=False, timeout=PATIENCE)

    def refused(self, name: str, key: str, reason: str) -> httpx2.Response:
        """Make a callout that is refused for this reason, as soon as the gateway knows why; returns the answer."""

        def attempt() -> httpx2.Response:
            answer = self.call(name, key)
            if answer.headers.get("Callout-Error") != reason:
                raise NotYet(answer.text)
            return answer

        return eventually(attempt, instead_of=NotYet)

    def succeeds(self, name: str, key: str) -> httpx2.Response:
        """Make a callout until it succeeds: the gateway learns of what an admin did."""

        def attempt() -> httpx2.Response:
            answer = self.call(name, key)
            if answer.status_code != 200:
                raise NotYet(f"{answer.status_code} {answer.text}")
            return answer

        return eventually(attempt, instead_of=NotYet)

    def logged(self, callout_id: str) -> None:
        """Wait until a callout is in the log: records are written in batches."""

        def there() -> None:
            answer = self.client.get(f"{self.server.setup}/api/v1/callouts/{callout_id}")
            if answer.status_code != 200:
                raise NotYet(answer.text)

        eventually(there, instead_of=NotYet)


def manifest(sandbox: Sandbox) -> dict[str, Any]:
    """One of everything that a manifest holds."""
    token = {"token_endpoint": sandbox.token_endpoint}
    identity = {"authorization_endpoint": "https://id.example.com/authorize", **token}
    return {
        "external_auth_identity_providers": {"ExampleId": {"label": "Example ID", "parameters": identity}},
        "external_credentials": {
            "Orders": {
                "label": "Order system",
                "protocol": "oauth2_client_credentials",
                "parameters": {**token, "scope": "orders.read"},
                "additional_status_codes": [400],
                "refresh_rules": [{"statuses": [403], "header": {"name": "X-Session", "contains": "expired"}}],
                "principals": {"Service": {}},
            },
            "Mail": {"protocol": "basic", "principals": {"Service": {}, "Archive": {"sequence": 2}}},
            "Weather": {
                "protocol": "custom",
                "headers": [{"name": "X-Api-Key", "value": "{!$Credential.Weather.ApiKey}"}],
                "principals": {"Station": {}},
            },
            "Archive": {
                "protocol": "aws_sigv4",
                "parameters": {"region": "eu-central-1", "service": "s3"},
                "principals": {"Reader": {}},
            },
            "Files": {
                "protocol": "oauth2_authorization_code",
                "parameters": {"identity_provider": "ExampleId", "scope": "files.read"},
                "principals": {"User": {"type": "per_user"}, "Robot": {"sequence": 2}},
            },
        },
        "named_credentials": {
            name: {
                "url": f"{sandbox.url}/{path}",
                "external_credential": name,
                "allow_private_network": True,
                **more,
            }
            for name, path, more in (
                ("Orders", "bearer", {"label": "Orders", "description": "What customers ordered"}),
                ("Mail", "basic", {}),
                ("Weather", "key", {"allowed_methods": ["GET"], "allowed_paths": ["/v2/**"]}),
                ("Archive", "key", {"rate_limits": [{"calls": 100, "seconds": 60}]}),
                ("Files", "bearer", {}),
            )
        },
        **PEOPLE,
    }


def made_by_package(sandbox: Sandbox) -> dict[str, Any]:
    """What the code of a package creates."""
    return {
        "external_credentials": {"AcmeFeed": {"protocol": "basic", "principals": {"Service": {}}}},
        "named_credentials": {
            "AcmeFeed": {
                "url": sandbox.url + "/basic",
                "external_credential": "AcmeFeed",
                "allow_private_network": True,
            }
        },
    }


@dataclass(frozen=True)
class Furnished:
    """The running home. `keys` are those of its users, `names` what stands for the parameters of addresses."""

    home: Home
    server: Server
    sandbox: Sandbox
    api: Api
    keys: Mapping[str, str]
    names: Names


def secrets_of(api: Api) -> None:
    """Set every secret, so that each could be shown."""
    ours = "/external-credentials"
    given = {
        f"{ours}/Orders/principals/Service": {"client_id": "sandbox-client", "client_secret": "sandbox-secret"},
        f"{ours}/Mail/principals/Service": {"username": "robot", "password": SECRETS["password"]},
        f"{ours}/Weather/principals/Station": {"ApiKey": SECRETS["ApiKey"]},
        f"{ours}/Archive/principals/Reader": {
            "access_key_id": "AKIAEXAMPLE",
            "secret_access_key": SECRETS["secret_access_key"],
        },
        "/external-auth-identity-providers/ExampleId": {"client_id": "callout", "client_secret": SECRETS["provider"]},
    }
    for path, values in given.items():
        api.ask("PUT", f"{path}/secrets", values=values)


def furnish(home: Home, server: Server, sandbox: Sandbox) -> Furnished:
    """Fill a home through the API, and let things happen in it."""
    key = home.create_key("admin")
    api = Api(server, key)
    api.apply(manifest(sandbox))
    api.ask("POST", "/certificates", name="Client", algorithm="P-256", subject="CN=client")
    secrets_of(api)
    api.apply(made_by_package(sandbox), namespace="acme")
    keys = {"admin": key, **{user: api.key_of(user) for user in ("alice", "bob", "quentin")}}
    api.succeeds("Orders", keys["alice"])
    refused = api.refused("Orders", keys["bob"], "principal_not_granted").headers["Callout-Id"]
    api.logged(refused)
    return Furnished(home, server, sandbox, api, keys, names_of(api, refused))


def names_of(api: Api, callout_id: str) -> Names:
    """Return what stands for the parameters of addresses: a new page may need another row here."""
    (request,) = api.ask("GET", "/approvals")["requests"]
    invitation = urlsplit(api.ask("POST", "/users/bob/invite")["link"])
    return Names(
        {
            "named-credentials": "Orders",
            "external-credentials": "Orders",
            "principals": "Service",
            "identity-providers": "ExampleId",
            "certificates": "Client",
            "permission-sets": "Order Clerks",
            "permission-set-groups": "Staff",
            "profiles": "Contractors",
            "users": "alice",
            "trusted-issuers": "Platform",
            "client-certificates": "Till",
            "packages": "acme",
            "approvals": request["id"],
            "callouts": callout_id,
            "preset": "stripe",
            "{external_credential}": "Orders",
            "{principal}": "Service",
            "{issuer}": "Platform",
            "files": "setup.css",
            "keys": next(each["prefix"] for each in api.ask("GET", "/keys", user="alice")["keys"]),
        },
        {
            "/setup/callouts": f"?id={callout_id}",
            "/setup/welcome": f"?{invitation.query}",
            "/setup/find": "?q=orders",
            "/setup/try": "?name=Orders&user=bob",
        },
    )
