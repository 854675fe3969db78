"""Keys in Setup: a key's text stands on the answer that made it and nowhere else."""

import re

import pytest

from callout.core.model.people import AdminPermission, PermissionSet, User, UserKind
from tests.entrypoints.web.visitor import visitor
from tests.world import make_shop

PATH, NEW = "/setup/keys", "/setup/new/key"
KEY = re.compile(r"co_[0-9A-Za-z]{20,}")


@pytest.fixture
async def shop():
    return await make_shop()


@pytest.fixture
async def admin(shop):
    async with visitor(shop) as admin:
        yield admin


async def test_a_key_is_made_as_the_form_says_and_shown_once(shop, admin) -> None:
    page = await admin.fill(
        NEW, user="alice", namespace="acme", label="<host>", expires="90d", named_credentials=["Orders"]
    )
    text = KEY.search(page.text)[0]
    assert page.answer.headers["cache-control"] == "no-store"
    assert 'data-copy="shown-once"' in page.text
    made = next(key for key in shop.store.org.keys.values() if key.prefix == text[:11])
    assert (made.user, made.namespace, made.label, made.named_credentials) == ("alice", "acme", "<host>", ("Orders",))
    for path in (PATH, f"{PATH}/{made.prefix}", "/setup/users/alice", NEW):
        page = await admin.get(path)
        assert page.status == 200
        assert not KEY.search(page.text)
    assert "Limited toOrders" in (await admin.get(f"{PATH}/{made.prefix}")).words


async def test_the_form_begins_with_whom_the_page_before_was_about(admin) -> None:
    assert (await admin.get(f"{NEW}?user=bob")).form()["user"] == ["bob"]


async def test_problems_of_a_new_key_stand_at_their_fields_and_none_is_made(shop, admin) -> None:
    await shop.define(User("robot", kind=UserKind.BACKGROUND))
    there = len(shop.store.org.keys)
    page = await admin.fill(NEW, user="robot")
    assert (page.status, "background identity" in page.problems_at("user")) == (422, True)
    page = await admin.fill(NEW, user="alice", expires="yesterday")
    assert "expected a life" in page.problems_at("expires")
    page = await admin.fill(NEW, do="preview", user="alice")
    assert "+ key of alice" in page.words
    assert not KEY.search(page.text)
    assert len(shop.store.org.keys) == there


async def test_a_key_is_rotated_limited_ended_and_revoked(shop, admin) -> None:
    prefix = (await shop.key_of("alice"))[:11]
    one = f"{PATH}/{prefix}"
    page = await admin.fill(f"{one}/limit", named_credentials=["Orders", "Weather"])
    assert "Limited toOrders, Weather" in page.words
    page = await admin.fill(f"{one}/limit", named_credentials=[])
    assert "not limited" in page.words
    page = await admin.fill(f"{one}/rotate", overlap="1h")
    assert KEY.search(page.text)[0][:11] != prefix
    assert f"{prefix}… ends at 2026-01-01 01:00:00 UTC" in page.words
    page = await admin.fill(f"{one}/rotate", overlap="long")
    assert "30m, 24h or 7d" in page.problems_at("overlap")
    page = await admin.fill(f"{one}/expire", expires="2d")
    assert "Expires2026-01-03" in page.words
    page = await admin.fill(f"{one}/expire", expires="")
    assert "Expiresnever" in page.words
    page = await admin.post(f"{one}/revoke")
    assert "- key" in page.words
    assert prefix in {key.prefix for key in shop.store.org.keys.values()}
    await admin.post(f"{one}/revoke", do="confirm")
    assert prefix not in {key.prefix for key in shop.store.org.keys.values()}
    assert (await admin.get(one)).status == 404


async def test_nobody_makes_a_key_of_one_who_may_more(shop) -> None:
    await shop.define(
        PermissionSet("People", admin_permissions=frozenset({AdminPermission.MANAGE_USERS})),
        PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP})),
    )
    async with visitor(shop, "uma", User("uma", permission_sets=("People",))) as uma:
        page = await uma.fill(NEW, user="admin")
        assert (page.status, "does not have to give" in page.words) == (403, True)
        assert not KEY.search(page.text)
        assert KEY.search((await uma.fill(NEW, user="bob")).text)
    async with visitor(shop, "vera", User("vera", permission_sets=("Viewers",))) as vera:
        assert NEW not in (await vera.get(PATH)).text
        assert (await vera.get(NEW)).status == 403
        assert (await vera.post(NEW, user="bob")).status == 403
    async with visitor(shop, "bob") as bob:
        assert (await bob.get(PATH)).status == 403
