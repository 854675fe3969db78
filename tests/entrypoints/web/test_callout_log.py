"""The Callout Log, one callout with its ladder, and Quick Find by a callout id."""

from urllib.parse import urlencode

import pytest

from callout.core.model.people import AdminPermission, PermissionSet, User
from tests.entrypoints.web.looking import HOSTILE, assert_harmless, refuse, took
from tests.entrypoints.web.visitor import visitor
from tests.world import CLERKS, ORDERS, ORDERS_URL, make_world

VIEWERS = PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP}))


@pytest.fixture
async def world():
    world = make_world()
    await world.define(ORDERS, ORDERS_URL, CLERKS, VIEWERS, User("alice"), User("bob"))
    return world


@pytest.fixture
async def admin(world):
    async with visitor(world) as admin:
        yield admin


def rows_of(page) -> list[str]:
    return [" ".join(each.text_content().split()) for each in page.tree.xpath("//tbody/tr")]


async def test_callouts_stand_newest_first_with_how_they_ended(admin, world) -> None:
    took(world, 12, status=200)
    took(world, 12, status=500)
    took(world, 12, status=0)
    refuse(world, "principal_not_granted", "no grant")
    rows = rows_of(await admin.get("/setup/log"))
    assert [word in row for word, row in zip(("principal_not_granted", "caller left", "500", "200"), rows, strict=True)]
    assert "12 ms" in rows[-1]


async def test_the_filters_narrow_and_stay_in_the_form(admin, world) -> None:
    refuse(world, "principal_not_granted", "no grant", user="alice")
    refuse(world, "overloaded", "busy", user="bob", name="Weather")
    assert len(rows_of(await admin.get("/setup/log"))) == 2
    for question in ("user=bob", "name=Weather", "reason=overloaded", "user=bob&since=1h"):
        page = await admin.get(f"/setup/log?{question}")
        assert len(rows_of(page)) == 1, question
        assert "bob" in rows_of(page)[0]
    form = (await admin.get("/setup/log?user=bob&reason=overloaded&since=2d")).form("/setup/log")
    assert (form["user"], form["reason"], form["since"]) == (["bob"], ["overloaded"], ["2d"])
    assert "No callout is recorded that fits" in (await admin.get("/setup/log?user=nobody")).words
    assert "how long ago" in (await admin.get("/setup/log?since=soon")).words


async def test_older_pages_are_reached_and_the_newest_again(admin, world) -> None:
    ids = [refuse(world, "overloaded", f"busy {number}") for number in range(120)]
    seen, path = [], "/setup/log?reason=overloaded"
    while path:
        page = await admin.get(path)
        seen += [href.rpartition("/")[2] for href in page.tree.xpath("//tbody//th/a/@href")]
        path = next(iter(page.tree.xpath("//a[@rel='next']/@href")), "")
        assert not path or "reason=overloaded" in path
    assert seen == ids[::-1]
    assert page.tree.xpath("//a[text()='Back to the newest']/@href") == ["/setup/log?reason=overloaded"]


async def test_a_callout_has_its_ladder_its_facts_and_a_way_to_try_again(admin, world) -> None:
    callout_id = refuse(world, "principal_not_granted", "got no grant", path=b"/callout/Orders/orders/7")
    page = await admin.get(f"/setup/callouts/{callout_id}")
    assert page.title == "GET Orders"
    assert "got no grant" in page.words
    assert "To be mended by: an admin" in page.words
    again = page.tree.xpath("//a[text()='Try again']/@href")[0]
    assert again == "/setup/try?name=Orders&method=GET&path=%2Forders%2F7&user=alice&do=dry"
    tried = await admin.get(again)
    assert "did not hold" in tried.words


async def test_a_callout_id_is_found_where_it_is_pasted(admin, world) -> None:
    callout_id = refuse(world, "overloaded", "busy")
    page = await admin.get(f"/setup/find?q={callout_id}")
    assert page.tree.xpath(f"//main//a[@href='/setup/callouts/{callout_id}']")
    assert (await admin.get(f"/setup/callouts?id={callout_id.upper()}")).title == "GET Orders"
    assert (await admin.get("/setup/callouts?id=nonsense")).status == 400
    assert (await admin.get(f"/setup/callouts/{'0' * 25}")).status == 404


async def test_one_sees_ones_own_callouts_alone(world) -> None:
    others, own = (refuse(world, "overloaded", "busy", user=user) for user in ("alice", "bob"))
    async with visitor(world, "bob") as bob:
        page = await bob.get("/setup/log")
        assert page.tree.xpath("//tbody//th/a/@href") == [f"/setup/callouts/{own}"]
        assert not page.tree.xpath("//input[@name='user']")
        assert (await bob.get(f"/setup/callouts/{own}")).status == 200
        assert (await bob.get(f"/setup/callouts/{others}")).status == 404


@pytest.mark.parametrize("text", HOSTILE)
async def test_nothing_that_a_caller_wrote_is_run(admin, world, text) -> None:
    callout_id = refuse(world, "principal_not_granted", text, user=text, name=text, path=text.encode())
    for path in ("/setup/log", f"/setup/callouts/{callout_id}", "/setup/troubleshoot", "/setup/health"):
        page = await admin.get(path)
        assert page.status == 200
        assert_harmless(page)
    asked = urlencode(dict.fromkeys(("name", "user", "reason", "since", "before"), text))
    assert_harmless(await admin.get(f"/setup/log?{asked}"))
