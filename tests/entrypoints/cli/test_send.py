import json

import pytest

PROBLEM = {
    "title": "The user has no access to a principal of the external credential",
    "status": 403,
    "detail": "bob has no grant",
    "reason": "principal_not_granted",
    "blame": "admin",
    "remedy": ["Assign it: callout permission-set assign 'Order Clerks' bob"],
    "callout_id": "c7",
}


@pytest.fixture
def sent(cli, gateway):
    cli.gateway = (gateway.url, "co_local")
    return cli


def test_the_answer_goes_to_standard_output_as_it_came(sent, gateway):
    ran = sent("send", "Orders/items?limit=5", "--as", "alice", "--namespace", "acme")
    assert (ran.code, ran.out, ran.err) == (0, "hello", "")
    seen = gateway.seen[0]
    assert (seen.method, seen.target) == ("GET", "/callout/Orders/items?limit=5")
    assert ("Callout-Key", "co_local") in seen.headers
    assert ("gateway", "alice", "acme") in sent.called


@pytest.mark.parametrize("address", ["Orders/a%2Fb//c?x=%20&y=[]", "callout:Orders/a%2Fb//c?x=%20&y=[]"])
def test_path_and_query_are_sent_byte_for_byte(sent, gateway, address):
    assert sent("send", address).code == 0
    assert gateway.seen[0].target == "/callout/Orders/a%2Fb//c?x=%20&y=[]"


def test_without_as_the_first_administrator_calls(sent):
    sent("send", "Orders")
    assert ("gateway", "admin", None) in sent.called


def test_method_headers_body_principal_and_timeout_are_sent(sent, gateway, tmp_path):
    file = tmp_path / "item.json"
    file.write_bytes(b'{"a": 1}')
    argv = ("-X", "PUT", "-H", "X-One: 1", "-H", "X-One: 2", "-d", f"@{file}", "--principal", "Own", "--timeout", "2.5")
    assert sent("send", "Orders", *argv).code == 0
    seen = gateway.seen[0]
    assert (seen.method, seen.body) == ("PUT", b'{"a": 1}')
    expected = {("X-One", "1"), ("X-One", "2"), ("Callout-Principal", "Own"), ("Callout-Timeout", "2.5")}
    assert expected <= set(seen.headers)


def test_a_callout_is_made_on_behalf_of_a_user_whatever_their_name_is_written_in(sent, gateway):
    assert sent("send", "Orders", "--as", "alice", "--on-behalf-of", "zoë").code == 0
    assert ("Callout-On-Behalf-Of", "zoë".encode().decode("latin-1")) in gateway.seen[0].headers


@pytest.mark.parametrize(
    ("body", "content_type"), [('{"a": 1}', "application/json"), ("a=1", "application/x-www-form-urlencoded")]
)
def test_a_body_makes_a_post_whose_content_type_is_that_of_its_text(sent, gateway, body, content_type):
    sent("send", "Orders", "-d", "-", stdin=body)
    seen = gateway.seen[0]
    assert (seen.method, seen.body.decode(), dict(seen.headers)["Content-Type"]) == ("POST", body, content_type)


def test_include_writes_status_and_headers_first(sent, gateway):
    gateway.status = 601
    ran = sent("send", "Orders", "--include")
    assert ran.out.startswith("HTTP/1.1 601 As Told\nCallout-Id: c1\n")
    assert ran.out.endswith("\n\nhello")


@pytest.mark.parametrize(("argv", "code"), [((), 0), (("--fail",), 4)])
def test_a_refusal_of_the_external_system_is_its_answer_unless_asked_otherwise(sent, gateway, argv, code):
    gateway.status = 404
    ran = sent("send", "Orders", *argv)
    assert (ran.code, ran.out) == (code, "hello")


def test_with_json_the_answer_is_one_value(sent, gateway):
    gateway.headers.append(("Callout-Replay", "done"))
    members = sent("send", "Orders", "--json").json
    assert (members["status"], members["body"], members["callout_id"], members["replay"]) == (
        200,
        "hello",
        "c1",
        "done",
    )
    gateway.body = b"\xff\xfe\x00\x01\x02"
    assert sent("send", "Orders", "--json").json["body_base64"] == "//4AAQI="


def refuse(gateway, body: bytes) -> None:
    gateway.status, gateway.body = 403, body
    gateway.headers = [("Callout-Error", "principal_not_granted"), ("Content-Length", str(len(body)))]


@pytest.mark.parametrize("argv", [(), ("--fail",)])
def test_what_callout_refuses_is_an_error_with_its_remedy_and_the_exit_code_of_its_blame(sent, gateway, argv):
    refuse(gateway, json.dumps(PROBLEM).encode())
    ran = sent("send", "Orders", *argv)
    assert (ran.code, ran.out) == (3, "")
    for part in ("principal_not_granted", "bob has no grant", "permission-set assign 'Order Clerks' bob", "explain c7"):
        assert part in ran.err
    assert sent("send", "Orders", "--json").json == PROBLEM


def test_a_refusal_without_a_document_is_still_an_error(sent, gateway):
    refuse(gateway, b"<html>")
    ran = sent("send", "Orders")
    assert (ran.code, "principal_not_granted" in ran.err) == (5, True)


def test_an_answer_that_ends_too_early_is_an_error(sent, gateway):
    gateway.headers = [("Content-Length", "50")]
    ran = sent("send", "Orders")
    assert (ran.code, ran.out) == (5, "hello")
    assert "45 bytes too early" in ran.err


def test_a_gateway_that_is_not_there_ends_with_5(sent, gateway):
    sent.gateway = ("http://127.0.0.1:1", "co_local")
    ran = sent("send", "Orders", "--json")
    assert (ran.code, ran.json["reason"]) == (5, "server_unreachable")


@pytest.mark.parametrize("argv", [("Orders/ü",), ("Orders/a b",), ("Orders", "-X", "G T"), ("Orders", "-H", "X: a\nb")])
def test_a_request_that_cannot_be_written_is_refused_before_it_leaves(sent, gateway, argv):
    assert sent("send", *argv).code == 2
    assert gateway.seen == []


def test_the_guest_sends_no_key(sent, gateway):
    sent.gateway = (gateway.url, "")
    sent("send", "Orders", "--as", "guest")
    assert "Callout-Key" not in dict(gateway.seen[0].headers)


def test_through_a_running_server_the_key_says_who_calls(cli, server, gateway):
    key = cli.runs(cli.world.key_of("alice"))
    ran = cli("send", "Orders/items", "--url", server, "--key", key)
    assert (ran.code, ran.out) == (0, "hello")
    assert dict(gateway.seen[0].headers)["Callout-Key"] == key
    assert cli("send", "Orders", "--url", server, "--key", key, "--as", "bob").code == 2
