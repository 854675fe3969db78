"""Quick Find: what a few letters find, and in which order."""

import pytest

from callout.core.model.credentials import NamedCredential
from callout.entrypoints.web.find import best, score
from callout.entrypoints.web.sections import Place
from tests.entrypoints.web.visitor import visitor
from tests.world import ORDERS, make_world

PLACES = [
    Place("Named Credentials", "/n", "Setup", "endpoint url"),
    Place("External Credentials", "/e", "Setup", "authentication token"),
    Place("New Named Credential", "/new", "Do", "create add"),
    Place("Orders of the shop", "/o", "Named Credential", "Orders https://orders.example.com"),
    Place("Permission Sets", "/p", "Setup", "grant access"),
]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("named", "Named Credentials"),
        ("cred", "Named Credentials"),
        ("nam cred", "Named Credentials"),
        ("new", "New Named Credential"),
        ("orders", "Orders of the shop"),
        ("orders.example", "Orders of the shop"),
        ("ps", "Permission Sets"),
        ("prmset", "Permission Sets"),
        ("GRANT", "Permission Sets"),
        ("token", "External Credentials"),
        ("named credentail", "Named Credentials"),
        ("permsission set", "Permission Sets"),
        ("extrenal", "External Credentials"),
        ("ordrs", "Orders of the shop"),
        ("orderrs", "Orders of the shop"),
        ("orderss", "Orders of the shop"),
    ],
)
def test_a_few_letters_find(question: str, first: str) -> None:
    assert best(question, PLACES)[0].title == first


@pytest.mark.parametrize("question", ["zebra", "named zebra", "sdrawkcab", "", "   "])
def test_what_is_not_there_is_not_found(question: str) -> None:
    assert best(question, PLACES) == []


def test_every_word_has_to_be_found() -> None:
    assert score("named url", PLACES[0]) > 0
    assert score("named token", PLACES[0]) == 0


async def test_the_box_finds_what_is_defined_and_only_for_who_may_see_it() -> None:
    world = make_world()
    hostile = NamedCredential("Evil", "https://e.example", "Orders", label="<img src=x onerror=alert(1)>")
    async with visitor(world, "admin", ORDERS, hostile) as admin:
        page = await admin.get("/setup/find?q=evil&part=1")
        assert "&lt;img src=x" in page.text
        assert "<img" not in page.text
        assert "/setup/named-credentials/Evil" in page.text
    await world.run("user.set", name="bob", profile="Standard User")
    async with visitor(world, "bob") as bob:
        assert "/setup/named-credentials" not in (await bob.get("/setup/find?q=evil")).text


async def test_an_address_where_nothing_stands_says_so_as_a_page() -> None:
    async with visitor(make_world()) as admin:
        page = await admin.get("/setup/no-such-thing")
        assert (page.status, page.title) == (404, "Not found")
        assert "Quick Find" in page.words
