"""The signed requests of docs/formulas.md, with the values that the documentation of each scheme shows."""

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from callout.core.formula import Scope, parse
from callout.core.formula.values import Blob
from callout.core.secret import Secret, reveal

PAGE = (Path(__file__).parents[3] / "docs" / "formulas.md").read_text()
SHOWN = {
    heading: {header["name"]: header["value"] for header in yaml.safe_load(block)["headers"]}
    for heading, block in re.findall(r"\n### ([^\n]+)\n(?:(?!\n###).)*?```yaml\n(.*?)```", PAGE, re.DOTALL)
}
ORDER = (
    b'{"market": "BTC-PERP", "side": "buy", "price": 8500, "size": 1, "type": "limit", "reduceOnly": false, "ioc": false, '
    b'"postOnly": false, "clientId": null}'
)
COMMAND = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10"
    b"d2c447fce8b6703c"
)


def written(heading: str, now: datetime, method: str, path: str, body: bytes = b"", **secrets: str) -> dict[str, str]:
    """Evaluate the headers that the page shows under a heading."""
    request = {"Method": method, "Path": path, "Query": "", "Target": path, "Url": f"https://x{path}", "Host": "x"}
    scope = Scope(now, lambda _, name: Secret(secrets[name]), lambda _: "", body=Blob(body, True), request=request)
    return {name: reveal(parse(value).evaluate(scope)) for name, value in SHOWN[heading].items()}


@pytest.mark.parametrize(
    ("milliseconds", "method", "path", "body", "signature"),
    [
        (1588591511721, "GET", "/api/markets", b"", "dbc62ec300b2624c580611858d94f2332ac636bb86eccfa1167a7777c496ee6f"),
        (
            1588591856950,
            "POST",
            "/api/orders",
            ORDER,
            "c4fbabaf178658a59d7bbf57678d44c369382f3da29138f04cd46d3d582ba4ba",
        ),
    ],
)
def test_a_request_of_an_exchange_is_signed_as_its_documentation_shows(
    milliseconds, method, path, body, signature
) -> None:
    now = datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)
    secrets = {"ApiKey": "k", "Secret": "T4lPid48QtjNxjLUFOcUZghD7CUJ7sTVsfuvQZF2"}
    found = written("A timestamp, the method, the path and the body", now, method, path, body, **secrets)
    assert found == {"FTX-KEY": "k", "FTX-TS": str(milliseconds), "FTX-SIGN": signature}


def test_a_request_to_cosmos_db_is_signed_as_its_documentation_shows() -> None:
    key = "dsZQi3KtZmCv1ljt3VNWNm7sQUF1y5rJfC6kv5JiwvW0EndXdDku/dkKBp8/ufDToSxLzR4y+O/0H/t4bQtVNw=="
    now = datetime(2017, 4, 27, 0, 51, 12, tzinfo=UTC)
    found = written("Shared key of Azure Cosmos DB", now, "GET", "/dbs/ToDoList", MasterKey=key)
    assert found["x-ms-date"] == "Thu, 27 Apr 2017 00:51:12 GMT"
    published = "type%3dmaster%26ver%3d1.0%26sig%3dc09PEVJrgp2uQRkr934kFbTqhByc7TVr3OHyqlu%2bc%2bc%3d"
    assert unquote(found["Authorization"]) == unquote(published)


def test_a_body_is_signed_as_slack_shows() -> None:
    now = datetime.fromtimestamp(1531420618, UTC)
    secret = "8f742231b10e8888abcd99yyyzzz85a5"
    found = written("A version, a timestamp and the body", now, "POST", "/", COMMAND, SigningSecret=secret)
    assert found["X-Slack-Request-Timestamp"] == "1531420618"
    assert found["X-Slack-Signature"] == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
