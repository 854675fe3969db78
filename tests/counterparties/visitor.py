"""A person with a browser without scripts: opens connect pages, goes on to the certified provider, and comes back."""

from __future__ import annotations

import html
import re
from urllib.parse import urljoin

import httpx2

from tests.counterparties.consent import MOST_PAGES, agree
from tests.journeys.processes import PATIENCE

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class Visitor:
    """One browser, and who signs in with it at the provider."""

    def __init__(self, person: str) -> None:
        self.person = person
        self.browser = httpx2.Client(trust_env=False, timeout=PATIENCE)

    def open(self, address: str) -> httpx2.Response:
        """Open an address, as far as its redirects lead."""
        return self.follow(self.browser.get(address))

    def follow(self, answer: httpx2.Response) -> httpx2.Response:
        """Follow redirects."""
        for _ in range(MOST_PAGES):
            if not answer.is_redirect:
                return answer
            answer = self.browser.get(urljoin(str(answer.url), answer.headers["location"]))
        raise AssertionError(f"got {MOST_PAGES} redirects; expected a page")

    def send(self, page: httpx2.Response, **more: str) -> httpx2.Response:
        """Send the form of one of Callout's pages; the answer is not followed."""
        filled = {name: html.unescape(value) for name, value in _HIDDEN.findall(page.text)}
        return self.browser.post(str(page.url.copy_with(query=None)), data=filled | more)

    def back_from_the_provider(self, answer: httpx2.Response) -> str:
        """Sign in and agree at the provider; returns the address with the code, which is not called."""
        for _ in range(MOST_PAGES):
            if answer.is_redirect:
                to = urljoin(str(answer.url), answer.headers["location"])
                if "/connect/callback" in to:
                    return to
                answer = self.browser.get(to)
            else:
                answer = agree(self.browser, answer, self.person)
        raise AssertionError(f"got {MOST_PAGES} pages; expected the way back")

    def connect(self, address: str) -> httpx2.Response:
        """Open a connect page, go on, sign in and agree at the provider; returns the page that says what came of it."""
        answer = self.follow(self.send(self.open(address)))
        for _ in range(MOST_PAGES):
            if "/connect/done" in str(answer.url):
                return answer
            answer = self.follow(agree(self.browser, answer, self.person))
        raise AssertionError(f"got {MOST_PAGES} pages; expected the one that says what came of it")
