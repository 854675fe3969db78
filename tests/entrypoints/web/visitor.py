"""A browser without scripts, at the console of a world in memory: it signs in, follows, and sends forms as they stand."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from lxml import html
from starlette.applications import Starlette

from callout.core.model.people import User
from callout.entrypoints.web.app import Console
from tests.world import World

HERE = "https://callout.example"


@dataclass
class Page:
    """An answer, read."""

    answer: httpx2.Response

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def text(self) -> str:
        return self.answer.text

    @property
    def tree(self) -> Any:
        return html.fromstring(self.answer.text)

    @property
    def title(self) -> str:
        return " ".join(self.tree.xpath("//h1")[0].text_content().split())

    @property
    def words(self) -> str:
        """The text of the page's main part, each run of space one blank."""
        return " ".join(self.tree.xpath("//main")[0].text_content().split())

    def form(self, action: str = "") -> dict[str, list[str]]:
        """What a browser sends for a form, without a button: the one with `data-form`, or the one that goes to `action`."""
        wanted = f'//form[@action="{action}"]' if action else "//form[@data-form]"
        sent: dict[str, list[str]] = {}
        for name, value in self.tree.xpath(wanted)[0].form_values():
            sent.setdefault(name, []).append(value.removeprefix("\n"))
        return sent

    def problems_at(self, name: str) -> str:
        """What stands as wrong at a field."""
        found = self.tree.xpath(f'//*[@name="{name}"]/ancestor::div[contains(@class, "field")][1]//*[@class="wrongs"]')
        return " ".join(found[0].text_content().split()) if found else ""


class Visitor:
    """One browser; `user` is who it signed in as."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str) -> Page:
        """Open a page."""
        return Page(await self.client.get(path, follow_redirects=True))

    async def post(self, path: str, /, **fields: str | list[str]) -> Page:
        """Press a button of a page that this session was given, and see where it leads."""
        sent = {"form_text": await self.form_text(), **fields}
        return Page(await self.client.post(path, data=sent, follow_redirects=True))

    async def form_text(self) -> str:
        page = Page(await self.client.get("/setup/find", follow_redirects=True))
        return str(page.tree.xpath('//input[@name="form_text"]/@value')[0])

    async def fill(self, path: str, /, *, do: str = "save", **fields: str | list[str]) -> Page:
        """Open a form, change fields of it (`__` stands for `/`), and send it."""
        page = await self.get(path)
        sent: dict[str, Any] = {**page.form(), "do": do}
        sent.update({name.replace("__", "/"): value for name, value in fields.items()})
        action = str(page.tree.xpath("//form[@data-form]/@action")[0])
        return Page(await self.client.post(action, data=sent, follow_redirects=True))


def console_of(world: World) -> Starlette:
    """Return an app that is the console alone."""
    return Starlette(routes=Console(world.operations, "1.2.3").routes())


@asynccontextmanager
async def visitor(world: World, user: str = "admin", *definitions: object):
    """Yield a browser in which a user is signed in: `admin` is made an administrator where they are not there."""
    known = (await world.store.load()).users
    if user == "admin" and user not in known:
        definitions = (User("admin", profile="System Administrator"), *definitions)
    await world.define(*definitions)
    async with browser(console_of(world), await world.key_of(user)) as signed_in:
        yield signed_in


@asynccontextmanager
async def browser(app: Starlette, key: str):
    """Yield a browser in which the user of a key is signed in, at an app that has a console among its routes."""
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=HERE) as client:
        page = Page(await client.get("/setup/sign-in"))
        sent = {name: values[0] for name, values in page.form("/setup/sign-in").items()}
        answer = await client.post("/setup/sign-in", data={**sent, "key": key})
        assert answer.status_code == 303, answer.text
        yield Visitor(client)
