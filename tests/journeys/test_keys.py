"""The keys that seal are rotated while a server runs, and callouts go on: over real processes."""

import httpx2
import pytest

from tests.journeys.processes import Home, Sandbox, callout_home

pytestmark = pytest.mark.journey


def test_callouts_go_on_through_a_rotation_and_after_a_restart(tmp_path, sandbox: Sandbox) -> None:
    with callout_home(tmp_path / "home") as home:
        define(home, sandbox)
        headers = {"Callout-Key": home.create_key("alice")}
        with (
            home.serve("--workers", "2") as server,
            httpx2.Client(base_url=server.gateway, trust_env=False, headers=headers, timeout=30) as client,
        ):
            assert client.get("/callout/Feed/a").status_code == 200
            for number in (2, 3):
                done = home.json("keys", "rotate")
                assert (done["data_key"], done["sealed_again"], done["left"]) == (number, 3, 0)  # the token, too
                assert client.get("/callout/Feed/b").status_code == 200
            home.set_secrets("Feed/Service", client_secret="sandbox-secret")  # the token goes with the old value
            assert client.get("/callout/Feed/c").status_code == 200
        with home.serve() as server, httpx2.Client(trust_env=False, headers=headers, timeout=30) as client:
            assert client.get(server.gateway + "/callout/Feed/d").status_code == 200
        assert home.json("audit", "verify")["ok"]


def define(home: Home, sandbox: Sandbox) -> None:
    secrets = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    home.apply(
        {
            "external_credentials": {
                "Feed": {
                    "protocol": "oauth2_client_credentials",
                    "parameters": {"token_endpoint": sandbox.token_endpoint},
                    "principals": {"Service": {"secrets": secrets}},
                }
            },
            "named_credentials": {
                "Feed": {"url": sandbox.url + "/bearer", "external_credential": "Feed", "allow_private_network": True}
            },
            "permission_sets": {"Readers": {"principals": ["Feed/Service"], "user_external_credential": ["read"]}},
            "users": {"alice": {"permission_sets": ["Readers"]}},
        }
    )
