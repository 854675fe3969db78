"""A namespace is proven, never declared: forged by header, key, path or token it is refused, and the refusal audited.

Over real processes, with an issuer on loopback whose keys Callout fetches.
"""

import shlex
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from tests.journeys.processes import PATIENCE, Home, Sandbox, callout_home, eventually, pytest_runtest_makereport
from tests.tokens import AUDIENCE, TokenIssuer

__all__ = ["pytest_runtest_makereport"]

pytestmark = pytest.mark.journey


class NotYet(Exception):
    """The running server has not learned of it, or the record is not written yet."""


@pytest.fixture(scope="module")
def signer() -> Iterator[TokenIssuer]:
    """An issuer that publishes its keys on loopback."""
    signer = TokenIssuer()

    class Publishing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(signer.jwks)))
            self.end_headers()
            self.wfile.write(signer.jwks)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Publishing)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    signer.issuer = f"http://127.0.0.1:{server.server_port}"
    yield signer
    server.shutdown()
    server.server_close()
    thread.join()


def manifest(sandbox: Sandbox, signer: TokenIssuer) -> dict:
    url = {"url": sandbox.url + "/headers", "external_credential": "Open", "allow_private_network": True}
    return {
        "external_credentials": {"Open": {"protocol": "none", "principals": {"Anyone": {}}}},
        "named_credentials": {
            "Orders": {**url, "allowed_namespaces": ["acme"]},
            "acme__Orders": {**url, "allowed_namespaces": ["acme"]},
        },
        "permission_sets": {
            "Callers": {"principals": ["Open/Anyone"], "user_external_credential": ["read"]},
            "Agents": {"may_act_for": ["bob"]},
        },
        "packages": {"acme": {}, "beta": {}},
        "users": {
            "alice": {"permission_sets": ["Callers"]},
            "bob": {"permission_sets": ["Callers"]},
            "svc": {"profile": "Minimum Access", "permission_sets": ["Agents"]},
        },
        "trusted_issuers": {
            "Example": {
                "issuer": signer.issuer,
                "audience": AUDIENCE,
                "jwks_uri": signer.issuer + "/keys",
                "users": {"alice-id": "alice"},
                "namespace_claim": "azp",
                "namespaces": {"acme-app": "acme", "beta-app": "beta"},
                "allow_private_network": True,
            }
        },
    }


class Shop:
    """A served home, and callouts on it."""

    def __init__(
        self, home: Home, client: httpx2.Client, signer: TokenIssuer, keys: dict[str, str], setup: str
    ) -> None:
        self.home, self.client, self.signer, self.keys, self.setup = home, client, signer, keys, setup

    def call(self, name: str, **headers: str) -> httpx2.Response:
        return self.client.get(f"/callout/{name}/x", headers={k.replace("_", "-"): v for k, v in headers.items()})

    def with_token(self, name: str, **claims: object) -> httpx2.Response:
        token = self.signer.token(time.time(), **claims).decode()
        return self.call(name, Authorization=f"Bearer {token}")

    def recorded(self, answer: httpx2.Response) -> dict:
        """Return the audit's record of an answer; it is written within a moment."""

        def explained() -> dict:
            found = httpx2.get(
                f"{self.setup}/api/v1/callouts/{answer.headers['Callout-Id']}",
                headers={"Callout-Key": self.keys["admin"]},
                trust_env=False,
                timeout=PATIENCE,
            )
            if found.status_code != 200:
                raise NotYet(found.text)
            return found.json()

        return eventually(explained, instead_of=NotYet)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, signer: TokenIssuer) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("forged")
    with callout_home(folder / "home") as home, Sandbox(folder / "sandbox.log") as sandbox:
        home.apply(manifest(sandbox, signer))
        keys = {
            "admin": home.create_key("admin"),
            "acme": home.create_key("alice", "acme"),
            "beta": home.create_key("alice", "beta"),
            "svc": home.create_key("svc"),
            "bob": home.create_key("bob"),
        }
        with (
            home.serve() as server,
            httpx2.Client(base_url=server.gateway, trust_env=False, timeout=PATIENCE) as client,
        ):
            yield Shop(home, client, signer, keys, server.setup)


def refusal(answer: httpx2.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("Callout-Error")


def test_the_code_of_the_allowed_package_gets_through_by_key_and_by_token(shop: Shop) -> None:
    by_key = shop.call("Orders", Callout_Key=shop.keys["acme"])
    by_token = shop.with_token("Orders", azp="acme-app")
    assert "Callout-Error" not in by_key.headers
    assert "Callout-Error" not in by_token.headers
    assert "eyJ" not in by_token.text, "the token does not reach the external system"
    assert shop.recorded(by_token)["caller"] == {"user": "alice", "namespace": "acme"}


@pytest.mark.parametrize("header", ["Callout_Namespace", "Callout_Package", "X_Namespace", "Namespace"])
def test_a_namespace_in_a_header_is_nothing(shop: Shop, header: str) -> None:
    answer = shop.call("Orders", Callout_Key=shop.keys["beta"], **{header: "acme"})
    assert refusal(answer) == (403, "namespace_not_allowed")
    assert shop.recorded(answer)["caller"] == {"user": "alice", "namespace": "beta"}


def test_a_key_of_another_package_is_refused_and_the_record_says_whose(shop: Shop) -> None:
    answer = shop.call("Orders", Callout_Key=shop.keys["beta"])
    assert refusal(answer) == (403, "namespace_not_allowed")
    record = shop.recorded(answer)
    assert (record["caller"]["namespace"], record["reason"]) == ("beta", "namespace_not_allowed")


@pytest.mark.parametrize(("name", "code"), [("acme__Orders", "namespace_not_allowed"), ("acme__Other", None)])
def test_a_namespace_in_the_path_is_part_of_a_name_and_proves_nothing(shop: Shop, name: str, code: str | None) -> None:
    answer = shop.call(name, Callout_Key=shop.keys["beta"])
    assert answer.headers["Callout-Error"] == (code or "named_credential_not_found")
    assert shop.recorded(answer)["caller"]["namespace"] == "beta"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"azp": "acme"},
        {"azp": "other-app"},
        {"azp": ["acme-app"]},
        {"namespace": "acme", "azp": "x"},
        {"sub": "mallory", "azp": "acme-app"},
    ],
    ids=str,
)
def test_a_token_that_no_mapping_names_is_nobody(shop: Shop, claims: dict) -> None:
    answer = shop.with_token("Orders", **claims)
    assert refusal(answer) == (401, "caller_unknown")
    record = shop.recorded(answer)
    assert record["caller"] == {"user": None, "namespace": None}
    assert (record["reason"], record["steps"][0]["held"]) == ("caller_unknown", False)


def test_a_token_of_another_package_stays_that_of_the_other_package(shop: Shop) -> None:
    answer = shop.with_token("Orders", azp="beta-app")
    assert refusal(answer) == (403, "namespace_not_allowed")


def test_a_token_that_someone_else_signed_is_refused_and_audited(shop: Shop) -> None:
    forger = TokenIssuer(shop.signer.issuer, kid=shop.signer.kid)
    token = forger.token(time.time(), azp="acme-app").decode()
    answer = shop.call("Orders", Authorization=f"Bearer {token}")
    assert refusal(answer) == (401, "caller_unknown")
    assert "signature" in shop.recorded(answer)["steps"][0]["detail"]


def test_acting_for_another_keeps_the_namespace_and_is_in_the_record(shop: Shop) -> None:
    allowed = shop.call("Orders", Callout_Key=shop.keys["svc"], Callout_On_Behalf_Of="bob")
    assert "Callout-Error" not in allowed.headers
    assert "on-behalf-of" not in allowed.text.lower()
    record = shop.recorded(allowed)
    assert (record["caller"]["user"], record["on_behalf_of"]) == ("svc", "bob")
    refused = shop.call("Orders", Callout_Key=shop.keys["bob"], Callout_On_Behalf_Of="svc")
    assert refusal(refused) == (403, "acting_not_allowed")
    assert shop.recorded(refused)["on_behalf_of"] == "svc"
    assert refusal(shop.call("Orders", Callout_Key=shop.keys["beta"], Callout_On_Behalf_Of="bob"))[0] == 403


def test_the_remedy_of_a_refused_acting_works_as_printed(shop: Shop) -> None:
    refused = shop.call("Orders", Callout_Key=shop.keys["svc"], Callout_On_Behalf_Of="alice")
    (command,) = refused.json()["remedy_commands"]
    shop.home.run(*shlex.split(command)[1:])

    def mended() -> None:
        answer = shop.call("Orders", Callout_Key=shop.keys["svc"], Callout_On_Behalf_Of="alice")
        if "Callout-Error" in answer.headers:
            raise NotYet(answer.text)

    eventually(mended, instead_of=NotYet)


def test_a_body_that_comes_before_the_token_is_verified_arrives_whole(shop: Shop) -> None:
    token = shop.signer.token(time.time(), azp="acme-app").decode()
    parts = [b"a" * 40_000, b"b" * 40_000, b"c"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = shop.client.post("/callout/Orders/x", content=iter(parts), headers=headers)
    assert "Callout-Error" not in answer.headers
    assert shop.recorded(answer)["sent_bytes"] >= 80_001


def test_the_chain_of_all_this_holds(shop: Shop) -> None:
    shop.home.run("audit", "verify")
