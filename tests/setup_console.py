"""The console as its tests know it: every page that it has, an address of each, and a person who signs in and sends forms.

The pages are read from the console's own routes, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote

import httpx2

from callout.entrypoints.web.app import Console
from tests.journeys.processes import PATIENCE
from tests.world import make_world

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_PARAMETER = re.compile(r"{(\w+)}")
#: What only sends a browser on to where it shows something.
ON = {"/setup/sign-in/with/{issuer}", "/setup/sign-in/callback", "/setup/callouts"}
#: What is kept as a file.
FILES = {"/setup/manifest/callout.yaml", "/setup/audit/export"}
#: Pages for who is not signed in, and those that only what was done before leads to.
OPEN, AFTER = {"/setup/sign-in", "/setup/welcome"}, {"/setup/create/next"}


@dataclass(frozen=True)
class Address:
    """One address of the console, as its route writes it, and what it can be asked with."""

    path: str
    methods: frozenset[str]

    @property
    def picture(self) -> str:
        """What a picture of this page is called: `/setup/users/{name}/edit` is `users-one-edit`."""
        parts = [_PARAMETER.sub("one", part) for part in self.path.split("/")[2:]]
        return "-".join(parts) or "home"

    @property
    def open(self) -> bool:
        """Say whether it is for who is not signed in."""
        return self.path in OPEN


@cache
def addresses() -> tuple[Address, ...]:
    """Return every address of the console."""
    found: dict[str, set[str]] = {}
    for route in Console(make_world().operations, "1.2.3").routes():
        found.setdefault(route.path, set()).update((route.methods or set()) - {"HEAD"})
    return tuple(Address(path, frozenset(methods)) for path, methods in found.items() if ":path}" not in path)


def pages() -> tuple[Address, ...]:
    """Return the pages that a person can open."""
    ours = [each for each in addresses() if each.path.startswith("/setup") and "/files/" not in each.path]
    return tuple(each for each in ours if "GET" in each.methods and each.path not in ON | AFTER | FILES)


def files() -> tuple[Address, ...]:
    """Return what can be kept as a file."""
    return tuple(each for each in addresses() if each.path in FILES)


def forms() -> tuple[Address, ...]:
    """Return the addresses that take a form."""
    return tuple(each for each in addresses() if "POST" in each.methods)


@dataclass(frozen=True)
class Names:
    """What stands in a home for the parameters of addresses: by its name in braces, or by the part before it."""

    known: Mapping[str, str]
    queries: Mapping[str, str] = field(default_factory=dict)

    def fill(self, address: Address) -> str:
        """Return an address that leads somewhere. A parameter that nothing is known for is an error: name it."""
        parts = address.path.split("/")
        for at, part in enumerate(parts):
            if _PARAMETER.fullmatch(part) is not None:
                before = parts[at - 1]
                known = self.known.get(part, self.known.get(before))
                assert known is not None, f"got {address.path}; expected something in the home for {before}/{part}"
                parts[at] = quote(known, safe="")
        return "/".join(parts) + self.queries.get(address.path, "")


class Person:
    """A person with a browser that runs no scripts."""

    def __init__(self, base: str, *, key: str = "") -> None:
        self.base = base
        self.browser = httpx2.Client(base_url=base, trust_env=False, timeout=PATIENCE)
        self.signed_in = key and self.sign_in(key)

    def get(self, path: str, **more) -> httpx2.Response:
        """Open a page; redirects are not followed."""
        return self.browser.get(path, **more)

    def form_text(self, path: str = "/setup") -> str:
        """Return what every form of this browser's holds."""
        return fields_of(self.get(path))["form_text"]

    def post(self, path: str, form: Mapping[str, object] | None = None, **more) -> httpx2.Response:
        """Send a form of a page, as this browser was given it."""
        text = self.form_text("/setup" if self.signed_in else "/setup/sign-in")
        return self.browser.post(path, data={"form_text": text, **(form or {})}, **more)

    def sign_in(self, key: str) -> str:
        """Sign in with a key; returns the form text before."""
        before = self.form_text("/setup/sign-in")
        answer = self.browser.post("/setup/sign-in", data={"form_text": before, "key": key})
        assert answer.status_code == 303, answer.text
        return before


def fields_of(page: httpx2.Response) -> dict[str, str]:
    """Return the hidden fields of a page."""
    return {name: html.unescape(value) for name, value in _HIDDEN.findall(page.text)}
