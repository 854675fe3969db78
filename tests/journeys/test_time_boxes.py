"""A time box that ends while it is used: the stream ends by itself, the next callout is refused, and both say why."""

import collections
import json
from datetime import UTC, datetime

import httpx2
import pytest

from tests.journeys.processes import PATIENCE, Home, Sandbox, eventually

pytestmark = pytest.mark.journey

#: How long the box is. The stream is open before, so that nothing has to be done in time.
BOX = "2s"
#: How long after the end of the box a slow and busy machine may cut the stream off, in seconds; it lasts longer.
BOUND = 20.0
#: Between two events of the stream, in milliseconds; the stream would last for ten minutes.
PACE, EVENTS = 50, 12000
PATH = f"/callout/Feed/stream/{EVENTS}?ms={PACE}"


class NotYet(Exception):
    """The running server has not learned of it, or has not written it, yet."""


def manifest(sandbox: Sandbox) -> dict:
    secrets = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    return {
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
        "users": {"alice": {"kind": "service"}, "bob": {"permission_sets": ["Readers"]}},
    }


def ok(answer: httpx2.Response) -> httpx2.Response:
    if answer.status_code != 200:
        raise NotYet(answer.text)
    return answer


def explained(home: Home, callout_id: str) -> dict:
    done = home.attempt("explain", callout_id, "--json")
    if done.returncode == 2:
        raise NotYet(done.stdout)
    return json.loads(done.stdout)


def test_access_ends_by_itself_on_time_in_an_open_stream_too(home: Home, sandbox: Sandbox) -> None:
    home.apply(manifest(sandbox))
    alice, bob = ({"Callout-Key": home.create_key(user)} for user in ("alice", "bob"))
    with home.serve() as server, httpx2.Client(base_url=server.gateway, trust_env=False, timeout=PATIENCE) as client:
        assign = ("permission-set", "assign", "Readers", "alice", "--purpose", "incident 7", "--until")
        home.run(*assign, "1h")
        eventually(lambda: ok(client.get("/callout/Feed/x", headers=alice)), instead_of=NotYet)
        with client.stream("GET", PATH, headers=bob) as kept, client.stream("GET", PATH, headers=alice) as cut:
            assert (kept.status_code, cut.status_code) == (200, 200)
            until = datetime.fromisoformat(home.json(*assign, BOX)["until"])
            with pytest.raises(httpx2.RemoteProtocolError):  # cut off, never a clean end
                collections.deque(cut.iter_raw(), maxlen=0)
            late = (datetime.now(UTC) - until).total_seconds()
            assert -0.1 < late < BOUND, f"got an end {late:.3f} s after the end of the box; expected it on time"
            assert next(kept.iter_raw()), "another caller's stream goes on"
        refused = client.get("/callout/Feed/x", headers=alice)
        assert refused.headers["Callout-Error"] == "principal_not_granted"
        assert "for incident 7" in refused.json()["detail"]
        told = eventually(lambda: explained(home, refused.headers["Callout-Id"]), instead_of=NotYet)
        assert told["remedy_commands"] == [
            "callout permission-set assign Readers alice --until 8h --purpose 'incident 7'"
        ]
        shown = home.json("user", "show", "alice")
        assert (shown["kind"], [way["ended"] for way in shown["ways"]]) == ("service", [False, True])
