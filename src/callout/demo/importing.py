"""The last scene: a Salesforce project is imported, completed, and used."""

from __future__ import annotations

import re
from pathlib import Path

from callout.demo.scenes import expect_answer
from callout.demo.world import CLIENT_ID, CLIENT_SECRET, Unexpected, World, expect

PROJECT = Path(__file__).parents[3] / "examples" / "salesforce"
#: The secret values that metadata never holds, as someone would type them.
SUPPLIED = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "desk": "front-4711"}


def imported_project(world: World) -> None:
    """A Salesforce project is imported, its secret supplied, and a callout made through what was imported."""
    if not PROJECT.is_dir():
        world.transcript.say(f"Left out: {PROJECT.name} is among the examples of the source tree, which is not here.")
        return
    manifest = world.folder / "imported.yaml"
    imported = world.command("import", "salesforce", str(PROJECT), "-o", str(manifest))
    counted = imported["report"]["outcomes"]
    world.transcript.say("Report: " + "; ".join(f"{count} × {outcome}" for outcome, count in counted.items()))
    expect(counted["refused"], 0, "refused definitions")
    world.transcript.say("The project's hosts are made up, so the demo puts the sandbox's URLs in their place.")
    _point_to_sandbox(manifest, world)
    world.command("apply", "-f", str(manifest))
    world.command("permission-set", "assign", "Order_Clerks", "alice")
    world.transcript.say("The secret that metadata does not hold, by the command that the report names:")
    command = _secret_command(imported["report"])
    world.transcript.hide(SUPPLIED["client_secret"], SUPPLIED["desk"])
    asked = re.findall(r"(\w+)=-", command)
    world.as_printed(command, stdin="".join(f"{SUPPLIED[name]}\n" for name in asked))
    made = world.call("callout:Orders/items/1", "alice", until=lambda made: made.answer.status_code == 200)
    expect_answer(made, 200, "token 200", "callout 200")
    names = [name for name, _ in made.answer.json()["headers"]]
    expect({"X-Source", "X-Desk"} <= set(names), True, "the project's custom headers are there")


def _point_to_sandbox(manifest: Path, world: World) -> None:
    places = {
        "url: https://orders.example.com/v2": (
            f"url: {world.where['external_system']}/v2\n    allow_private_network: true"
        ),
        "https://id.example.com/oauth2/token": world.where["token_endpoint"],
        "https://invoices.example.com": f"{world.where['external_system']}/invoices\n    allow_private_network: true",
    }
    text = manifest.read_text()
    for old, new in places.items():
        if old not in text:
            raise Unexpected(f"the imported manifest: got no {old!r}; expected it")
        text = text.replace(old, new)
    manifest.write_text(text)


def _secret_command(report: dict[str, list[dict[str, list[dict[str, str | None]]]]]) -> str:
    for line in report["report"]:
        for task in line["by_hand"]:
            if "Orders_Auth/Order Desk" in (task["command"] or ""):
                return str(task["command"])
    raise Unexpected("the report: got no command that sets the secrets of Orders_Auth/Order Desk; expected one")
