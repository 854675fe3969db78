"""Connecting a principal from a page of Setup, disconnecting it, its values and its token: for admins and for oneself.

The rules are those of the operations: whoever may not is refused there, whatever a page offers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from starlette.responses import RedirectResponse, Response

from callout.core.model.credentials import ExternalCredential, Principal, PrincipalType
from callout.core.model.org import Org
from callout.core.model.sources import parameters_of
from callout.core.oauth2.parameters import AUTHORIZATION_ENDPOINT, DEVICE_AUTHORIZATION_ENDPOINT, ISSUER
from callout.entrypoints.web.forms import placed
from callout.entrypoints.web.secret_fields import read_secrets, secret_groups
from callout.entrypoints.web.sections import Page
from callout.entrypoints.web.visit import Visit

#: How long a link may be good that is sent to somebody: what is offered.
LIVES = (("1h", "1 hour"), ("12h", "12 hours"), ("1d", "1 day"), ("7d", "7 days"))


@dataclass(frozen=True, slots=True)
class Meant:
    """The principal (and user) that a page is about. `path` is where its buttons lead, `back` the page itself."""

    external_credential: str
    principal: str
    user: str
    path: str
    back: str

    @property
    def arguments(self) -> dict[str, Any]:
        """Which it is, as the operations take it."""
        named = {"external_credential": self.external_credential, "principal": self.principal}
        return named | ({"user": self.user} if self.user else {})

    @property
    def reference(self) -> str:
        """Its name."""
        return f"{self.external_credential}/{self.principal}"

    @property
    def place(self) -> str:
        """Where it stands in a manifest."""
        return f"external_credentials.{self.external_credential}.principals.{self.principal}"

    def defined(self, org: Org) -> tuple[ExternalCredential, Principal] | None:
        """Return what is defined of it, or None."""
        external = org.external_credentials.get(self.external_credential)
        principal = external.principal(self.principal) if external is not None else None
        return (external, principal) if external is not None and principal is not None else None


#: From a visit to what is meant.
Meaning = Callable[[Visit], Meant]
#: Shows the page again: with a problem document, or with what the authorization server said of the token.
Showing = Callable[[Visit, dict[str, Any] | None, dict[str, Any] | None], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Connecting:
    """The buttons of one page about principals. `start` is the address under which they stand."""

    start: str
    meaning: Meaning
    showing: Showing

    def pages(self) -> tuple[Page, ...]:
        """Return what the buttons lead to."""
        buttons = {
            "connect": self.connect,
            "link": self.send_link,
            "device": self.begin_device,
            "device/poll": self.poll_device,
            "disconnect": self.disconnect,
            "revoke": self.revoke,
            "introspect": self.introspect,
            "values": self.set_values,
            "values/remove": self.remove_values,
        }
        return tuple(Page(f"{self.start}/{name}", post=run) for name, run in buttons.items())

    async def connect(self, visit: Visit) -> Response:
        """Go to the page that connects it, and come back to this one."""
        meant = self.meaning(visit)
        made, refused = await visit.attempt("connection.link", **meant.arguments)
        if refused is not None:
            return await self.showing(visit, refused, None)
        public = visit.console.links.public_url
        url = f"{made['url']}&{urlencode({'return_url': f'{public}{meant.back}'})}"
        if urlsplit(public).netloc == visit.request.headers.get("host"):
            return RedirectResponse(url, 303)
        return visit.page("go_on.html", meant=meant, url=url, host=urlsplit(public).netloc)

    async def send_link(self, visit: Visit) -> Response:
        """Make a link that is sent to somebody, and show it once."""
        meant, life = self.meaning(visit), visit.form.text("expires") or "1d"
        made, refused = await visit.attempt("connection.link", **meant.arguments, expires=life, invited=True)
        if refused is not None:
            return await self.showing(visit, refused, None)
        return visit.page("connect_link.html", meant=meant, made=made, life=dict(LIVES).get(life, life))

    async def begin_device(self, visit: Visit) -> Response:
        """Ask for a device code, and show it."""
        meant = self.meaning(visit)
        begun, refused = await visit.attempt("connection.begin_device", **meant.arguments)
        if refused is not None:
            return await self.showing(visit, refused, None)
        return visit.page("device_code.html", meant=meant, begun=begun, waiting=False)

    async def poll_device(self, visit: Visit) -> Response:
        """Ask once whether the code was entered; show it again where it was not."""
        meant, form = self.meaning(visit), visit.form
        names = ("handle", "user_code", "verification_uri", "verification_uri_complete")
        begun = {name: form.text(name) for name in names}
        named = {"external_credential": meant.external_credential, "principal": meant.principal}
        polled, refused = await visit.attempt("connection.poll_device", **named, handle=begun["handle"])
        if refused is not None:
            return await self.showing(visit, refused, None)
        if polled["state"] == "pending":
            return visit.page("device_code.html", meant=meant, begun=begun, waiting=True)
        return visit.go(meant.back, connected_as(polled["account"]))

    async def disconnect(self, visit: Visit) -> Response:
        """Take an authorization back, where that was confirmed."""
        told = "The authorization and its token go. Callouts fail until it is connected again."
        return await self._confirmed(visit, "connection.remove", "Disconnect", told)

    async def revoke(self, visit: Visit) -> Response:
        """Revoke a token, where that was confirmed."""
        told = "Its token is revoked at the authorization server and forgotten here. Its values stay."
        return await self._confirmed(visit, "token.revoke", "Revoke the token of", told)

    async def remove_values(self, visit: Visit) -> Response:
        """Remove one value, where that was confirmed."""
        name = visit.form.text("name")
        told = f"The value {name} goes, and the token that was obtained with it. Nobody can bring it back."
        return await self._confirmed(visit, "secret.remove", f"Remove {name} of", told, names=[name])

    async def introspect(self, visit: Visit) -> Response:
        """Ask the authorization server whether the token is active, and show what it says."""
        said, refused = await visit.attempt("token.introspect", **self.meaning(visit).arguments)
        return await self.showing(visit, refused, said)

    async def set_values(self, visit: Visit) -> Response:
        """Set the values that were typed."""
        meant = self.meaning(visit)
        defined = meant.defined(visit.org)
        values = read_secrets(secret_groups(visit, *defined, ()), visit.form) if defined is not None else {}
        done, refused = await visit.attempt("secret.set", **meant.arguments, values=values)
        if refused is not None:
            return await self.showing(visit, refused, None)
        return visit.go(meant.back, done["message"])

    async def _confirmed(self, visit: Visit, operation: str, verb: str, told: str, **more: Any) -> Response:
        meant = self.meaning(visit)
        if visit.form.text("do") != "sure":
            return visit.page("sure.html", meant=meant, verb=verb, told=told, more=more)
        done, refused = await visit.attempt(operation, **meant.arguments, **more)
        if refused is not None:
            return await self.showing(visit, refused, None)
        return visit.go(meant.back, done["message"])


def connected_as(account: str | None) -> str:
    """Say whose account it is now."""
    return f"Connected as {account}." if account else "Connected."


def problems_of_values(meant: Meant, problem: dict[str, Any] | None) -> dict[tuple[str, ...], list[str]]:
    """Return the problems that a refusal has with values, by field; none where it is about something else."""
    found = placed(problem, meant.place) if problem is not None else {}
    return {place: texts for place, texts in found.items() if place[:1] == ("secrets",) and len(place) > 1}


def ways_of(visit: Visit, external: ExternalCredential, principal: Principal) -> dict[str, bool]:
    """Say how it can be connected: in a browser, by a code on another device; each where that is known where."""
    protocol = visit.console.setup.catalogue.get(external.protocol)
    given = parameters_of(visit.org, external, principal)
    interactive = protocol is not None and protocol.interactive

    def knows(name: str) -> bool:
        return interactive and bool(given.get(name) or given.get(ISSUER.name))

    return {"browser": knows(AUTHORIZATION_ENDPOINT.name), "device": knows(DEVICE_AUTHORIZATION_ENDPOINT.name)}


def is_per_user(principal: Principal) -> bool:
    """Say whether each user has values of their own."""
    return principal.type is PrincipalType.PER_USER


def own_address(path: str, user: str) -> str:
    """Return the address of a page about one user's values."""
    return f"{path}?user={quote(user, safe='')}" if user else path
