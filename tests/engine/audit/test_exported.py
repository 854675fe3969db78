"""What is exported as JSON Lines can be verified without Callout's database, and whatever is done to the file is found."""

import json
from dataclasses import replace

import pytest

from callout.core.chain import read_head
from callout.core.errors import Refused
from callout.core.model.people import Caller
from callout.engine.audit import verify_exported
from callout.engine.operations import OperationRefused
from tests.engine.audit.conftest import lines_of, members_of, record
from tests.world import make_shop


async def trail():
    """An export of acts and of two segments, and the shop that it is of."""
    shop = await make_shop()
    record(shop)
    record(shop, user="bob", status=403, refused="principal_not_granted")
    shop.records.flush()
    await shop.run("named_credential.disable", name="Orders")
    record(shop, replay="done")
    shop.records.flush()
    return shop, await lines_of(shop)


async def test_every_act_and_every_callout_is_a_line() -> None:
    shop, lines = await trail()
    acts = members_of(lines, "act")
    assert acts[-1]["who"] == "local"
    assert len(acts) == len(shop.store.acts)
    assert [c["reason"] for c in members_of(lines, "callout")] == [None, "principal_not_granted", None]
    assert verify_exported(lines)["ok"]


async def test_a_long_trail_is_exported_in_pages_that_make_one_file(shop) -> None:
    for number in range(50):
        await shop.run("user.set", name=f"user{number}")
    first = await shop.run("audit.export")
    assert (first["done"], len(members_of(first["lines"], "row"))) == (False, 20)
    lines = await lines_of(shop)
    found = verify_exported(lines)
    assert (found["ok"], found["rows"]) == (True, len(shop.store.trail.chain))
    assert found["head"] == (await shop.run("audit.head"))["head"]


async def test_an_export_between_two_times_says_where_it_starts(shop) -> None:
    shop.clock.move(days=2)
    await shop.run("user.set", name="carol")
    shop.clock.move(days=2)
    await shop.run("user.set", name="dora")
    lines = await lines_of(shop, since="3d", until="1d")
    assert [act["what"].partition(":")[0] for act in members_of(lines, "act")] == ["carol"]
    found = verify_exported(lines)
    assert (found["ok"], found["rows"]) == (True, 1)
    assert found["starts_after"] is not None


async def test_nothing_in_a_time_is_an_export_that_verifies(shop) -> None:
    shop.clock.move(days=2)
    lines = await lines_of(shop, since="1d")
    assert (len(lines), verify_exported(lines)["ok"]) == (2, True)


def edited(lines: list[str], kind: str, **changes: object) -> list[str]:
    """Change members of the first line of a type."""
    number = next(n for n, line in enumerate(lines) if json.loads(line)["type"] == kind)
    members = json.loads(lines[number]) | changes
    return [*lines[:number], json.dumps(members, separators=(",", ":")), *lines[number + 1 :]]


def without_row(lines: list[str], seq: int) -> list[str]:
    return [line for line in lines if json.loads(line).get("seq") != seq]


TAMPERINGS = {
    "an edited act": lambda lines: edited(lines, "act", who="mallory"),
    "an edited callout": lambda lines: edited(lines, "callout", status=500),
    "an edited row": lambda lines: edited(lines, "row", records='{"act":"x","what":"y"}'),
    "an edited time": lambda lines: edited(lines, "row", at="2020-01-01T00:00:00.000000Z"),
    "a dropped event": lambda lines: [line for line in lines if '"callout_id"' not in line],
    "a dropped row": lambda lines: without_row(lines, 2),
    "a dropped first row": lambda lines: without_row(lines, 1),
    "a cut end": lambda lines: lines[:-3],
    "a missing last line": lambda lines: lines[:-1],
    "an added line": lambda lines: [*lines, lines[1]],
    "an event more": lambda lines: [*lines[:2], lines[1], *lines[2:]],
    "no first line": lambda lines: lines[1:],
    "no line": lambda lines: [],
    "no JSON": lambda lines: [*lines[:3], "}{", *lines[3:]],
    "reordered rows": lambda lines: [lines[0], *lines[3:5], *lines[1:3], *lines[5:]],
}


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_whatever_is_done_to_a_file_is_found(name: str) -> None:
    _, lines = await trail()
    found = verify_exported(TAMPERINGS[name](lines))
    assert not found["ok"]
    assert found["broken"]


async def test_a_file_that_was_made_anew_is_found_by_a_kept_head() -> None:
    shop, lines = await trail()
    kept = read_head((await shop.run("audit.head"))["head"])
    assert verify_exported(lines, kept)["ok"]
    forged_shop = await make_shop()
    for number in range(kept.seq):
        await forged_shop.run("user.set", name=f"u{number}")
    forged = await lines_of(forged_shop)
    assert verify_exported(forged)["ok"]
    assert verify_exported(forged, kept)["broken"] == f"row {kept.seq} was rewritten"


async def test_an_edited_row_of_the_trail_is_exported_as_it_is_and_found(shop) -> None:
    row, stored = shop.store.trail.chain[0]
    shop.store.trail.chain[0] = (replace(row, records=b"\xff{"), stored)
    lines = await lines_of(shop)
    assert members_of(lines, "unreadable")[0]["seq"] == 1
    assert verify_exported(lines)["broken"] == "row 1 was edited"
    for form in ("cef", "ocsf"):
        assert any("unreadable" in line for line in await lines_of(shop, form))


async def test_a_trail_that_was_pruned_is_exported_from_its_checkpoint_on(shop) -> None:
    shop.clock.move(days=10)
    await shop.run("user.set", name="carol")
    pruned = await shop.run("audit.prune", before="5d")
    assert (pruned["changed"], pruned["acts"]) == (True, len(shop.store.acts) - 1)
    lines = await lines_of(shop)
    assert [act["act"] for act in members_of(lines, "act")] == ["define user", "prune audit"]
    found = verify_exported(lines)
    assert (found["ok"], found["starts_after"]) == (True, pruned["through"])


async def test_an_act_is_listed_with_who_and_when_and_a_prune_is_one(shop) -> None:
    shop.clock.move(days=10)
    await shop.run("user.set", name="carol")
    await shop.run("audit.prune", before="5d")
    acts = (await shop.run("audit.list"))["acts"]
    assert [(a["who"], a["act"]) for a in acts] == [("local", "prune audit"), ("local", "define user")]
    assert [a["act"] for a in (await shop.run("audit.list", limit=1))["acts"]] == ["prune audit"]
    assert (await shop.run("audit.list", who="nobody"))["acts"] == []
    shop.clock.move(days=1)
    assert (await shop.run("audit.list", since="1h"))["acts"] == []


@pytest.mark.parametrize("operation", ["audit.list", "audit.export", "audit.head", "audit.verify", "audit.prune"])
async def test_the_trail_is_for_administrators(shop, operation: str) -> None:
    with pytest.raises(OperationRefused):
        await shop.run(operation, Caller("alice", None, "key co_y…"), before="1d")


@pytest.mark.parametrize(
    ("operation", "arguments", "expected"),
    [
        ("audit.prune", {"before": "soon"}, "how long ago"),
        ("audit.prune", {"before": "2100-01-01"}, "a time that is past"),
        ("audit.verify", {"against": "7"}, "audit head"),
        ("audit.list", {"since": "x"}, "how long ago"),
    ],
)
async def test_a_time_or_head_that_is_none_is_refused_with_what_was_expected(
    shop, operation, arguments, expected
) -> None:
    with pytest.raises(Refused, match=expected):
        await shop.run(operation, **arguments)
