"""S3 through Callout at OpenStack Swift, which verifies every signature and hashes every body with code of its own."""

from __future__ import annotations

import base64
import hashlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
import trustme
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from tests.counterparties.aws import Swift
from tests.counterparties.tampering import Change, Tampering, unchanged
from tests.journeys.processes import PATIENCE, Home, Server, callout_home

ODD = "a b/ü+c=*~"
#: More than one request that is signed may have, and more than one piece of a body.
LARGE = bytes(range(256)) * 8192


@dataclass
class World:
    """Everything that a test here needs."""

    swift: Swift
    proxy: Tampering
    home: Home
    server: Server
    key: str
    authority: Path

    def ask(self, method: str, path: str, body: bytes = b"", name: str = "Store", **headers: str) -> httpx2.Response:
        """Make a callout for S3, as any HTTP client would."""
        sent = {"Callout-Key": self.key, **{n.replace("_", "-"): v for n, v in headers.items()}}
        url = f"{self.server.gateway}/callout/{name}/{path}"
        trusted = ssl.create_default_context(cafile=str(self.authority))
        with httpx2.Client(trust_env=False, timeout=PATIENCE, verify=trusted) as client:
            return client.request(method, url, content=body or None, headers=sent)

    def sdk(self, name: str = "Store", *, key_as_access_key_id: bool = False, **settings: object):
        """Return an AWS SDK's own client, of which nothing is changed but its endpoint and its keys."""
        config = {"retries": {"total_max_attempts": 1}, "connect_timeout": PATIENCE, "read_timeout": PATIENCE}
        return Session().create_client(
            "s3",
            endpoint_url=f"{self.server.gateway}/callout/{name}",
            region_name="eu-north-1",
            aws_access_key_id=self.key if key_as_access_key_id else "unused",
            aws_secret_access_key="unused",
            aws_session_token=None if key_as_access_key_id else self.key,
            verify=str(self.authority),
            config=Config(**config, s3={"addressing_style": "path"}, proxies={}, **settings),
        )


def manifest_for(swift: Swift, proxy: Tampering) -> dict:
    s3 = {"region": swift.region, "service": "s3"}
    key = {"access_key_id": swift.key.access_key_id, "secret_access_key": swift.key.secret_access_key}

    def credential(parameters: dict[str, str], secrets: dict[str, str]) -> dict:
        return {"protocol": "aws_sigv4", "parameters": parameters, "principals": {"Team": {"secrets": secrets}}}

    def named(external: str, url: str) -> dict:
        return {"url": url, "external_credential": external, "allow_private_network": True}

    plain, tls = f"http://127.0.0.1:{proxy.port}", f"https://127.0.0.1:{proxy.tls_port}"
    return {
        "external_credentials": {
            "Signed": credential(s3, key),
            "Streamed": credential({**s3, "payload": "streaming"}, key),
            "Unsigned": credential({**s3, "payload": "unsigned"}, key),
            "Guessed": credential(s3, {**key, "secret_access_key": "guessed"}),
            "Elsewhere": credential({**s3, "region": "eu-west-9"}, key),
        },
        "named_credentials": {
            "Store": named("Signed", plain),
            "Orders": named("Signed", f"{plain}/orders"),
            "Large": named("Unsigned", tls),
            "Streamed": named("Streamed", plain),
            "LargeInTheClear": named("Unsigned", plain),
            "Guessed": named("Guessed", plain),
            "Elsewhere": named("Elsewhere", plain),
        },
        "permission_sets": {
            "Storing": {
                "principals": [f"{each}/Team" for each in ("Signed", "Streamed", "Unsigned", "Guessed", "Elsewhere")]
            }
        },
        "users": {"alice": {"permission_sets": ["Storing"]}},
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, swift: Swift) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("swift-callout")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued = ca.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    (folder / "server.pem").chmod(0o600)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(tls)
    environment = {"CALLOUT_TRUSTED_CA_FILE": str(folder / "ca.pem")}
    port = int(swift.endpoint.rpartition(":")[2])
    with Tampering(port, tls) as proxy, callout_home(folder / "home", environment) as home:
        home.apply(manifest_for(swift, proxy))
        key = home.create_key("alice")
        with home.serve("--tls-certificate-file", str(folder / "server.pem")) as server:
            yield World(swift, proxy, home, server, key, folder / "ca.pem")


@pytest.fixture(autouse=True)
def nothing_is_changed(world: World) -> Iterator[None]:
    yield
    world.proxy.change = unchanged


def test_an_object_is_kept_read_in_part_listed_and_deleted(world: World) -> None:
    assert (
        world.ask("PUT", "orders/7", b"order 7", Content_Type="text/plain", X_Amz_Meta_Colour="red").status_code == 200
    )
    found = world.ask("GET", "orders/7")
    assert (found.content, found.headers["x-amz-meta-colour"]) == (b"order 7", "red")
    assert found.headers["content-type"].startswith("text/plain")
    part = world.ask("GET", "orders/7", Range="bytes=2-4")
    assert (part.status_code, part.content) == (206, b"der")
    assert "<Key>7</Key>" in world.ask("GET", "orders?list-type=2&prefix=7").text
    assert world.ask("DELETE", "orders/7").status_code == 204
    assert world.ask("GET", "orders/7").status_code == 404


@pytest.mark.parametrize(
    "written", [quote(ODD), quote(ODD, safe="/+=*~"), quote(ODD, safe="/").lower().replace("%c3%bc", "%C3%BC")]
)
def test_a_key_of_odd_characters_is_the_same_however_a_client_encodes_it(world: World, written: str) -> None:
    assert world.ask("PUT", f"orders/{quote(ODD)}", b"odd").status_code == 200
    assert world.ask("GET", f"orders/{written}").content == b"odd"


@pytest.mark.parametrize(
    "query", ["list-type=2&prefix=a%20b/", "list-type=2&prefix=a+b%2f", "prefix=a%20b%2F&list-type=2&delimiter="]
)
def test_a_query_is_the_same_however_a_client_encodes_and_orders_it(world: World, query: str) -> None:
    assert world.ask("PUT", f"orders/{quote(ODD)}", b"odd").status_code == 200
    listed = world.ask("GET", f"orders?{query}")
    assert (listed.status_code, "<Key>a b/" in listed.text) == (200, True), listed.text


def test_the_path_of_the_url_is_signed_with_that_of_the_caller(world: World) -> None:
    assert world.ask("PUT", "8", b"order 8", name="Orders").status_code == 200
    assert world.ask("GET", "orders/8").content == b"order 8"
    assert "<Key>8</Key>" in world.ask("GET", "?prefix=8", name="Orders").text


def test_several_objects_are_deleted_by_a_body_that_is_signed(world: World) -> None:
    world.ask("PUT", "orders/1", b"1")
    body = b"<Delete><Object><Key>1</Key></Object><Object><Key>none</Key></Object></Delete>"
    digest = base64.b64encode(hashlib.md5(body).digest()).decode()
    answer = world.ask("POST", "orders?delete", body, Content_MD5=digest, Content_Type="application/xml")
    assert (answer.status_code, answer.text.count("<Deleted>")) == (200, 2)
    assert world.ask("GET", "orders/1").status_code == 404


def test_what_a_client_sent_to_sign_by_itself_never_arrives(world: World) -> None:
    world.proxy.seen.clear()
    own = {"Authorization": "AWS4-HMAC-SHA256 Credential=x", "x_amz_date": "x", "x_amz_content_sha256": "y"}
    assert world.ask("PUT", "orders/9", b"9", **own, x_amz_security_token="theirs").status_code == 200
    ((head, _),) = world.proxy.seen
    names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n")]
    assert [names.count(each) for each in (b"authorization", b"x-amz-date", b"x-amz-content-sha256")] == [1, 1, 1]
    assert b"x-amz-security-token" not in names
    assert world.key.encode() not in head


def another_body(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    return head, body[:-1] + b"8"


def another_path(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    return head.replace(b"/orders/7", b"/orders/8", 1), body


def another_query(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    return head.replace(b"note=1", b"note=2", 1), body


def another_header(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    return head.replace(b"red", b"blue", 1), body


def another_header_more(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    return head.replace(b"\r\n\r\n", b"\r\nX-Amz-Meta-Colour: blue\r\n\r\n"), body


def another_date(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    start, name, rest = head.partition(b"X-Amz-Date: ")
    return start + name + b"20200101T000000Z" + rest[16:], body


def another_method(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    return head.replace(b"PUT ", b"DELETE ", 1), body


def no_signature(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    return head.replace(b"Authorization:", b"X-Other:", 1), body


CHANGES = [another_body, another_path, another_query, another_header, another_header_more, another_date, another_method]


@pytest.mark.parametrize("change", [*CHANGES, no_signature])
def test_what_was_changed_on_its_way_is_refused(world: World, change: Change) -> None:
    def put() -> httpx2.Response:
        return world.ask("PUT", "orders/7?note=1", b"order 7", x_amz_meta_colour="red")

    assert put().status_code == 200
    world.proxy.seen.clear()
    world.proxy.change = change
    assert put().status_code in (400, 403)
    assert change(*world.proxy.seen[0]) != world.proxy.seen[0]
    world.proxy.change = unchanged
    assert world.ask("GET", "orders/7").content == b"order 7"


@pytest.mark.parametrize("name", ["Guessed", "Elsewhere"])
def test_another_secret_or_region_is_refused_with_the_answer_of_the_store(world: World, name: str) -> None:
    answer = world.ask("GET", "orders/7", name=name)
    assert answer.status_code in (400, 403)
    assert "callout-error" not in answer.headers
    assert "<Error>" in answer.text


def test_an_sdk_works_with_its_endpoint_and_session_token_changed(world: World) -> None:
    s3 = world.sdk()
    s3.put_object(Bucket="orders", Key=ODD, Body=b"by an SDK", Metadata={"colour": "red"})
    found = s3.get_object(Bucket="orders", Key=ODD)
    assert (found["Body"].read(), found["Metadata"]) == (b"by an SDK", {"colour": "red"})
    assert ODD in [each["Key"] for each in s3.list_objects_v2(Bucket="orders", Prefix="a b/")["Contents"]]
    s3.delete_objects(Bucket="orders", Delete={"Objects": [{"Key": ODD}]})
    assert "Contents" not in s3.list_objects_v2(Bucket="orders", Prefix="a b/")


def test_a_tool_that_knows_no_session_token_has_the_key_as_its_access_key_id(world: World) -> None:
    world.proxy.seen.clear()
    assert "Buckets" in world.sdk(key_as_access_key_id=True).list_buckets()
    assert world.key.encode() not in world.proxy.seen[0][0]


def test_a_body_that_an_sdk_sent_in_chunks_of_its_own_arrives_without_them(world: World) -> None:
    world.proxy.seen.clear()
    world.sdk().put_object(Bucket="orders", Key="chunks", Body=b"in chunks")
    head, body = world.proxy.seen[-1]
    assert body == b"in chunks"
    assert b"aws-chunked" not in head
    assert b"x-amz-checksum-crc32:" in head.lower()
    assert world.ask("GET", "orders/chunks").content == b"in chunks"


def test_a_body_that_is_too_large_to_be_signed_is_refused_with_what_helps(world: World) -> None:
    refused = world.ask("PUT", "orders/large", LARGE)
    assert (refused.status_code, refused.json()["reason"]) == (413, "request_too_large")
    assert any("payload: streaming or payload: unsigned for Signed" in remedy for remedy in refused.json()["remedy"])


def test_a_body_of_any_size_passes_unsigned_over_tls(world: World) -> None:
    assert world.ask("PUT", "orders/large", LARGE, name="Large").status_code == 200
    assert world.ask("GET", "orders/large", name="Large").content == LARGE
    world.proxy.change = another_path
    assert world.ask("PUT", "orders/7", LARGE, name="Large").status_code in (400, 403)


def test_a_body_of_any_size_is_signed_chunk_by_chunk_while_it_passes(world: World) -> None:
    world.proxy.seen.clear()
    assert world.ask("PUT", "orders/streamed", LARGE, name="Streamed").status_code == 200
    assert world.ask("GET", "orders/streamed", name="Streamed").content == LARGE
    assert world.proxy.seen[0][1].count(b";chunk-signature=") == len(LARGE) // 65536 + 1


def another_byte_in_a_chunk(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    return head, body[:100_000] + bytes([body[100_000] ^ 1]) + body[100_001:]


def no_end(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    start = body.rindex(b"0;chunk-signature=")
    return head, body[:start] + b"0;chunk-signature=" + b"0" * 64 + b"\r\n\r\n"


@pytest.mark.parametrize("change", [another_byte_in_a_chunk, no_end])
def test_a_body_that_was_changed_in_the_midst_of_it_is_refused(world: World, change: Change) -> None:
    world.proxy.change = change
    assert world.ask("PUT", "orders/spoilt", LARGE, name="Streamed").status_code in (400, 403)
    world.proxy.change = unchanged
    assert world.ask("GET", "orders/spoilt").status_code == 404


def test_an_sdk_s_body_of_any_size_passes_in_its_chunks_over_tls(world: World) -> None:
    s3 = world.sdk("Large")
    s3.put_object(Bucket="orders", Key="large-sdk", Body=LARGE)
    assert s3.get_object(Bucket="orders", Key="large-sdk")["Body"].read() == LARGE


def test_an_sdk_s_body_of_any_size_is_signed_chunk_by_chunk_where_it_sends_it_as_it_is(world: World) -> None:
    s3 = world.sdk("Streamed", request_checksum_calculation="when_required")
    s3.put_object(Bucket="orders", Key="streamed-sdk", Body=LARGE)
    assert s3.get_object(Bucket="orders", Key="streamed-sdk")["Body"].read() == LARGE
    with pytest.raises(ClientError, match="400"):
        world.sdk("Streamed").put_object(Bucket="orders", Key="streamed-sdk", Body=LARGE)


def test_no_body_passes_unsigned_without_tls(world: World) -> None:
    refused = world.ask("PUT", "orders/7", b"7", name="LargeInTheClear")
    assert (refused.status_code, refused.json()["reason"]) == (424, "principal_not_configured")
    assert "payload: streaming" in refused.text


def test_the_dry_run_shows_what_would_be_signed_and_no_secret(world: World) -> None:
    shown = world.home.json("diagnose", "Store", "--as", "alice", "--method", "GET", "--path", "/orders/7")
    headers = dict(shown["request"]["headers"])
    assert "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=…" in headers["Authorization"]
    assert world.swift.key.access_key_id not in str(shown)
