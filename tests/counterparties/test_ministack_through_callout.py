"""AWS's APIs through Callout at ministack, which judges keys, sessions and external ids with code of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest
from botocore.config import Config
from botocore.session import Session

from tests.counterparties.aws import EXTERNAL_ID, Ministack
from tests.counterparties.tampering import Tampering, unchanged
from tests.journeys.processes import PATIENCE, Home, Server, callout_home, eventually

#: How long a session lasts whose end is waited for, in seconds.
SHORT = 4


@dataclass
class World:
    """Everything that a test here needs."""

    ministack: Ministack
    proxy: Tampering
    home: Home
    server: Server
    key: str

    def ask(
        self, name: str, method: str = "GET", path: str = "orders/7", body: bytes = b"", **headers: str
    ) -> httpx2.Response:
        sent = {"Callout-Key": self.key, **{n.replace("_", "-"): v for n, v in headers.items()}}
        url = f"{self.server.gateway}/callout/{name}/{path}"
        return httpx2.request(method, url, content=body or None, headers=sent, trust_env=False, timeout=PATIENCE)

    def sdk(self, name: str, api: str):
        return Session().create_client(
            api,
            endpoint_url=f"{self.server.gateway}/callout/{name}",
            region_name="eu-north-1",
            aws_access_key_id="unused",
            aws_secret_access_key="unused",
            aws_session_token=self.key,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=PATIENCE, proxies={}),
        )

    def sessions(self) -> list[bytes]:
        """Return the session tokens that arrived, in the order of their first coming."""
        heads = [head for head, _ in self.proxy.seen]
        lines = [line for head in heads for line in head.split(b"\r\n") if line.startswith(b"X-Amz-Security-Token: ")]
        return list(dict.fromkeys(lines))

    def repeated(self, head: bytes) -> httpx2.Response:
        """Send a request that was seen once more, past Callout and the proxy."""
        start, *lines = head.decode("latin-1").split("\r\n")
        headers = [(n, v.strip()) for n, _, v in (line.partition(":") for line in lines if line)]
        url = self.ministack.endpoint + start.split(" ")[1]
        return httpx2.request(start.split(" ")[0], url, headers=headers, trust_env=False, timeout=PATIENCE)


def manifest_for(ministack: Ministack, proxy: Tampering) -> dict:
    key = {"access_key_id": ministack.key.access_key_id, "secret_access_key": ministack.key.secret_access_key}
    api = f"http://127.0.0.1:{proxy.port}"

    def with_key(service: str, **secrets: str) -> dict:
        parameters = {"region": ministack.region, "service": service}
        return {"protocol": "aws_sigv4", "parameters": parameters, "principals": {"P": {"secrets": {**key, **secrets}}}}

    def with_role(**parameters: str) -> dict:
        given = {"region": ministack.region, "service": "s3", "sts_endpoint": ministack.endpoint, **parameters}
        principal = {"parameters": {"role_arn": ministack.role}, "secrets": key}
        return {"protocol": "aws_sts", "parameters": given, "principals": {"P": principal}}

    credentials = {
        "Tables": with_key("dynamodb"),
        "Identity": with_key("sts"),
        "Guessed": with_key("sts", secret_access_key="guessed"),
        "Role": with_role(external_id=EXTERNAL_ID),
        "Brief": with_role(external_id=EXTERNAL_ID, duration_seconds=str(SHORT)),
        "Stranger": with_role(external_id="guessed"),
    }
    return {
        "external_credentials": credentials,
        "named_credentials": {
            name: {"url": api, "external_credential": name, "allow_private_network": True} for name in credentials
        },
        "permission_sets": {"All": {"principals": [f"{name}/P" for name in credentials]}},
        "users": {"alice": {"permission_sets": ["All"]}},
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, ministack: Ministack) -> Iterator[World]:
    port = int(ministack.endpoint.rpartition(":")[2])
    with Tampering(port) as proxy, callout_home(tmp_path_factory.mktemp("ministack-callout") / "home") as home:
        home.apply(manifest_for(ministack, proxy))
        key = home.create_key("alice")
        with home.serve() as server:
            yield World(ministack, proxy, home, server, key)


@pytest.fixture(autouse=True)
def nothing_is_changed(world: World) -> Iterator[None]:
    world.proxy.seen.clear()
    yield
    world.proxy.change = unchanged


QUERY = b"Action=GetCallerIdentity&Version=2011-06-15"
FORM = "application/x-www-form-urlencoded; charset=utf-8"


def test_an_api_of_queries_takes_what_was_signed(world: World) -> None:
    answer = world.ask("Identity", "POST", "", QUERY, Content_Type=FORM)
    assert (answer.status_code, "user/orders" in answer.text) == (200, True), answer.text


def test_an_api_of_json_takes_what_an_sdk_sends_through_callout(world: World) -> None:
    tables = world.sdk("Tables", "dynamodb")
    tables.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    tables.put_item(TableName="orders", Item={"id": {"S": "7 ü"}})
    assert tables.get_item(TableName="orders", Key={"id": {"S": "7 ü"}})["Item"] == {"id": {"S": "7 ü"}}


def test_another_secret_is_refused_and_so_is_another_action_than_the_signed_one(world: World) -> None:
    assert world.ask("Guessed", "POST", "", QUERY, Content_Type=FORM).status_code == 403
    world.proxy.change = lambda head, body: (
        head.replace(b"DynamoDB_20120810.ListTables", b"DynamoDB_20120810.DeleteTab"),
        body,
    )
    headers = {"X_Amz_Target": "DynamoDB_20120810.ListTables", "Content_Type": "application/x-amz-json-1.0"}
    refused = world.ask("Tables", "POST", "", b"{}", **headers)
    assert (refused.status_code, "Signature" in refused.json()["__type"]) == (400, True), refused.text
    world.proxy.change = unchanged
    assert world.ask("Tables", "POST", "", b"{}", **headers).status_code == 200


def test_a_role_is_assumed_and_may_do_what_it_may_and_no_more(world: World) -> None:
    read = world.ask("Role")
    assert (read.status_code, read.content) == (200, b"order 7")
    written = world.ask("Role", "PUT", "orders/9", b"9")
    assert written.status_code == 403
    assert "callout-error" not in written.headers
    assert len(world.sessions()) == 1


def test_a_role_that_asks_for_another_external_id_is_refused_with_what_sts_says(world: World) -> None:
    refused = world.ask("Stranger")
    assert (refused.status_code, refused.json()["reason"]) == (502, "token_endpoint_refused")
    assert "AccessDenied" in refused.json()["detail"]
    assert any("external_id" in remedy for remedy in refused.json()["remedy"])
    assert world.proxy.seen == []


def test_a_session_that_has_ended_is_replaced_and_no_caller_notices(world: World) -> None:
    assert world.ask("Brief").status_code == 200
    first, _ = world.proxy.seen[-1]

    def ended() -> None:
        answer = world.repeated(first)
        assert answer.status_code in (400, 403), answer.status_code
        assert "ExpiredToken" in answer.text

    eventually(ended, instead_of=AssertionError)
    assert world.ask("Brief").content == b"order 7"
    assert len(world.sessions()) == 2


def test_a_session_that_the_api_does_not_know_any_more_is_replaced_and_the_callout_repeated(world: World) -> None:
    assert world.ask("Role").status_code == 200
    known = world.sessions()

    def forgotten(head: bytes, body: bytes) -> tuple[bytes, bytes]:
        """Let the API see a session that it does not know, in place of the one that Callout holds."""
        return head.replace(known[-1], b"X-Amz-Security-Token: forgotten"), body

    world.proxy.change = forgotten
    answer = world.ask("Role")
    assert (answer.status_code, answer.headers["callout-replay"]) == (200, "done"), answer.text
    assert len(world.sessions()) == 2


def test_temporary_credentials_show_nowhere(world: World) -> None:
    assert world.ask("Role").status_code == 200
    session = world.sessions()[-1].partition(b": ")[2].decode()
    told = [world.home.json("status"), world.home.json("diagnose", "Role", "--as", "alice"), world.server.log]
    assert session not in json.dumps(told)
    assert world.ministack.key.secret_access_key not in json.dumps(told)
