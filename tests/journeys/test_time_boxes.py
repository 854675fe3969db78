"""A time box that ends while it is used: the stream ends by itself, the next callout is refused, and both say why."""

import collections
import json
import time

import httpx2
import pytest

from tests.journeys.processes import Home, Sandbox, eventually

pytestmark = pytest.mark.journey

#: How long the box is: time for a command, for the server to learn of it, and for a stream to start.
BOX = 8.0
#: Between two events of the stream, in milliseconds; the stream would last for a minute.
PACE, EVENTS = 50, 1200
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
    with home.serve() as server, httpx2.Client(base_url=server.gateway, trust_env=False, timeout=60) as client:
        given = time.monotonic()
        home.run("permission-set", "assign", "Readers", "alice", "--until", f"{BOX:.0f}s", "--purpose", "incident 7")
        eventually(lambda: ok(client.get("/callout/Feed/x", headers=alice)), instead_of=NotYet)
        with client.stream("GET", PATH, headers=bob) as kept, client.stream("GET", PATH, headers=alice) as cut:
            assert (kept.status_code, cut.status_code) == (200, 200)
            with pytest.raises(httpx2.RemoteProtocolError):  # cut off, never a clean end
                collections.deque(cut.iter_raw(), maxlen=0)
            assert time.monotonic() - given < BOX + 3, "it ends on time, not when the stream ends"
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
