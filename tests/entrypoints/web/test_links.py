"""No page offers a link that who asks may not follow, or that leads nowhere."""

import json
import re

import pytest

from callout.core.model.people import AdminPermission, PermissionSet, Profile, User
from tests.entrypoints.web.looking import refuse
from tests.entrypoints.web.visitor import visitor
from tests.world import make_shop

#: What a package brings that waits for approval.
ASKS = {
    "external_credentials": {"Partner": {"protocol": "basic", "principals": {"Service": {}}}},
    "named_credentials": {"Partner": {"url": "https://partner.example", "external_credential": "Partner"}},
}
#: Forms of presets are alike: one of them stands for all.
_ALIKE = re.compile(r"/setup/create/preset/(?!stripe$)")


@pytest.fixture
async def shop():
    shop = await make_shop()
    for permission in AdminPermission:
        await shop.define(PermissionSet(f"Only {permission}", admin_permissions=frozenset({permission})))
        await shop.define(User(permission.value, permission_sets=(f"Only {permission}",)))
    await shop.define(Profile("Contractors"), User("dave", "Contractors"))
    await shop.run("package.install", namespace="acme", manifest=json.dumps(ASKS))
    for user in ("admin", "alice", "dave", *(each.value for each in AdminPermission)):
        detail = "user 'dave' is not granted Orders/Service"
        refuse(shop, "principal_not_granted", detail, user=user)
    return shop


async def offered(somebody) -> dict[str, tuple[int, str]]:
    """Follow every link from the first page on; returns the status of each page, and the one that led there first."""
    found: dict[str, tuple[int, str]] = {}
    waiting = [("/setup", "")]
    while waiting:
        path, before = waiting.pop()
        if path in found or _ALIKE.match(path):
            continue
        page = await somebody.get(path)
        found[path] = (page.status, before)
        for link in page.tree.xpath("//a/@href"):
            here, _, place = str(page.answer.url.join(link)).partition("#")
            if here == str(page.answer.url) and place:
                assert page.tree.xpath(f'//*[@id="{place}"]'), f"{path} leads to #{place}"
            if here.startswith("https://callout.example/setup"):
                waiting.append((here.removeprefix("https://callout.example"), path))
    return found


@pytest.mark.parametrize("user", ["admin", *(each.value for each in AdminPermission), "alice", "dave"])
async def test_every_link_that_a_page_offers_can_be_followed(shop, user) -> None:
    async with visitor(shop, user) as somebody:
        found = await offered(somebody)
    assert len(found) > 5
    assert {path: told for path, told in found.items() if told[0] != 200} == {}
