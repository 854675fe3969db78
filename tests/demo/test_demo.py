"""The demo, run as a user runs it."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import httpx2
import pytest

from callout.demo import SCENES, run
from callout.demo.world import World

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
    assert re.findall(r"^(\d)/9 ", out, re.MULTILINE) == list("123456789")
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


def test_a_command_that_fails_is_named_with_its_error(capsys: pytest.CaptureFixture[str]) -> None:
    def nobody_has_a_key(world: World) -> None:
        """Nobody has a key."""
        world.command("key", "create", "nobody")

    assert run([], scenes=[nobody_has_a_key]) == 1
    out = capsys.readouterr().out
    assert "FAILED in scene 1" in out
    assert "`callout key create nobody` ended with" in out
