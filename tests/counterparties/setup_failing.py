"""A home in which callouts fail as the rows T1 to T6 of the troubleshooting page say, each for two: one mended by hand."""

from __future__ import annotations

from typing import Any

import httpx2

from tests.furnished import Api, NotYet
from tests.journeys.processes import Sandbox, eventually

#: The statuses that say stale credentials here, by the external credential that does not know yet.
STALE = {"Billing": 400, "Invoices": 601}
#: Packages, with what their code created.
PACKAGES = {"acme": "AcmeFeed", "beta": "BetaFeed"}


def external(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "protocol": "oauth2_client_credentials",
        "parameters": {"token_endpoint": sandbox.token_endpoint},
        "principals": {"Service": {}},
    }


def named(sandbox: Sandbox, name: str, path: str = "/bearer") -> dict[str, Any]:
    return {"url": sandbox.url + path, "external_credential": name, "allow_private_network": True}


def manifest(sandbox: Sandbox) -> dict[str, Any]:
    principal = ["Orders/Service"]
    return {
        "external_credentials": {name: external(sandbox) for name in ("Orders", *STALE)},
        "named_credentials": {
            "Orders": named(sandbox, "Orders"),
            **{name: named(sandbox, name, f"/bearer/stale-as/{status}") for name, status in STALE.items()},
        },
        "profiles": {"Contractors": {}},
        "permission_sets": {
            "Everything": {
                "principals": [*principal, *(f"{name}/Service" for name in STALE)],
                "user_external_credential": ["read"],
            },
            "Readers": {"user_external_credential": ["read"]},
            "Order Callers": {"principals": principal},
            "Late Callers": {"principals": principal},
        },
        "packages": {name: {"label": f"{name.title()} Tools"} for name in PACKAGES},
        "users": {
            "alice": {"permission_sets": ["Everything"]},
            "bob": {"profile": "Contractors", "permission_sets": ["Readers"]},
            "ben": {"profile": "Standard User"},
            "carol": {"profile": "Contractors", "permission_sets": ["Order Callers"]},
            "cleo": {"profile": "Contractors", "permission_sets": ["Late Callers"]},
            "dave": {"profile": "Contractors"},
            "dora": {"profile": "Contractors"},
        },
    }


def fail(api: Api, sandbox: Sandbox) -> None:
    """Define it all, with the values that the system expects."""
    api.apply(manifest(sandbox))
    for namespace, name in PACKAGES.items():
        api.apply(
            {
                "external_credentials": {name: external(sandbox)},
                "named_credentials": {name: named(sandbox, name)},
            },
            namespace=namespace,
        )
        api.ask("POST", "/permission-sets/Everything/grant", principals=[f"{name}/Service"])
    for name in ("Orders", *STALE, *PACKAGES.values()):
        path = f"/external-credentials/{name}/principals/Service/secrets"
        api.ask("PUT", path, values={"client_id": "sandbox-client", "client_secret": "sandbox-secret"})


def turn_stale(api: Api, sandbox: Sandbox, name: str, key: str) -> None:
    """Let a token be held that the system then refuses three times with a status of its own: it is not refreshed."""
    api.succeeds(name, key)
    sandbox.command("expire")
    answers = [api.call(name, key) for _ in range(3)]
    assert [each.status_code for each in answers] == [STALE[name]] * 3
    assert all("Callout-Error" not in each.headers for each in answers)
    api.logged(answers[-1].headers["Callout-Id"])


def refreshed(api: Api, name: str, key: str) -> httpx2.Response:
    """Call until the system's answer led to a refresh and the callout was sent again."""

    def attempt() -> httpx2.Response:
        answer = api.call(name, key)
        if answer.headers.get("Callout-Replay") != "done":
            raise NotYet(f"{answer.status_code} {answer.text}")
        return answer

    return eventually(attempt, instead_of=NotYet)
