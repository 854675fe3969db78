"""The demo, run as a user runs it."""

import asyncio
import json
import os
import re
import signal
import sys
from io import StringIO
from pathlib import Path

import httpx2
import pytest

from callout.demo import SCENES, run
from callout.demo.transcript import Transcript
from callout.demo.world import Exchanged, Unexpected, World, expect

pytestmark = pytest.mark.journey


async def started(folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    """Start the demo with a temporary folder of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "callout",
        "demo",
        *arguments,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_the_demo_shows_every_scene_ends_by_itself_and_leaves_nothing(tmp_path: Path) -> None:
    demo = await started(tmp_path)
    out, errors = (each.decode() for each in await demo.communicate())
    assert (demo.returncode, errors) == (0, ""), out
    assert re.findall(r"^(\d)/8 ", out, re.MULTILINE) == list("12345678")
    assert f"All {len(SCENES)} scenes were as expected." in out
    assert list(tmp_path.iterdir()) == []
    for reason in (
        "principal_not_granted",
        "user_external_credential_denied",
        "namespace_not_allowed",
        "callouts_disabled",
    ):
        assert f"Callout-Error: {reason}" in out or reason in out
    assert out.count("Callout-Replay: done") == 2
    assert re.search(r"co_\w", out) is None
    assert not any(secret in out for secret in ("sandbox-secret", "front-4711", "sbx_"))


async def test_kept_running_it_says_how_to_use_it_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    demo = await started(tmp_path, "--keep")
    assert demo.stdout is not None
    said = (await demo.stdout.readuntil(b"Stop with Ctrl-C")).decode()
    found = re.search(r"curl -i -H 'Callout-Key: (co_\w+)' (http\S+)", said)
    assert found is not None
    async with httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.get(found.group(2), headers={"Callout-Key": found.group(1)})
    assert (answer.status_code, answer.json()["path"]) == (200, "/v2/orders")
    demo.send_signal(signal.SIGINT)
    await demo.communicate()
    assert demo.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_scene_that_is_not_as_expected_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    def guest_is_answered(world: World) -> None:
        """A guest is answered."""
        expect(world.call("callout:Shop/orders", None).answer.status_code, 200, "the answer")

    assert run([], scenes=[guest_is_answered]) == 1
    out = capsys.readouterr().out
    assert "FAILED in scene 1: A guest is answered.\nthe answer: got 403; expected 200" in out


def test_a_command_that_fails_is_named_with_its_error(capsys: pytest.CaptureFixture[str]) -> None:
    def nobody_has_a_key(world: World) -> None:
        """Nobody has a key."""
        world.command("key", "create", "nobody")

    assert run([], scenes=[nobody_has_a_key]) == 1
    out = capsys.readouterr().out
    assert "FAILED in scene 1" in out
    assert "`callout key create nobody` ended with" in out


def test_got_and_expected_are_said() -> None:
    with pytest.raises(Unexpected, match="the answer: got 403; expected 200"):
        expect(403, 200, "the answer")


@pytest.mark.parametrize(("width", "in_columns"), [(80, False), (132, True)])
def test_a_narrow_screen_gets_blocks_instead_of_columns(width: int, *, in_columns: bool) -> None:
    out = StringIO()
    transcript = Transcript(out, width=width)
    transcript.hide("geheim")
    request = httpx2.Request("GET", "http://127.0.0.1:8470/callout/Shop/a")
    answer = httpx2.Response(200, content=json.dumps({"path": "/a", "query": "k=geheim"}), request=request)
    received = {"method": "GET", "target": "/a?k=geheim", "headers": [["Authorization", "Bearer …"]]}
    rest = {"body_text": None, "authenticated": None, "status": 200, "kind": "callout"}
    made = Exchanged("callout:Shop/a", (("Callout-Key", "co_…"),), ({**received, **rest},), answer)
    transcript.exchanged(made, as_whom="alice")
    text = out.getvalue()
    assert ("│" in text) is in_columns
    assert made.statuses == ("callout 200",)
    assert "geheim" not in text
    assert all(part in text for part in ("GET /callout/Shop/a", "GET /a?k=…", "Authorization: Bearer …", "200 OK"))
